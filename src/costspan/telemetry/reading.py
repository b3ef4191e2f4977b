"""A call as the attributes of its span tell it, in OpenTelemetry's names or those of any other tool.

The names are data: per field, the attributes that carry it, the best first. Read from the tools' own source
(OpenLLMetry, OpenInference, OpenLIT, Logfire, Langfuse, Vercel AI SDK, LiteLLM) on 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.pricing.providers import conventional_provider
from costspan.telemetry import names
from costspan.telemetry.spellings import (
    INTERFACES,
    KIND_OPERATIONS,
    OPERATIONS,
    OTHER_OPERATIONS,
    PLACES,
    SELF_NAMED,
    VARYING,
)
from costspan.telemetry.unfolding import unfold
from costspan.usage import BUCKETS, CACHE_READS, CACHE_WRITES, INPUT_TOKENS, MOST, MOST_USD, OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

_FINE = ("input_audio", "output_audio", "reasoning", "cache_write_5m", "cache_write_1h", "web_searches")
OWN = "costspan."
_TOTALS = ("input", "output", "cache_read", "cache_write", "total")
_CACHES = frozenset(CACHE_READS + CACHE_WRITES)
_FAMILIES = (  # totals that include others, in this order
    ("cache_read", frozenset(CACHE_READS)),
    ("cache_write", frozenset(CACHE_WRITES)),
    ("input", frozenset(INPUT_TOKENS)),
    ("output", frozenset(OUTPUT_TOKENS)),
)


class Outline:
    """What the texts of a span tell of its call: all but its numbers, so that many calls share one, made once."""

    __slots__ = (
        "fields", "host", "kind", "model", "operation", "port", "provider", "request_model", "tags", "terms", "texts",
    )  # fmt: skip

    def __init__(self, texts: Mapping[str, Any]) -> None:
        self.texts = texts
        self.fields = _best(texts)
        self.kind = str(self.fields.get("kind", ""))
        operation = str(self.fields.get("operation") or KIND_OPERATIONS.get(self.kind, ""))
        self.operation = OPERATIONS.get(operation, operation)
        self.provider = provider_name(str(self.fields.get("provider", "")))
        host, port = self.fields.get("host"), self.fields.get("port")
        self.host = host if isinstance(host, str) else ""
        self.port = port if isinstance(port, int) else 0
        self.request_model = str(self.fields.get("request_model", ""))
        self.model = str(self.fields.get("model") or self.request_model)  # the one that answered, else the asked one
        self.tags = _below(names.TAG, texts)
        self.terms = _below(names.TERMS_OF, texts)
        if self.provider in SELF_NAMED:
            self.provider = self.terms.get("biller", self.provider)

    def read(self, numbers: Mapping[str, Any]) -> Reading | None:
        """The LLM call that a span with these texts and numbers is; None for any other span."""
        plan = plan_of(tuple(numbers))
        found = {field: numbers[name] for field, name in plan.fields}
        return _reading(self, found, plan, numbers) if self._is_call(found) else None

    def _is_call(self, numbers: dict[str, Any]) -> bool:
        kind, fields = self.kind, self.fields
        if kind.startswith("ai."):  # Vercel AI SDK: the outer span sums up what the inner ones (ai.x.doX) did
            return ".do" in kind
        if (
            not self.model
            or (kind and kind not in names.CALL_KINDS)
            or str(fields.get("operation")) in OTHER_OPERATIONS
        ):
            return False
        if kind or "operation" in fields or "provider" in fields:
            return True
        return "input" in numbers or "output" in numbers or "cost" in numbers


def _below(prefix: str, texts: Mapping[str, Any]) -> dict[str, str]:
    """What attributes say whose names begin so, by the rest of the name."""
    return {name[len(prefix) :]: str(value) for name, value in texts.items() if name.startswith(prefix)}


@dataclass(slots=True)
class Reading:
    """A call as its span's attributes tell it; what they do not tell is empty or None, never 0."""

    outline: Outline
    counts: dict[str, int]  # disjoint buckets of costspan.usage
    counted: bool  # whether the span says anything about usage
    cost: float | None  # USD, as written
    parts: dict[str, float]  # bucket to USD, as written
    prompt: dict[str, int]  # part of the prompt to tokens, where the plugin was asked to divide it
    numbers: dict[str, Any]  # by field, as written
    bad: list[str]  # attributes whose value cannot be: negative, not a number, absurd

    def text(self, name: str) -> str:
        """A field as text, empty if the span does not have it."""
        value = self.outline.fields.get(name)
        if value is None:
            value = self.numbers.get(name)
        return "" if value is None else str(value)


def wanted(name: str) -> bool:
    """Whether a call is read from this attribute; all others need not be decoded."""
    return name in PLACES or name[:9] == OWN


def varies(name: str) -> bool:
    """Whether a wanted attribute is another from call to call: `numbers`, of the two that a call is read from."""
    place = PLACES.get(name)
    return place[0] in VARYING if place else not name.startswith((names.TAG, names.PRICE_OF, names.TERMS_OF))


def read_call(attributes: Mapping[str, Any]) -> Reading | None:
    """The LLM call that a span with these attributes is; None for any other span (agents, tools, chains, HTTP)."""
    texts, numbers = _sorted(tuple(attributes))
    outline = _outline(tuple([(name, attributes[name]) for name in texts]))
    return outline.read({name: attributes[name] for name in numbers})


