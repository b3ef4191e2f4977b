"""Whatever goes wrong on our side, the host program sees what it would see without us, and one warning per kind."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import ClassVar

import openai as sdk
import pytest
from fake_providers import Answer, openai, openai_odd
from opentelemetry.sdk.trace import SpanProcessor
from pydantic import BaseModel, field_validator

from conformance.host import Host, settle
from conformance.openai_table import CHAT, CLIENTS, EMBEDDINGS, GROUPS, RESPONSES
from conformance.stainless import EVERY_WAY
from conformance.suite import Group
from costspan.adapters._usage import UsageMap
from costspan.adapters._watch import Watch
from costspan.call import Call
from costspan.pricing import Pricer
from costspan.telemetry.metrics import Metrics
from costspan.telemetry.recorder import Recorder

pytestmark = pytest.mark.slow

TWICE = {"first": (), "second": ()}
WAYS = [("plain", CHAT), ("raw", CHAT), ("stream", CHAT), ("streaming events", CHAT), ("stream", RESPONSES)]
BROKEN = (  # what may have a bug: every step between the SDK and OpenTelemetry
    (Recorder, "watching"),
    (Recorder, "refusal"),
    (Recorder, "started"),
    (Recorder, "finished"),
    (Call, "chunk"),
    (Call, "finish"),
    (Watch, "_collect"),
    (Watch, "_conclude"),
    (UsageMap, "read"),
    (Pricer, "load"),
    (Pricer, "price"),
    (Metrics, "record"),
)


def _step(each):
    return f"{each[0].__name__}.{each[1]}"


@pytest.mark.parametrize("step", BROKEN, ids=_step)
def test_a_bug_of_ours_stays_ours(step, openai_clients, fake_openai, instrumented, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(*step, fail)
    found = {}
    for (way, operation), client in product(WAYS, CLIENTS):
        group = Group(operation._replace(spans=None), EVERY_WAY[way], client, TWICE)
        found |= group.differences(openai_clients[client], fake_openai, instrumented)

    assert found == {}
    assert "ZeroDivisionError" in {kind for _, kind in instrumented.failures}


def test_a_kind_of_failure_is_told_once_and_counted_every_time(
    openai_clients, fake_openai, instrumented, monkeypatch, caplog
):
    monkeypatch.setattr(Pricer, "price", None)
    client = openai_clients["sync"].sdk
    with instrumented():
        for _ in range(3):
            client.chat.completions.create(**CHAT.arguments())
        told = instrumented.spans

    assert instrumented.failures == {("price a call", "TypeError"): 3}
    assert [record.levelname for record in caplog.records if record.name == "costspan"] == ["WARNING"]
    assert len(told) == 3
    assert all("gen_ai.usage.cost.amount" not in span.attributes for span in told)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"models": 3}', "\0\xff", '{"gpt-4o": {"input": "free"}}'])
def test_a_price_list_that_cannot_be_used_leaves_the_others_in_force(
    text, tmp_path, openai_clients, fake_openai, instrumented, caplog
):
    path = tmp_path / "prices.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    client = openai_clients["sync"].sdk
    with instrumented(prices=str(path)):
        answers = [client.chat.completions.create(**CHAT.arguments()) for _ in range(2)]
        told = instrumented.spans

    assert answers[0].choices[0].message.content == openai.TEXT
    assert all(span.attributes["gen_ai.usage.cost.amount"] > 0 for span in told)
    assert len([record for record in caplog.records if record.name == "costspan"]) <= 1


@pytest.mark.parametrize("step_seconds", [-3600, 3600, -(10**9)])
def test_a_clock_that_steps_changes_no_duration(step_seconds, openai_clients, fake_openai, instrumented, monkeypatch):
    real, steps = time.time_ns, iter([0] * 1)
    monkeypatch.setattr(time, "time_ns", lambda: real() + next(steps, step_seconds) * 10**9)
    group = Group(CHAT, EVERY_WAY["plain"], "sync", TWICE)
    found = group.differences(openai_clients["sync"], fake_openai, instrumented)

    assert found == {}
    assert instrumented.failures == {}
    with instrumented():
        openai_clients["sync"].sdk.chat.completions.create(**CHAT.arguments())
        (span,) = instrumented.spans
    assert 0 <= span.end_time - span.start_time < 60 * 10**9


def test_an_exporter_that_fails_is_not_the_programs_affair(openai_clients, fake_openai, instrumented_with):
    class Broken:
        def on_start(self, span, parent_context=None):
            raise OSError("no space left on device")

        on_end = _on_ending = on_start

        def shutdown(self):
            """Nothing is open."""

    with instrumented_with(Broken()) as told:
        answer = openai_clients["sync"].sdk.chat.completions.create(**CHAT.arguments())

    assert answer.choices[0].message.content == openai.TEXT
    assert told.failures


def test_threads_each_get_their_own_answers(openai_clients, fake_openai, instrumented):
    client = openai_clients["sync"].sdk

    def work(number):
        answer = client.chat.completions.create(**CHAT.arguments() | {"n": 1 + number % 3})
        chunks = list(client.chat.completions.create(**CHAT.arguments(), stream=True))
        return len(answer.choices), len(chunks)

    with instrumented():
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(work, range(24)))
        told = instrumented.spans

    assert seen == [(1 + number % 3, 12) for number in range(24)]
    assert len(told) == 48
    assert len({span.attributes["gen_ai.response.id"] for span in told}) == 48
    assert instrumented.failures == {}


def test_tasks_side_by_side_have_spans_side_by_side(openai_clients, fake_openai, instrumented):
    client = openai_clients["async"]

    async def together():
        return await asyncio.gather(*(client.sdk.chat.completions.create(**CHAT.arguments()) for _ in range(8)))

    with instrumented():
        answers = client.run(together())
        told = instrumented.spans

    assert {span.attributes["gen_ai.response.id"] for span in told} == {answer.id for answer in answers}
    assert {span.parent for span in told} == {None}


@pytest.mark.parametrize("way", ["cancel", "wait_for"])
def test_a_call_may_be_cancelled_before_its_answer(way, openai_clients, fake_openai, instrumented):
    client = openai_clients["async"]

    async def leave(host):
        call = client.sdk.chat.completions.create(**CHAT.arguments())
        try:
            if way == "wait_for":
                await asyncio.wait_for(call, 0.05)
            task = asyncio.ensure_future(call)
            await asyncio.sleep(0.05)
            task.cancel()
            await task
        except (asyncio.CancelledError, asyncio.TimeoutError) as error:
            host.see("left", error)

    def observe():
        fake_openai.clear()
        fake_openai.play(Answer((b"{}",), pause_seconds=0.3))
        host = Host()
        client.run(leave(host))
        return host.diary

    bare = observe()
    with instrumented():
        ours = observe()
        (span,) = instrumented.spans

    assert ours == bare
    assert span.attributes["error.type"] in ("asyncio.exceptions.CancelledError", "CancelledError")
    assert "gen_ai.usage.cost.amount" not in span.attributes


def _originals():
    """Every function of the SDK and every attribute of its classes, by where it is."""
    modules = [(name, module) for name, module in list(sys.modules.items()) if name.split(".")[0] == "openai"]
    found = {(name, key): value for name, module in modules for key, value in vars(module).items()}
    found = {place: value for place, value in found.items() if callable(value)}
    for place, value in list(found.items()):
        if isinstance(value, type):
            found |= {(*place, name): held for name, held in vars(value).items() if "pydantic" not in name}
    return found


def test_off_puts_back_every_original_by_identity(openai_clients, fake_openai, instrumented):
    GROUPS[0].differences(openai_clients["sync"], fake_openai, instrumented)  # the SDK's lazy modules are loaded now
    before = _originals()
    with instrumented():
        assert any(value is not before.get(place) for place, value in _originals().items())
        openai_clients["sync"].sdk.embeddings.create(**EMBEDDINGS.arguments())

    after = _originals()
    assert [place for place, value in before.items() if after[place] is not value] == []


@pytest.mark.parametrize("name", CLIENTS)
def test_what_was_taken_while_on_passes_through_when_off(name, openai_clients, fake_openai, instrumented):
    client = openai_clients[name]

    async def use(call, stream):
        answer = await settle(call(**CHAT.arguments()))
        host = Host()
        await host.see_items(stream)
        return answer, host.diary

    async def take():
        bound = client.sdk.chat.completions.create
        return bound, await settle(bound(**CHAT.arguments(), stream=True))

    with instrumented():
        bound, stream = client.run(take())
    answer, seen = client.run(use(bound, stream))
    told = instrumented.spans

    assert answer.choices[0].message.content == openai.TEXT
    assert len(seen) == 12
    assert len(told) == 1  # the stream that was open ends as it would have; the later call is not told


def test_on_twice_and_off_twice_is_on_and_off(openai_clients, fake_openai, instrumented):
    client = openai_clients["sync"].sdk
    with instrumented(), instrumented():
        client.chat.completions.create(**CHAT.arguments())
        assert len(instrumented.spans) == 1
    client.chat.completions.create(**CHAT.arguments())

    assert len(instrumented.spans) == 0


def test_a_client_made_before_and_one_made_after_are_both_seen(fake_openai, instrumented):
    def call(client):
        with client:
            client.chat.completions.create(**CHAT.arguments())

    where = {"base_url": fake_openai.url + "/v1", "api_key": "k"}
    before = sdk.OpenAI(**where)
    with instrumented():
        call(before)
        call(sdk.OpenAI(**where))
        call(sdk.AzureOpenAI(azure_endpoint=fake_openai.url, api_key="k", api_version="1", azure_deployment="d"))
        told = instrumented.spans

    assert len(told) == 3


def test_a_stream_that_is_collected_is_told_by_another_thread_whose_locks_are_free(
    openai_clients, fake_openai, instrumented_with
):
    """The garbage collector comes at any moment: in the middle of OpenTelemetry's own bookkeeping, too."""

    class Teller(SpanProcessor):
        threads = ()

        def on_end(self, _span):
            self.threads += (threading.get_ident(),)

    teller = Teller()
    fake_openai.play(openai_odd.STREAM_CHAT["usage on every chunk"])
    with instrumented_with(teller) as told:
        opened = openai_clients["sync"].sdk.chat.completions.create(**CHAT.arguments(), stream=True)
        next(opened)
        del opened
        gc.collect()
        (span,) = told.spans

    assert span.attributes["costspan.usage.source"] == "provider"
    assert span.attributes["costspan.usage.partial"] is True
    assert threading.get_ident() not in teller.threads


