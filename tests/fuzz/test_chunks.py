"""Chunks of real streams in any order, repeated, cut short: the program gets every one, and the call ends once."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

from arbitrary import fuzzed
from fake_providers import Asked, anthropic, openai
from hypothesis import given
from hypothesis import strategies as st
from openai._models import construct_type
from openai.types.chat import ChatCompletionChunk

from costspan.adapters import anthropic as anthropic_adapter
from costspan.adapters import openai as openai_adapter
from costspan.adapters._streams import AsyncStream, SyncStream, watched_generator
from costspan.adapters._watch import Watch
from costspan.call import Call, Request
from costspan.guard import FAILURES
from costspan.telemetry.attributes import total_usage
from costspan.usage import Usage


def _chunks(answer):
    """The payloads of a stream, as the SDK gives them on."""
    lines = [line for part in answer.parts for line in part.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def _asked(**fields):
    return Asked(SimpleNamespace(json={"stream": True, **fields}, body=b"", path="/v1/x"), 1)


CHAT = _chunks(openai.chat(usage=openai.CACHED)(_asked(model="gpt-4o", stream_options={"include_usage": True})))
RESPONSE = _chunks(openai.response()(_asked(model="gpt-5")))
MESSAGE = _chunks(anthropic.message(usage=anthropic.CACHED)(_asked(model="claude-sonnet-4-5")))
FAMILIES = {
    "chat": (openai_adapter.CHAT, CHAT, Usage(input=400, cache_read=600, output=150, reasoning=50)),
    "responses": (openai_adapter.RESPONSE, RESPONSE, Usage(input=400, cache_read=600, output=150, reasoning=50)),
    "messages": (
        anthropic_adapter.MESSAGE,
        MESSAGE,
        Usage(input=400, cache_read=600, cache_write_5m=100, cache_write_1h=200, output=150, reasoning=50)
        + Usage(web_searches=2, web_fetches=1),
    ),
}


def watch_of(operation, *, hidden=False):
    ended = []
    observer = SimpleNamespace(finished=ended.append)
    request = Request("chat", "acme", "big", stream=True, body={})
    return Watch(Call(request, observer), operation, observer, hidden=hidden), ended


def through_sync(chunks, watch):
    return list(SyncStream(iter(chunks), watch))


def through_generator(chunks, watch):
    return list(watched_generator((each for each in chunks), watch))


def through_async(chunks, watch):
    async def inner():
        for each in chunks:
            yield each

    async def take():
        return [each async for each in AsyncStream(inner(), watch)]

    return asyncio.run(take())


WAYS = (through_sync, through_generator, through_async)
orders = st.sampled_from(sorted(FAMILIES)).flatmap(
    lambda name: st.tuples(
        st.just(name), st.lists(st.integers(0, len(FAMILIES[name][1]) - 1), max_size=2 * len(FAMILIES[name][1]))
    )
)


def must_be_one_call(watch, ended):
    assert ended == [watch.call]
    assert FAILURES.counts == {}
    assert all(count > 0 for count in total_usage(watch.call.reply).counts.values())


@fuzzed
@given(orders, st.sampled_from(WAYS))
def test_chunks_in_any_order_pass_through_and_the_call_ends_once(order, way):
    FAILURES.clear()
    operation, chunks, _ = FAMILIES[order[0]]
    given_chunks = [chunks[index] for index in order[1]]
    watch, ended = watch_of(operation)

    assert all(got is sent for got, sent in zip(way(given_chunks, watch), given_chunks, strict=True))
    must_be_one_call(watch, ended)


@fuzzed
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_repeated_chunks_count_once(name, data):
    """Every chunk comes, in order, some of them several times."""
    FAILURES.clear()
    operation, chunks, usage = FAMILIES[name]
    times = data.draw(st.lists(st.integers(1, 3), min_size=len(chunks), max_size=len(chunks)))
    watch, ended = watch_of(operation)
    through_sync([chunk for chunk, number in zip(chunks, times, strict=True) for _ in range(number)], watch)

    assert watch.call.reply.usage == usage
    must_be_one_call(watch, ended)


@fuzzed
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_a_stream_that_is_cut_short_tells_no_more_than_the_whole(name, data):
    FAILURES.clear()
    operation, chunks, usage = FAMILIES[name]
    watch, ended = watch_of(operation)
    through_sync(chunks[: data.draw(st.integers(0, len(chunks)))], watch)
    told = watch.call.reply.usage or Usage()

    assert told.total_input in (0, usage.total_input)
    assert told.total_output <= usage.total_output
    must_be_one_call(watch, ended)


@fuzzed
@given(st.permutations(CHAT), st.sampled_from(WAYS))
def test_the_usage_chunk_that_we_asked_for_is_kept_wherever_it_comes(order, way):
    FAILURES.clear()
    chunks = [construct_type(type_=ChatCompletionChunk, value=each) for each in order]
    watch, ended = watch_of(openai_adapter.CHAT, hidden=True)
    got = way(chunks, watch)

    assert got == [each for each in chunks if each.choices]
    assert all("usage" not in each.model_fields_set for each in got)
    assert watch.call.reply.usage == FAMILIES["chat"][2]
    must_be_one_call(watch, ended)
