"""Sums of one transaction, as each roll-up has them: `hours` and `coarse_days` by coarse dims, `days` by all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.ledger.record import Measures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costspan.ledger.store import Row

Sums = tuple[int, ...]
_HOURS_A_DAY = 24
_SUMS = (*Measures._fields, "max_cost")
_MOST = 2**63 - 1
# SQLite would go on in floating point where a sum leaves 64 bits; `abs` of the least number fails instead
_ADD = f"{{0}}=CASE WHEN {{0}}>{_MOST}-excluded.{{0}} THEN abs(-{_MOST}-1) ELSE {{0}}+excluded.{{0}} END"
UPSERT = (
    "INSERT INTO {table} VALUES(?,?," + ",".join("?" * len(_SUMS)) + ") ON CONFLICT DO UPDATE SET "
    + ", ".join(map(_ADD.format, Measures._fields)) + ", max_cost=max(max_cost, excluded.max_cost)"
)  # fmt: skip


class Rolls:
    """Rows of calls, summed up."""

    def __init__(self) -> None:
        self._hours: dict[tuple[int, int], list[Sums]] = {}
        self._days: dict[tuple[int, int], list[Sums]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        hours, days = self._hours, self._days
        for hour, dim, coarse, measures, _ in rows:
            sums = (*measures, measures.cost)
            hours.setdefault((hour, coarse), []).append(sums)
            days.setdefault((hour // _HOURS_A_DAY, dim), []).append(sums)

    def rows(self) -> dict[str, list[Sums]]:
        """By table what to add to it, in its order."""
        hours = _totals(self._hours)
        coarse: dict[tuple[int, int], list[Sums]] = {}
        for hour, dim, *sums in hours:
            coarse.setdefault((hour // _HOURS_A_DAY, dim), []).append(tuple(sums))
        return {"hours": hours, "days": _totals(self._days), "coarse_days": _totals(coarse)}


def _totals(groups: dict[tuple[int, int], list[Sums]]) -> list[Sums]:
    """Of each group its key, then the sum of each column, but of the last the maximum."""
    totals = []
    for key, sums in sorted(groups.items()):
        columns = list(zip(*sums, strict=True))
        totals.append((*key, *map(sum, columns[:-1]), max(columns[-1])))
    return totals
