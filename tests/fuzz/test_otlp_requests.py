"""Whatever is sent to the ledger: stored, or refused with a reason; it harms no other request, and sums stay right."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from arbitrary import SCALARS, WORDS, fuzzed, trees
from hypothesis import given
from hypothesis import strategies as st
from ledger.ledger_spans import NOON, call, logs, pairs, span, traces

from costspan.api.shapes import call_json
from costspan.guard import FAILURES
from costspan.ledger.ingest import Ingest, Job, TooLargeError
from costspan.ledger.listing import list_calls
from costspan.ledger.maintenance import verify
from costspan.ledger.otlp import BadRequestError
from costspan.ledger.question import Question
from costspan.ledger.reader import Reader
from costspan.ledger.schema import LedgerError
from costspan.ledger.store import Store
from costspan.pricing import Pricer
from costspan.reports.usage import read_usage
from costspan.telemetry.spellings import PLACES

NAMES = sorted({*PLACES, "costspan.usage.images", "costspan.cost.input", "costspan.cost.list", "costspan.tag.x"})
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 10,
}
SIGNALS = st.sampled_from(["traces", "logs", "metrics"])
TIMES = st.sampled_from([0, NOON, NOON + 10**9, 2**63, 2**64 - 1])
SENT = st.one_of(  # what protobuf can carry
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, -1, 10**12, 10**12 + 1, 2**63 - 1]),
    st.floats(),
    st.sampled_from(["", "0", "1e400", "-3", "é\0\n", "x" * 300, '{"a": 1}']),
    st.binary(max_size=4),
    st.lists(st.integers(-5, 5), max_size=2),
)


class Service:
    """A ledger that lives through all examples."""

    def __init__(self, path):
        self.path = path
        self.ingest = Ingest(Store(path), Pricer())

    def send(self, job):
        """Stored or refused; whatever it was, the next request is stored too."""
        FAILURES.clear()
        good = self.ingest.submit(Job("traces", traces(call())))
        try:
            self.ingest.submit(job).result(30)
        except (BadRequestError, TooLargeError) as error:
            assert str(error)
        assert len(good.result(30).calls) == 1
        assert FAILURES.counts == {}


@cache
def service():
    """One for all examples."""
    return Service(Path(tempfile.mkdtemp(prefix="costspan-fuzz-")) / "ledger.db")


@pytest.fixture(scope="module", autouse=True)
def _sums_are_right_at_the_end():
    yield
    service().ingest.stop()
    assert verify(service().path).problems == []
    with Reader(service().path) as reader:
        assert read_usage(reader, Question(by=("tag.x",))).total.calls
        listed = [call_json(each) for each in list_calls(reader, Question(), limit=10**6)]
    assert json.dumps(listed, ensure_ascii=False).encode()
    shutil.rmtree(service().path.parent)


@fuzzed
@given(SIGNALS, st.binary(max_size=80), st.booleans(), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_any_bytes_are_refused_or_stored(signal, body, json, encoding):
    service().send(Job(signal, body, encoding, json=json))


@fuzzed
@given(st.dictionaries(st.sampled_from(NAMES), SENT, max_size=8), TIMES, TIMES, st.booleans(), st.binary(max_size=17))
def test_any_attributes_are_stored_as_far_as_they_can_be(attributes, start, end, as_event, name):
    said = pairs(CALL | attributes)
    if as_event:
        record = {"time_unix_nano": start, "event_name": "costspan.call", "attributes": said, "trace_id": name}
        service().send(Job("logs", gzip.compress(logs(record)), "gzip"))
    else:
        times = {"start_time_unix_nano": start, "end_time_unix_nano": end, "attributes": said}
        service().send(Job("traces", traces(span() | times | {"parent_span_id": name}, service="é" * 300)))


@fuzzed
@given(st.data())
def test_any_changed_byte_is_refused_or_stored(data):
    """A good request, with some of its bytes changed, cut out or doubled."""
    body = bytearray(traces(call(), span({}), call(gen_ai__usage__cost__amount=0.1)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    service().send(Job("traces", bytes(body)))


def _spans(spans):
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": spans}]}]}


def _span(number, said, **odd):
    """The span of a call in JSON, with these attributes besides, and these fields in the place of its own."""
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "startTimeUnixNano": str(NOON),
        "endTimeUnixNano": str(NOON),
        "name": "x",
        "attributes": [
            *({"key": key, "value": {"stringValue": value}} for key, value in CALL.items()),
            *({"key": key, "value": value} for key, value in said.items()),
        ],
        **odd,
    }


JSON_KEYS = frozenset(
    "resourceSpans resourceLogs resourceMetrics scopeSpans scopeLogs spans logRecords resource attributes traceId "
    "spanId parentSpanId name startTimeUnixNano endTimeUnixNano status code eventName key value intValue stringValue "
    "doubleValue boolValue arrayValue values kvlistValue".split()
)
FIELDS = st.sampled_from(["name", "startTimeUnixNano", "endTimeUnixNano", "status", "parentSpanId", "traceId"])
KINDS = st.sampled_from(["intValue", "stringValue", "doubleValue", "arrayValue", "kvlistValue"])
VALUES = st.one_of(
    SCALARS,
    st.dictionaries(KINDS, trees(JSON_KEYS)),
    st.builds(lambda text: {"stringValue": text}, WORDS),
    st.builds(lambda number: {"doubleValue": number}, st.floats()),
    st.builds(lambda number: {"intValue": number}, st.one_of(st.integers(), WORDS)),
)
ODD_SPANS = st.builds(
    lambda attributes, odd: _span(1, attributes, **odd),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
    st.dictionaries(FIELDS, SCALARS, max_size=2),
)


@fuzzed
@given(SIGNALS, st.one_of(trees(JSON_KEYS), st.lists(ODD_SPANS, max_size=3).map(_spans)))
def test_any_json_is_refused_or_stored(signal, value):
    body = json.dumps(value, default=str).encode()
    service().send(Job(signal, body, json=True))


@pytest.mark.parametrize(
    "odd",
    [
        _span(2, {}, attributes=[], endTimeUnixNano=10**30),
        _span(3, {}, attributes=[], name="\ud800"),
        _span(4, {}, startTimeUnixNano=float("inf")),
        _span(5, {}, attributes=[{"key": ["x"], "value": {}}]),
        _span(6, {}, parentSpanId="00" * 40),
        _span(7, {"costspan.tag.x": {"stringValue": "\ud800"}, "session.id": {"stringValue": "\ud800"}}),
        _span(8, {"gen_ai.usage.output_tokens": {"intValue": "9" * 400}}),
        _span(9, {"gen_ai.usage.output_tokens": {"doubleValue": 10**400}}),
        _span(10, {"gen_ai.usage.output_tokens": {"intValue": 10**12}}),
        _span(11, {"gen_ai.usage.cost.amount": {"intValue": 1}, "costspan.cost.list": {"stringValue": "dear"}}),
        _span(12, {"user.id": {"arrayValue": {"values": [{"stringValue": "a"}]}}}),
        _span(13, {"gen_ai.operation.name": {"arrayValue": {"values": [{"stringValue": "chat"}]}}}),
    ],
    ids=lambda odd: odd["traceId"][-1],
)
def test_what_once_kept_others_from_being_stored_does_not(odd):
    """Its trace has a call: spans of such a trace are stored."""
    around = _span(int(odd["traceId"], 16), {}, spanId="f" * 16)
    service().send(Job("traces", json.dumps(_spans([around, odd])).encode(), json=True))


def test_a_request_that_a_fault_of_ours_meets_harms_no_other(monkeypatch):
    """All requests that wait are stored in one transaction, else each in its own."""
    store = service().ingest._store
    write = store.write

    def fail(calls, spans=()):
        if any(call.dims.service == "cursed" for call in calls):
            raise ZeroDivisionError
        return write(calls, spans)

    monkeypatch.setattr(store, "write", fail)
    bodies = [traces(*(span() for _ in range(200)))] + [traces(call(), service=name) for name in ("a", "cursed", "b")]
    answers = [service().ingest.submit(Job("traces", body)) for body in bodies]

    assert [isinstance(answer.exception(30), LedgerError) for answer in answers] == [False, False, True, False]
    FAILURES.clear()
