from __future__ import annotations

import huggingface_hub as hub
import pytest
from fake_providers import openai as wire

from adapters import SHAPES, Client, telling
from costspan.adapters._huggingface_hooks import open_inference
from costspan.adapters.huggingface_hub import ADAPTER
from costspan.config import Settings
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def client(fake, **where):
    where = where or {"base_url": fake.url + "/v1", "api_key": "k"}
    return Client(lambda: hub.InferenceClient(**where), lambda: hub.AsyncInferenceClient(**where))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("path", ["chat_completion", "chat.completions.create"])
def test_usage_is_read_in_every_shape(watch, serve, shape, path):
    seen, fake = watch("huggingface_hub"), serve(wire)
    fake.play(telling(wire.chat(usage=wire.CACHED)))

    client(fake).ask(shape, path, messages=MESSAGES)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert seen.attributes["gen_ai.provider.name"] == "hugging_face"


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_the_provider_behind_the_router_is_whose_prices_apply(watch, serve, shape):
    seen, fake = watch("huggingface_hub"), serve(wire)
    made = client(fake, provider="together", api_key="k")

    made.ask(shape, "chat_completion", MESSAGES, model=fake.url + "/v1")

    assert seen.call.request.biller == "huggingface_together"


@pytest.mark.parametrize(
    ("url", "biller"),
    [
        ("https://router.huggingface.co/groq/openai/v1", "huggingface_groq"),
        ("https://router.huggingface.co/v1", "hugging_face"),
        ("http://localhost:8000/v1", "vllm"),
        ("https://x.endpoints.huggingface.cloud/v1", ""),
    ],
)
def test_an_address_tells_whose_prices_apply(url, biller):
    sdk = hub.InferenceClient(base_url=url, api_key="k")

    opened = open_inference(ADAPTER, ADAPTER.seats[0], sdk, (MESSAGES,), {}, Settings())

    assert opened.request.biller == biller


@pytest.mark.parametrize("model", [{}, {"model": "tgi"}])
@pytest.mark.parametrize("shape", ["sync", "async"])
def test_an_endpoint_of_ones_own_is_the_address_whatever_the_model_is_called(watch, serve, shape, model):
    seen, fake = watch("huggingface_hub"), serve(wire)

    client(fake).ask(shape, "chat_completion", MESSAGES, **model)

    assert (seen.call.request.host, seen.call.request.model) == ("127.0.0.1", model.get("model", ""))


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_the_prompt_counts_where_its_tokens_are_listed(watch, serve, shape):
    seen, fake = watch("huggingface_hub"), serve(wire)
    details = {
        "finish_reason": "length",
        "generated_tokens": 4,
        "prefill": [{"id": 1, "text": "Cats"}] * 3,
        "tokens": [],
    }
    fake.play(reply([{"generated_text": "Cats sleep.", "details": details}]))

    client(fake, model=fake.url).ask(shape, "text_generation", "Cats", details=True, decoder_input_details=True)

    assert (seen.usage, seen.reply.finish_reasons) == (Usage(input=3, output=4), ("length",))
