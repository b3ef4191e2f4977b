"""A priced model as the price list holds it: rates by period and terms, still without a usage."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from costspan.usage import BUCKETS, TOKENS, UNITS, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALL_WEEK = (1, 2, 3, 4, 5, 6, 7)  # ISO weekdays: 1 is Monday
HOUR_MS = 3_600_000  # buckets in milliseconds are priced by the hour, all others by the piece
Steps: TypeAlias = tuple[tuple[int, int], ...]  # (above so many input tokens, rate), the first above 0
Rates: TypeAlias = "Mapping[str, Steps]"  # bucket to femto-dollars per token or unit, or per hour
FREE: Rates = dict.fromkeys((*TOKENS, *UNITS), ((0, 0),))  # what the user says is free is so on all terms

DIMENSIONS = frozenset(Terms._fields)
_MIDNIGHT = 24 * 60  # at the end of a day


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the UTC day, in minutes since midnight, on ISO weekdays; `start` included."""

    start: int
    end: int
    weekdays: tuple[int, ...] = ALL_WEEK


def windows_between(start: int, end: int, weekdays: tuple[int, ...] = ALL_WEEK) -> tuple[Window, ...]:
    """The hours from one minute of a day to another: two parts of the day if midnight is among them."""
    end = end or _MIDNIGHT
    if start < end:
        return (Window(start, end, weekdays),)
    return Window(start, _MIDNIGHT, weekdays), Window(0, end, weekdays)


@dataclass(frozen=True, slots=True)
class Period:
    """Rates, since when they hold (None: always), and in which hours (none: all)."""

    rates: Rates
    since: date | None = None
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """What changes under some terms: own rates for some buckets, or a factor (numerator, denominator) on all tokens.

    A condition `*` holds for every term but the provider's standard one.
    """

    when: Mapping[str, str]
    rates: Rates = field(default_factory=dict)
    factor: tuple[int, int] = (1, 1)
    since: date | None = None

    def applies(self, terms: Mapping[str, str], day: date) -> bool:
        """Whether a call on these terms, on that day, is billed so."""
        if self.since is not None and day < self.since:
            return False
        return all(terms.get(name) == value or (value == "*" and name in terms) for name, value in self.when.items())


@dataclass(frozen=True, slots=True)
class Model:
    """All that the price list knows of one model at one provider. The last period that is active holds."""

    provider: str
    id: str
    source: str
    periods: tuple[Period, ...]
    variants: tuple[Variant, ...] = ()
    aliases: tuple[str, ...] = ()
    max_input: int | None = None
    max_output: int | None = None
    mode: str = "chat"
    url: str = ""
    minimum_audio_ms: int = 0  # a shorter recording is billed as one of this length
    cache_share: tuple[int, int] | None = None  # of the input rate: what cached input without a rate costs; not packed
    own: bool = False  # the user's, not the list's
    marginal: bool = False  # a step's rate holds for what lies above it, not for the whole request


def complete(known: Model, other: Model) -> Model:
    """A model with the buckets, terms and limits that only the other list's model has, and its own of all else."""
    rates = other.periods[0].rates
    return replace(
        known,
        periods=tuple(Period({**rates, **period.rates}, period.since, period.windows) for period in known.periods),
        variants=(*known.variants, *new_variants(known, other)),
        max_input=known.max_input or other.max_input,
        max_output=known.max_output or other.max_output,
        mode=other.mode if known.mode == "chat" else known.mode,
        url=known.url or other.url,
    )


def override(own: Model, listed: Model) -> Model:
    """The user's model over the list's, which holds before, in other hours, and for what the user does not say."""
    periods = [
        Period({**theirs.rates, **ours.rates}, max(filter(None, (ours.since, theirs.since)), default=None), windows)
        for ours in (Period({}), *own.periods)
        for theirs in listed.periods
        if (windows := _common(ours.windows, theirs.windows)) is not None
    ]
    return replace(complete(own, listed), periods=tuple(periods))


def _common(some: tuple[Window, ...], others: tuple[Window, ...]) -> tuple[Window, ...] | None:
    """The hours that are in both; none: all hours. None, if there are no such hours."""
    if not some or not others:
        return some or others
    found = []
    for one in some:
        for other in others:
            start, end = max(one.start, other.start), min(one.end, other.end)
            weekdays = tuple(day for day in one.weekdays if day in other.weekdays)
            if start < end and weekdays:
                found.append(Window(start, end, weekdays))
    return tuple(found) or None


