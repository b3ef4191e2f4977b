"""Looking after a ledger's file: what is in it, whether it adds up, copies, space, and what is old enough to go."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import usd_of_pico
from costspan.ledger.reader import Reader
from costspan.ledger.record import Measures
from costspan.ledger.schema import KEPT_FROM, VERSION, LedgerError, explain, open_store
from costspan.ledger.sql import DAY_US, EPOCH, HOUR_US, MILLION, moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TABLES = ("calls", "spans", "dims", "words", "hours", "days", "coarse_days", "repriced")
_SUMS = ", ".join(
    {"calls": "count(*)", "cost": "sum(coalesce(cost,0))"}.get(name, f"sum({name})") for name in Measures._fields
)
_OF_CALLS = f"{_SUMS}, max(coalesce(cost,0)) FROM calls"
_OF_DAYS = f"{', '.join(f'sum({name})' for name in Measures._fields)}, max(max_cost) FROM days JOIN dims ON id=dim"
_HOURS, _DAYS = "hour BETWEEN :first AND :last", "day BETWEEN :first/24 AND :last/24"
_ROLL_UPS = {  # of hours `first` to `last`: which rows of a roll-up, and what they should be; in this order
    "hours": (_HOURS, f"SELECT hour, coarse, {_OF_CALLS} JOIN dims ON id=dim WHERE {_HOURS} GROUP BY 1, 2"),
    "days": (_DAYS, f"SELECT hour/24 AS day, dim, {_OF_CALLS} WHERE {_HOURS} GROUP BY 1, 2"),
    "coarse_days": (_DAYS, f"SELECT day, coarse, {_OF_DAYS} WHERE {_DAYS} GROUP BY 1, 2"),
}
_LAST_HOUR = 2**40
_KEEP_FROM = (  # never an earlier hour: what was dropped once stays dropped, whatever is kept from now on
    "INSERT INTO meta VALUES('kept_from', ?) ON CONFLICT DO UPDATE SET value=excluded.value "
    "WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)"
)
STEPS = 1 + 2 * len(_ROLL_UPS)  # of `verify`: the file itself, then each roll-up in both directions
_TOTAL = f"SELECT sum(calls), sum(cost/{MILLION}), sum(cost%{MILLION}) FROM coarse_days"  # noqa: S608 ours


@dataclass(frozen=True)
class Check:
    """What `verify` found; without problems the roll-ups are exactly what the calls sum to."""

    calls: int
    rolled: int  # rows of roll-ups that were recomputed
    problems: list[str] = field(default_factory=list)


def info(path: Path) -> dict[str, Any]:
    """What is in the ledger: rows, period, size, cost."""
    with Reader(path) as reader:
        rows = {table: reader.fetch(f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}  # noqa: S608 ours
        calls, high, low = reader.fetch(_TOTAL)[0]
        first, last = reader.period()
        kept = reader.kept_from
    files = (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm"))
    size = sum(each.stat().st_size for each in files if each.exists())
    return {
        "ledger": str(path.absolute()),
        "schema": VERSION,
        "bytes": size,
        "bytes_per_call": round(size / rows["calls"], 1) if rows["calls"] else None,
        "first_day": _day(first) if last else None,
        "last_day": _day(last - 1) if last else None,
        "single_calls_from": _day(kept * HOUR_US) if kept else None,
        "calls": calls or 0,
        "cost": f"{usd_of_pico((high or 0) * MILLION + (low or 0)):f}",
        "rows": rows,
    }


def _day(micros: int) -> str:
    return moment_of(micros).date().isoformat()


def verify(path: Path, told: Callable[[int], object] = lambda _done: None) -> Check:
    """Recompute all roll-ups from the calls and compare; check the file's own structure. Others may write meanwhile.

    `told` hears of each of the `STEPS` as it is done.
    """
    with Reader(path) as reader:
        reader.fetch("BEGIN")  # one moment for all that follows
        problems = [row[0] for row in reader.fetch("PRAGMA quick_check(5)") if row[0] != "ok"]
        told(1)
        calls = reader.fetch("SELECT count(*) FROM calls")[0][0]
        bounds = {"first": reader.kept_from, "last": _LAST_HOUR}
        rolled = 0
        for table, (within, recomputed) in _ROLL_UPS.items():
            stored = f"SELECT * FROM {table} WHERE {within}"  # noqa: S608 ours
            rolled += reader.fetch(f"SELECT count(*) FROM ({stored})", bounds)[0][0]  # noqa: S608 ours
            for left, right, what in (
                (recomputed, stored, "missing or wrong"),
                (stored, recomputed, "too much or wrong"),
            ):
                query = f"SELECT count(*) FROM ({left} EXCEPT {right})"  # noqa: S608 ours
                if wrong := reader.fetch(query, bounds)[0][0]:
                    problems.append(f"{table}: {wrong} rows are {what}")
                told(1)
        orphans = reader.fetch("SELECT count(*) FROM calls LEFT JOIN dims ON id=dim WHERE id IS NULL")[0][0]
        if orphans:
            problems.append(f"calls: {orphans} belong to nothing")
    return Check(calls, rolled, problems)


def rebuild(path: Path) -> None:
    """Make the roll-ups anew from the calls, in one transaction; those of dropped calls stay."""
    with writing(path) as connection:
        (kept_from,) = connection.execute(KEPT_FROM).fetchone()
        for table in _ROLL_UPS:
            _recompute(connection, table, kept_from, _LAST_HOUR)


def refresh_hour(connection: sqlite3.Connection, hour: int) -> None:
    """Make the roll-ups of one hour and its day anew, within the transaction of whoever changed its calls."""
    _recompute(connection, "hours", hour, hour)
    day = hour - hour % 24
    _recompute(connection, "days", day, day + 23)
    _recompute(connection, "coarse_days", day, day + 23)


def _recompute(connection: sqlite3.Connection, table: str, first: int, last: int) -> None:
    within, recomputed = _ROLL_UPS[table]
    bounds = {"first": first, "last": last}
    connection.execute(f"DELETE FROM {table} WHERE {within}", bounds)  # noqa: S608 ours
    connection.execute(f"INSERT INTO {table} {recomputed}", bounds)


def backup(path: Path, target: Path) -> None:
    """Copy the ledger as it is at one moment, while others write.

    Raises:
        LedgerError: There is something at `target`, or it cannot be written.
    """
    if os.path.lexists(target):
        raise LedgerError(f"{target} exists: a backup never overwrites; name another file")
    with Reader(path) as reader:
        try:
            target.touch(0o600)  # who spent what is its owner's business
            with contextlib.closing(sqlite3.connect(target)) as copy:
                reader.connection.backup(copy, pages=4096)
        except (sqlite3.Error, OSError) as error:
            with contextlib.suppress(OSError):  # where nothing can be written, nothing can be removed
                target.unlink(missing_ok=True)
            raise explain(error, target) from error


def vacuum(path: Path) -> tuple[int, int]:
    """Give unused space back to the disk; bytes before and after. Needs as much free space as the ledger has calls."""
    with contextlib.closing(open_store(path, create=False)) as connection:
        before = path.stat().st_size
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise explain(error, path) from error
    return before, path.stat().st_size


@contextlib.contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the ledger: whole, or nothing of it.

    Raises:
        LedgerError: It could not be written.
    """
    connection = open_store(path, create=False)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        connection.close()  # rolls back what was not committed


