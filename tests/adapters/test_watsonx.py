from __future__ import annotations

import asyncio
import inspect
from contextlib import closing, contextmanager

import httpx
import pytest
from fake_providers import watsonx as wire
from ibm_watsonx_ai import APIClient, Credentials
from ibm_watsonx_ai.foundation_models import Embeddings, ModelInference, Rerank
from ibm_watsonx_ai.wml_client_error import WMLClientError

from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
TEXT_USAGE = Usage(input=9, output=4)


class Plain(httpx.HTTPTransport):
    """The SDK takes no address but https."""

    def handle_request(self, request):
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


class PlainLater(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        request.url = request.url.copy_with(scheme="http")
        return await super().handle_async_request(request)


@contextmanager
def client(fake):
    http, later = httpx.Client(transport=Plain()), httpx.AsyncClient(transport=PlainLater())
    credentials = Credentials(
        url=fake.url.replace("http:", "https:"), token="t", instance_id="openshift", version="5.1"
    )
    made = APIClient(credentials, httpx_client=http, async_httpx_client=later)
    made.default_project_id = "p"
    with closing(http):
        yield made


def ask(fake, use, **which):
    """What `use(model)` gives, awaited and listed as it needs."""

    async def run():
        with client(fake) as api:
            model = ModelInference(**(which or {"model_id": wire.MODEL}), api_client=api, validate=False)
            answer = use(model)
            if inspect.isawaitable(answer):
                answer = await answer
            if hasattr(answer, "__aiter__"):
                answer = [each async for each in answer]
            elif hasattr(answer, "__next__"):
                answer = list(answer)
            await api.async_httpx_client.aclose()
            return answer

    return asyncio.run(run())


@pytest.mark.parametrize("method", ["chat", "achat", "chat_stream", "achat_stream"])
def test_a_chat_tells_its_usage_in_every_shape(watch, serve, method):
    seen, fake = watch("watsonx"), serve(wire)

    ask(fake, lambda model: getattr(model, method)(messages=MESSAGES, params={"temperature": 0.5}))

    assert (seen.usage, seen.reply.model, seen.reply.id) == (Usage(input=19, output=10), wire.MODEL, "chat-1")
    assert seen.attributes["gen_ai.provider.name"] == "ibm.watsonx.ai"
    assert seen.attributes["gen_ai.request.temperature"] == 0.5
    assert seen.attributes["server.address"] == "127.0.0.1"


def test_a_chat_is_priced(watch, serve):
    seen, fake = watch("watsonx"), serve(wire)

    ask(fake, lambda model: model.chat(messages=MESSAGES))

    assert seen.attributes["costspan.price.status"] == "priced"


def test_a_text_that_comes_without_its_counts_is_counted_by_the_provider(watch, serve):
    seen, fake = watch("watsonx"), serve(wire)

    answer = ask(fake, lambda model: model.generate_text(prompt="Cats?"))

    assert answer == wire.TEXT
    assert (seen.usage, seen.reply.finish_reasons) == (TEXT_USAGE, ("eos_token",))


@pytest.mark.parametrize("raw", [False, True])
def test_a_stream_of_text_gives_the_same_and_is_counted_by_the_provider(watch, serve, raw):
    seen, fake = watch("watsonx"), serve(wire)

    parts = ask(fake, lambda model: model.generate_text_stream(prompt="Cats?", raw_response=raw))

    assert "".join(part["results"][0]["generated_text"] if raw else part for part in parts) == wire.TEXT
    assert (seen.usage, seen.reply.finish_reasons) == (TEXT_USAGE, ("eos_token",))


@pytest.mark.parametrize("method", ["agenerate", "agenerate_stream"])
def test_text_tells_its_usage_async(watch, serve, method):
    seen, fake = watch("watsonx"), serve(wire)

    ask(fake, lambda model: getattr(model, method)(prompt="Cats?"))

    assert (seen.usage, seen.reply.finish_reasons) == (TEXT_USAGE, ("eos_token",))


@pytest.mark.parametrize("at_once", [False, True])
def test_a_list_of_prompts_is_one_call_with_all_counts(watch, serve, at_once):
    seen, fake = watch("watsonx"), serve(wire)

    answers = ask(fake, lambda model: model.generate(prompt=["Cats?", "Dogs?", "Owls?"], async_mode=at_once))

    assert len(answers) == 3
    assert seen.usage == Usage(input=27, output=12)


def test_a_stream_of_text_left_early_ends_the_call(watch, serve):
    seen, fake = watch("watsonx"), serve(wire)

    def take(model):
        stream = model.generate_text_stream(prompt="Cats?")
        first = next(stream)
        stream.close()
        return first, stream.__name__

    assert ask(fake, take) == (wire.pieces(wire.TEXT)[0], "_generate_stream_with_url")
    assert seen.reply.partial
    assert seen.usage.input == 9


def test_a_stream_that_breaks_with_an_event_is_a_failed_call(watch, serve):
    seen, fake = watch("watsonx"), serve(wire)
    with client(fake) as api:
        model = ModelInference(model_id=wire.MODEL, api_client=api, validate=False)
        fake.play(wire.broken_stream())
        with pytest.raises(WMLClientError):
            list(model.generate_text_stream(prompt="Cats?"))

    assert seen.attributes["error.type"].endswith("WMLClientError")


def test_a_deployment_has_the_model_that_answered(watch, serve):
    seen, fake = watch("watsonx"), serve(wire)
    with client(fake) as api:
        model = ModelInference(deployment_id="d", api_client=api, validate=False)
        model._inference._deployment_type_validation = lambda *_: True  # asks what the deployment is
        model.generate_text(prompt="Cats?")

    assert (seen.call.request.model, seen.reply.model, seen.usage) == ("", wire.MODEL, TEXT_USAGE)


def test_embeddings_and_ranks_tell_their_input(watch, serve):
    seen, fake = watch("watsonx"), serve(wire)
    with client(fake) as api:
        Embeddings(model_id=wire.MODEL, api_client=api).embed_documents(["a", "b"])
        Rerank(model_id=wire.MODEL, api_client=api).generate(query="q", inputs=["a"])

    assert [(call.request.operation, call.reply.usage) for call in seen.calls] == [
        ("embeddings", Usage(input=8)),
        ("rerank", Usage(input=17)),
    ]
