"""Responses of OpenAI's SDK over a websocket: each is a call, as if it had come over HTTP."""

from __future__ import annotations

import asyncio
from functools import partial

import openai
import pytest
from fake_providers import openai_realtime as sockets

from adapters import PLAIN
from costspan.usage import Usage

pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")
USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 600},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": 1200,
}
SPENT = Usage(input=400, cache_read=600, output=150, reasoning=50)
QUESTION = {"type": "response.create", "model": "gpt-5", "input": "Cats?"}


def event(kind, key, lane=None, **more):
    response = {"id": key, "object": "response", "model": "gpt-5-2025-08-07", "output": [], "tools": [], **more}
    return {"type": f"response.{kind}", "response": response, **({"stream_id": lane} if lane else {})}


def said(text):
    return {"type": "response.output_text.delta", "item_id": "m1", "delta": text}


def answer(key, **more):
    return [event("created", key), said("Ca"), said("ts."), event("completed", key, usage=USAGE, **more)]


@pytest.fixture
def watch(watch):
    return partial(watch, "openai", hosts={"127.0.0.1": "openai"})


def talk(shape, address, questions=1, kind=lambda client: client.responses):
    """The types of the events that the program gets."""
    where = {"api_key": "k", "base_url": f"http://{address}/v1"}

    async def later():
        async with openai.AsyncOpenAI(**where) as client, kind(client).connect() as connection:
            for _ in range(questions):
                await connection.send(QUESTION)
            return [event.type async for event in connection]

    if shape == "async":
        return asyncio.run(later())
    with kind(openai.OpenAI(**where)).connect() as connection:
        for _ in range(questions):
            connection.send(QUESTION)
        return [event.type for event in connection]


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("kind", [lambda client: client.responses, lambda client: client.beta.responses])
def test_each_response_over_a_websocket_is_a_call(watch, shape, kind):
    """By hand, gpt-5: 400 fresh at 1.25 a million, 600 cached at .125, 200 out at 10."""
    seen = watch()

    with sockets.session([], answer("r1"), answer("r2")) as address:
        assert len(talk(shape, address, 2, kind)) == 8

    assert [call.reply.usage for call in seen.calls] == [SPENT] * 2
    assert [call.bill.price.total_femto for call in seen.calls] == [(400 * 1250 + 600 * 125 + 200 * 10_000) * 10**6] * 2
    assert [span.name for span in seen.spans] == ["chat gpt-5-2025-08-07"] * 2
    assert all(call.begun < call.first_chunk < call.ended for call in seen.calls)


def test_tools_are_billed_as_they_are_over_http(watch):
    seen = watch()
    tools = [{"type": "web_search_preview"}]
    output = [{"id": "w1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}]

    with sockets.session([], answer("r1", tools=tools, output=output)) as address:
        talk("sync", address)

    assert (seen.usage, seen.reply.terms.search_tool) == (SPENT + Usage(web_searches=1), "web_search_preview")


def test_responses_of_several_lanes_are_told_apart(watch):
    seen = watch()
    begun = [event("created", "r1", "a"), event("created", "r2", "b")]
    ended = [event("completed", "r2", "b", usage=USAGE), event("incomplete", "r1", "a", usage=USAGE)]

    with sockets.session([], [*begun, *ended]) as address:
        talk("sync", address)

    assert [call.reply.id for call in seen.calls] == ["r2", "r1"]


def test_an_error_ends_the_response_that_is_under_way_and_is_no_call_without_one(watch):
    seen = watch()
    error = {"type": "error", "error": {"type": "server_error", "code": "overloaded", "message": "?"}}

    with sockets.session([], [error, event("created", "r1"), error]) as address:
        talk("sync", address)

    assert (seen.call.error, seen.usage) == ("overloaded", None)