def drop_before(connection: sqlite3.Connection, calls_day: int, spans_day: int) -> int:
    """Drop single calls and other spans of days before these (numbers since the epoch); their sums stay.

    One hour at a time, so that nobody waits long; rows that went. Call it until it returns 0.
    """
    gone = 0
    for table, day in (("calls", calls_day), ("spans", spans_day)):
        first = connection.execute(f"SELECT min(hour) FROM {table}").fetchone()[0]  # noqa: S608 ours
        if first is not None and first < day * 24:
            connection.execute("BEGIN IMMEDIATE")
            if table == "calls":
                connection.execute(_KEEP_FROM, (str(day * 24),))
            gone += connection.execute(f"DELETE FROM {table} WHERE hour=?", (first,)).rowcount  # noqa: S608 ours
            connection.execute("COMMIT")
    return gone


def latest_moment(connection: sqlite3.Connection) -> datetime:
    """Now, or the end of the newest call's hour: a clock may be years ahead until it is set, after the start."""
    newest = connection.execute("SELECT max(hour) FROM calls").fetchone()[0] or 0
    return min(datetime.now(timezone.utc), moment_of((newest + 1) * HOUR_US))


def cutoff_day(keep_days: int, now: datetime) -> int:
    """The first day (number since the epoch) that is kept; 0 days: all are."""
    return (now - EPOCH) // timedelta(microseconds=DAY_US) - keep_days if keep_days else 0
