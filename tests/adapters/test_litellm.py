"""LiteLLM over the openai SDK and over its own HTTP, both on the fake OpenAI."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from types import SimpleNamespace

import pytest
from fake_providers import anthropic
from fake_providers import openai as wire
from pydantic import BaseModel

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm

from adapters import PLAIN, SHAPES, STREAMS
from costspan import instrumentors
from costspan.adapters._litellm_hooks import read_hidden, read_response
from costspan.call import Reply, Request
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)
CACHED = Usage(input=400, cache_read=600, output=150, reasoning=50)


class City(BaseModel):
    city: str
    degrees: int


@pytest.fixture
def fake(serve):
    litellm.cache = None
    litellm.in_memory_llm_clients_cache.flush_cache()
    return serve(wire)


def ask(fake, shape, function="completion", **arguments):
    where = {"api_base": fake.url + "/v1", "api_key": "k", "num_retries": 0, "max_retries": 0}

    async def later():
        answer = await getattr(litellm, "a" + function)(**where, **arguments)
        return [chunk async for chunk in answer] if arguments.get("stream") else answer

    if "stream" in shape:
        arguments["stream"] = True
    if shape.startswith("async"):
        return asyncio.run(later())
    answer = getattr(litellm, function)(**where, **arguments)
    return list(answer) if "stream" in shape else answer


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", ["openai/gpt-4o", "deepseek/deepseek-chat", "groq/llama-3.3-70b-versatile"])
def test_one_call_is_one_span_whatever_is_beneath(watch, fake, shape, model):
    seen = watch("litellm", "openai")
    fake.play(wire.chat(usage=wire.CACHED))

    more = {"stream_options": {"include_usage": True}} if "stream" in shape else {}
    ask(fake, shape, model=model, messages=MESSAGES, **more)

    assert seen.usage == CACHED
    assert len(seen.spans) == 1
    assert seen.attributes["gen_ai.provider.name"] == model.partition("/")[0]


@pytest.mark.parametrize(
    ("model", "provider"), [("dashscope/qwen-plus", "alibaba_cloud"), ("hosted_vllm/qwen-plus", "hosted_vllm")]
)
def test_a_provider_has_the_name_that_its_own_sdk_and_host_have(watch, fake, model, provider):
    seen = watch("litellm", "openai")

    ask(fake, "sync", model=model, messages=MESSAGES)

    assert seen.attributes["gen_ai.provider.name"] == provider


@pytest.mark.parametrize("shape", PLAIN)
def test_an_edit_of_a_picture_is_one_call_by_its_tokens(watch, fake, shape):
    seen = watch("litellm", "openai")

    ask(fake, shape, "image_edit", image=PIXEL, model="openai/gpt-image-1", prompt="A hat for the cat")

    told = wire.IMAGE_USAGE["input_tokens_details"]
    assert (seen.usage.input, seen.usage.input_image) == (told["text_tokens"], told["image_tokens"])
    assert seen.usage.output_image == wire.IMAGE_USAGE["output_tokens"]
    assert len(seen.spans) == 1
    assert seen.attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize(
    "positions",
    [("image_edit", PIXEL, "A hat", "openai/gpt-image-1"), ("aimage_edit", PIXEL, "openai/gpt-image-1", "A hat")],
)
def test_an_edit_is_of_the_model_that_is_given_by_position(watch, fake, positions):
    seen, (function, *given) = watch("litellm"), positions

    async def later():
        answer = getattr(litellm, function)(*given, api_base=fake.url + "/v1", api_key="k")
        return await answer if function.startswith("a") else answer

    with suppress(TypeError):  # of LiteLLM 1.109, which takes what comes first for the model
        asyncio.run(later())

    assert seen.call.request.model == "openai/gpt-image-1"


def test_reasoning_beside_the_completion_is_inside_the_output(watch, fake):
    """XAI's answers; LiteLLM adds it to the completion, or not, as the total says."""
    seen = watch("litellm", "openai")
    fake.play(wire.chat(usage=wire.CACHED | {"completion_tokens": 150}))

    ask(fake, "sync", model="xai/grok-4", messages=MESSAGES)

    assert seen.usage == CACHED


@pytest.mark.parametrize("shape", STREAMS)
def test_usage_that_litellm_asks_for_itself_is_read_though_the_program_does_not_see_it(watch, fake, shape, monkeypatch):
    seen = watch("litellm", "openai")
    fake.play(wire.chat(usage=wire.CACHED))
    monkeypatch.setattr("litellm.main.OPENAI_CHAT_COMPLETIONS", "", raising=False)

    chunks = ask(fake, shape, model="openai/gpt-4o", messages=MESSAGES)

    asked = (fake.requests[-1].json.get("stream_options") or {}).get("include_usage")
    assert all(getattr(chunk, "usage", None) is None for chunk in chunks)
    assert seen.usage == (CACHED if asked else None)


