"""What arrived becomes calls, with their price, and other spans. Values that cannot be are refused, and counted."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costspan.adapters._hosts import resolve_told
from costspan.ledger.money import pico_of_femto, pico_of_usd, spread
from costspan.ledger.record import LONGEST_MS, Dims, OtherSpan, StoredCall, dim_text
from costspan.pricing import PriceStatus
from costspan.pricing.ids import candidates
from costspan.pricing.price import FEMTO
from costspan.telemetry import names
from costspan.usage import MOST_USD, STANDARD, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costspan.ledger.otlp import Arrival
    from costspan.pricing import Pricer
    from costspan.telemetry.reading import Outline, Reading

_EARLIEST_NS = 1_577_836_800 * 10**9  # 2020-01-01: no LLM was billed before
_LATEST_SECONDS = 253_402_300_799  # the end of 9999
_CLOCK_AHEAD_NS = 86_400 * 10**9  # what a sender's clock may be fast by
_MOST_FEMTO = MOST_USD * FEMTO  # more for one call, and sums would not fit into 64 bits
_DIMS_HELD = 10_000
_NO_DIMS = Dims()
_TRACE_ID, _SPAN_ID = 16, 8
_KEPT = ("session", "tier", "reason", "cost_source", "prompt_hash", "max_tokens", "final")  # with the call itself
_WHOSE = frozenset({"biller", "port"})  # prices apply; the port of an address that no provider is known for
_TERMS = frozenset({*Terms._fields, "biller"})
_UNTOLD = "the span tells no usage"
_LONGEST_KEPT = 1000  # characters of one of these


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


class Sorter:
    """Makes calls out of what arrived, for one thread; it remembers what calls belonged to."""

    def __init__(self, pricer: Pricer) -> None:
        self._pricer = pricer
        self._dims: dict[tuple[object, ...], Dims] = {}

    def sort_out(self, arrivals: Iterable[Arrival | str]) -> Batch:
        """The calls and other spans among `arrivals`; a text is why one could not be read."""
        batch = Batch()
        latest = time.time_ns() + _CLOCK_AHEAD_NS
        for arrival in arrivals:
            if isinstance(arrival, str):
                batch.refuse(arrival)
                continue
            if arrival.event:
                _complete(arrival)
            if not _EARLIEST_NS <= arrival.start_ns <= latest:
                span, here = _moment(arrival.start_ns), _moment(latest - _CLOCK_AHEAD_NS)
                batch.refuse(
                    f"its time is {span}, here it is {here}: before 2020, or over a day ahead; is a clock wrong?"
                )
            elif len(arrival.trace_id) != _TRACE_ID or len(arrival.span_id) != _SPAN_ID or not any(arrival.span_id):
                batch.refuse("a trace id has 16 bytes and a span id 8, not all of them 0")
            elif (reading := arrival.outline.read(arrival.numbers)) is None:
                batch.spans.append(_other(arrival))
            else:
                batch.bad_values += len(reading.bad)
                batch.calls.append(self._call(arrival, reading))
        return batch

    def _call(self, arrival: Arrival, reading: Reading) -> StoredCall:
        call = StoredCall(
            arrival.trace_id,
            arrival.span_id,
            arrival.start_ns // 1000,
            min(max(0, arrival.end_ns - arrival.start_ns + 500_000) // 1_000_000, LONGEST_MS),  # as prices round it
            _NO_DIMS,
            reading.counts,
            None,
            {},
            None,
            arrival.parent_id,
            _extra(reading, self._pricer.hosts),
            arrival.event,
        )
        failed = arrival.failed or "error" in reading.outline.fields
        status = _stated(call, reading) if _is_stated(reading) else _priced(call, reading, self._pricer, failed)
        key = (reading.outline, arrival.resource, arrival.failed, status, reading.counted, reading.text("user"))
        dims = self._dims.get(key)
        if dims is None:
            if len(self._dims) >= _DIMS_HELD:
                self._dims.clear()
            dims = self._dims[key] = _dims(arrival, reading, status)
        call.dims = dims
        return call


def _moment(ns: int) -> str:
    """A time as people write it; the nearest one that a calendar has."""
    return f"{datetime.fromtimestamp(min(max(0, ns // 10**9), _LATEST_SECONDS), timezone.utc):%Y-%m-%d %H:%M} UTC"


def _complete(arrival: Arrival) -> None:
    """An event is sent when its call ends. One without a trace has no ids: its content gives them, for retries."""
    seconds = arrival.numbers.get(names.EVENT_DURATION)
    if isinstance(seconds, (int, float)) and 0 <= seconds * 1000 <= LONGEST_MS:
        arrival.start_ns = arrival.end_ns - int(seconds * 10**9)
    if not any(arrival.span_id):
        said = {**arrival.outline.texts, **arrival.numbers}
        content = json.dumps([arrival.start_ns, arrival.resource, said], sort_keys=True, default=str)
        digest = hashlib.blake2b(content.encode(), digest_size=_TRACE_ID + _SPAN_ID).digest()
        arrival.trace_id = arrival.trace_id if any(arrival.trace_id) else digest[:_TRACE_ID]
        arrival.span_id = digest[_TRACE_ID:]


def _other(arrival: Arrival) -> OtherSpan:
    duration_us = min(max(0, arrival.end_ns - arrival.start_ns) // 1000, LONGEST_MS * 1000)
    return OtherSpan(
        arrival.trace_id,
        arrival.span_id,
        arrival.parent_id,
        arrival.start_ns // 1000,
        duration_us,
        dim_text(arrival.name),
        arrival.resource.service,
        arrival.failed,
    )


def _is_stated(reading: Reading) -> bool:
    """Whether the span's own cost holds. A tool's bare 0 does not: OpenLIT 1.45 tells it of models that it lacks."""
    by = reading.text("status") or reading.text("cost_source")
    return bool(reading.cost) or (reading.cost == 0 and by not in ("", PriceStatus.UNPRICED.value))


def _stated(call: StoredCall, reading: Reading) -> str:
    """The cost that the span carries, kept as it is."""
    call.cost = pico_of_usd(reading.cost or 0.0)
    call.parts = spread(call.cost, {bucket: pico_of_usd(usd) for bucket, usd in reading.parts.items()})
    if (list_cost := reading.numbers.get("list_cost")) is not None:
        call.list_cost = pico_of_usd(list_cost)
    return reading.text("status") or (PriceStatus.PRICED.value if call.cost else PriceStatus.FREE.value)


def _priced(call: StoredCall, reading: Reading, pricer: Pricer, failed: bool) -> str:
    """Priced with the code that the plugin uses, at the call's own time."""
    said = reading.text("status")
    if said == PriceStatus.FREE.value:
        call.cost = 0
        return PriceStatus.FREE.value
    outline = reading.outline
    if not reading.counted and failed and not said:
        call.cost = 0  # a refused call is not billed; where the plugin has seen one, it says no status
        return PriceStatus.FREE.value
    if not reading.counted or "final" in call.extra:  # what nobody counted is not known to be 0
        call.extra.setdefault("reason", _UNTOLD)
        return PriceStatus.UNPRICED.value
    return _set_price(call, outline.provider, outline.model, pricer)


