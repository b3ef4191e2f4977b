"""One list out of two: the curated one first, the broad one where the first is silent, and what they disagree on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from costspan.pricing.ids import candidates
from costspan.pricing.model import Period

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costspan.pricing.model import Model

_BASE = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A model for which the two lists give different base prices."""

    first: Model
    second: Model
    buckets: tuple[str, ...]


@dataclass(slots=True)
class Merged:
    """Models by provider and id, with what the merge found out."""

    models: dict[str, dict[str, Model]] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, model: Model) -> None:
        """Put a model in, over one of the same id. Of two models with the same alias the first keeps it."""
        names = self.names.setdefault(model.provider, {})
        self.models.setdefault(model.provider, {})[model.id] = model
        names[model.id.lower()] = model.id
        for alias in model.aliases:
            names.setdefault(alias, model.id)

    def find(self, model: Model) -> tuple[Model | None, bool]:
        """The model here that another list's model is, and whether by its very name or alias (not by a dated one)."""
        names = self.names.get(model.provider, {})
        if model.id.lower() in names:
            return self.models[model.provider][names[model.id.lower()]], True
        found = next((names[name] for name in candidates(model.provider, model.id) if name in names), None)
        return (None if found is None else self.models[model.provider][found]), False


def merge(first: Iterable[Model], second: Iterable[Model]) -> Merged:
    """All models of both lists; where both have one, the first list's prices, filled up from the second."""
    merged = Merged()
    for model in first:
        merged.add(model)
    for model in second:
        known, same_name = merged.find(model)
        if known is None:
            merged.add(model)
            continue
        differing = differences(known, model)
        if not differing:
            merged.add(_fill(known, model))
        elif same_name:
            merged.disagreements.append(Disagreement(known, model, differing))
            merged.add(replace(known, max_output=known.max_output or model.max_output))
        else:
            merged.add(model)  # a dated id with a price of its own
    return merged


def differences(first: Model, second: Model) -> tuple[str, ...]:
    """The base buckets on whose current rate two lists differ; one that only one of them has is no difference."""
    one, other = first.periods[-1].rates, second.periods[-1].rates
    return tuple(bucket for bucket in _BASE if bucket in one and bucket in other and one[bucket] != other[bucket])


def _fill(known: Model, model: Model) -> Model:
    """The first list's model with the terms, buckets and limits that only the second has."""
    tiers = {tuple(sorted(variant.when.items())) for variant in known.variants}
    more = tuple(variant for variant in model.variants if tuple(sorted(variant.when.items())) not in tiers)
    *past, last = known.periods
    rates = {**model.periods[-1].rates, **last.rates}
    return replace(
        known,
        periods=(*past, Period(rates, last.since, last.windows)),
        variants=(*known.variants, *more),
        max_output=known.max_output or model.max_output,
        mode=model.mode,
        url=known.url or model.url,
    )
