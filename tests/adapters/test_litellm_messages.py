"""LiteLLM asked in the form of Anthropic's API, as its proxy is by Claude Code: sent as it is, or put into another."""

from __future__ import annotations

import asyncio
import os

import pytest
from fake_providers import anthropic, bedrock, gemini, openai

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm
from litellm.llms.anthropic.messages.native import streaming_iterator as native  # from 1.109 on

from costspan.adapters._litellm_native import Frames
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
CLAUDE = "anthropic/claude-sonnet-4-5-20250929"
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
AWS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region_name": "us-east-1"}
CACHED = Usage(
    input=400,
    cache_read=600,
    cache_write_5m=100,
    cache_write_1h=200,
    output=150,
    reasoning=50,
    web_searches=2,
    web_fetches=1,
)


@pytest.fixture
def claude(serve):
    litellm.cache = None
    litellm.in_memory_llm_clients_cache.flush_cache()
    fake = serve(anthropic)
    fake.play(anthropic.message(usage=anthropic.CACHED))
    return fake


def message(model, text="Cats?", **more):
    return {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": text}], "api_key": "k", **more}


def ask(create=None, take=None, **arguments):
    """The answer, or what comes of a stream: `take` parts of it."""

    async def asked():
        answer = await (create or litellm.anthropic.messages.acreate)(**arguments)
        if not arguments.get("stream"):
            return answer
        parts = []
        async for part in answer:
            parts.append(part)
            if len(parts) == take:
                break
        await answer.aclose()
        for _ in range(200 if take else 5):
            await asyncio.sleep(0.01)  # what LiteLLM reads on
        return parts

    # without its proxy's extras LiteLLM never ends a stream in which an error is told
    return asyncio.run(asyncio.wait_for(asked(), 30))


@pytest.mark.parametrize("stream", [False, True])
def test_what_anthropic_answers_is_one_call_with_all_of_its_counts(watch, claude, stream):
    seen = watch("litellm", "openai", "bedrock")

    ask(**message(CLAUDE, api_base=claude.url, stream=stream, metadata={"user_id": "ann"}))

    assert seen.usage == CACHED
    told = seen.attributes
    assert told["gen_ai.provider.name"] == "anthropic"
    assert told["gen_ai.usage.cost.amount"] == pytest.approx(0.025955)
    assert told["gen_ai.request.max_tokens"] == 9
    assert told["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert told["user.id"] == "ann"
    assert told["server.address"] == "127.0.0.1"


@pytest.mark.parametrize("stream", [False, True])
def test_bedrock_is_billed_by_the_model_that_was_asked_for_there(watch, serve, stream):
    seen, fake = watch("litellm"), serve(bedrock)

    ask(**message("bedrock/" + MODEL, aws_bedrock_runtime_endpoint=fake.url, stream=stream, **AWS))

    assert seen.usage == CACHED
    assert (seen.attributes["gen_ai.provider.name"], seen.call.request.model) == ("aws.bedrock", MODEL)


def test_a_bedrock_stream_that_is_left_is_read_to_its_end_by_litellm_and_billed_in_full(watch, serve):
    seen, fake = watch("litellm"), serve(bedrock)

    ask(take=2, **message("bedrock/" + MODEL, aws_bedrock_runtime_endpoint=fake.url, stream=True, **AWS))

    assert seen.usage == CACHED


def test_an_error_within_a_bedrock_stream_is_told(watch, serve):
    seen, fake = watch("litellm"), serve(bedrock)
    fake.play(failing)

    with pytest.raises(Exception, match="The model failed"):
        ask(**message("bedrock/" + MODEL, aws_bedrock_runtime_endpoint=fake.url, stream=True, **AWS))

    assert seen.attributes["error.type"] == "modelStreamErrorException"


def failing(asked):
    whole = bedrock.invoked_stream(*bedrock.claude_chunks(asked))
    return bedrock.Answer(
        (*whole.parts[:4], bedrock.failed()), content_type="application/vnd.amazon.eventstream", streamed=True
    )


def test_an_anthropic_stream_that_is_left_ends_where_litellm_reads_no_further(watch, serve, monkeypatch):
    """From 1.109 on it reads to the end, to know what is billed, unless it does so for many."""
    monkeypatch.setattr(native, "_try_claim_detached_drain_slot", lambda: False)
    seen, fake = watch("litellm"), serve(anthropic)
    whole = anthropic.message(usage=anthropic.CACHED)
    litellm.in_memory_llm_clients_cache.flush_cache()
    fake.play(lambda asked: slow(whole(asked)))

    ask(take=4, **message(CLAUDE, api_base=fake.url, stream=True))

    assert seen.reply.partial
    assert seen.usage.total_input == CACHED.total_input
    assert seen.usage.output == 0  # what had come of it is counted where tokens are


def slow(answer):
    return anthropic.Answer(answer.parts, content_type=answer.content_type, streamed=True, pause_seconds=0.5)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "wire", "usage"),
    [
        ("openai/gpt-4o", openai, Usage(input=400, cache_read=600, output=150, reasoning=50)),
        ("gemini/gemini-2.5-flash", gemini, Usage(input=19, output=10)),
    ],
)
def test_what_is_put_into_another_form_is_one_call_of_that(watch, serve, model, wire, usage, stream):
    seen, fake = watch("litellm", "openai"), serve(wire)

    ask(**message(model, api_base=fake.url + "/v1", stream=stream))

    assert seen.usage == usage
    assert seen.attributes["gen_ai.request.model"] == model


