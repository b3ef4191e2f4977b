"""Realtime sessions of OpenAI's SDK, over a real websocket: each response is a call, and so is each transcription."""

from __future__ import annotations

import asyncio
import gc
import inspect
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from threading import Thread

import openai
import pytest
from fake_providers import openai_realtime as wire
from websockets.exceptions import ConcurrencyError, ConnectionClosedError

import costspan
from adapters import PLAIN
from costspan import instrumentors
from costspan.adapters import openai as adapter
from costspan.adapters._openai_connections import open_connection
from costspan.config import Settings
from costspan.usage import Usage

# of websockets 17, to the SDK
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")
NEWER = hasattr(openai.OpenAI, "realtime")  # before, it was beta
MODULE = import_module(f"openai.resources.{'' if NEWER else 'beta.'}realtime.realtime")
HERE = {"127.0.0.1": "openai"}
ASKED = "gpt-realtime"
SPENT = Usage(
    input=400,
    input_audio=1000,
    input_image=400,
    cache_read=600,
    cache_read_audio=3000,
    cache_read_image=100,
    output=100,
    output_audio=400,
)
HEARD = {
    "type": "tokens",
    "input_tokens": 100,
    "output_tokens": 12,
    "total_tokens": 112,
    "input_token_details": {"audio_tokens": 90, "text_tokens": 10},
}


@pytest.fixture
def watch(watch):
    return partial(watch, "openai", hosts=HERE)


def client(address, shape="sync"):
    kind = openai.AsyncOpenAI if shape == "async" else openai.OpenAI
    return kind(api_key="k", base_url=f"http://{address}/v1", websocket_base_url=f"ws://{address}/v1")


@contextmanager
def talking(*turns):
    """A connection to a server that says this."""
    with wire.session(*turns) as address, connect(client(address)) as connection:
        yield connection


def connect(client, *, beta=not NEWER, **asked):
    return (client.beta.realtime if beta else client.realtime).connect(**(asked or {"model": ASKED}))


def kinds(shape, address, take=10**6, connect=connect, ask=0):
    """The types of so many events, until the server has no more; what the program asks comes after them."""
    if shape == "async":
        return asyncio.run(_kinds_later(client(address, shape), take, connect, ask))
    with connect(client(address)) as connection:
        for _ in range(ask):
            connection.response.create()
        return [event.type for event in islice(connection, take)]


async def _kinds_later(client, take, connect, ask):
    found = []
    async with client, connect(client) as connection:
        for _ in range(ask):
            await connection.response.create()
        async for event in connection:
            found.append(event.type)
            if len(found) == take:
                break
    return found


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("beta", {True, not NEWER})
def test_text_sound_and_pictures_have_their_own_prices_fresh_and_cached(watch, shape, beta):
    """By hand, in millionths of a dollar a token: text 4, sound 32, pictures 5; cached .4, .4, .5; out 16 and 64."""
    seen = watch()

    with wire.session([wire.began(), *wire.answer("r1")], wire.answer("r2")) as address:
        assert len(kinds(shape, address, 9, partial(connect, beta=beta), ask=1)) == 9

    micro = 400 * 4 + 1000 * 32 + 400 * 5 + 600 * 0.4 + 3000 * 0.4 + 100 * 0.5 + 100 * 16 + 400 * 64
    assert micro == 64_290
    assert [call.bill.price.total_femto for call in seen.calls] == [64_290 * 10**9] * 2
    assert [call.reply.usage for call in seen.calls] == [SPENT] * 2
    assert [call.reply.id for call in seen.calls] == ["r1", "r2"]
    assert {call.reply.model for call in seen.calls} == {"gpt-realtime-2025-08-28"}
    assert [span.name for span in seen.spans] == [f"chat {ASKED}"] * 2
    assert not any(call.reply.partial for call in seen.calls)


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("transcriber", "told", "used", "femto"),
    [
        (
            "gpt-4o-transcribe",
            HEARD,
            Usage(input=10, input_audio=90, output=12),
            (10 * 2_500 + 90 * 6_000 + 12 * 10_000) * 10**6,
        ),
        ("whisper-1", {"type": "duration", "seconds": 3}, Usage(input_audio_ms=3000), 3 * 10**11),
    ],
)
def test_what_is_said_to_a_session_is_transcribed_at_the_price_of_the_transcriber(
    watch, shape, transcriber, told, used, femto
):
    seen = watch()
    turn = [wire.heard("i1"), wire.asked("r1"), wire.transcribed("i1", told), wire.done("r1")]

    with wire.session([wire.began(transcriber=transcriber), *turn]) as address:
        kinds(shape, address)

    first, second = seen.calls
    assert (first.request.operation, first.request.model, first.reply.usage) == ("speech_to_text", transcriber, used)
    assert first.bill.price.total_femto == femto
    assert (second.request.operation, second.reply.usage) == ("chat", SPENT)
    assert first.begun < second.begun < first.ended < second.ended