def priced_anew(call: StoredCall, pricer: Pricer, at: datetime | None) -> StoredCall:
    """The call with the price that it has now, at its own time or at `at`."""
    anew = replace(
        call,
        cost=None,
        parts={},
        list_cost=None,
        extra={name: value for name, value in call.extra.items() if name != "reason"},
    )
    status = _set_price(anew, call.dims.provider, call.dims.model, pricer, at)
    anew.dims = call.dims._replace(status=status)
    return anew


def _set_price(call: StoredCall, provider: str, model: str, pricer: Pricer, at: datetime | None = None) -> str:
    said: dict[str, str] = call.extra.get("terms", {})  # type: ignore[assignment] # as `_extra` has put it there
    biller = said.get("biller", provider)
    if "port" in said:
        biller = pricer.hosts.get(f"{biller}:{said['port']}", biller)
    price = pricer.price(
        Usage.of(dict(call.counts)),
        provider=biller,
        model=model,
        request_model=str(call.extra.get("asked", "")),
        at=at or datetime.fromtimestamp(call.start_us / 1e6, tz=timezone.utc),
        terms=_terms(str(call.extra.get("tier", "")), said),
        duration_seconds=call.duration_ms / 1000,
    )
    if price.total_femto is not None and price.total_femto > _MOST_FEMTO:
        call.extra["reason"] = "so many tokens that the price would be absurd"
        return PriceStatus.UNPRICED.value
    if price.total_femto is not None:
        call.cost = pico_of_femto(price.total_femto)
        call.parts = spread(call.cost, {bucket: pico_of_femto(femto) for bucket, femto in price.breakdown.items()})
        call.list_cost = None if price.list_femto is None else pico_of_femto(price.list_femto)
    if price.reason:
        call.extra["reason"] = dim_text(price.reason, _LONGEST_KEPT)  # it names the model, however long that is
    return price.status.value


