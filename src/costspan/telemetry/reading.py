"""A call as the attributes of its span tell it, in OpenTelemetry's names or those of any other tool.

The names are data: per field, the attributes that carry it, the best first. Read from the tools' own source
(OpenLLMetry, OpenInference, OpenLIT, Logfire, Langfuse, Vercel AI SDK, LiteLLM) on 2026-11-22.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costspan.telemetry import names
from costspan.telemetry.spellings import (
    CALL_KINDS,
    KIND_OPERATIONS,
    OPERATIONS,
    OTHER_OPERATIONS,
    PLACES,
    PROVIDERS,
)
from costspan.telemetry.unfolding import unfold
from costspan.usage import BUCKETS, CACHE_READS, CACHE_WRITES, INPUT_TOKENS, OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

_FINE = ("input_audio", "output_audio", "reasoning", "cache_write_5m", "cache_write_1h")
OWN = "costspan."
_MOST_TOKENS = 10**12  # of one call: what is above it is no count
_MOST_USD = 10**5
_CACHE_READS, _CACHE_WRITES = frozenset(CACHE_READS), frozenset(CACHE_WRITES)
_CACHES = _CACHE_READS | _CACHE_WRITES
_INPUTS, _OUTPUTS = frozenset(INPUT_TOKENS), frozenset(OUTPUT_TOKENS)


@dataclass(slots=True)
class Reading:
    """A call as its span's attributes tell it; what they do not tell is empty or None, never 0."""

    operation: str
    provider: str
    model: str  # the one that answered, else the one that was asked
    request_model: str
    counts: dict[str, int]  # disjoint buckets of costspan.usage
    counted: bool  # whether the span says anything about usage
    cost: float | None  # USD, as written
    parts: dict[str, float]  # bucket to USD, as written
    fields: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    bad: tuple[str, ...] = ()  # attributes whose value cannot be: negative, not a number, absurd

    def text(self, name: str) -> str:
        """A field as text, empty if the span does not have it."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


def wanted(name: str) -> bool:
    """Whether `read_call` looks at this attribute; all others need not be decoded."""
    return name in PLACES or name[:9] == OWN


def read_call(attributes: Mapping[str, Any]) -> Reading | None:
    """The LLM call that a span with these attributes is; None for any other span (agents, tools, chains, HTTP)."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    own: dict[str, Any] = {}
    for name, value in attributes.items():
        place = PLACES.get(name)
        if place is None:
            if name[:9] == OWN:
                own[name] = value
        elif place[1] < ranks.get(place[0], 99):
            found[place[0]], ranks[place[0]] = value, place[1]
    return _reading(found, own) if _is_call(found) else None


def _is_call(found: dict[str, Any]) -> bool:
    kind = str(found.get("kind", ""))
    if kind.startswith("ai."):  # Vercel AI SDK: the outer span sums up what the inner ones (ai.x.doX) did
        return ".do" in kind
    if found.get("operation") in OTHER_OPERATIONS or (kind and kind not in CALL_KINDS):
        return False
    if not (found.get("model") or found.get("request_model")):
        return False
    return bool(kind) or any(name in found for name in ("operation", "provider", "input", "output", "cost"))


def _reading(found: dict[str, Any], own: dict[str, Any]) -> Reading:
    bad: list[str] = []
    unfold(found)
    kind = str(found.get("kind", ""))
    operation = str(found.get("operation") or KIND_OPERATIONS.get(kind, ""))
    counts, counted = _counts(found, own, bad)
    request_model = str(found.get("request_model", ""))
    return Reading(
        operation=OPERATIONS.get(operation, operation),
        provider=provider_name(str(found.get("provider", ""))),
        model=str(found.get("model") or request_model),
        request_model=request_model,
        counts=counts,
        counted=counted,
        cost=_cost(found, bad),
        parts=_parts(found, own, bad),
        fields=found,
        tags={name[len(names.TAG) :]: str(value) for name, value in own.items() if name.startswith(names.TAG)},
        bad=tuple(bad),
    )


