"""Whatever a provider answers: read without a failure, to counts that are possible and add up."""

from __future__ import annotations

import ast
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from arbitrary import SCALARS, Answering, AnsweringObject, fuzzed, trees
from hypothesis import given
from hypothesis import strategies as st

import costspan
from costspan.adapters._adapter import load
from costspan.adapters._openai_fields import CHAT_USAGE
from costspan.adapters._request import read_request
from costspan.adapters._watch import Watch
from costspan.adapters._xai_hooks import read_ticks
from costspan.call import Call, Reply, Request
from costspan.guard import FAILURES
from costspan.instrumentors import adapter_names
from costspan.replies import read_reply
from costspan.telemetry.attributes import reply_attributes, total_usage
from costspan.usage import MOST

ADAPTERS = Path(costspan.__file__).parent / "adapters"
LARGEST = 2**63 - 1  # an attribute that is larger cannot be sent


def words():
    """Every name in a path of an adapter."""
    texts = {
        node.value
        for path in ADAPTERS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value
    }
    return {step for text in texts for each in text.split("|") for step in each.split(".") if step.isidentifier()}


def operations():
    """Every operation of every adapter, once."""
    found = {}
    for name in adapter_names():
        adapter = load(name)
        placed = [route.operation for route in adapter.routes] + list(adapter.calls.values())
        for operation in placed + [seat.operation for seat in adapter.seats if seat.operation]:
            found.setdefault(id(operation), (f"{name} {operation.name}", operation))
    return list(found.values())


OPERATIONS = operations()
TREES = trees(words())
SOURCES = st.one_of(TREES, st.dictionaries(st.sampled_from(["usage", "id", "model", "choices", "data"]), TREES))


@contextmanager
def nothing_fails():
    """No guard of ours had to keep a failure from the program."""
    FAILURES.clear()
    yield
    assert FAILURES.counts == {}


def watch_of(operation, body=None, *, hidden=False):
    observer = SimpleNamespace(finished=lambda call: None, started=lambda call: None, paused=lambda scope: None)
    request = Request(operation.name, "acme", "big", body={} if body is None else body)
    return Watch(Call(request, observer), operation, observer, hidden=hidden)


def must_be_possible(call):
    """What telemetry then sends."""
    usage = total_usage(call.reply)
    assert all(type(count) is int and count > 0 for count in usage.counts.values())
    assert usage.total_input + usage.total_output <= sum(usage.counts.values())
    for value in reply_attributes(call, None).values():
        assert not isinstance(value, int) or -LARGEST <= value <= LARGEST
    assert call.reply.stated_cost is None or 0 <= call.reply.stated_cost < MOST
    assert all(isinstance(text, str) for text in (call.reply.model, call.reply.id, *call.reply.finish_reasons))


@fuzzed
@given(st.sampled_from(OPERATIONS), SOURCES)
def test_any_json_is_read(named, source):
    with nothing_fails():
        watch = watch_of(named[1])
        watch.complete(source)
    must_be_possible(watch.call)


@fuzzed
@given(st.sampled_from(OPERATIONS), st.sampled_from([Answering, AnsweringObject]), st.data())
def test_any_object_is_read(named, kind, data):
    with nothing_fails():
        watch = watch_of(named[1])
        watch.complete(kind(data))
    must_be_possible(watch.call)


@pytest.mark.parametrize(("ticks", "usd"), [(25_000_000, Decimal("0.0025")), (10**30, None), (-1, None)])
def test_a_charge_in_ticks_is_taken_if_it_can_be_one(ticks, usd):
    told, reply = {"cost_in_usd_ticks": ticks}, Reply()
    read_ticks(Request("chat", "x_ai"), {"usage": told}, reply)
    assert reply.stated_cost == CHAT_USAGE.read([told]).cost == usd


@fuzzed
@given(st.sampled_from(OPERATIONS), st.lists(SOURCES, max_size=4), st.booleans(), st.data())
def test_any_chunks_are_read(named, chunks, hidden, data):
    with nothing_fails():
        watch = watch_of(named[1], hidden=hidden)
        for chunk in [*chunks, AnsweringObject(data)]:
            assert watch.see(chunk) in (True, False)
        watch.finish()
    must_be_possible(watch.call)


@fuzzed
@given(st.sampled_from(OPERATIONS), st.dictionaries(st.sampled_from(sorted(words())), TREES, max_size=6))
def test_any_request_is_read(named, body):
    with nothing_fails():
        request = read_request(named[1], "acme", body)
        watch_of(named[1], body).complete(None)
    assert isinstance(request.model, str)
    assert all(isinstance(value, str) and len(value) <= 256 for value in request.attribution.values())


@fuzzed
@given(st.one_of(SOURCES, SCALARS))
def test_any_answer_can_be_asked_for_its_price(response):
    with nothing_fails():
        provider, reply = read_reply(response)
    assert isinstance(provider, str)
    assert reply.usage is None or all(count > 0 for count in reply.usage.counts.values())


@pytest.mark.parametrize("named", OPERATIONS, ids=lambda each: each[0])
def test_every_operation_reads_nothing_from_nothing(named):
    for nothing in (None, {}, [], "", 0, object()):
        with nothing_fails():
            watch = watch_of(named[1])
            watch.complete(nothing)
        assert total_usage(watch.call.reply).total_output == 0