@lru_cache(maxsize=256)  # some tools number their attributes: many names, and many sets of them
def _sorted(said: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of a span's attributes that a call is read from: texts, and numbers."""
    read = [name for name in said if wanted(name)]
    return tuple(name for name in read if not varies(name)), tuple(filter(varies, read))


def _outline(texts: tuple[tuple[str, Any], ...]) -> Outline:
    try:
        return _outlines(texts)
    except TypeError:  # a list among them: it is no key
        return Outline(dict(texts))


@lru_cache(maxsize=1024)
def _outlines(texts: tuple[tuple[str, Any], ...]) -> Outline:
    return Outline(dict(texts))


def _best(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """By field, the value of the best of the attributes that carry it; an empty text says nothing."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for name, value in attributes.items():
        place = PLACES.get(name)
        if place is not None and value != "" and place[1] < ranks.get(place[0], 99):
            found[place[0]], ranks[place[0]] = value, place[1]
    return found


class Plan(NamedTuple):
    """Which numbers of a call to take for what."""

    fields: tuple[tuple[str, str], ...]  # field of PLACES, name
    parts: tuple[tuple[str, str], ...]  # bucket of its cost, name
    counts: tuple[tuple[str, str], ...]  # bucket of its usage, name
    prompt: tuple[tuple[str, str], ...]  # part of the prompt, name


@lru_cache(maxsize=4096)
def plan_of(said: tuple[str, ...]) -> Plan:
    """The plan for calls that tell these numbers. Few differ, so each is made once."""
    best = _best({name: name for name in said})
    counts = {bucket: best[bucket] for bucket in _FINE if bucket in best}
    own = ((name[len(names.USAGE_OF) :], name) for name in said if name.startswith(names.USAGE_OF))
    counts |= {bucket: name for bucket, name in own if bucket in BUCKETS}
    parts = {name[len(names.COST_OF) :]: name for name in said if name.startswith(names.COST_OF)}
    parts.pop("list", None)
    if not parts:
        parts = {part: best[f"cost_{part}"] for part in ("input", "output") if f"cost_{part}" in best}
    divided = (name for name in said if name.startswith(names.PROMPT_OF) and name != names.PROMPT_SOURCE)
    prompt = tuple((name[len(names.PROMPT_OF) :], name) for name in divided)
    return Plan(tuple(best.items()), tuple(parts.items()), tuple(counts.items()), prompt)


def _reading(outline: Outline, found: dict[str, Any], plan: Plan, numbers: Mapping[str, Any]) -> Reading:
    bad: list[str] = []
    fine = {bucket: numbers[name] for bucket, name in plan.counts}
    parts = {bucket: numbers[name] for bucket, name in plan.parts}
    if "usage_details" in found or "cost_details" in found:
        unfold(found)
        fine = {bucket: found[bucket] for bucket in _FINE if bucket in found} | fine
        parts = parts or {part: found[f"cost_{part}"] for part in ("input", "output") if f"cost_{part}" in found}
    counts, counted = _counts(found, fine, bad)
    cost = None
    if "cost" in found and str(outline.fields.get("currency", "USD")).upper() == "USD":
        cost = _number("cost", found["cost"], MOST_USD, bad)
    if "list_cost" in found:
        found["list_cost"] = _number("list_cost", found["list_cost"], MOST_USD, bad)
    costs = {bucket: usd for bucket, value in parts.items() if (usd := _number(f"cost.{bucket}", value, MOST_USD, bad))}
    prompt = _prompt({part: numbers[name] for part, name in plan.prompt}, bad) if plan.prompt else {}
    return Reading(outline, counts, counted, cost, costs, prompt, found, bad)


def provider_name(said: str) -> str:
    """The conventions' name of a provider that a tool calls `said` (`Anthropic`, `openai.chat`, `az.ai.openai`)."""
    name = conventional_provider(said)
    head, _, last = name.rpartition(".")
    if last in INTERFACES:
        return conventional_provider(head)
    return name


def _number(field_name: str, value: Any, most: float, bad: list[str]) -> float | None:
    """A number from 0 up, also from text that is one; None, and noted, for what is none, or absurdly much."""
    if type(value) is float and 0 <= value <= most:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if 0 <= number <= most:
        return number
    bad.append(field_name)
    return None


def _counts(found: dict[str, Any], fine: dict[str, Any], bad: list[str]) -> tuple[dict[str, int], bool]:
    """Disjoint buckets out of totals that include their parts, and whether anything was said."""
    counts = _wholes(fine, bad)
    totals = _wholes({total: found[total] for total in _TOTALS if total in found}, bad)
    said = bool(counts or totals)
    beside = counts.get("reasoning", 0)
    if beside and totals.get("total") == totals.get("input", 0) + totals.get("output", 0) + beside:
        totals["output"] = totals.get("output", 0) + beside  # xAI counts thoughts beside its output
    for total, family in _FAMILIES:
        if total in totals and total not in counts:
            whole = totals[total]
            if total == "input" and (cached := _total(counts, _CACHES)) > whole:
                whole += cached  # some tools pass Anthropic's input count on, which leaves the cached out
            counts[total] = max(0, whole - _total(counts, family))  # what no other bucket of its family has
    return {bucket: count for bucket, count in counts.items() if count}, said


def _prompt(said: dict[str, Any], bad: list[str]) -> dict[str, int]:
    """Tokens by part; `hidden` is below 0 where more was counted than the provider reported."""
    bad += [f"prompt.{part}" for part, value in said.items() if type(value) is not int or abs(value) > MOST]
    return {part: value for part, value in said.items() if type(value) is int and abs(value) <= MOST}


def _wholes(said: dict[str, Any], bad: list[str]) -> dict[str, int]:
    counts = {}
    for name, value in said.items():
        if type(value) is int and 0 <= value <= MOST:
            counts[name] = value
        elif (count := _number(name, value, MOST, bad)) is not None:
            counts[name] = int(count)
    return counts


def _total(counts: dict[str, int], family: frozenset[str]) -> int:
    total = 0
    for bucket, count in counts.items():
        if bucket in family:
            total += count
    return total
