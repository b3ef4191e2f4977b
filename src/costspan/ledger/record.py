"""What the ledger keeps of a call and of any other span, in the form both stores use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.usage import CACHE_READS, CACHE_WRITES, INPUT_TOKENS, OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TEXT = 200
LONGEST_MS = 7 * 86_400_000  # of a call
FRESH = tuple(bucket for bucket in INPUT_TOKENS if bucket not in CACHE_READS + CACHE_WRITES)
VISIBLE = tuple(bucket for bucket in OUTPUT_TOKENS if bucket != "reasoning")
PLAIN = ("input", "cache_read", "cache_write", "output", "reasoning")  # what calls mostly are made of: columns
COSTED = PLAIN[:4]  # those whose cost has a column too: that of the reasoning is in the output's
is_plain = frozenset(PLAIN).issuperset

PLAIN_OF = (
    dict.fromkeys(FRESH, "input")
    | dict.fromkeys(CACHE_READS, "cache_read")
    | dict.fromkeys(CACHE_WRITES, "cache_write")
    | dict.fromkeys(VISIBLE, "output")
    | {"reasoning": "reasoning"}
)


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


class Resource(NamedTuple):
    """Who sent it: what a request says once for all its spans."""

    service: str
    environment: str


def resource_of(attributes: Mapping[str, Any]) -> Resource:
    """Out of the attributes that a sender says once."""
    environment = attributes.get("deployment.environment.name") or attributes.get("deployment.environment")
    return Resource(dim_text(attributes.get("service.name")), dim_text(environment))


def dim_text(value: Any, longest: int = LONGEST_TEXT) -> str:
    """A value as a name that calls are grouped by: cut to size, without what no name has."""
    if not value:
        return ""
    text = value if type(value) is str else str(value)
    return text if len(text) <= longest and text.isprintable() else _tame(text[:longest])


def _tame(text: str) -> str:
    """Control characters and halves of a surrogate pair are what no name has."""
    return "".join(character for character in text if character.isprintable())


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
        if not (is_plain(counts) and is_plain(parts)):
            counts, parts = _fold(counts), _fold(parts)
        count, part = counts.get, parts.get
        return Measures(
            1,
            count("input", 0),
            count("cache_read", 0),
            count("cache_write", 0),
            count("output", 0),
            count("reasoning", 0),
            cost,
            part("input", 0),
            part("cache_read", 0),
            part("cache_write", 0),
            part("output", 0) + part("reasoning", 0),
            max(0, (self.list_cost or cost) - cost),
            self.duration_ms,
        )


class Measures(NamedTuple):
    """What is summed. Money in pico-dollars; what of `cost` no part has is tools, units, or not broken down."""

    calls: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    cost_input: int = 0
    cost_cache_read: int = 0
    cost_cache_write: int = 0
    cost_output: int = 0
    discount: int = 0
    duration_ms: int = 0


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


def _fold(counts: dict[str, int]) -> dict[str, int]:
    """Every bucket of tokens in the plain one of its family; units are none."""
    folded: dict[str, int] = {}
    for bucket, count in counts.items():
        if plain := PLAIN_OF.get(bucket):
            folded[plain] = folded.get(plain, 0) + count
    return folded
