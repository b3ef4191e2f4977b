"""What a user's price file says, read: own models, discounts, deployments, fees."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from costspan.pricing.model import Model, Rates


@dataclass(frozen=True, slots=True)
class Discount:
    """What a contract changes: a factor on the list price, or own rates, for models by pattern and some time."""

    provider: str
    model: str  # `*` stands for any text
    factor: Fraction = Fraction(1)
    rates: Rates = field(default_factory=dict)
    since: date | None = None
    until: date | None = None  # the last day


@dataclass(frozen=True, slots=True)
class Deployment:
    """Which model stands behind a name that only its owner can resolve, and of which kind the deployment is."""

    model: str
    kind: str = ""  # global, data_zone, regional, provisioned


@dataclass(frozen=True, slots=True)
class Fee:
    """What is paid by the month, day or hour, whatever is called: provisioned capacity, a flat subscription."""

    name: str
    femto: int
    per: str
    provider: str = ""
    model: str = ""
    since: date | None = None
    until: date | None = None  # the last day

    def between(self, first: date, last: date) -> int:
        """Femto-dollars that are due for the days from `first` to `last`, both included; a month's by its days."""
        begin, end = max(first, self.since or first), min(last, self.until or last)
        days = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
        if self.per == "month":
            return round(sum(Fraction(self.femto, monthrange(day.year, day.month)[1]) for day in days))
        return self.femto * len(days) * (24 if self.per == "hour" else 1)


@dataclass(frozen=True, slots=True)
class PriceFile:
    """All that a file says."""

    models: tuple[Model, ...] = ()
    discounts: tuple[Discount, ...] = ()
    deployments: Mapping[tuple[str, str], Deployment] = field(default_factory=dict)  # by provider and lower-case name
    fees: tuple[Fee, ...] = ()
