"""What arrives over OTLP: spans and events, whatever their encoding; here out of JSON."""

from __future__ import annotations

import binascii
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from costspan.ledger.record import Resource, resource_of
from costspan.telemetry import names
from costspan.telemetry.reading import Outline, varies, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESOURCE = frozenset({"service.name", "deployment.environment.name", "deployment.environment"})
EVENT_NAMES = frozenset({names.EVENT})
ERROR = 2  # STATUS_CODE_ERROR
MOST_ITEMS = 100_000  # of one list in a request: resources, scopes, spans
_MALFORMED = (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError)  # JSON of another form


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
    outline: Outline  # of its texts, and …
    numbers: dict[str, Any]  # … the attributes that vary from call to call
    resource: Resource
    failed: bool = False
    event: bool = False


def few(items: Any) -> Any:
    """The items, if there are no more than a request can want: millions of empty ones are a few bytes each.

    Raises:
        BadRequestError: There are.
    """
    if len(items) > MOST_ITEMS:
        raise BadRequestError(f"{len(items):,} items in one list; {MOST_ITEMS:,} are taken: send fewer at once")
    return items


def read_json(signal: str, body: bytes) -> Iterator[Arrival | str]:
    """Arrivals of a JSON request: ids in hex, 64-bit numbers as text; of one that is not of that form, why it is not.

    Raises:
        BadRequestError: The body is not JSON, or no request of that signal.
    """
    try:
        request = json.loads(body)
        arrivals = list(_JSON_READERS[signal](request))
    except _MALFORMED as error:
        raise BadRequestError(f"not an OTLP/JSON {signal} request: {error}") from error
    return iter(arrivals)


def _json_items(request: Any, kind: str, items: str) -> Iterator[Arrival | str]:
    for of_resource in _list(request, f"resource{kind}"):
        yield from _or_why(_of_resource(of_resource, kind, items), f"resource{kind}")


def _of_resource(of_resource: Any, kind: str, items: str) -> Iterator[Arrival | str]:
    why, resource = "", Resource("", "")
    try:
        resource = resource_of(_json_attributes(of_resource.get("resource"), RESOURCE.__contains__))
    except _MALFORMED as error:
        why = f"one resource is not OTLP/JSON: {error}"
    for of_scope in _list(of_resource, f"scope{kind}"):
        arrivals = _or_why(_of_scope(of_scope, resource, items), f"scope{kind}")
        yield from (why for _ in arrivals) if why else arrivals


def _of_scope(of_scope: Any, resource: Resource, items: str) -> Iterator[Arrival | str]:
    for item in _list(of_scope, items):
        yield from _or_why(_of_item(item, resource, items), items)


def _of_item(item: Any, resource: Resource, items: str) -> Iterator[Arrival]:
    if items == "spans":
        yield _json_span(item, resource)
    elif _is_event(item):
        yield _json_event(item, resource)


def _or_why(arrivals: Iterator[Arrival | str], which: str) -> Iterator[Arrival | str]:
    """The arrivals, and where one cannot be read, why."""
    try:
        yield from arrivals
    except _MALFORMED as error:
        yield f"one of {which} is not OTLP/JSON: {error}"


def _json_span(span: Any, resource: Resource) -> Arrival:
    return Arrival(
        _hex(span, "traceId"),
        _hex(span, "spanId"),
        _hex(span, "parentSpanId"),
        str(span.get("name", "")),
        int(span.get("startTimeUnixNano") or 0),
        int(span.get("endTimeUnixNano") or 0),
        *_told(span),
        resource,
        failed=(span.get("status") or {}).get("code") in (ERROR, "STATUS_CODE_ERROR"),
    )


def _is_event(record: Any) -> bool:
    """Whether a log record is a call; one that is of another form is somebody else's."""
    with suppress(*_MALFORMED):
        if name := record.get("eventName"):
            return name in EVENT_NAMES
        pairs = [pair for pair in _list(record, "attributes") if isinstance(pair, dict)]
        return any(pair.get("key") == "event.name" and _json_plain(pair["value"]) in EVENT_NAMES for pair in pairs)
    return False


def _json_event(record: Any, resource: Resource) -> Arrival:
    at = int(record.get("timeUnixNano") or 0) or int(record.get("observedTimeUnixNano") or 0)
    ids = _hex(record, "traceId"), _hex(record, "spanId")
    return Arrival(*ids, b"", names.EVENT, at, at, *_told(record), resource, event=True)


def _json_metrics(request: Any) -> Iterator[Arrival]:
    _list(request, "resourceMetrics")
    return iter(())


_JSON_READERS: dict[str, Callable[[Any], Iterator[Arrival | str]]] = {
    "traces": partial(_json_items, kind="Spans", items="spans"),
    "logs": partial(_json_items, kind="Logs", items="logRecords"),
    "metrics": _json_metrics,
}


def _list(of: Any, key: str) -> list[Any]:
    value = of.get(key) or []
    if not isinstance(value, list):
        raise BadRequestError(f"{key} must be a list")
    few(value)
    return value


def _hex(of: dict[str, Any], key: str) -> bytes:
    try:
        return binascii.unhexlify(of.get(key) or "")
    except (ValueError, TypeError) as error:
        raise BadRequestError(f"{key} must be hexadecimal") from error


def _json_attributes(of: Any, wants: Callable[[str], bool]) -> dict[str, Any]:
    """Of the attributes those that are wanted; one without a key has an empty one, as in protobuf."""
    pairs = _list(of or {}, "attributes")
    return {pair["key"]: _json_plain(pair.get("value")) for pair in pairs if wants(pair.get("key", ""))}


def _told(of: Any) -> tuple[Outline, dict[str, Any]]:
    """The outline and the numbers of a call."""
    attributes = _json_attributes(of, wanted)
    texts = {name: value for name, value in attributes.items() if not varies(name)}
    return Outline(texts), {name: value for name, value in attributes.items() if varies(name)}


def _json_plain(value: Any) -> Any:
    for kind, plain in (value or {}).items():
        if kind == "intValue":
            return int(plain)
        if kind == "arrayValue":
            return [_json_plain(each) for each in plain.get("values", [])]
        if kind == "kvlistValue":
            return {each.get("key", ""): _json_plain(each.get("value")) for each in plain.get("values", [])}
        return plain
    return None