def test_a_session_of_nothing_but_transcription_needs_no_model(watch):
    seen = watch()
    session = {"input_audio_transcription": {"model": "gpt-4o-transcribe"}}
    first = {"type": "transcription_session.updated", "session": session}

    with wire.session([first, wire.heard("i1"), wire.transcribed("i1", HEARD)]) as address:
        kinds("sync", address, connect=partial(connect, model="", extra_query={"intent": "transcription"}))

    assert (seen.call.request.model, seen.usage.input_audio) == ("gpt-4o-transcribe", 90)


def test_sound_that_nobody_transcribes_is_no_call(watch):
    seen = watch()

    with wire.session([wire.began(), wire.heard("i1"), *wire.answer("r1")]) as address:
        kinds("sync", address)

    assert seen.call.request.operation == "chat"


def test_a_transcription_that_fails_says_why_and_one_that_never_comes_is_none(watch):
    seen = watch()
    events = [wire.began(transcriber="whisper-1"), wire.heard("i1"), wire.heard("i2"), wire.untranscribed("i1")]

    with wire.session(events) as address:
        kinds("sync", address)

    assert (seen.call.error, seen.usage) == ("audio_unintelligible", None)


def test_responses_that_are_made_at_the_same_time_are_told_apart(watch):
    seen = watch()
    less = wire.USAGE | {"output_tokens": 100, "output_token_details": {"text_tokens": 100}, "total_tokens": 5600}
    events = [wire.asked("r1"), wire.asked("r2"), wire.said("r2", "QQ=="), wire.done("r2", less), wire.done("r1")]

    with wire.session([wire.began(), *events]) as address:
        kinds("sync", address)

    assert [(call.reply.id, call.reply.usage.output_audio, call.chunks) for call in seen.calls] == [
        ("r2", 0, 2),
        ("r1", 400, 1),
    ]


def test_a_response_begins_when_it_is_made_and_its_first_chunk_is_its_first_sound(watch):
    seen = watch()

    with wire.session([wire.began(), *wire.answer("r1")]) as address:
        kinds("sync", address, take=2)
    with wire.session([wire.began(), *wire.answer("r2")]) as address:
        kinds("sync", address)

    left, whole = seen.calls
    assert (left.first_chunk, whole.chunks) == (None, 2)
    assert whole.begun < whole.first_chunk < whole.ended


def test_what_a_session_does_not_name_is_as_it_was_asked(watch):
    seen = watch()

    with wire.session([wire.done("r1")]) as address:
        kinds("sync", address)

    assert (seen.call.request.model, seen.reply.model, seen.usage) == (ASKED, "", SPENT)
    assert seen.call.bill.price.total_femto == 64_290 * 10**9


@pytest.mark.parametrize(
    ("status", "details", "error", "finish"),
    [
        ("cancelled", {"type": "cancelled", "reason": "turn_detected"}, "", ("turn_detected",)),
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}, "", ("max_output_tokens",)),
        ("failed", {"type": "failed", "error": {"type": "server_error", "code": "overloaded"}}, "overloaded", ()),
    ],
)
def test_a_response_that_is_cut_short_says_why_and_is_billed_for_what_it_tells(watch, status, details, error, finish):
    seen = watch()

    with wire.session([wire.began(), wire.asked("r1"), wire.done("r1", status=status, **details)]) as address:
        kinds("sync", address)

    assert (seen.usage, seen.call.error, seen.reply.finish_reasons) == (SPENT, error, finish)


