"""OTLP over HTTP and gRPC: what is taken, what is refused and with which status, and what the answer says."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import os
import socket
import time
from pathlib import Path

import grpc
import pytest
from ledger_served import Served
from ledger_spans import CHAT, NOON, call, span, traces
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from costspan.ledger import receiver
from costspan.ledger.grpc_receiver import start_grpc
from costspan.ledger.listing import divide_prompts
from costspan.ledger.question import Question, parse_where
from costspan.ledger.reader import Reader
from costspan.ledger.schema import LedgerError
from costspan.ledger.server import find_running, start

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (traces(call())[:-7], {}, 400),
        (b"\xff" * 50, {}, 400),
        (gzip.compress(traces(call()))[:-9], {"content_encoding": "gzip"}, 400),
        (gzip.compress(traces(call())) * 2, {"content_encoding": "gzip"}, 400),
        (b"plain", {"content_encoding": "gzip"}, 400),
        (b"x", {"content_encoding": "br"}, 400),
        (b"x", {"content_type": "text/plain"}, 415),
        (b"{", {"content_type": "application/json"}, 400),
        (b"[]", {"content_type": "application/json"}, 400),
        (gzip.compress(bytes(65 * 2**20)), {"content_encoding": "gzip"}, 413),
        (b"x" * (16 * 2**20 + 1), {}, 413),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_ledger_goes_on(served, body, headers, status):
    refused = sum(served.ingest.counts[name] for name in ("bad requests", "refused requests"))
    assert served.post(body, **headers)[0] == status
    assert sum(served.ingest.counts[name] for name in ("bad requests", "refused requests")) == refused + 1
    before = served.ingest.counts["calls"]
    assert served.post(traces(call()))[0] == 200
    assert served.ingest.counts["calls"] == before + 1


def test_what_was_refused_of_a_request_is_told_in_protobuf_and_in_json(served):
    status, body = served.post(traces(call(), span(start_time_unix_nano=1)))
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_spans, "time" in partial.error_message) == (200, 1, True)

    early = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x", "startTimeUnixNano": "1"}]}]}]}
    status, body = served.post(json.dumps(early).encode(), content_type="application/json")
    assert (status, json.loads(body)["partialSuccess"]["rejectedSpans"]) == (200, "1")


def test_a_json_span_is_the_call_that_its_protobuf_form_is(served):
    one = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "chat gpt-4o",
        "startTimeUnixNano": str(NOON),
        "endTimeUnixNano": str(NOON + 10**9),
        "attributes": [
            {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
            {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "77"}},
            {"key": "gen_ai.usage.cost.amount", "value": {"doubleValue": 0.25}},
        ],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "from-json"}}]}
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [one]}]}]}
    for _ in range(2):
        assert served.post(json.dumps(request).encode(), content_type="application/json") == (200, b"{}")
    total = served.report("", "service=from-json").total

    assert (total.calls, total.input_tokens, str(total.cost.normalize())) == (1, 77, "0.25")


def test_names_that_are_no_text_or_without_end_break_no_answer(served):
    names = {
        **dict.fromkeys(("costspan.tag.k", "costspan.tag.\udfff", "session.id", "costspan.team"), "\ud800"),
        "costspan.price.reason": "r" * 10**6,
        "costspan.tag.long": "t" * 10**6,
    }
    span_ = {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "startTimeUnixNano": str(NOON),
        "attributes": _json_pairs(CHAT | names | {"costspan.prompt.\ud800": 5}),
    }
    resource = {"attributes": _json_pairs({"service.name": "half"})}
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span_]}]}]}).encode()
    assert served.post(body, content_type="application/json") == (200, b"{}")

    (call_,) = served.get("/api/calls?since=all&service=half")[1]["calls"]
    assert call_["tags"] == {"": "", "k": "", "long": "t" * 200}
    assert len(call_["reason"]) == 1000
    assert served.get("/api/usage?since=all&service=half&group_by=tag.k")[0] == 200
    with Reader(served.path) as reader:
        asked = Question(where=parse_where(["service=half"]))
        assert [part.part for part in divide_prompts(reader, asked)] == [""]


def _json_pairs(attributes):
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return [{"key": name, "value": {kinds[type(value)]: value}} for name, value in attributes.items()]


def _json_calls(service, kind="Spans", items="spans"):
    """A request with one good call."""
    at = {"startTimeUnixNano": str(NOON), "timeUnixNano": str(NOON), "eventName": "costspan.call"}
    good = at | {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "attributes": _json_pairs(CHAT)}
    resource = {"attributes": _json_pairs({"service.name": service})}
    return {f"resource{kind}": [{"resource": resource, f"scope{kind}": [{items: [good]}]}]}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"traceId": "no hex"}, "traceId must be hexadecimal"),
        ({"spanId": 7}, "spanId must be hexadecimal"),
        ({"startTimeUnixNano": "noon", "timeUnixNano": "noon"}, "noon"),
        ({"attributes": [{"key": "gen_ai.request.model", "value": "gpt-4o"}]}, "str"),
        ({"attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "many"}}]}, "many"),
    ],
)
@pytest.mark.parametrize(("signal", "kind", "items"), [("traces", "Spans", "spans"), ("logs", "Logs", "logRecords")])
def test_of_a_json_request_only_what_is_not_of_that_form_is_refused(served, bad, why, signal, kind, items):
    service = os.urandom(8).hex()
    request = _json_calls(service, kind, items)
    held = request[f"resource{kind}"][0][f"scope{kind}"][0][items]
    held.insert(0, held[0] | bad)
    status, body = served.post(json.dumps(request).encode(), signal, content_type="application/json")
    told = json.loads(body)["partialSuccess"]

    assert (status, told[f"rejected{items[0].upper()}{items[1:]}"]) == (200, "1")
    assert why in told["errorMessage"]
    assert served.report("", f"service={service}").total.calls == 1


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "text",
        {"resource": {"attributes": 5}},
        {"resource": 7},
        {"scopeSpans": 5},
        {"scopeSpans": [None]},
        {"scopeSpans": [{"spans": "x"}]},
        {"scopeSpans": [{"spans": [None]}]},
    ],
)
def test_what_is_around_json_spans_and_not_of_that_form_takes_no_other_with_it(served, bad):
    service = os.urandom(8).hex()
    request = _json_calls(service)
    [good] = request["resourceSpans"]
    request["resourceSpans"] = [good | bad if isinstance(bad, dict) else bad, good]
    status, body = served.post(json.dumps(request).encode(), content_type="application/json")

    assert (status, json.loads(body)["partialSuccess"]["rejectedSpans"]) == (200, "1")
    assert served.report("", f"service={service}").total.calls == 1


@pytest.mark.parametrize(
    ("signal", "kind", "items", "refused"), [("traces", "Spans", "spans", "4"), ("logs", "Logs", "logRecords", "2")]
)
def test_what_a_resource_that_cannot_be_read_holds_is_counted(served, signal, kind, items, refused):
    request = _json_calls("", kind, items)
    [of_resource] = request[f"resource{kind}"]
    [good] = of_resource[f"scope{kind}"][0][items]
    of_resource |= {"resource": 7, f"scope{kind}": [{items: [good, {}]}, {items: [None, good]}]}
    status, body = served.post(json.dumps(request).encode(), signal, content_type="application/json")

    assert (status, json.loads(body)["partialSuccess"][f"rejected{items[0].upper()}{items[1:]}"]) == (200, refused)


@pytest.mark.parametrize("place", [0, 9])
def test_a_json_event_of_ours_that_holds_what_is_malformed_is_refused_and_not_forgotten(served, place):
    request = _json_calls("", "Logs", "logRecords")
    [ours] = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    ours["attributes"] += _json_pairs({"event.name": ours.pop("eventName")})
    ours["attributes"].insert(place, None)
    status, body = served.post(json.dumps(request).encode(), "logs", content_type="application/json")

    assert (status, json.loads(body)["partialSuccess"]["rejectedLogRecords"]) == (200, "1")


@pytest.mark.parametrize(
    "theirs", [None, "text", {"attributes": 5}, {"attributes": [7]}, {"eventName": [1]}, {"traceId": "no hex"}]
)
def test_a_json_log_record_that_is_no_call_may_have_any_form(served, theirs):
    service = os.urandom(8).hex()
    request = _json_calls(service, "Logs", "logRecords")
    request["resourceLogs"][0]["scopeLogs"][0]["logRecords"].insert(0, theirs)

    assert served.post(json.dumps(request).encode(), "logs", content_type="application/json") == (200, b"{}")
    assert served.report("", f"service={service}").total.calls == 1


def test_a_json_attribute_without_a_name_is_none_that_anybody_asks_for(served):
    service = os.urandom(8).hex()
    request = _json_calls(service)
    nameless = {"value": {"stringValue": "x"}}
    [of_resource] = request["resourceSpans"]
    of_resource["resource"]["attributes"].append(nameless)
    of_resource["scopeSpans"][0]["spans"][0]["attributes"].append(nameless)

    assert served.post(json.dumps(request).encode(), content_type="application/json") == (200, b"{}")
    assert served.report("", f"service={service}").total.calls == 1


def test_a_json_event_is_a_call_and_metrics_are_taken_without_being_kept(served):
    attributes = [
        {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
        {"key": "event.name", "value": {"stringValue": "costspan.call"}},
    ]
    record = {
        "timeUnixNano": str(NOON),
        "attributes": [*attributes, {"key": "gen_ai.usage.cost.amount", "value": {"doubleValue": 1}}],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "json-event"}}]}
    body = {
        "resourceLogs": [
            {"resource": resource, "scopeLogs": [{"logRecords": [record, {"body": {"stringValue": "some line"}}]}]}
        ]
    }
    assert served.post(json.dumps(body).encode(), "logs", content_type="application/json") == (200, b"{}")
    assert served.post(b'{"resourceMetrics": []}', "metrics", content_type="application/json")[0] == 200
    assert served.post(b"", "metrics") == (200, b"")

    assert served.report("", "service=json-event").total.calls == 1


def test_a_client_that_stops_in_the_middle_harms_nobody_and_is_counted_not_logged(served, monkeypatch):
    logged, before = [], served.ingest.counts["refused requests"]
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "handle", logged.append)
    with socket.create_connection(("127.0.0.1", served.running.http_port)) as hanging:
        hanging.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n")
        hanging.sendall(b"content-type: application/x-protobuf\r\n\r\nabc")
        assert served.post(traces(call()))[0] == 200

    assert (refused_after(served, before), logged) == (before + 1, [])


def refused_after(served, before):
    """How many requests were refused: one more than before, once the server has seen that a client has left."""
    latest = time.monotonic() + 20
    while served.ingest.counts["refused requests"] == before and time.monotonic() < latest:
        time.sleep(0.01)
    return served.ingest.counts["refused requests"]


def test_a_client_that_hangs_is_told_so_and_counted(served, monkeypatch):
    monkeypatch.setattr(receiver, "_BODY_SECONDS", 0.05)
    before = served.ingest.counts["refused requests"]
    with socket.create_connection(("127.0.0.1", served.running.http_port), timeout=20) as hanging:
        hanging.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n")
        hanging.sendall(b"content-type: application/x-protobuf\r\n\r\nabc")
        assert hanging.recv(100).startswith(b"HTTP/1.1 408")

    assert served.ingest.counts["refused requests"] == before + 1


def test_of_a_body_of_a_gigabyte_nothing_is_kept(served):
    """Whoever sends it to its end is told 413, and who hangs 408; this client sends 64 MB of it and leaves."""
    part, refused = bytes(2**20), served.ingest.counts["refused requests"]
    with socket.create_connection(("127.0.0.1", served.running.http_port), timeout=20) as huge:
        huge.sendall(f"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-length: {2**30}\r\n".encode())
        huge.sendall(b"content-type: application/x-protobuf\r\n\r\n")
        before = resident_bytes()
        for _ in range(64):
            huge.sendall(part)
        assert resident_bytes() - before < 48 * len(part)

    assert refused_after(served, refused) == refused + 1
    assert served.post(traces(call()))[0] == 200


def resident_bytes():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_grpc_takes_the_same_and_refuses_with_its_own_codes(tmp_path):
    made = Served(tmp_path / "x.db", grpc_port=0, token="secret")
    with grpc.insecure_channel(f"127.0.0.1:{made.running.grpc_port}") as channel:
        export = channel.unary_unary(EXPORT)
        token = [("authorization", "bearer secret")]  # any case of the scheme will do: RFC 9110
        assert export(traces(call()), metadata=token, timeout=20) == b""
        with pytest.raises(grpc.RpcError) as refused:
            export(b"\xff", metadata=token, timeout=20)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.RpcError) as refused:
            export(traces(call()), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    made.close()

    assert made.report().total.calls == 1


def test_without_its_token_nobody_reads_or_writes(tmp_path):
    made = Served(tmp_path / "x.db", token="secret")
    assert made.post(traces(call()))[0] == 401
    assert made.post(traces(call()), authorization="Bearer wrong")[0] == 401
    assert made.post(traces(call()), authorization="Bearer secret")[0] == 200
    assert made.get("/api/usage") == (401, {"error": "the token is missing or wrong; a browser opens /?token=TOKEN"})
    assert made.get("/healthz")[0] == 200
    assert made.get("/api/usage", cookie="costspan_token=secret")[0] == 200
    assert made.get("/api/usage", cookie="costspan_token=wrong")[0] == 401
    connection = http.client.HTTPConnection("127.0.0.1", made.running.http_port)
    connection.request("GET", "/api?token=secret")
    answer = connection.getresponse()
    assert (answer.status, "httponly" in answer.headers["set-cookie"].lower()) == (303, True)
    connection.close()
    made.close()


def test_a_web_site_that_names_itself_127_0_0_1_reads_nothing(served):
    assert served.get("/api/usage", host="evil.example")[0] == 403
    assert served.get("/api/usage", host="localhost:4318")[0] == 200
    assert served.get("/api/usage", host="[::1]:4318")[0] == 200


def test_listening_to_others_needs_a_token_or_saying_so(tmp_path):
    with pytest.raises(LedgerError, match="--token"):
        Served(tmp_path / "x.db", host="0.0.0.0")  # noqa: S104 the refusal is tested


def test_a_port_in_use_says_that_costspan_is_there_already(served, tmp_path):
    with pytest.raises(LedgerError, match="costspan already listens"):
        start(tmp_path / "x.db", port=served.running.http_port)
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert find_running(f"http://127.0.0.1:{other.getsockname()[1]}", timeout=0.1) is None
        with pytest.raises(LedgerError, match="--port"):
            start(tmp_path / "x.db", port=other.getsockname()[1])


def test_a_grpc_port_in_use_is_one_line_and_that_is_all(tmp_path, capfd):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(
            LedgerError, match=rf"cannot listen on 127.0.0.1 port {port} .*: choose another with --grpc"
        ):
            start(tmp_path / "x.db", port=0, grpc_port=port)

    assert capfd.readouterr() == ("", "")


def test_a_port_where_grpc_is_served_is_told_as_any_other_that_is_taken(tmp_path):
    with (
        start(tmp_path / "x.db", port=0, grpc_port=0) as running,
        pytest.raises(LedgerError, match=f"port {running.grpc_port} .*: choose another with --grpc-port"),
    ):
        start(tmp_path / "y.db", port=0, grpc_port=running.grpc_port)


def test_a_grpc_port_that_is_taken_at_the_last_moment_is_one_line_too():
    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(LedgerError, match="--grpc-port"):
        start_grpc(None, f"127.0.0.1:{held.getsockname()[1]}")