def new_variants(known: Model, other: Model) -> Iterator[Variant]:
    """The other model's variants for terms of which the known one says nothing; of others, the buckets that it lacks.

    A variant by a factor is about all buckets: nothing is added to it, and it is not put on top of rates.
    """
    for variant in other.variants:
        told = [each for each in known.variants if each.when == variant.when]
        if not told:
            yield variant
        elif all(each.rates for each in told):
            lacking = {
                name: rate for name, rate in variant.rates.items() if not any(name in each.rates for each in told)
            }
            if lacking:
                yield Variant(variant.when, lacking, since=variant.since)


def share_cached(rates: Rates, share: tuple[int, int] | None) -> Rates:
    """Rates with one for cached input, as a share of the input rate, if there is none."""
    if share is None or "input" not in rates or "cache_read" in rates:
        return rates
    return {**rates, "cache_read": tuple((above, rate * share[0] // share[1]) for above, rate in rates["input"])}


def pack(model: Model) -> dict[str, Any]:
    """The JSON form of a model inside its provider's list, without what is default; `unpack` reads it."""
    packed: dict[str, Any] = {"p": [_pack_period(period) for period in model.periods]}
    optional = {
        "v": [_pack_variant(variant) for variant in model.variants],
        "a": list(model.aliases),
        "i": model.max_input,
        "o": model.max_output,
        "m": "" if model.mode == "chat" else model.mode,
        "u": model.url,
        "g": model.marginal,
        "n": model.minimum_audio_ms,
    }
    return packed | {key: value for key, value in optional.items() if value}


def unpack(provider: str, name: str, packed: Mapping[str, Any], source: str) -> Model:
    """A model from its JSON form."""
    return Model(
        provider=provider,
        id=name,
        source=source,
        periods=tuple(_unpack_period(period) for period in packed["p"]),
        variants=tuple(_unpack_variant(variant) for variant in packed.get("v", ())),
        aliases=tuple(packed.get("a", ())),
        max_input=packed.get("i"),
        max_output=packed.get("o"),
        mode=packed.get("m", "chat"),
        url=packed.get("u", ""),
        marginal=packed.get("g", False),
        minimum_audio_ms=packed.get("n", 0),
    )


def _pack_rates(rates: Rates) -> dict[str, Any]:
    return {
        bucket: steps[0][1] if len(steps) == 1 else [list(step) for step in steps] for bucket, steps in rates.items()
    }


def _unpack_rates(packed: Mapping[str, Any]) -> Rates:
    return {
        bucket: tuple((above, rate) for above, rate in steps) if isinstance(steps, list) else ((0, steps),)
        for bucket, steps in packed.items()
        if bucket in BUCKETS
    }


def _pack_period(period: Period) -> dict[str, Any]:
    packed: dict[str, Any] = {"r": _pack_rates(period.rates)}
    if period.since:
        packed["s"] = period.since.isoformat()
    if period.windows:
        packed["w"] = [[window.start, window.end, list(window.weekdays)] for window in period.windows]
    return packed


def _unpack_period(packed: Mapping[str, Any]) -> Period:
    return Period(
        rates=_unpack_rates(packed["r"]),
        since=_day(packed.get("s")),
        windows=tuple(Window(start, end, tuple(weekdays)) for start, end, weekdays in packed.get("w", ())),
    )


def _pack_variant(variant: Variant) -> dict[str, Any]:
    packed: dict[str, Any] = {"c": dict(variant.when)}
    if variant.rates:
        packed["r"] = _pack_rates(variant.rates)
    if variant.factor != (1, 1):
        packed["x"] = list(variant.factor)
    if variant.since:
        packed["s"] = variant.since.isoformat()
    return packed


def _unpack_variant(packed: Mapping[str, Any]) -> Variant:
    numerator, denominator = packed.get("x", (1, 1))
    return Variant(
        when=packed["c"],
        rates=_unpack_rates(packed.get("r", {})),
        factor=(numerator, denominator),
        since=_day(packed.get("s")),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
