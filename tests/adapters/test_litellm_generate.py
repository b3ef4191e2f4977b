"""LiteLLM asked in the form of Google's API, as its proxy is by google-genai: sent as it is, or put into another."""

from __future__ import annotations

import asyncio
import os

import pytest
from fake_providers import gemini, openai

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm
from openai import OpenAIError

from adapters import PLAIN, SHAPES, STREAMS
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
GEMINI = "gemini/gemini-2.5-flash"
FULL = Usage(
    input=250, cache_read=500, input_audio=200, cache_read_audio=100, output=100, output_image=50, reasoning=70
)
SEARCHED = gemini.candidate({"text": "Cats."}, groundingMetadata={"webSearchQueries": ["cats", "dogs"]})


@pytest.fixture
def fake(serve):
    litellm.cache = None
    litellm.in_memory_llm_clients_cache.flush_cache()
    return serve(gemini)


def ask(shape, model, url, take=None, **more):
    """The answer, or the parts of a stream: the first `take` of them."""
    name = "generate_content_stream" if "stream" in shape else "generate_content"
    arguments = {"model": model, "contents": [{"role": "user", "parts": [{"text": "Cats?"}]}], "api_base": url}
    arguments |= {"api_key": "k", "config": {"temperature": 0.5, "maxOutputTokens": 30}, **more}

    async def later():
        answer = await getattr(litellm.google_genai, "a" + name)(**arguments)
        if "stream" not in shape:
            return answer
        return [await anext(answer) for _ in range(take)] if take else [part async for part in answer]

    if shape.startswith("async"):
        return asyncio.run(later())
    answer = getattr(litellm.google_genai, name)(**arguments)
    if "stream" not in shape:
        return answer
    return [next(answer) for _ in range(take)] if take else list(answer)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_google_answers_is_one_call_with_all_of_its_counts(watch, fake, shape):
    seen = watch("litellm", "openai")
    fake.play(gemini.generated(usageMetadata=gemini.FULL))

    ask(shape, GEMINI, fake.url)

    assert seen.usage == FULL
    told = seen.attributes
    assert told["gen_ai.provider.name"] == "gcp.gemini"
    assert told["gen_ai.operation.name"] == "generate_content"
    assert told["gen_ai.request.max_tokens"] == 30
    assert told["gen_ai.response.model"] == "gemini-2.5-flash-001"
    assert told["costspan.price.status"] == "priced"


def test_a_schema_may_have_keys_that_are_no_text(watch, fake):
    seen = watch("litellm")
    labels = {"type": "object", "properties": {"cat": {"type": "string"}}, "x-names": {1: "one", None: "none"}}

    ask("sync", GEMINI, fake.url, config={"maxOutputTokens": 30, "responseJsonSchema": labels})

    assert seen.attributes["gen_ai.request.max_tokens"] == 30


@pytest.mark.parametrize("shape", PLAIN)
def test_googles_searches_are_billed(watch, fake, shape):
    seen = watch("litellm")
    fake.play(gemini.generated(candidates=[SEARCHED]))

    ask(shape, "gemini/gemini-3-flash-preview", fake.url, tools=[{"googleSearch": {}}])

    assert seen.usage.web_searches == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_an_interaction_is_one_call(watch, fake, shape):
    seen = watch("litellm", "openai")
    arguments = {"model": GEMINI, "input": "Cats?", "api_key": "k", "api_base": fake.url, "stream": "stream" in shape}

    async def later():
        answer = await litellm.interactions.acreate(**arguments)
        return [each async for each in answer] if arguments["stream"] else answer

    asyncio.run(later()) if shape.startswith("async") else list(litellm.interactions.create(**arguments))

    assert (seen.usage.total_input, seen.usage.total_output, seen.usage.web_searches) == (110, 50, 1)
    assert (seen.attributes["gen_ai.provider.name"], seen.reply.model) == ("gcp.gemini", "gemini-2.5-flash")


@pytest.mark.parametrize("shape", PLAIN)
def test_an_interaction_in_the_background_is_billed_by_the_poll_that_finds_it_done(watch, fake, shape):
    seen, name = watch("litellm"), f"v1_litellm_{shape}"
    running = {"id": name, "status": "in_progress", "usage": None, "steps": []}
    done = gemini.interaction(id=name, model="gemini-2.5-flash")
    fake.play(gemini.interaction(**running), gemini.interaction(**running), done, done)
    reached = {"api_key": "k", "api_base": fake.url}
    asked = {"model": GEMINI, "input": "Cats?", "background": True, **reached}

    async def later():
        await litellm.interactions.acreate(**asked)
        for _ in range(3):
            await litellm.interactions.aget(name, **reached)

    if shape == "async":
        asyncio.run(later())
    else:
        litellm.interactions.create(**asked)
        for _ in range(3):
            litellm.interactions.get(name, **reached)

    made, told = seen.calls
    assert (made.reply.usage, told.reply.usage.total_input, told.reply.usage.total_output) == (None, 110, 50)
    assert (told.request.provider, told.reply.model, told.reply.id) == ("gcp.gemini", "gemini-2.5-flash", name)
    assert seen.spans[1].attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize("shape", PLAIN)
def test_a_compaction_is_billed_as_a_response(watch, serve, shape):
    seen, fake = watch("litellm", "openai"), serve(openai)
    arguments = {"model": "openai/gpt-4o", "input": "Cats?", "api_key": "k", "api_base": fake.url + "/v1"}

    asyncio.run(litellm.acompact_responses(**arguments)) if shape == "async" else litellm.compact_responses(**arguments)

    assert seen.usage.total_input > 0
    assert seen.attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_that_is_left_is_a_part(watch, fake, shape):
    seen = watch("litellm")
    fake.play(lambda asked: slow(gemini.generated(usageMetadata=gemini.FULL)(asked)))

    ask(shape, GEMINI, fake.url, take=2)

    assert seen.reply.partial
    assert seen.usage.total_input == 1000


def slow(answer):
    return gemini.Answer(answer.parts, content_type=answer.content_type, streamed=True, pause_seconds=0.02)


@pytest.mark.parametrize("shape", [*PLAIN, "async stream"])  # LiteLLM's own sync one is for an event loop
def test_what_is_put_into_another_form_is_one_call_of_that(watch, serve, shape):
    seen, fake = watch("litellm", "openai"), serve(openai)

    ask(shape, "openai/gpt-4o", fake.url + "/v1")

    assert len(seen.spans) == 1
    assert seen.attributes["gen_ai.request.model"] == "openai/gpt-4o"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_refused_call_fails_and_costs_nothing(watch, fake, shape):
    seen = watch("litellm")
    fake.play(gemini.error(400))

    with pytest.raises(OpenAIError):
        ask(shape, GEMINI, fake.url)

    assert seen.attributes["error.type"]
    assert seen.usage is None
