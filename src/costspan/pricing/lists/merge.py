"""One list out of two: the curated one first, the broad one where the first is silent, and what they disagree on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from costspan.pricing.compile import active_period
from costspan.pricing.ids import candidates, without_version
from costspan.pricing.model import Period, complete, new_variants, share_cached

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from costspan.pricing.model import Model, Steps

_BASE = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


@dataclass(frozen=True, slots=True)
class Decision:
    """Which list is right about some models (patterns), as a person has found, and why."""

    provider: str
    model: str
    list: str  # first | second
    reason: str
    source: str = ""
    dated: bool = False  # also for ids that the first list knows only without their date
    apart: bool = False  # also where base prices agree: the first list has it as an alias of one with other terms

    def covers(self, model: Model) -> bool:
        """Whether the decision is about this model of the second list."""
        return fnmatchcase(model.provider, self.provider) and fnmatchcase(model.id.lower(), self.model.lower())


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A model for which the two lists give different base prices, and the decision on it, if there is one."""

    first: Model
    second: Model
    buckets: tuple[str, ...]
    decision: Decision | None


@dataclass(slots=True)
class Merged:
    """Models by provider and id, with what the merge found out."""

    at: datetime  # when the lists are compared: rates that hold then
    decisions: Sequence[Decision] = ()
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

    def take(self, model: Model) -> None:
        """Put a model of the second list in, where the first does not know better."""
        name = model.id.lower()
        names = self.names.get(model.provider, {})
        same = name in names or without_version(name) in names
        found = next((names[each] for each in (name, *candidates(model.provider, name)) if each in names), None)
        if found is None:
            self.add(model)
            return
        known = self.models[model.provider][found]
        buckets = differences(known, model, self.at)
        decision = next((each for each in self.decisions if each.covers(model)), None)
        if not buckets and not (decision and decision.apart):
            self.add(complete(known, model))
        elif same or (decision and decision.dated):
            self._decide(Disagreement(known, model, buckets, decision))
        else:
            self.add(model)  # a dated id with a price of its own

    def _decide(self, found: Disagreement) -> None:
        known, model, decision = found.first, found.second, found.decision
        self.disagreements.append(found)
        if decision is None or decision.list == "first":
            self.add(replace(known, max_output=known.max_output or model.max_output, mode=model.mode))
        elif known.id.lower() != model.id.lower():
            self.add(model)  # the first list has it as an alias of another one
        else:
            self.add(replace(model, aliases=known.aliases))


def differences(first: Model, second: Model, at: datetime) -> tuple[str, ...]:
    """The base buckets on whose rate two lists differ at a time; one that only one of them has is no difference."""
    one, other = active_period(first, at).rates, active_period(second, at).rates
    return tuple(name for name in _BASE if name in one and name in other and not _alike(one[name], other[name]))


def _alike(one: Steps, other: Steps) -> bool:
    """Same rates from the same thresholds on; one list says `from 200,000`, the other `above 199,999`."""
    return len(one) == len(other) and all(
        abs(above - start) <= 1 and rate == price for (above, rate), (start, price) in zip(one, other, strict=True)
    )


def patch(known: Model, own: Model) -> Model:
    """A model with this project's own additions: their buckets over its own, later periods, terms where it has none."""
    first = own.periods[0]
    rates = {} if first.since else first.rates
    periods = tuple(
        Period(share_cached({**period.rates, **rates}, own.cache_share), period.since, period.windows)
        for period in known.periods
    )
    periods += tuple(Period({**periods[-1].rates, **each.rates}, each.since) for each in own.periods if each.since)
    variants = (*known.variants, *new_variants(known, own))
    least = own.minimum_audio_ms or known.minimum_audio_ms
    return replace(known, periods=periods, variants=variants, minimum_audio_ms=least)


def apply_patches(merged: Merged, patches: Iterable[Model]) -> None:
    """Patch every model that a patch's id, a pattern, fits."""
    for own in patches:
        for model in list(merged.models.get(own.provider, {}).values()):
            if fnmatchcase(model.id.lower(), own.id.lower()):
                merged.add(patch(model, own))
