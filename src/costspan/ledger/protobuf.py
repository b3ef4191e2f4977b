"""OTLP requests in protobuf read into arrivals, with the published messages, but attributes and texts left encoded.

Most attributes of a call (model, team, user …) have been met before in the same bytes: those are recognised by their
bytes, and calls that have all of them in common share one outline. Only numbers are decoded for every call. A text
that somebody has cut within a character is nobody's loss: the library would refuse all that was sent with it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from costspan.ledger.otlp import ERROR, EVENT_NAMES, RESOURCE, Arrival, BadRequestError, few
from costspan.ledger.record import Resource, resource_of
from costspan.telemetry import names
from costspan.telemetry.reading import Outline, varies, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILES = (common_pb2, resource_pb2, trace_pb2, logs_pb2, trace_service_pb2, logs_service_pb2)
_REQUESTS = "opentelemetry.proto.collector.{0}.v1.Export{1}ServiceRequest"
_SCALARS = frozenset({"int_value", "double_value", "bool_value"})
_MOST_HELD = 24 * 2**20  # bytes of what is remembered, about
_PAIR_BYTES, _OUTLINE_BYTES = 300, 2000
# the wire: a short name begins with 0A and its length, a value with 12 and its length, then what kind of value it is
_KEY, _MORE = 0x0A, 0x80
_FRACTION, _SHORT_INT, _LONGER_INT = b"\x12\x09\x21", b"\x12\x02\x18", b"\x12\x03\x18"
_read_double = struct.Struct("<d").unpack_from


class ProtobufReader:
    """Reads requests, for one thread, and remembers what of them comes again."""

    def __init__(self) -> None:
        self._messages: dict[str, Any] = {
            "traces": GetMessageClass(_POOL.FindMessageTypeByName(_REQUESTS.format("trace", "Trace"))),
            "logs": GetMessageClass(_POOL.FindMessageTypeByName(_REQUESTS.format("logs", "Logs"))),
            "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
        }
        self._kinds: dict[bytes, tuple[str, int]] = {}  # by its encoded beginning: what an attribute is
        self._texts: dict[bytes, tuple[str, Any]] = {}  # by their bytes: attributes met before
        self._values: dict[bytes, Any] = {}  # by the attribute's bytes
        self._outlines: dict[tuple[bytes, ...], Outline] = {}
        self._held = 0  # bytes of these, about

    def read(self, signal: str, body: bytes) -> Iterator[Arrival]:
        """Arrivals of a request; of metrics there are none, but the body must be right.

        Raises:
            BadRequestError: The body is not such a message.
        """
        try:
            request = self._messages[signal].FromString(body)
            if signal == "traces":
                yield from self._spans(request)
            elif signal == "logs":
                yield from self._events(request)
        except (DecodeError, RuntimeError) as error:
            raise BadRequestError(f"not an OTLP {signal} request: {error}") from error

    def _spans(self, request: Any) -> Iterator[Arrival]:
        for of_resource in few(request.resource_spans):
            resource = _resource(of_resource.resource.attributes)
            for of_scope in few(of_resource.scope_spans):
                for span in few(of_scope.spans):
                    outline, numbers = self._attributes(span.attributes)
                    yield Arrival(
                        span.trace_id,
                        span.span_id,
                        span.parent_span_id,
                        _text(span.name),
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        outline,
                        numbers,
                        resource,
                        failed=span.status.code == ERROR,
                    )

    def _events(self, request: Any) -> Iterator[Arrival]:
        for of_resource in few(request.resource_logs):
            resource = _resource(of_resource.resource.attributes)
            for of_scope in few(of_resource.scope_logs):
                for record in few(of_scope.log_records):
                    if _event_name(record) in EVENT_NAMES:
                        at = record.time_unix_nano or record.observed_time_unix_nano
                        ids = record.trace_id, record.span_id
                        said = self._attributes(record.attributes)
                        yield Arrival(*ids, b"", names.EVENT, at, at, *said, resource, event=True)

    def _attributes(self, encoded: Iterable[bytes]) -> tuple[Outline, dict[str, Any]]:
        """The outline and the numbers of a call. In one piece: this runs once for every attribute of every span."""
        if self._held > _MOST_HELD:
            self._forget()
        known, kinds = self._texts, self._kinds
        encoded, numbers = list(encoded), {}
        for each in encoded:
            if each in known:
                continue
            kind = kinds.get(each[: each[1] + 2] if len(each) > 1 else each)
            if kind is None:
                kind = self._meet(each)
            name, end = kind
            if end:
                is_fraction = each[end : end + 3] == _FRACTION and len(each) == end + 11
                numbers[name] = _read_double(each, end + 3)[0] if is_fraction else self._value(each, end)
            elif name:
                known[each] = name, self._value(each, end)
        key = tuple(filter(known.__contains__, encoded))
        outline = self._outlines.get(key)
        if outline is None:
            self._held += _OUTLINE_BYTES
            outline = self._outlines[key] = Outline(dict(map(known.__getitem__, key)))
        return outline, numbers

    def _meet(self, encoded: bytes) -> tuple[str, int]:
        """Of an attribute its name, if it is wanted, and where its value begins, if it varies from call to call."""
        content = _PAIR.FromString(encoded).key
        name = _text(content)
        end = len(content) + 2
        asked = wanted(name)
        kind = (name if asked else "", end if asked and varies(name) else 0)
        if len(content) < _MORE and encoded[:end] == bytes([_KEY, len(content)]) + content:
            self._held += _PAIR_BYTES
            self._kinds[encoded[:end]] = kind
        return kind

    def _value(self, encoded: bytes, at: int) -> Any:
        """A whole number below 16,384 at once; any other value by the library, and then it is known."""
        kind, rest = encoded[at : at + 3], len(encoded) - at - 3
        if kind == _SHORT_INT and rest == 1 and encoded[-1] < _MORE:
            return encoded[-1]
        if kind == _LONGER_INT and rest == 2 and encoded[-1] < _MORE <= encoded[-2]:  # noqa: PLR2004 as its kind says
            return encoded[-2] - _MORE + (encoded[-1] << 7)
        if encoded not in self._values:
            self._held += len(encoded) + _PAIR_BYTES
            self._values[encoded] = _plain(_PAIR.FromString(encoded).value)
        return self._values[encoded]

    def _forget(self) -> None:
        self._held = 0
        self._kinds.clear()
        self._texts.clear()
        self._values.clear()
        self._outlines.clear()


def _encoded_pool() -> DescriptorPool:
    """The published messages; attributes and texts in them are bytes here, which is the same on the wire."""
    pool = DescriptorPool()
    for module in _FILES:
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        messages = [each for message in file.message_type for each in (message, *message.nested_type)]
        for field in (field for message in messages for field in message.field):
            if field.name == "attributes" or field.type == FieldDescriptorProto.TYPE_STRING:
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
        pool.Add(file)
    return pool


_POOL = _encoded_pool()
_PAIR: Any = GetMessageClass(_POOL.FindMessageTypeByName("opentelemetry.proto.common.v1.KeyValue"))


def _text(encoded: bytes) -> str:
    return encoded.decode(errors="replace")


def _resource(encoded: Iterable[bytes]) -> Resource:
    pairs = map(_PAIR.FromString, encoded)
    return resource_of({_text(pair.key): _plain(pair.value) for pair in pairs if _text(pair.key) in RESOURCE})


def _event_name(record: Any) -> str:
    """The event's name: a field since OTLP 1.5, an attribute before."""
    if record.event_name:
        return _text(record.event_name)
    pairs = map(_PAIR.FromString, record.attributes)
    return next((_text(pair.value.string_value) for pair in pairs if pair.key == b"event.name"), "")


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _text(value.string_value)
    if kind in _SCALARS:
        return getattr(value, kind)
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {_text(each.key): _plain(each.value) for each in value.kvlist_value.values}
    return value.bytes_value
