"""Completes what the lists say of a tier: they tell its rates for text, and often leave out the rest.

Source: ai.google.dev/gemini-api/docs/optimization (flex and batch are half the standard price), read 2026-11-22;
billing rules 9, 20 and 21 of 2026-11-21. That steps and modalities follow is inferred from these; no list says so.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costspan.pricing.model import Model, Rates, Steps, Variant

_SCALED = ("flex", "batch", "priority")
_STEPPED = ("flex", "batch")  # priority is not served above a step: those requests fall back to the standard tier
_MODALITIES = {f"{side}_{kind}": side for side in ("input", "output") for kind in ("audio", "image", "video")}


def complete_tiers(model: Model) -> Model:
    """A model whose tiers have the standard rates' steps and modalities, as much cheaper or dearer as they are."""
    return replace(model, variants=tuple(_complete(model, variant) for variant in model.variants))


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
