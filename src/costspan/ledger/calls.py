"""What arrived becomes calls, with their price, and other spans. Values that cannot be are refused, and counted."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import pico_of_femto, pico_of_usd, spread
from costspan.ledger.record import Dims, OtherSpan, StoredCall
from costspan.pricing import PriceStatus
from costspan.telemetry.reading import Reading, read_call
from costspan.usage import STANDARD, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costspan.ledger.otlp import Arrival
    from costspan.pricing import Pricer

_EARLIEST_NS = 1_577_836_800 * 10**9  # 2020-01-01: no LLM was billed before
_CLOCK_AHEAD_NS = 86_400 * 10**9  # what a sender's clock may be fast by
_LONGEST_MS = 7 * 86_400_000
_LONGEST_TEXT = 200  # of names that become dims
_TRACE_ID, _SPAN_ID = 16, 8


class Batch:
    """What one request holds: calls and other spans to store, and what of it was refused and why."""

    def __init__(self) -> None:
        self.calls: list[StoredCall] = []
        self.spans: list[OtherSpan] = []
        self.refused = 0
        self.refusal = ""  # the first reason
        self.bad_values = 0  # attributes that cannot be, left out of calls that were kept

    def refuse(self, why: str) -> None:
        self.refused += 1
        self.refusal = self.refusal or why


def sort_out(arrivals: Iterable[Arrival], pricer: Pricer) -> Batch:
    """The calls and spans among `arrivals`."""
    batch = Batch()
    latest = time.time_ns() + _CLOCK_AHEAD_NS
    for arrival in arrivals:
        if not _EARLIEST_NS <= arrival.start_ns <= latest:
            batch.refuse(f"time {arrival.start_ns} is before 2020 or in the future")
            continue
        _complete(arrival)
        if len(arrival.trace_id) != _TRACE_ID or len(arrival.span_id) != _SPAN_ID:
            batch.refuse("a trace id has 16 bytes and a span id 8")
            continue
        reading = read_call(arrival.attributes) if arrival.attributes else None
        if reading is None:
            batch.spans.append(_other(arrival))
        else:
            batch.bad_values += len(reading.bad)
            batch.calls.append(_call(arrival, reading, pricer))
    return batch


def _complete(arrival: Arrival) -> None:
    """An event of a program without a trace has no ids: its content gives them, so that a retry is the same call."""
    if arrival.event and not any(arrival.span_id):
        content = json.dumps([arrival.start_ns, arrival.resource, arrival.attributes], sort_keys=True, default=str)
        digest = hashlib.blake2b(content.encode(), digest_size=_TRACE_ID + _SPAN_ID).digest()
        arrival.trace_id = arrival.trace_id if any(arrival.trace_id) else digest[:_TRACE_ID]
        arrival.span_id = digest[_TRACE_ID:]


def _other(arrival: Arrival) -> OtherSpan:
    duration_us = max(0, arrival.end_ns - arrival.start_ns) // 1000
    service = _text(arrival.resource.get("service.name"))
    return OtherSpan(
        arrival.trace_id,
        arrival.span_id,
        arrival.parent_id,
        arrival.start_ns // 1000,
        duration_us,
        arrival.name,
        service,
        arrival.failed,
    )


def _call(arrival: Arrival, reading: Reading, pricer: Pricer) -> StoredCall:
    call = StoredCall(
        arrival.trace_id,
        arrival.span_id,
        arrival.start_ns // 1000,
        min(max(0, arrival.end_ns - arrival.start_ns) // 1_000_000, _LONGEST_MS),
        Dims(),
        reading.counts,
        None,
        parent_id=arrival.parent_id,
        extra=_extra(reading),
    )
    status = _stated(call, reading) if reading.cost is not None else _priced(call, reading, pricer)
    call.dims = _dims(arrival, reading, status)
    return call


def _stated(call: StoredCall, reading: Reading) -> str:
    """The cost that the span carries, kept as it is."""
    call.cost = pico_of_usd(reading.cost or 0.0)
    call.parts = spread(call.cost, {bucket: pico_of_usd(usd) for bucket, usd in reading.parts.items()})
    if "list_cost" in reading.fields:
        call.list_cost = pico_of_usd(str(reading.fields["list_cost"]))
    return reading.text("status") or (PriceStatus.PRICED.value if call.cost else PriceStatus.FREE.value)


def _priced(call: StoredCall, reading: Reading, pricer: Pricer) -> str:
    """Priced with the code that the plugin uses, at the call's own time."""
    if reading.text("status") == PriceStatus.FREE.value:
        call.cost = 0
        return PriceStatus.FREE.value
    if not reading.counted and "error" in reading.fields:
        call.cost = 0  # a refused call is not billed
        return PriceStatus.FREE.value
    price = pricer.price(
        Usage.of(dict(reading.counts)),
        provider=reading.provider,
        model=reading.model,
        request_model=reading.request_model,
        at=datetime.fromtimestamp(call.start_us / 1e6, tz=timezone.utc),
        terms=terms_of(reading.text("tier")),
    )
    if price.total_femto is not None:
        call.cost = pico_of_femto(price.total_femto)
        call.parts = spread(call.cost, {bucket: pico_of_femto(femto) for bucket, femto in price.breakdown.items()})
        call.list_cost = None if price.list_femto is None else pico_of_femto(price.list_femto)
    if price.reason:
        call.extra["reason"] = price.reason
    return price.status.value


def terms_of(tier: str) -> Terms:
    """The terms that a service tier's name says."""
    return STANDARD if not tier else Terms(tier=tier, batch=tier == "batch")


def _dims(arrival: Arrival, reading: Reading, status: str) -> Dims:
    resource = arrival.resource
    environment = resource.get("deployment.environment.name") or resource.get("deployment.environment")
    failed = reading.text("error") or ("error" if arrival.failed else "")
    return Dims(
        service=_text(resource.get("service.name")),
        environment=_text(environment),
        provider=_text(reading.provider),
        model=_text(reading.model),
        operation=_text(reading.operation),
        team=_text(reading.text("team")),
        feature=_text(reading.text("feature")),
        status=_text(status),
        source=_text(reading.text("source") or ("provider" if reading.counted else "")),
        error=_text(failed),
        user=_text(reading.text("user")),
        tags=json.dumps(reading.tags, sort_keys=True, separators=(",", ":")) if reading.tags else "",
    )


def _extra(reading: Reading) -> dict[str, object]:
    kept = {name: reading.text(name) for name in ("session", "tier", "reason", "cost_source")}
    return {name: value for name, value in kept.items() if value and value != "local"}


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:_LONGEST_TEXT].replace("\x00", "")
