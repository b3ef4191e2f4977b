"""Sums of one transaction: by hour and coarse dims, and by day and dims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.ledger.record import Measures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costspan.ledger.store import Row

_HOURS_A_DAY = 24
_SUMS = (*Measures._fields, "max_cost")
UPSERT = (
    "INSERT INTO {table} VALUES(?,?," + ",".join("?" * len(_SUMS)) + ") ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name}={name}+excluded.{name}" for name in Measures._fields)
    + ", max_cost=max(max_cost, excluded.max_cost)"
)  # fmt: skip


class Rolls:
    """Rows of calls, summed up."""

    def __init__(self) -> None:
        self._hours: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        self._days: dict[tuple[int, int], list[tuple[int, ...]]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        hours, days = self._hours, self._days
        for hour, dim, coarse, measures, _ in rows:
            sums = (*measures, measures.cost)
            hours.setdefault((hour, coarse), []).append(sums)
            days.setdefault((hour // _HOURS_A_DAY, dim), []).append(sums)

    def rows(self, table: str) -> list[tuple[int, ...]]:
        """What to add to `hours` or `days`, in the table's order."""
        groups = self._hours if table == "hours" else self._days
        return [(*key, *_total(sums)) for key, sums in sorted(groups.items())]


def _total(sums: list[tuple[int, ...]]) -> list[int]:
    """The sum of each, but of the last the maximum."""
    columns = list(zip(*sums, strict=True))
    return [*map(sum, columns[:-1]), max(columns[-1])]