def test_a_response_without_usage_is_unpriced_and_says_why(watch):
    seen = watch(count_tokens="missing")

    with wire.session([wire.began(), *wire.answer("r1", usage=None)]) as address:
        kinds("sync", address)

    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "told no usage" in seen.attributes["costspan.price.reason"]


@pytest.mark.parametrize("shape", PLAIN)
def test_a_session_that_is_left_within_a_response_tells_it_as_partial(watch, shape):
    seen = watch()

    with wire.session([wire.began(), *wire.answer("r1")[:2]]) as address:
        kinds(shape, address, take=3)

    assert (seen.usage, seen.reply.partial, seen.call.error) == (None, True, "")


def test_a_session_that_is_closed_without_a_block_ends_its_responses(watch):
    seen = watch()

    with wire.session([wire.began(), wire.asked("r1")]) as address:
        connection = connect(client(address)).enter()
        assert [connection.recv().type for _ in range(2)] == ["session.created", "response.created"]
        assert seen.calls == []
        connection.close()

    assert seen.reply.partial


@pytest.mark.parametrize("shape", PLAIN)
def test_a_connection_that_breaks_within_a_response_is_the_programs_error_and_the_responses(watch, shape):
    seen = watch()

    events = [wire.began(transcriber="whisper-1"), wire.heard("i1"), wire.asked("r1"), None]
    with wire.session(events) as address, pytest.raises(ConnectionClosedError):
        kinds(shape, address)

    assert (seen.call.error, seen.usage) == ("ConnectionClosedError", None)


def test_a_session_without_a_word_is_no_call(watch):
    seen = watch()

    with wire.session([wire.began()]) as address:
        kinds("sync", address, take=1)

    assert seen.spans == ()


@pytest.mark.parametrize("shape", PLAIN)
def test_a_connection_that_is_never_made_is_no_call(watch, shape):
    seen = watch()

    with pytest.raises(OSError, match="onnect"):
        kinds(shape, "127.0.0.1:9")
    gc.collect()

    assert seen.spans == ()


def test_a_wait_that_is_cancelled_or_refused_leaves_a_response_as_it_is(watch):
    seen = watch()

    async def talk(address):
        async with connect(client(address, "async")) as connection:
            assert [(await connection.recv()).type for _ in range(2)] == ["session.created", "response.created"]
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.05)
            waiting = asyncio.create_task(connection.recv())
            await asyncio.sleep(0)
            with pytest.raises(ConcurrencyError):
                await connection.recv()
            await connection.response.create()
            return (await waiting).type

    with wire.session([wire.began(), wire.asked("r1")], [wire.done("r1")]) as address:
        assert asyncio.run(talk(address)) == "response.done"

    assert (seen.usage, seen.call.error) == (SPENT, "")


def test_a_connection_that_runs_dry_ends_its_responses(watch):
    """As one that a program has put in the place of the SDK's may."""
    seen = watch()

    with talking([wire.began(), wire.asked("r1")]) as connection:
        assert [connection.recv().type for _ in range(2)] == ["session.created", "response.created"]
        connection._connection.recv = lambda **_kwargs: next(iter(()))
        with pytest.raises(StopIteration):
            connection.recv_bytes()
        assert seen.reply.partial


def test_a_budget_that_is_spent_refuses_what_comes_next_and_never_cuts_a_response(watch):
    seen = watch()

    with ExitStack() as stack:
        with costspan.budget(tokens=0):  # to connect costs nothing
            connection = stack.enter_context(talking([wire.began(), *wire.answer("r1")], wire.answer("r2")))
        with costspan.budget(tokens=100):
            got = [connection.recv().type for _ in range(5)]
            with pytest.raises(costspan.BudgetExceededError):
                connection.recv()
        connection.response.create()
        got += [connection.recv().type for _ in range(4)]

    assert [kind for kind in got if kind == "response.done"] == ["response.done"] * 2
    assert [call.reply.usage for call in seen.calls] == [SPENT] * 2


def raw(connection):
    return [connection.recv_bytes() for _ in range(5)]


def parsed(connection):
    return [connection.parse_event(connection.recv_bytes()) for _ in range(5)]