def _terms(tier: str, said: dict[str, str]) -> Terms:
    """The terms that a service tier's name says, and the other attributes."""
    if not tier and not said:
        return STANDARD
    texts: dict[str, Any] = {name: text for name, text in said.items() if name not in _WHOSE}
    return Terms(**texts | {"tier": tier, "batch": "batch" in said or tier == "batch"})


def _dims(arrival: Arrival, reading: Reading, status: str) -> Dims:
    outline, fields = reading.outline, reading.outline.fields
    texts = (
        outline.provider,
        outline.model,
        outline.operation,
        fields.get("team"),
        fields.get("feature"),
        status,
        fields.get("source") or ("provider" if reading.counted else ""),
        fields.get("error") or ("error" if arrival.failed else ""),
        reading.numbers.get("user"),
    )
    tags = {dim_text(name): dim_text(value) for name, value in outline.tags.items()}
    told = json.dumps(tags, sort_keys=True, separators=(",", ":")) if tags else ""
    return Dims._make((*arrival.resource, *map(dim_text, texts), told))


def _by_address(outline: Outline, hosts: Mapping[str, str]) -> dict[str, str]:
    """What the address tells of the price of a call that the plugin has not seen, as it tells the plugin."""
    host = resolve_told(outline.host, outline.port, outline.provider, hosts)
    if host is None:
        return {}
    told = {"biller": host.biller if host.biller != outline.provider else "", "geo": host.geo}
    return {name: dim_text(text) for name, text in told.items() if text}


@lru_cache(maxsize=4096)
def _tells_more(provider: str, model: str, asked: str) -> bool:
    """Whether a price may depend on the model that was asked for: not if it is looked for by the one that answered.

    But at Azure it is the name of a deployment, of whatever kind, that may be called as its model is.
    """
    return bool(asked) and (provider.startswith("azure.") or asked.lower() not in candidates(provider, model))


def _extra(reading: Reading, hosts: Mapping[str, str]) -> dict[str, object]:
    kept: dict[str, object] = {name: said for name in _KEPT if (said := dim_text(reading.text(name), _LONGEST_KEPT))}
    if kept.get("cost_source") == "local":
        del kept["cost_source"]
    outline = reading.outline
    terms = {name: dim_text(text) for name, text in outline.terms.items() if name in _TERMS}
    if not reading.text("status"):
        terms = _by_address(outline, hosts) | terms
    if outline.port and terms.get("biller") == outline.host:
        terms["port"] = str(outline.port)
    if terms:
        kept["terms"] = terms
    if _tells_more(terms.get("biller", outline.provider), outline.model, outline.request_model):
        kept["asked"] = dim_text(outline.request_model)
    if reading.prompt:
        kept["prompt"] = {dim_text(part): tokens for part, tokens in reading.prompt.items()}
    return kept
