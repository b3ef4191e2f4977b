"""OTLP requests read into plain spans and events, whatever their encoding. Attributes nobody asks for stay encoded."""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from costspan.telemetry import names
from costspan.telemetry.reading import OWN, wanted
from costspan.telemetry.spellings import PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_RESOURCE = frozenset({"service.name", "deployment.environment.name", "deployment.environment"})
_EVENT_NAMES = frozenset({names.EVENT})
_SCALARS = frozenset({"string_value", "int_value", "double_value", "bool_value"})
_ERROR = 2  # STATUS_CODE_ERROR


class BadRequestError(ValueError):
    """The body is not what its content type says."""


@dataclass(slots=True)
class Arrival:
    """A span, or an accounting event that stands for one, as it arrived."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    event: bool = False


def read_protobuf(signal: str, body: bytes) -> Iterator[Arrival]:
    """Arrivals of a protobuf request; of metrics there are none, but the body must be right.

    Raises:
        BadRequestError: The body is not such a message.
    """
    try:
        request = _MESSAGES[signal].FromString(body)
    except (DecodeError, RuntimeError) as error:
        raise BadRequestError(f"not an OTLP {signal} request: {error}") from error
    return _READERS[signal](request)


def _spans(request: Any) -> Iterator[Arrival]:
    for of_resource in request.resource_spans:
        resource = _attributes(of_resource.resource.attributes, _RESOURCE.__contains__)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Arrival(
                    span.trace_id,
                    span.span_id,
                    span.parent_span_id,
                    span.name,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    attributes=_call_attributes(span.attributes),
                    resource=resource,
                    failed=span.status.code == _ERROR,
                )


def _events(request: Any) -> Iterator[Arrival]:
    for of_resource in request.resource_logs:
        resource = _attributes(of_resource.resource.attributes, _RESOURCE.__contains__)
        for of_scope in of_resource.scope_logs:
            for record in of_scope.log_records:
                if _event_name(record) in _EVENT_NAMES:
                    attributes = _call_attributes(record.attributes)
                    at = record.time_unix_nano or record.observed_time_unix_nano
                    ids = record.trace_id, record.span_id
                    yield Arrival(*ids, b"", names.EVENT, at, at, attributes=attributes, resource=resource, event=True)


def _event_name(record: Any) -> str:
    """The event's name: a field since OTLP 1.5, an attribute before."""
    if record.event_name:
        return str(record.event_name)
    return next((each.value.string_value for each in record.attributes if each.key == "event.name"), "")


def _call_attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Those that `read_call` looks at. In one piece: this runs once for every attribute of every span."""
    found = {}
    for pair in pairs:
        key = pair.key
        if key in PLACES or key[:9] == OWN:
            value = pair.value
            found[key] = value.string_value or value.int_value or value.double_value or _plain(value)
    return found


def _attributes(pairs: Iterable[Any], wants: Callable[[str], bool]) -> dict[str, Any]:
    return {key: _plain(pair.value) for pair in pairs if wants(key := pair.key)}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind in _SCALARS:
        return getattr(value, kind)
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: _plain(each.value) for each in value.kvlist_value.values}
    return value.bytes_value


_MESSAGES: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_READERS: dict[str, Callable[[Any], Iterator[Arrival]]] = {
    "traces": _spans,
    "logs": _events,
    "metrics": lambda _: iter(()),
}


def read_json(signal: str, body: bytes) -> Iterator[Arrival]:
    """Arrivals of a JSON request: ids in hex, 64-bit numbers as text.

    Raises:
        BadRequestError: The body is not JSON, or not of that form.
    """
    try:
        request = json.loads(body)
        arrivals = list(_JSON_READERS[signal](request))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise BadRequestError(f"not an OTLP/JSON {signal} request: {error}") from error
    return iter(arrivals)


def _json_spans(request: Any) -> Iterator[Arrival]:
    for of_resource in _list(request, "resourceSpans"):
        resource = _json_attributes(of_resource.get("resource"), _RESOURCE.__contains__)
        for of_scope in _list(of_resource, "scopeSpans"):
            for span in _list(of_scope, "spans"):
                yield Arrival(
                    _hex(span, "traceId"),
                    _hex(span, "spanId"),
                    _hex(span, "parentSpanId"),
                    str(span.get("name", "")),
                    int(span.get("startTimeUnixNano") or 0),
                    int(span.get("endTimeUnixNano") or 0),
                    attributes=_json_attributes(span, wanted),
                    resource=resource,
                    failed=(span.get("status") or {}).get("code") in (_ERROR, "STATUS_CODE_ERROR"),
                )


def _json_events(request: Any) -> Iterator[Arrival]:
    for of_resource in _list(request, "resourceLogs"):
        resource = _json_attributes(of_resource.get("resource"), _RESOURCE.__contains__)
        for of_scope in _list(of_resource, "scopeLogs"):
            for record in _list(of_scope, "logRecords"):
                called = record.get("eventName") or _json_attributes(record, "event.name".__eq__).get("event.name")
                if called in _EVENT_NAMES:
                    at = int(record.get("timeUnixNano") or 0) or int(record.get("observedTimeUnixNano") or 0)
                    ids = _hex(record, "traceId"), _hex(record, "spanId")
                    attributes = _json_attributes(record, wanted)
                    yield Arrival(*ids, b"", names.EVENT, at, at, attributes=attributes, resource=resource, event=True)


def _json_metrics(request: Any) -> Iterator[Arrival]:
    _list(request, "resourceMetrics")
    return iter(())


_JSON_READERS = {"traces": _json_spans, "logs": _json_events, "metrics": _json_metrics}


def _list(of: Any, key: str) -> list[Any]:
    value = of.get(key) or []
    if not isinstance(value, list):
        raise BadRequestError(f"{key} must be a list")
    return value


def _hex(of: dict[str, Any], key: str) -> bytes:
    try:
        return binascii.unhexlify(of.get(key) or "")
    except binascii.Error as error:
        raise BadRequestError(f"{key} must be hexadecimal") from error


def _json_attributes(of: Any, wants: Callable[[str], bool]) -> dict[str, Any]:
    return {pair["key"]: _json_plain(pair.get("value")) for pair in _list(of or {}, "attributes") if wants(pair["key"])}


def _json_plain(value: Any) -> Any:
    for kind, plain in (value or {}).items():
        if kind == "intValue":
            return int(plain)
        if kind == "arrayValue":
            return [_json_plain(each) for each in plain.get("values", [])]
        if kind == "kvlistValue":
            return {each["key"]: _json_plain(each.get("value")) for each in plain.get("values", [])}
        return plain
    return None
