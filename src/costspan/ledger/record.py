"""What the ledger keeps of a call and of any other span, in the form both stores use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from costspan.usage import CACHE_READS, CACHE_WRITES, INPUT_TOKENS, OUTPUT_TOKENS

FRESH = tuple(bucket for bucket in INPUT_TOKENS if bucket not in CACHE_READS + CACHE_WRITES)
VISIBLE = tuple(bucket for bucket in OUTPUT_TOKENS if bucket != "reasoning")
PLAIN = frozenset({"input", "cache_read", "cache_write", "output", "reasoning"})  # what calls mostly are made of


class Dims(NamedTuple):
    """What spend is grouped and filtered by. Few distinct combinations: stored once each."""

    service: str = ""
    environment: str = ""
    provider: str = ""
    model: str = ""
    operation: str = ""
    team: str = ""
    feature: str = ""
    status: str = ""  # priced, partial, free, unpriced
    source: str = ""  # provider, tokenizer, heuristic: who counted
    error: str = ""  # error.type of a call that failed
    user: str = ""
    tags: str = ""  # JSON object, keys sorted

    @property
    def coarse(self) -> Dims:
        """Without what has very many values: what hours are rolled up by."""
        return self._replace(user="", tags="")


@dataclass(slots=True)
class StoredCall:
    """One call. Tokens in disjoint buckets, money in pico-dollars; `cost` None is not known, which is not 0."""

    trace_id: bytes
    span_id: bytes
    start_us: int  # since the epoch, UTC
    duration_ms: int
    dims: Dims
    counts: dict[str, int]
    cost: int | None
    parts: dict[str, int] = field(default_factory=dict)  # of `cost`, by bucket
    list_cost: int | None = None  # before the user's discount, where there is one
    parent_id: bytes = b""
    extra: dict[str, object] = field(default_factory=dict)  # kept with the call, never grouped by
    event: bool = False  # it came as an accounting event, and its span may come too

    def measures(self) -> Measures:
        """The numbers as rolled up."""
        counts, parts, cost = self.counts, self.parts, self.cost or 0
        total = _plain_sum if PLAIN.issuperset(counts) and PLAIN.issuperset(parts) else _sum
        return Measures(
            1,
            total(counts, FRESH),
            total(counts, CACHE_READS),
            total(counts, CACHE_WRITES),
            total(counts, VISIBLE),
            counts.get("reasoning", 0),
            cost,
            total(parts, FRESH),
            total(parts, CACHE_READS),
            total(parts, CACHE_WRITES),
            total(parts, VISIBLE) + parts.get("reasoning", 0),
            max(0, (self.list_cost or cost) - cost),
            self.duration_ms,
        )


class Measures(NamedTuple):
    """What is summed. Money in pico-dollars; what of `cost` no part has is tools, units, or not broken down."""

    calls: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int
    cost: int
    cost_input: int
    cost_cache_read: int
    cost_cache_write: int
    cost_output: int
    discount: int
    duration_ms: int


class OtherSpan(NamedTuple):
    """As much of a span that is no call as it takes to draw its trace."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    start_us: int
    duration_us: int
    name: str
    service: str
    failed: bool


def _plain_sum(counts: dict[str, int], buckets: tuple[str, ...]) -> int:
    return counts.get(buckets[0], 0)  # each family begins with its plain bucket


def _sum(counts: dict[str, int], buckets: tuple[str, ...]) -> int:
    return sum(counts[bucket] for bucket in buckets if bucket in counts)