def test_a_sync_call_is_put_into_another_form_too(watch, serve):
    seen, fake = watch("litellm", "openai"), serve(openai)

    litellm.anthropic.messages.create(**message("openai/gpt-4o", api_base=fake.url + "/v1"))

    assert seen.usage.total_input == 1000


@pytest.mark.parametrize("stream", [False, True])
def test_a_router_asks_once(watch, claude, stream):
    seen = watch("litellm")
    deployment = {"model": CLAUDE, "api_key": "k", "api_base": claude.url}
    router = litellm.Router([{"model_name": "claude", "litellm_params": deployment}], num_retries=0)

    ask(router.aanthropic_messages, **message("claude", stream=stream))

    assert seen.usage == CACHED


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_call_fails_and_costs_nothing(watch, serve, stream):
    seen, fake = watch("litellm"), serve(anthropic)
    fake.play(anthropic.error(429))

    with pytest.raises(litellm.RateLimitError):
        ask(**message(CLAUDE, api_base=fake.url, stream=stream, num_retries=0))

    assert seen.attributes["error.type"]
    assert seen.usage is None


def test_an_error_within_a_stream_is_told(watch, serve):
    seen, fake = watch("litellm"), serve(anthropic)
    fake.play(lambda asked: overloaded(anthropic.message()(asked)))

    ask(**message(CLAUDE, api_base=fake.url, stream=True))

    assert seen.attributes["error.type"] == "overloaded_error"


def overloaded(answer):
    event = b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Later."}}\n\n'
    return anthropic.Answer((*answer.parts[:4], event), content_type=answer.content_type, streamed=True)


def test_frames_are_read_however_the_network_cuts_them():
    sent = b"".join(bedrock.invoked_stream({"type": "a"}, {"type": "b"}).parts) + bedrock.failed("tooMuch")

    for size in (1, 7, len(sent)):
        frames = Frames()
        lines = [line for at in range(0, len(sent), size) for line in frames.lines(sent[at : at + size])]
        assert b"".join(lines) == b'{"type": "a"}\n{"type": "b"}\n{"type":"error","error":{"type":"tooMuch"}}\n'


def test_what_is_no_frame_is_forgotten():
    frames = Frames()

    assert list(frames.lines(b"HTTP/1.1 500 Internal Server Error")) == []
    assert list(frames.lines(bedrock.invoked_stream({"type": "a"}).parts[0])) == [b'{"type": "a"}\n']
