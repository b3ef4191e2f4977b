"""What LiteLLM has had since 1.103: functions that look up what they call, and responses only where `mcp` is."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import pytest
from fake_providers import Route, anthropic, operation
from fake_providers import openai as wire

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm

from adapters import PLAIN, SHAPES, STREAMS
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
taken_early = litellm.completion


def test_a_function_that_was_imported_before_is_seen(watch, serve):
    seen, fake = watch("litellm"), serve(wire)

    taken_early(
        model="openai/gpt-4o",
        messages=[{"role": "user", "content": "Cats?"}],
        api_base=fake.url + "/v1",
        api_key="k",
    )

    assert seen.usage == Usage(input=19, output=10)


def stream(shape, **arguments):
    async def later():
        made = await litellm.aresponses(input="Cats?", stream=True, api_key="k", **arguments)
        return [event async for event in made]

    if shape.startswith("async"):
        return asyncio.run(later())
    return list(litellm.responses(input="Cats?", stream=True, api_key="k", **arguments))


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_of_a_provider_without_responses_has_all_that_its_chat_tells(watch, serve, shape):
    seen, fake = watch("litellm"), serve(anthropic)
    fake.play(anthropic.message(usage=anthropic.CACHED))

    stream(shape, model="anthropic/claude-sonnet-4-5", api_base=fake.url)

    told = seen.usage
    assert (told.total_input, told.total_output, told.cache_write_1h, told.web_searches) == (1300, 200, 200, 2)
    assert seen.attributes["gen_ai.usage.cost.source"] == "local"


@pytest.mark.parametrize("shape", STREAMS)
def test_litellms_own_price_in_what_completes_a_stream_is_not_the_providers(watch, serve, shape):
    seen, fake = watch("litellm"), serve(wire)

    stream(shape, model="openai/gpt-4o", api_base=fake.url + "/v1")

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert seen.attributes["gen_ai.usage.cost.source"] == "local"


@pytest.mark.parametrize("shape", STREAMS)
def test_what_a_host_charges_for_a_streamed_response_is_its_price(watch, serve, shape):
    seen, fake = watch("litellm"), serve(wire)
    fake.play(wire.response(usage=wire.RESPONSE_USAGE | {"cost": 0.0025}))

    stream(shape, model="openrouter/openai/gpt-4o", api_base=fake.url + "/v1")

    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.0025
    assert seen.attributes["gen_ai.usage.cost.source"] == "provider"


@pytest.mark.parametrize("shape", STREAMS)
def test_a_response_that_litellms_cache_streams_costs_nothing(watch, serve, shape, monkeypatch):
    seen, fake = watch("litellm"), serve(wire)
    monkeypatch.setattr(litellm, "cache", litellm.Cache(type="local"))

    for _ in range(2):
        stream(shape, model="openai/gpt-4o", api_base=fake.url + "/v1", caching=True)

    assert [span.attributes["gen_ai.usage.cost.amount"] for span in seen.spans] == [0.00375, 0]


@pytest.mark.parametrize("shape", SHAPES)
def test_writes_of_twelve_hours_are_told_by_a_chat_that_is_made_of_a_response(watch, serve, shape):
    seen, fake = watch("litellm"), serve(wire)
    written = {"cache_write_tokens": 300, "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 200}}
    told = wire.RESPONSE_USAGE | {"input_tokens_details": {"cached_tokens": 600, **written}}
    fake.play(wire.response(usage=told))
    streamed = "stream" in shape

    async def later():
        made = litellm.acompletion if shape.startswith("async") else litellm.completion
        answer = made(
            model="openai/responses/gpt-5.6-sol",
            messages=[{"role": "user", "content": "Cats?"}],
            api_base=fake.url + "/v1",
            api_key="k",
            **({"stream": True, "stream_options": {"include_usage": True}} if streamed else {}),
        )
        answer = await answer if shape.startswith("async") else answer
        return [each async for each in answer] if shape == "async stream" else list(answer)

    asyncio.run(later())

    assert seen.usage == Usage(
        input=100, cache_read=600, cache_write_30m=100, cache_write_12h=200, output=150, reasoning=50
    )


@pytest.mark.parametrize("leave", ["close", "__exit__"])
def test_a_stream_that_is_closed_ends_the_call(watch, serve, leave):
    """From 1.109 on."""
    seen, fake = watch("litellm"), serve(wire)
    asked = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Cats?"}]}
    answer = litellm.completion(stream=True, api_base=fake.url + "/v1", api_key="k", **asked)

    next(answer)
    getattr(answer, leave)()

    assert seen.reply.partial


FOUND = {"model": "@cf/cloudflare/clairic", "answers": {}, "truncated": False}


@pytest.mark.parametrize("shape", PLAIN)
def test_an_extraction_is_billed_by_its_tokens(watch, serve, shape):
    """From 1.109 on."""
    told = {"input_tokens": 1000, "output_tokens": 12}
    served = SimpleNamespace(ROUTES=(Route("POST", "clairic", operation(lambda _asked: FOUND | {"usage": told})()),))
    seen, fake = watch("litellm"), serve(served)
    asked = {"state": "A cat of 4 kg.", "fields": {"weight": {"type": "number"}}, "api_base": fake.url, "api_key": "k"}

    if shape == "sync":
        litellm.extraction("cloudflare/clairic", **asked)
    else:
        asyncio.run(litellm.aextraction("cloudflare/clairic", **asked))

    assert seen.usage == Usage(input=1000, output=12)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.0001
    assert seen.attributes["gen_ai.provider.name"] == "cloudflare"