def dispatched(connection):
    found = []
    connection.on("event", found.append)
    connection.dispatch_events()
    return found


def on_a_thread(connection):
    found = []
    thread = Thread(target=lambda: found.extend(connection))
    thread.start()
    thread.join()
    return found


WAYS = [list, raw, parsed, on_a_thread]
WAYS += [dispatched] if hasattr(MODULE.RealtimeConnection, "dispatch_events") else []  # of the newer


@pytest.mark.parametrize("read", WAYS)
def test_a_program_gets_the_same_in_every_way_it_may_read_a_session(watch, read):
    def talk():
        with talking([wire.began(), *wire.answer("r1")]) as connection:
            return read(connection), type(connection), sorted(vars(connection))

    bare = talk()
    seen = watch()

    assert talk() == bare
    assert seen.usage == SPENT


ODD = (
    b"no json",
    "é".encode(),
    b"[1, 2]",
    b"7",
    b'{"type": 5}',
    b'{"type": "response.created"}',
    b'{"type": "response.created", "response": {"id": {}}}',
    b'{"type": "response.output_audio.delta", "response_id": "r9", "delta": null}',
    b'{"type": "response.done", "response": null}',
    b'{"type": "response.done", "response": {"id": 7, "usage": {"input_tokens": "many"}}}',
    b'{"response": {"id": "r1"}, "type": "response.done"}',
    b"[" * 100_000,
)


def test_odd_messages_reach_the_program_as_they_are(watch):
    def talk():
        with talking(ODD) as connection:
            return [connection.recv_bytes() for _ in ODD]

    bare = talk()
    watch()

    assert talk() == bare == list(ODD)


def test_off_is_off_for_sessions_that_are_open_too(watch):
    original = MODULE.RealtimeConnection.recv_bytes
    seen = watch()

    with talking([wire.began(), *wire.answer("r1")]) as connection:
        assert connection.recv().type == "session.created"
        instrumentors.openai().uninstrument()
        assert [connection.recv().type for _ in range(4)][-1] == "response.done"

    assert MODULE.RealtimeConnection.recv_bytes is original
    assert seen.calls == []


def test_the_methods_of_a_connection_look_as_they_did(watch):
    def shown():
        methods = [
            getattr(kind, name)
            for kind in (MODULE.RealtimeConnection, MODULE.AsyncRealtimeConnection)
            for name in ("recv_bytes", "recv", "close")
        ]
        return [(inspect.signature(each), inspect.iscoroutinefunction(each), each.__doc__) for each in methods]

    bare = shown()
    watch()

    assert shown() == bare


def test_every_seat_is_found_where_this_version_has_it(watch, caplog):
    with caplog.at_level("INFO", "costspan"):
        watch()

    assert [record.message for record in caplog.records if "not instrumented" in record.message] == []


@pytest.mark.parametrize(
    ("client", "provider", "host", "port", "geo"),
    [
        (openai.OpenAI(api_key="k"), "openai", "api.openai.com", 443, ""),
        (openai.OpenAI(api_key="k", base_url="https://eu.api.openai.com/v1"), "openai", "eu.api.openai.com", 443, "eu"),
        (openai.OpenAI(api_key="k", websocket_base_url="wss://api.x.ai/v1"), "x_ai", "api.x.ai", 443, ""),
        (openai.OpenAI(api_key="k", websocket_base_url="ws://api.x.ai:81/v1"), "x_ai", "api.x.ai", 81, ""),
        (
            openai.AzureOpenAI(api_key="k", api_version="1", azure_endpoint="https://me.openai.azure.com"),
            "azure.ai.openai",
            "me.openai.azure.com",
            443,
            "",
        ),
    ],
)
def test_whose_prices_apply_is_told_by_where_a_session_is(client, provider, host, port, geo):
    seat = next(seat for seat in adapter.ADAPTER.seats if seat.name == "RealtimeConnectionManager.enter")

    request = open_connection(adapter.ADAPTER, seat, connect(client), (), {}, Settings()).request

    assert (request.provider, request.host, request.port, request.geo) == (provider, host, port, geo)
    assert (request.model, request.stream) == (ASKED, True)
