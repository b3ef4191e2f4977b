"""OTLP requests for tests, in protobuf, as a program's exporter would send them."""

from __future__ import annotations

import itertools
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

NOON = 1_795_262_400_000_000_000  # 2026-11-21 12:00 UTC, nanoseconds
SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_numbers = itertools.count(1)

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 200,
    "gen_ai.usage.cost.amount": 0.0045,
    "gen_ai.usage.cost.currency": "USD",
    "costspan.cost.input": 0.0025,
    "costspan.cost.output": 0.002,
    "costspan.price.status": "priced",
    "costspan.usage.source": "provider",
}


def span(
    attributes: dict[str, Any] | None = None, *, at: int = NOON, seconds: float = 1, **fields: Any
) -> dict[str, Any]:
    """A span as keywords of its message, with ids of its own."""
    number = next(_numbers)
    return {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "name": "chat gpt-4o",
        "start_time_unix_nano": at,
        "end_time_unix_nano": at + int(seconds * SECOND),
        "attributes": pairs(CHAT if attributes is None else attributes),
    } | fields


def call(at: int = NOON, **changes: Any) -> dict[str, Any]:
    """The span of a chat; `changes` with dots written as two underscores."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return span({name: value for name, value in (CHAT | named).items() if value is not None}, at=at)


def event(attributes: dict[str, Any] | None = None, *, at: int = NOON, **fields: Any) -> dict[str, Any]:
    """The accounting event of a call whose span was not sampled."""
    number = next(_numbers)
    return {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "time_unix_nano": at,
        "event_name": "costspan.call",
        "attributes": pairs(CHAT if attributes is None else attributes),
    } | fields


def traces(*spans: dict[str, Any], service: str = "shop", **resource: str) -> bytes:
    """A request to /v1/traces."""
    attributes = pairs({"service.name": service} | resource)
    message = {"resource": {"attributes": attributes}, "scope_spans": [{"spans": list(spans)}]}
    return ExportTraceServiceRequest(resource_spans=[message]).SerializeToString()


def logs(*records: dict[str, Any], service: str = "shop", **resource: str) -> bytes:
    """A request to /v1/logs."""
    message = {
        "resource": {"attributes": pairs({"service.name": service} | resource)},
        "scope_logs": [{"log_records": list(records)}],
    }
    return ExportLogsServiceRequest(resource_logs=[message]).SerializeToString()


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _any(value)} for name, value in attributes.items()]


def _any(value: Any) -> dict[str, Any]:
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value", bytes: "bytes_value"}
    if isinstance(value, (list, tuple)):
        return {"array_value": {"values": [_any(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlist_value": {"values": pairs(value)}}
    return {kinds[type(value)]: value}
