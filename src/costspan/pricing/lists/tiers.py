"""Completes what the lists say of a tier: they tell its rates for text, and often leave out the rest.

Source: ai.google.dev/gemini-api/docs/optimization (flex and batch are half the standard price), read 2026-11-22;
billing rules 9, 20 and 21 of 2026-11-21. That steps, modalities and announced changes follow is inferred from these; no
list says so, but genai-prices 0.2.3 of Google's batches: half of the introductory rates, and half of the later ones.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from costspan.pricing.model import Variant
from costspan.usage import TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from costspan.pricing.model import Model, Period, Rates, Steps

_SCALED = ("flex", "batch", "priority")
_STEPPED = ("flex", "batch")  # priority is not served above a step: those requests fall back to the standard tier
_MODALITIES = {f"{side}_{kind}": side for side in ("input", "output") for kind in ("audio", "image", "video")}


def complete_tiers(model: Model, day: date) -> Model:
    """A model whose tiers have the standard rates' steps and modalities, and change after `day` as these do."""
    variants = tuple(_complete(model, variant) for variant in model.variants)
    now = [period for period in model.periods if period.since is None or period.since <= day]
    later = [period for period in reversed(model.periods) if period.since and period.since > day]
    changed = [each for period in later for each in _move(variants, (now or model.periods)[-1].rates, period)]
    return replace(model, variants=(*changed, *variants))


def _move(variants: tuple[Variant, ...], now: Rates, later: Period) -> Iterator[Variant]:
    """The tiers from a later change of the standard rates on: moved by as much, where their own rates are not told."""
    assert later.since is not None  # noqa: S101 else it would not be later
    for variant in variants:
        known = [each for each in variants if each.when == variant.when and each.since == later.since]
        told = {name for each in known for name in each.rates}
        rates = {
            name: _scaled(steps, later.rates[name], now[name])
            for name, steps in variant.rates.items()
            if name in TOKENS and name not in told and name in later.rates and name in now
        }
        moved = {name: steps for name, steps in rates.items() if steps and steps != variant.rates[name]}
        if moved and (variant.since is None or variant.since < later.since):
            yield Variant(variant.when, moved, since=later.since)


def _complete(model: Model, variant: Variant) -> Variant:
    if not variant.rates or set(variant.when) != {"tier"} or variant.when["tier"] not in _SCALED:
        return variant
    base = _standard(model, variant)
    told = {name for each in model.variants if each.when == variant.when for name in each.rates}
    rates = dict(variant.rates)
    for name, side in _MODALITIES.items():
        if name in base and name not in told and side in rates:
            rates[name] = _scaled(base[name], rates[side], base.get(side, ()))
    if variant.when["tier"] in _STEPPED:
        for name, steps in variant.rates.items():
            if len(steps) == 1 < len(base.get(name, ())):
                rates[name] = _scaled(base[name], steps, base[name])
    return replace(variant, rates={name: steps for name, steps in rates.items() if steps})


def _standard(model: Model, variant: Variant) -> Rates:
    """The rates without the tier, when the tier's began."""
    before = [each for each in model.periods if each.since is None or (variant.since and each.since <= variant.since)]
    return (before or model.periods)[-1].rates


def _scaled(steps: Steps, tier: Steps, standard: Steps) -> Steps:
    """The steps, times what the tier's first step is of the standard one; none where that is not known."""
    if not standard or not standard[0][1]:
        return ()
    factor = Fraction(tier[0][1], standard[0][1])
    return tuple((above, round(rate * factor)) for above, rate in steps)
