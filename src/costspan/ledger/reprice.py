"""Prices stored calls again: those that had no price, or all, each at its own day's price or at today's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from costspan.ledger.calls import priced_anew
from costspan.ledger.maintenance import refresh_hour, writing
from costspan.ledger.reader import Reader
from costspan.ledger.rows import hours_with_calls, read_hour
from costspan.ledger.schema import KEPT_FROM
from costspan.ledger.store import Numbers, extra_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from costspan.ledger.question import Question
    from costspan.ledger.record import StoredCall
    from costspan.pricing import Pricer

_MISSING = ("unpriced", "partial")
_UPDATE = (
    "UPDATE calls SET dim=?, cost=?, cost_input=?, cost_cache_read=?, cost_cache_write=?, cost_output=?, discount=?, "
    "extra=? "
    "WHERE hour=? AND trace_id=? AND span_id=?"
)


@dataclass(frozen=True)
class Repricing:
    """Which calls, and at which prices."""

    question: Question
    everything: bool = False  # not only what has no price
    today: bool = False  # at today's prices, not those of the call's own day


@dataclass
class Difference:
    """What changes for one provider and model; pico-dollars."""

    calls: int = 0
    before: int = 0
    after: int = 0
    unpriced_before: int = 0  # of the calls
    still_unpriced: int = 0


@dataclass
class Plan:
    """What pricing again would change."""

    models: dict[tuple[str, str], Difference] = field(default_factory=lambda: defaultdict(Difference))
    hours: list[int] = field(default_factory=list)  # with changes

    def total(self) -> Difference:
        """Of all models."""
        return Difference(*map(sum, zip(*map(astuple, (Difference(), *self.models.values())), strict=True)))


def plan(path: Path, asked: Repricing, pricer: Pricer, told: Callable[[int], object]) -> Plan:
    """The difference that pricing again makes; nothing is written. `told` hears of each hour that is read."""
    made = Plan()
    with Reader(path) as reader:
        for hour in hours_with_calls(reader, asked.question):
            for old, new in _changes(reader, asked, pricer, hour):
                difference = made.models[old.dims.provider, old.dims.model]
                difference.calls += 1
                difference.before += old.cost or 0
                difference.after += new.cost or 0
                difference.unpriced_before += old.cost is None
                difference.still_unpriced += new.cost is None
                if made.hours[-1:] != [hour]:
                    made.hours.append(hour)
            told(1)
    return made


def apply(path: Path, asked: Repricing, pricer: Pricer, made: Plan, told: Callable[[int], object]) -> int:
    """Write what was planned, an hour in each transaction; the old figures are kept. The number of the run."""
    with Reader(path) as reader:
        run = int(reader.fetch("SELECT coalesce(max(run), 0) + 1 FROM repriced")[0][0])
        for hour in made.hours:
            changes = list(_changes(reader, asked, pricer, hour))
            with writing(path) as connection:
                _write(connection, run, hour, changes)
            told(1)
    return run


def _changes(reader: Reader, asked: Repricing, pricer: Pricer, hour: int) -> Iterator[tuple[StoredCall, StoredCall]]:
    """Calls whose price is another now, before and after. What the provider charged, and what nobody can, is left."""
    now = datetime.now(timezone.utc) if asked.today else None
    for call in read_hour(reader, asked.question, hour):
        if call.extra.get("cost_source") == "provider" or "final" in call.extra or not call.counts:
            continue
        if asked.everything or call.dims.status in _MISSING:
            anew = priced_anew(call, pricer, now)
            if anew.cost is None and call.cost is not None:
                continue  # a price that was known is better than none
            if (anew.cost, anew.dims.status) != (call.cost, call.dims.status):
                yield call, anew


def _write(connection: sqlite3.Connection, run: int, hour: int, changes: list[tuple[StoredCall, StoredCall]]) -> None:
    # dropped since it was planned: its sums can no longer be made from its calls
    if hour < connection.execute(KEPT_FROM).fetchone()[0]:
        return
    numbers = Numbers(connection)
    for old, new in changes:
        key = (hour, old.trace_id, old.span_id)
        connection.execute(
            "INSERT INTO repriced SELECT ?, hour, trace_id, span_id, dim, cost FROM calls "
            "WHERE hour=? AND trace_id=? AND span_id=?",
            (run, *key),
        )
        measures = new.measures()
        connection.execute(_UPDATE, (numbers.of(new.dims)[0], new.cost, *measures[7:12], extra_text(new), *key))
    refresh_hour(connection, hour)
