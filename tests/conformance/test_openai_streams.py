"""Streams of the openai SDK: however a program goes through one, it sees the same, and the call is told once."""

from __future__ import annotations

import asyncio
import threading
from itertools import product

import pytest
from fake_providers import Answer, openai_odd

from conformance import lives
from conformance.host import Host, entered, settle
from conformance.openai_table import CHAT, CLIENTS, RESPONSES
from conformance.suite import breathe, calls_told


async def plainly(sdk, live, host):
    await live(host, await settle(sdk.chat.completions.create(**CHAT.arguments(), stream=True)))


async def from_responses(sdk, live, host):
    await live(host, await settle(sdk.responses.create(**RESPONSES.arguments(), stream=True)))


async def from_raw(sdk, live, host):
    response = await settle(sdk.chat.completions.with_raw_response.create(**CHAT.arguments(), stream=True))
    await live(host, await settle(response.parse()))


async def from_streaming(sdk, live, host):
    streaming = sdk.chat.completions.with_streaming_response
    async with entered(streaming.create(**CHAT.arguments(), stream=True)) as response:
        await live(host, await settle(response.parse()))


async def from_helper(sdk, live, host):
    """The manager is entered here: the program is inside its `with`."""
    async with entered(sdk.chat.completions.stream(**CHAT.arguments())) as opened:
        await live(host, opened)


def observe(client, fake, opener, live, play=()):
    """The diary of a program that opens a stream and lives with it so, and the state of its connections after."""
    _hang_up(client)
    fake.clear()
    fake.play(*play)
    host = Host()
    client.run(_live(host, opener(client.sdk, live, host), client.name == "async"))
    if client.name == "async":
        client.run(breathe())
    host.see("connections", [[each.is_idle(), each.is_closed()] for each in _connections(client.sdk)])
    _hang_up(client)
    return host.diary


async def _live(host, steps, waits):
    try:
        await steps
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 whatever comes out is what is compared
        host.see("raised", error)
    if waits:
        await breathe()


def _connections(sdk):
    """What the connection pool holds: a dropped stream must keep one only if the bare SDK's does."""
    return sdk._client._transport._pool.connections


def _hang_up(client):
    """The client outlives the cases: a connection that another test left would be taken by the first run alone."""
    for each in _connections(client.sdk):
        client.run(_close(each))


async def _close(connection):
    await settle((getattr(connection, "aclose", None) or connection.close)())


STREAMS = (
    [(plainly, live) for live in lives.EVERY]
    + [(from_responses, live) for live in lives.UNASKED]
    + [
        (opener, live)
        for opener in (from_responses, from_raw, from_streaming, from_helper)
        for live in (lives.exhausted, lives.left_by_break, lives.never_iterated, lives.closed, lives.failed_inside_with)
    ]
)


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize(("opener", "live"), STREAMS, ids=lambda each: each.__name__)
def test_a_stream_lives_as_without_us_and_is_told_once(opener, live, name, openai_clients, fake_openai, instrumented):
    client = openai_clients[name]
    bare = observe(client, fake_openai, opener, live)
    with instrumented():
        ours = observe(client, fake_openai, opener, live)
        calls = calls_told(client, instrumented)

    assert ours == bare
    assert calls == 1
    assert instrumented.failures == {}


@pytest.mark.parametrize("answer", ["error in the middle", "cut in the middle", "not json in the middle", "empty"])
@pytest.mark.parametrize(
    "live", [lives.with_statement, lives.asked_again_after_the_end], ids=lambda each: each.__name__
)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_stream_that_ends_badly_is_told_once(answer, live, name, openai_clients, fake_openai, instrumented):
    client, play = openai_clients[name], [openai_odd.STREAM_CHAT[answer]]
    bare = observe(client, fake_openai, plainly, live, play)
    with instrumented():
        ours = observe(client, fake_openai, plainly, live, play)
        calls = calls_told(client, instrumented)

    assert ours == bare
    assert calls == 1


QUIET = [*product(lives.WAITING, [plainly, from_helper], ["async"]), *product(lives.QUIET, [plainly], CLIENTS)]


@pytest.mark.parametrize(("live", "opener", "name"), QUIET)
def test_a_program_may_leave_while_the_provider_is_silent(
    live, opener, name, openai_clients, fake_openai, instrumented
):
    client = openai_clients[name]
    bare = _observe_waiting(client, fake_openai, opener, live)
    with instrumented():
        ours = _observe_waiting(client, fake_openai, opener, live)
        calls = calls_told(client, instrumented)

    assert ours == bare
    assert calls == 1


def _observe_waiting(client, fake, opener, live):
    """The provider sends one chunk, and then nothing until the program has gone."""
    gate = threading.Event()
    parts = openai_odd.raw(openai_odd._line(openai_odd.FIRST), openai_odd._line(openai_odd.LAST)).parts
    answer = Answer(parts, content_type="text/event-stream", streamed=True, gate=gate)
    try:
        return observe(client, fake, opener, live, [answer])
    finally:
        gate.set()
