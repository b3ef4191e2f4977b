"""A call is read from its bytes exactly as the published messages read it, whatever came before it."""

from __future__ import annotations

import pytest
from ledger_spans import CHAT, event, logs, pairs, span, traces
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from costspan.ledger import protobuf
from costspan.ledger.otlp import BadRequestError
from costspan.ledger.protobuf import ProtobufReader

VALUES = [
    *(0, 1, 127, 128, 129, 16_383, 16_384, 2**31, 2**63 - 1, -1),
    *(0.0, 0.0045, -1.5, float("inf"), 1e300),
    *("", "12", "text", "ü" * 100, "x" * 500),
    *(True, False, b"\x00\xff", [1, "a", 2.5], {"a": {"b": 1}}, []),
]


@pytest.mark.parametrize("name", ["gen_ai.usage.input_tokens", "gen_ai.response.model", "user.id", "costspan.tag.x"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:12])
def test_every_kind_of_value_is_read_the_first_time_and_again(name, value):
    reader = ProtobufReader()
    [first], [again] = (list(reader.read("traces", traces(span({name: value})))) for _ in range(2))

    assert [said(first), said(again)] == [{name: value}] * 2
    assert type(said(again)[name]) is type(value)


def said(arrival):
    return {**arrival.outline.texts, **arrival.numbers}


def test_calls_that_differ_in_numbers_only_share_their_outline():
    body = traces(*(span(CHAT | {"gen_ai.usage.input_tokens": count, "user.id": f"u{count}"}) for count in range(3)))
    arrivals = list(ProtobufReader().read("traces", body))

    assert len({id(arrival.outline) for arrival in arrivals}) == 1
    assert [arrival.numbers["gen_ai.usage.input_tokens"] for arrival in arrivals] == [0, 1, 2]


def test_pairs_in_any_encoding_that_the_wire_allows_are_read():
    """The value before the key, a length in two bytes, a pair of nothing, a value twice: the last counts."""
    long = "costspan.tag." + "n" * 200
    pair = KeyValue(key="gen_ai.usage.output_tokens", value={"int_value": 300}).SerializeToString()
    key, value = pair[: 2 + pair[1]], pair[2 + pair[1] :]
    encoded = [value + key, b"", KeyValue(key=long, value={"string_value": "y"}).SerializeToString()]
    for each in (encoded, encoded[::-1], [key + b"\x12\x02\x18\x05" + value, *encoded[1:]]):
        [arrival] = ProtobufReader().read("traces", in_a_request(each))
        assert said(arrival) == {"gen_ai.usage.output_tokens": 300, long: "y"}


def test_an_attribute_without_a_value_has_none():
    [arrival] = ProtobufReader().read("traces", in_a_request([KeyValue(key="user.id").SerializeToString()]))

    assert said(arrival) == {"user.id": None}


@pytest.mark.parametrize(
    "pair",
    [
        b"\xff",
        b"\x0a",
        b"\x0a\x7fshort",
        b"\x0a\x19gen_ai.usage.input_tokens\x12\x09\x21\x00",
    ],
    ids=["no tag", "no length", "cut off", "half a number"],
)
def test_a_pair_that_is_none_is_a_bad_request_and_the_next_one_is_read(pair):
    reader = ProtobufReader()
    with pytest.raises(BadRequestError):
        list(reader.read("traces", in_a_request([pair])))

    [arrival] = reader.read("traces", traces(span(CHAT)))
    assert said(arrival) == CHAT


@pytest.mark.parametrize("name", ["gen_ai.input.messages", "user.id", "costspan.tag.CUTCUT"])
def test_a_text_that_is_cut_within_a_character_refuses_nothing(name):
    theirs = {"name": "CUTCUT", "attributes": pairs({"CUTCUT": ["CUTCUT", {"CUTCUT": "CUTCUT"}]})}
    odd = span(CHAT | {name: "CUTCUT"}, name="CUTCUT", events=[theirs], status={"message": "CUTCUT"})
    body = traces(odd, span(CHAT), service="CUTCUT", CUTCUT="x")
    arrivals = list(ProtobufReader().read("traces", body.replace(b"CUTCUT", "é".encode() * 2 + b"\xc3 ")))

    assert [arrival.numbers["gen_ai.usage.output_tokens"] for arrival in arrivals] == [200, 200]
    assert [arrival.name for arrival in arrivals] == ["éé� ", "chat gpt-4o"]
    assert {arrival.resource.service for arrival in arrivals} == {"éé� "}


def test_a_log_record_that_is_no_call_may_hold_any_bytes_as_its_texts():
    theirs = event({"CUT": "CUT"}) | {"event_name": "", "body": {"string_value": "CUT"}, "severity_text": "CUT"}
    body = logs(theirs, theirs | {"event_name": "CUT"}, event()).replace(b"CUT", b"\xff\xfe\xfd")

    assert len(list(ProtobufReader().read("logs", body))) == 1


def test_only_the_accounting_events_among_log_records_are_calls():
    """Since OTLP 1.5 an event's name is a field, before it was an attribute."""
    older = event(CHAT | {"event.name": "costspan.call"}) | {"event_name": ""}
    arrivals = list(ProtobufReader().read("logs", logs(event(), older, event(CHAT) | {"event_name": "other"})))

    assert [arrival.numbers["gen_ai.usage.output_tokens"] for arrival in arrivals] == [200, 200]


def test_what_nobody_asks_for_is_not_decoded():
    [arrival] = ProtobufReader().read("traces", in_a_request([b"\x0a\x03abc\x12\x02\x18\x01"]))

    assert said(arrival) == {}


def test_what_is_remembered_has_an_end(monkeypatch):
    monkeypatch.setattr(protobuf, "_MOST_HELD", 20_000)
    reader = ProtobufReader()
    for number in range(300):
        [arrival] = reader.read("traces", traces(span(CHAT | {"gen_ai.response.model": f"m{number}"})))
        assert arrival.outline.model == f"m{number}"
        assert arrival.numbers["gen_ai.usage.input_tokens"] == 1000
        assert reader._held < 30_000


def in_a_request(encoded: list[bytes]) -> bytes:
    """A request with one span that has these encoded attributes."""
    one = {name: value for name, value in span({}).items() if name != "attributes"}
    content = ExportTraceServiceRequest.FromString(traces(one)).resource_spans[0].scope_spans[0].spans[0]
    whole = content.SerializeToString() + b"".join(field(9, each) for each in encoded)
    return field(1, field(2, field(2, whole)))


def field(number: int, content: bytes) -> bytes:
    """A field of the wire that has a length."""
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def test_the_helper_writes_what_the_library_does():
    content = [KeyValue(**pair).SerializeToString() for pair in pairs(CHAT)]

    [arrival] = ProtobufReader().read("traces", in_a_request(content))
    assert said(arrival) == CHAT