class Noticed(BaseModel):
    """The program's own model, which does something when it is made."""

    city: str
    made: ClassVar[list[str]] = []

    @field_validator("city")
    @classmethod
    def notice(cls, city):
        cls.made.append(city)
        return city


@pytest.mark.parametrize("name", CLIENTS)
def test_a_raw_response_is_parsed_by_the_program_alone(name, openai_clients, fake_openai, instrumented):
    client = openai_clients[name]

    async def ask():
        asking = client.sdk.chat.completions.with_raw_response.parse(**CHAT.arguments(), response_format=Noticed)
        return await settle(asking)

    with instrumented():
        response = client.run(ask())
        assert Noticed.made == []
        parsed = response.parse()
        (span,) = instrumented.spans

    assert Noticed.made.pop() == parsed.choices[0].message.parsed.city
    assert span.attributes["gen_ai.usage.input_tokens"] == openai.CHAT_USAGE["prompt_tokens"]


def _let_go(error):
    """CPython 3.13.0 holds the frames of a `yield from` that has failed by each other: their traceback frees them."""
    while error is not None:
        error.__traceback__, error = None, error.__context__


@pytest.mark.parametrize("forget", [lambda _: None, _let_go], ids=["error", "its traceback"])
def test_a_stream_that_failed_is_freed_when_the_program_lets_go(forget, openai_clients, fake_openai, instrumented):
    """Not by the garbage collector later: that may come while a connection pool is locked, and stop the program."""
    client = openai_clients["sync"].sdk

    def fail():
        fake_openai.clear()
        fake_openai.play(openai_odd.STREAM_CHAT["cut in the middle"])
        opened = client.chat.completions.create(**CHAT.arguments(), stream=True)
        try:
            list(opened)
        except sdk.APIConnectionError as error:
            forget(error)
        return weakref.ref(opened), weakref.ref(opened._iterator)

    assert not gc.isenabled()
    bare = [held() is None for held in fail()]
    with instrumented():
        ours = [held() is None for held in fail()]
        (span,) = instrumented.spans

    assert ours == bare
    assert all(ours) or forget is not _let_go
    assert "error.type" in span.attributes