def provider_name(said: str) -> str:
    """The conventions' name of a provider that a tool calls `said` (`Anthropic`, `openai.chat`, `az.ai.openai`)."""
    name = said.lower()
    if name in PROVIDERS:
        return PROVIDERS[name]
    head, _, last = name.rpartition(".")
    if last in ("chat", "messages", "completion", "responses", "embedding", "embeddings", "image"):  # Vercel AI SDK
        return PROVIDERS.get(head, head)
    return name


def _whole(field_name: str, value: Any, bad: list[str]) -> int | None:
    """A count of 0 or more, also from text or a float that is one; None, and noted, for what cannot be a count."""
    if type(value) is int and 0 <= value <= _MOST_TOKENS:
        return value
    try:
        number = float(value)
        if math.isfinite(number) and 0 <= number <= _MOST_TOKENS:
            return int(number)
    except (TypeError, ValueError):
        pass
    bad.append(field_name)
    return None


def _usd(field_name: str, value: Any, bad: list[str]) -> float | None:
    try:
        number = float(value)
        if math.isfinite(number) and 0 <= number <= _MOST_USD:
            return number
    except (TypeError, ValueError):
        pass
    bad.append(field_name)
    return None


def _cost(found: dict[str, Any], bad: list[str]) -> float | None:
    if "cost" not in found or str(found.get("currency", "USD")).upper() != "USD":
        return None
    return _usd("cost", found["cost"], bad)


def _parts(found: dict[str, Any], own: dict[str, Any], bad: list[str]) -> dict[str, float]:
    """USD by bucket, where the span breaks its cost down."""
    said = {
        name[len(names.COST_OF) :]: value
        for name, value in own.items()
        if name.startswith(names.COST_OF) and name != names.LIST_COST
    }
    if not said:
        said = {part: found[f"cost_{part}"] for part in ("input", "output") if f"cost_{part}" in found}
    parts = {bucket: _usd(f"cost.{bucket}", value, bad) for bucket, value in said.items()}
    return {bucket: usd for bucket, usd in parts.items() if usd}


def _counts(found: dict[str, Any], own: dict[str, Any], bad: list[str]) -> tuple[dict[str, int], bool]:
    """Disjoint buckets out of totals that include their parts, and whether anything was said."""
    fine: dict[str, Any] = {bucket: found[bucket] for bucket in _FINE if bucket in found}
    for name, value in own.items():
        if name.startswith(names.USAGE_OF) and (bucket := name[len(names.USAGE_OF) :]) in BUCKETS:
            fine[bucket] = value
    counts = {bucket: count for bucket, value in fine.items() if (count := _whole(bucket, value, bad)) is not None}
    totals = {
        total: count
        for total in ("input", "output", "cache_read", "cache_write", "total")
        if total in found and (count := _whole(total, found[total], bad)) is not None
    }
    said = bool(counts or totals)
    beside = counts.get("reasoning", 0)
    if beside and totals.get("total") == totals.get("input", 0) + totals.get("output", 0) + beside:
        totals["output"] = totals.get("output", 0) + beside  # xAI counts thoughts beside its output
    _take_rest(counts, "cache_read", _CACHE_READS, totals.get("cache_read"))
    _take_rest(counts, "cache_write", _CACHE_WRITES, totals.get("cache_write"))
    cached = _total(counts, _CACHES)
    if cached > totals.get("input", cached):  # some tools pass Anthropic's input count on, which leaves the cached out
        totals["input"] += cached
    _take_rest(counts, "input", _INPUTS, totals.get("input"))
    _take_rest(counts, "output", _OUTPUTS, totals.get("output"))
    return {bucket: count for bucket, count in counts.items() if count}, said


def _take_rest(counts: dict[str, int], bucket: str, family: frozenset[str], total: int | None) -> None:
    """What of `total` no other bucket of the family has is this bucket's, but never less than 0."""
    if total is not None and bucket not in counts:
        counts[bucket] = max(0, total - _total(counts, family))


def _total(counts: dict[str, int], family: frozenset[str]) -> int:
    total = 0
    for bucket, count in counts.items():
        if bucket in family:
            total += count
    return total