def test_a_stream_left_early_ends_the_call(watch, fake):
    seen = watch("litellm", "openai")

    async def leave():
        stream = await litellm.acompletion(
            model="openai/gpt-4o", messages=MESSAGES, stream=True, api_base=fake.url + "/v1", api_key="k"
        )
        await anext(stream)
        await stream.aclose()

    asyncio.run(leave())

    assert seen.reply.partial


def test_a_function_that_the_program_looks_up_is_seen_and_put_back(watch, fake):
    """Also one that was imported before, and another one after the adapter was off in between."""
    before = litellm.completion
    for _ in range(2):
        seen = watch("litellm")
        ask(fake, "sync", model="openai/gpt-4o", messages=MESSAGES)
        instrumentors.uninstrument()

        assert seen.usage == Usage(input=19, output=10)
        assert litellm.completion is before


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_embeddings_are_one_call_though_they_go_through_the_client_itself(watch, fake, shape):
    seen = watch("litellm", "openai")

    ask(fake, shape, "embedding", model="openai/text-embedding-3-small", input=["cats"])

    assert (seen.call.request.operation, seen.usage) == ("embeddings", Usage(input=8))


def test_a_router_tells_each_attempt_and_bills_the_one_that_answered(watch, fake):
    seen = watch("litellm", "openai")
    fake.play(wire.error(500), wire.chat())
    where = {"api_base": fake.url + "/v1", "api_key": "k", "max_retries": 0}
    models = [
        {"model_name": "main", "litellm_params": {"model": "openai/gpt-4o", **where}},
        {"model_name": "spare", "litellm_params": {"model": "openai/gpt-4o-mini", **where}},
    ]
    router = litellm.Router(model_list=models, fallbacks=[{"main": ["spare"]}], num_retries=0)

    router.completion(model="main", messages=MESSAGES)

    first, second = seen.spans
    assert "gen_ai.usage.cost.amount" not in first.attributes
    assert second.attributes["gen_ai.usage.cost.amount"] > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mocked_answer_costs_nothing(watch, fake, shape):
    seen = watch("litellm", "openai")

    ask(fake, shape, model="openai/gpt-4o", messages=MESSAGES, mock_response="Cats.")

    assert fake.requests == []
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0


def test_an_answer_from_litellms_cache_costs_nothing(watch, fake):
    seen = watch("litellm", "openai")
    litellm.cache = litellm.Cache(type="local")
    for _ in range(2):
        ask(fake, "sync", model="openai/gpt-4o", messages=MESSAGES, caching=True)

    assert len(fake.requests) == 1
    assert [span.attributes["costspan.price.status"] for span in seen.spans] == ["priced", "free"]


def test_litellms_own_price_is_for_models_that_no_list_has(watch, fake):
    seen = watch("litellm")
    own = {"input_cost_per_token": 0.25, "output_cost_per_token": 0.5}

    ask(fake, "sync", model="openai/house-model", messages=MESSAGES, **own)

    assert seen.attributes["gen_ai.usage.cost.amount"] == 19 * 0.25 + 10 * 0.5
    assert seen.attributes["gen_ai.usage.cost.source"] == "local"


@pytest.mark.parametrize("shape", SHAPES)
def test_litellms_own_price_in_a_streams_usage_is_not_the_providers(watch, fake, shape):
    seen = watch("litellm")
    more = {"stream_options": {"include_usage": True}} if "stream" in shape else {}

    ask(fake, shape, model="openai/gpt-4o", messages=MESSAGES, **more)

    assert seen.attributes["gen_ai.usage.cost.source"] == "local"
    assert seen.reply.stated_cost is None


@pytest.mark.parametrize("streamed", [False, True])
def test_server_tools_of_a_response_are_billed_by_the_call(streamed):
    """Newer releases make responses only where `mcp` is installed, so what they hand over is made here."""
    answer = {"output": [{"type": "web_search_call", "action": {"type": "search"}}]}
    last = SimpleNamespace(completed_response={"response": answer}) if streamed else answer
    reply = Reply(usage=Usage(input=1))

    read_response(Request("chat", "openai", body={}), last, reply)

    assert reply.usage == Usage(input=1, web_searches=1)


@pytest.mark.parametrize(("model", "billed"), [("gemini/gemini-2.5-flash", 1), ("vertex_ai/gemini-3-flash-preview", 2)])
def test_googles_searches_are_billed_by_the_prompt_or_by_the_query(model, billed):
    """LiteLLM tells how many queries there were, whatever the model bills; what it hands over is made here."""
    provider, _, name = model.partition("/")
    asked = Request("chat", provider, model=model, body={})
    reply = Reply(model=name, usage=Usage(input=1, web_searches=2, maps_searches=2))

    read_hidden(asked, SimpleNamespace(_hidden_params={"custom_llm_provider": provider}), reply)

    assert reply.usage == Usage(input=1, web_searches=billed, maps_searches=billed)


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_what_a_provider_charges_is_read_through_litellm(watch, fake, shape):
    seen = watch("litellm")
    fake.play(wire.chat(usage=wire.CACHED | {"cost_in_usd_ticks": 25_000_000}))

    ask(fake, shape, model="xai/grok-4", messages=MESSAGES)

    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.0025
    assert seen.attributes["gen_ai.usage.cost.source"] == "provider"


