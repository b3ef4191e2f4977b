"""What arrived becomes calls, with their price, and other spans. Values that cannot be are refused, and counted."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import pico_of_femto, pico_of_usd, spread
from costspan.ledger.record import Dims, OtherSpan, StoredCall
from costspan.pricing import PriceStatus
from costspan.telemetry import names
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
_KEPT = ("session", "tier", "reason", "cost_source")  # with the call itself


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
        _complete(arrival)
        if not _EARLIEST_NS <= arrival.start_ns <= latest:
            batch.refuse(f"time {arrival.start_ns} is before 2020 or in the future")
            continue
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
    """An event is sent when its call ends. One without a trace has no ids: its content gives them, for retries."""
    seconds = arrival.attributes.get(names.EVENT_DURATION)
    if arrival.event and isinstance(seconds, float) and 0 <= seconds * 1000 <= _LONGEST_MS:
        arrival.start_ns = arrival.end_ns - int(seconds * 10**9)
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
        event=arrival.event,
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
    return _set_price(call, reading.provider, reading.model, reading.request_model, pricer)


def priced_anew(call: StoredCall, pricer: Pricer, at: datetime | None) -> StoredCall:
    """The call with the price that it has now, at its own time or at `at`."""
    anew = replace(
        call,
        cost=None,
        parts={},
        list_cost=None,
        extra={name: value for name, value in call.extra.items() if name != "reason"},
    )
    status = _set_price(anew, call.dims.provider, call.dims.model, "", pricer, at)
    anew.dims = call.dims._replace(status=status)
    return anew


def _set_price(
    call: StoredCall, provider: str, model: str, request_model: str, pricer: Pricer, at: datetime | None = None
) -> str:
    price = pricer.price(
        Usage.of(dict(call.counts)),
        provider=provider,
        model=model,
        request_model=request_model,
        at=at or datetime.fromtimestamp(call.start_us / 1e6, tz=timezone.utc),
        terms=terms_of(str(call.extra.get("tier", ""))),
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
    resource, fields = arrival.resource, reading.fields
    environment = resource.get("deployment.environment.name") or resource.get("deployment.environment")
    failed = fields.get("error") or ("error" if arrival.failed else "")
    texts = (
        resource.get("service.name"),
        environment,
        reading.provider,
        reading.model,
        reading.operation,
        fields.get("team"),
        fields.get("feature"),
        status,
        fields.get("source") or ("provider" if reading.counted else ""),
        failed,
        fields.get("user"),
    )
    tags = json.dumps(reading.tags, sort_keys=True, separators=(",", ":")) if reading.tags else ""
    return Dims._make((*map(_text, texts), tags))


def _extra(reading: Reading) -> dict[str, object]:
    fields = reading.fields
    kept = {name: str(fields[name]) for name in _KEPT if name in fields}
    if kept.get("cost_source") == "local":
        del kept["cost_source"]
    return dict(kept)


def _text(value: Any) -> str:
    if not value:
        return ""
    text = value if type(value) is str else str(value)
    return text if len(text) <= _LONGEST_TEXT and text.isprintable() else _tame(text)


def _tame(text: str) -> str:
    """Cut to size, and without what no name has: control characters, halves of a surrogate pair."""
    return "".join(character for character in text[:_LONGEST_TEXT] if character.isprintable())
