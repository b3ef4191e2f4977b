"""From a model of the price list to a rate card: choose the period, apply the terms, fill in what is billed alike."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from fractions import Fraction
from typing import TYPE_CHECKING

from costspan.pricing.card import MATTERS, Flat, RateCard, Step
from costspan.pricing.model import FREE, HOUR_MS
from costspan.pricing.price import Entry
from costspan.usage import TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from costspan.pricing.model import Model, Period, Rates, Steps, Variant, Window
    from costspan.usage import Terms

# Where a provider has no rate of its own for a bucket, it bills it as the first of these that it has one for.
_BILLED_AS = {
    "cache_read": ("input",),
    "cache_write": ("cache_write_5m", "input"),
    "cache_write_5m": ("cache_write", "input"),
    "cache_write_30m": ("cache_write", "input"),
    "cache_write_1h": ("cache_write", "input"),
    "cache_write_12h": ("cache_write", "input"),
    "input_audio": ("input",),
    "input_image": ("input",),
    "input_video": ("input",),
    "cache_read_audio": ("cache_read", "input_audio"),
    "cache_read_image": ("cache_read", "input_image"),
    "cache_read_video": ("cache_read", "input_video"),
    "output": ("output_image", "output_audio"),  # of a model that makes nothing else
    "reasoning": ("output",),
    "citation": ("output",),
    "output_audio": ("output",),
    "output_image": ("output",),
    "output_video": ("output",),
}
# Terms under which a provider serves what was paid for in advance: nothing is charged by the token.
_PREPAID = frozenset({"provisioned", "provisioned_throughput", "reserved", "scale"})
# What providers answer when they served on their standard terms.
_STANDARD = {
    "tier": frozenset({"default", "standard", "auto", "on_demand", "standard_only"}),
    "speed": frozenset({"standard"}),
    "geo": frozenset({"global", "not_available"}),
    "deployment": frozenset({"global", "global_standard", "standard"}),
}
FOREVER = datetime.max.replace(tzinfo=timezone.utc)
ALWAYS = datetime.min.replace(tzinfo=timezone.utc)
_DAY = timedelta(days=1)
_WHOLE = Fraction(1)
_TOKENS = frozenset(TOKENS)


def read_terms(terms: Terms) -> dict[str, str]:
    """Only the terms that differ from the provider's standard, in lower case; batch is a tier like the others."""
    read: dict[str, str] = {}
    for name, value in terms._asdict().items():
        word = str(value).lower() if name != "batch" else ""
        if name == "tier":
            word = word.removeprefix("service_tier_").removeprefix("on_demand_")
        if word and word not in _STANDARD.get(name, ()):
            read[name] = word
    if terms.batch:
        read["tier"] = "batch"
    return read


def compile_card(model: Model, terms: Terms, at: datetime, discount: Fraction = _WHOLE) -> RateCard:
    """The rate card of `model` on `terms` at the time `at`, with every rate times `discount`."""
    told = read_terms(terms)
    period = active_period(model, at)
    entry = Entry(model.provider, model.id, model.source, period.since, model.max_input, model.max_output)
    if told.get("tier") in _PREPAID or told.get("deployment") in _PREPAID:
        return RateCard((Step(0, dict.fromkeys(TOKENS, 0)),), entry, reason="capacity that was paid for in advance")
    if period.rates == FREE:
        return RateCard((Step(0, dict.fromkeys(FREE, 0)),), entry, model)
    variants = [variant for variant in model.variants if variant.applies(told, at.date())]
    rates = _merge_rates(period, variants)
    starts = sorted({above for steps in rates.values() for above, _ in steps} | {0})
    factor = _factor(variants)
    steps = tuple(Step(above, _flatten(rates, above, factor, discount)) for above in starts)
    return RateCard(steps, entry, model, _unknown_terms(told, variants))


def active_period(model: Model, at: datetime) -> Period:
    """The last period that holds at that time; the first one if none does."""
    for period in reversed(model.periods):
        if period.since is not None and at.date() < period.since:
            continue
        if not period.windows or any(_within(window, at) for window in period.windows):
            return period
    return model.periods[0]


def validity(model: Model, at: datetime, changes: Iterable[date | None]) -> tuple[datetime, datetime]:
    """From when on (included) until when (not) the card compiled for `at` stays right; `changes` end it too."""
    dated = [*(each.since for each in model.periods), *(each.since for each in model.variants), *changes]
    days = {since for since in dated if since is not None}
    edges = [datetime.combine(day, time(), timezone.utc) for day in days]
    minutes = {edge for period in model.periods for window in period.windows for edge in (window.start, window.end)}
    if minutes:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        times = [timedelta(), _DAY, *(timedelta(minutes=minute) for minute in minutes)]
        edges += [midnight + min(each, FOREVER - midnight) for each in times]  # the calendar's last day has no end
    return max((edge for edge in edges if edge <= at), default=ALWAYS), min(
        (edge for edge in edges if edge > at), default=FOREVER
    )


def _within(window: Window, at: datetime) -> bool:
    minute = at.hour * 60 + at.minute
    return window.start <= minute < window.end and at.isoweekday() in window.weekdays


def _merge_rates(period: Period, variants: list[Variant]) -> Rates:
    """The period's rates under the variants': where two variants name a bucket, the first one counts."""
    merged = dict(period.rates)
    for variant in reversed(variants):
        merged.update(variant.rates)
    return merged


def _factor(variants: list[Variant]) -> Fraction:
    factor = Fraction(1)
    for variant in variants:
        factor *= Fraction(*variant.factor)
    return factor


def _flatten(rates: Rates, above: int, factor: Fraction, discount: Fraction) -> Flat:
    """One rate per bucket for requests above so many input tokens, with every bucket that is billed as another one."""
    flat = {
        bucket: _exact(bucket, _rate_at(steps, above), factor * discount if bucket in TOKENS else discount)
        for bucket, steps in rates.items()
    }
    for matter in MATTERS:
        _drop_free_tokens(flat, matter)
    for bucket, stand_ins in _BILLED_AS.items():
        if bucket not in flat:
            found = next((flat[name] for name in stand_ins if name in flat), None)
            if found is not None:
                flat[bucket] = found
    return flat


def _drop_free_tokens(flat: dict[str, int | Fraction], matter: frozenset[str]) -> None:
    """Tokens at 0 of what is billed by the piece are no measure: a call that tells no piece has no price."""
    tokens = [bucket for bucket in flat if bucket in matter and bucket in _TOKENS]
    if any(flat[bucket] for bucket in matter & flat.keys()) and not any(flat[bucket] for bucket in tokens):
        for bucket in tokens:
            del flat[bucket]


def _rate_at(steps: Steps, above: int) -> int:
    return [rate for start, rate in steps if start <= above][-1]


def _exact(bucket: str, rate: int, factor: Fraction) -> int | Fraction:
    exact = Fraction(rate, HOUR_MS) if bucket.endswith("_ms") else Fraction(rate)
    exact *= factor
    return exact.numerator if exact.denominator == 1 else exact


def _unknown_terms(told: dict[str, str], variants: list[Variant]) -> str:
    """Why the price is uncertain: a tier or speed was served for which the model has no rates."""
    known = {name for variant in variants for name in variant.when}
    unknown = [f"{name} {told[name]}" for name in ("tier", "speed") if name in told and name not in known]
    return f"no rates for {' and '.join(unknown)}; priced at the standard rates" if unknown else ""
