"""What is left of each budget of the budget file in its current day or month, by what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costspan.ledger.question import NAMES, Filter, Question, parse_time
from costspan.limits import EACH
from costspan.reports.usage import read_usage, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from costspan.ledger.book import Book
    from costspan.limits import Quota
    from costspan.reports.usage import UsageRow

_STARTS = {"day": "today", "month": "month"}


@dataclass(frozen=True)
class BudgetState:
    """One budget, or one value of a budget that each value has for itself. Amounts in `unit`: USD or tokens."""

    name: str
    unit: str
    per: str
    who: dict[str, str]
    limit: Decimal
    spent: Decimal

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "per": self.per,
            "who": self.who,
            "limit": text(self.limit),
            "spent": text(self.spent),
            "left": text(self.limit - self.spent),
            "used": round(float(self.spent / self.limit), 6) if self.limit else 1.0,
        }


def read_budgets(book: Book, quotas: Iterable[Quota], now: datetime) -> list[BudgetState]:
    """All of them, the most used first. Those that count for the life of a process are its own affair, and left out."""
    found = [state for quota in quotas if quota.period.per in _STARTS for state in _states(book, quota, now)]
    return sorted(found, key=lambda state: -(state.spent / state.limit if state.limit else 1))


def _states(book: Book, quota: Quota, now: datetime) -> Iterator[BudgetState]:
    limit, period = quota.limit, quota.period
    since = parse_time(_STARTS[period.per], now=now, zone=period.zone)
    each = tuple(_column(key) for key, value in quota.keys.items() if value == EACH)
    named = {key: value for key, value in quota.keys.items() if value != EACH}
    where = [Filter(_column(key), (value,)) for key, value in named.items()]
    where += [Filter(name, ("",), negative=True) for name in each]
    report = read_usage(book, Question(since, None, each, tuple(where), period.zone))
    for row in report.rows if each else [report.total]:
        yield BudgetState(
            limit.name, limit.unit, period.per, named | row.keys, Decimal(limit.amount), _spent(row, limit.unit)
        )


def _column(key: str) -> str:
    """What the ledger calls an attribution key; those that it has no name for are tags."""
    return key if key in NAMES else f"tag.{key}"


def _spent(row: UsageRow, unit: str) -> Decimal:
    return row.cost if unit == "USD" else Decimal(row.tokens)