@pytest.mark.parametrize("shape", SHAPES)
def test_terms_of_anthropic_are_read_through_litellm(watch, serve, shape):
    """Fast doubles the price, inference in the US adds a tenth; the whole is as at Anthropic itself."""
    litellm.in_memory_llm_clients_cache.flush_cache()
    seen, fake = watch("litellm"), serve(anthropic)
    used = {"input_tokens": 10_000, "output_tokens": 1_000, "speed": "fast", "inference_geo": "us"}
    fake.play(anthropic.message(usage=used, model="claude-opus-5"))
    more = {"stream_options": {"include_usage": True}} if "stream" in shape else {}

    asked = {"speed": "fast", "inference_geo": "us"}
    ask(fake, shape, model="anthropic/claude-opus-5", messages=MESSAGES, max_tokens=9, **asked, **more)

    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.165


@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_anthropic_tells_is_read_of_a_stream_whose_usage_the_program_does_not_ask_for(watch, serve, shape):
    """Writes of an hour, searches and where it ran: LiteLLM takes them out of the chunks, and keeps them."""
    litellm.in_memory_llm_clients_cache.flush_cache()
    seen, fake = watch("litellm"), serve(anthropic)
    fake.play(anthropic.message(usage=anthropic.CACHED | {"inference_geo": "us"}, model="claude-opus-5"))

    ask(fake, shape, model="anthropic/claude-opus-5", messages=MESSAGES, max_tokens=9)

    told = seen.usage
    assert (told.cache_write_5m, told.cache_write_1h, told.web_searches) == (100, 200, 2)
    assert (told.total_input, told.total_output, seen.reply.terms.geo) == (1300, 200, "us")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_whose_answer_is_to_have_the_shape_of_a_class_is_told(watch, serve, shape):
    litellm.in_memory_llm_clients_cache.flush_cache()
    seen, fake = watch("litellm"), serve(anthropic)

    ask(fake, shape, model="anthropic/claude-sonnet-4-5", messages=MESSAGES, max_tokens=9, response_format=City)

    assert seen.usage == Usage(input=19, output=10)


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_an_error_bills_nothing(watch, fake, shape):
    seen = watch("litellm", "openai")
    fake.play(wire.error(400))

    with pytest.raises(litellm.BadRequestError):
        ask(fake, shape, model="openai/gpt-4o", messages=MESSAGES)

    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize("shape", STREAMS)
@pytest.mark.parametrize("model", ["text-completion-openai/gpt-3.5-turbo-instruct", "openai/gpt-4o"])
def test_a_stream_of_a_text_completion_is_one_call_and_not_of_0_tokens(watch, fake, shape, model):
    """LiteLLM makes a usage of zeros for each chunk, and may call the SDK beneath when it is asked for the first."""
    seen = watch("litellm", "openai", count_tokens="missing")

    ask(fake, shape, "text_completion", model=model, prompt="Tell me about cats.")

    (span,) = seen.spans
    assert span.attributes["gen_ai.usage.input_tokens"] > 0
    assert span.attributes["gen_ai.usage.output_tokens"] > 0
    assert span.attributes["costspan.usage.source"] != "provider"


@pytest.mark.parametrize("shape", PLAIN)
def test_documents_are_billed_by_the_page(watch, fake, shape):
    seen = watch("litellm")
    sheet = {"index": 0, "markdown": "Cats.", "images": [], "dimensions": {"dpi": 72, "height": 1, "width": 1}}
    fake.play(reply({"pages": [sheet], "model": "mistral-ocr-latest", "usage_info": {"pages_processed": 3}}))
    document = {"type": "document_url", "document_url": "https://example.com/cats.pdf"}

    ask(fake, shape, "ocr", model="mistral/mistral-ocr-latest", document=document)

    assert (seen.call.request.provider, seen.usage) == ("mistral_ai", Usage(pages=3))
    assert seen.attributes["costspan.price.status"] == "priced"


@pytest.mark.skipif(not hasattr(litellm, "systemone"), reason="not in this version")
@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("function", "asked"),
    [
        ("decisions", {"input": "Cats?", "questions": [{"name": "q", "type": "predicate", "instructions": "A pet?"}]}),
        ("systemone", {"state": "Cats?", "questions": {"q": {"type": "noul", "instructions": "A pet?"}}}),
    ],
)
def test_decisions_are_billed_by_their_tokens(watch, fake, shape, function, asked):
    seen = watch("litellm")
    answers = [{"name": "q", "type": "predicate", "probability": 0.5}]
    fake.play(reply({"model": "gpt-5.4", "answers": answers, "usage": wire.RESPONSE_USAGE}))

    ask(fake, shape, function, model="openai/gpt-5.4", **asked)

    assert (seen.usage.input, seen.usage.cache_read, seen.usage.total_output) == (400, 600, 200)
    assert seen.attributes["costspan.price.status"] == "priced"
