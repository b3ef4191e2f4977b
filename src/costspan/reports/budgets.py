"""What is left of each budget of the budget file in its current day or month, by what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costspan.ledger.question import NAMES, Filter, Question, parse_time
from costspan.limits import EACH, TAG, WHOSE
from costspan.reports.usage import read_usage, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from costspan.ledger.book import Book
    from costspan.limits import Quota
    from costspan.reports.usage import UsageRow

_STARTS = {"day": "today", "month": "month"}
_NOT_SUMMED = frozenset(WHOSE) - frozenset(NAMES)


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
    """All of them, the most used first.

    Left out is what only a process itself can count: its own life, and single sessions or conversations.
    """
    asked = [each for each in quotas if each.period.per in _STARTS and _NOT_SUMMED.isdisjoint(each.keys)]
    found = [state for quota in asked for state in _states(book, quota, now)]
    return sorted(found, key=lambda state: -(state.spent / state.limit if state.limit else 1))


def _states(book: Book, quota: Quota, now: datetime) -> Iterator[BudgetState]:
    limit, period = quota.limit, quota.period
    since = parse_time(_STARTS[period.per], now=now, zone=period.zone)
    each = tuple(_column(key) for key, value in quota.keys.items() if value == EACH)
    named = {_column(key): value for key, value in quota.keys.items() if value != EACH}
    where = [Filter(name, _as_answered(name, value)) for name, value in named.items()]
    where += [Filter(name, ("",), negative=True) for name in each]
    report = read_usage(book, Question(since, None, each, tuple(where), period.zone))
    for row in report.rows if each else [report.total]:
        yield BudgetState(
            limit.name, limit.unit, period.per, named | row.keys, Decimal(limit.amount), _spent(row, limit.unit)
        )


def _column(key: str) -> str:
    """What the ledger calls an attribution key; any but the known ones is a tag, whatever it is called."""
    return key if key in WHOSE else TAG + key


def _as_answered(name: str, value: str) -> tuple[str, ...]:
    """A limit holds the model as it is asked for; the ledger has it as it answers, which is mostly one of some day."""
    return (value, f"{value}-20*", f"{value}@20*") if name == "model" else (value,)


def _spent(row: UsageRow, unit: str) -> Decimal:
    return row.cost if unit == "USD" else Decimal(row.tokens)
