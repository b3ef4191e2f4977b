"""Answers questions from the embedded store, on a connection that only reads."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.ledger.question import QuestionError
from costspan.ledger.record import Measures
from costspan.ledger.schema import KEPT_FROM, closed_on_failure, explain, open_reader
from costspan.ledger.sql import (
    COLUMNS,
    DAY_US,
    EPOCH,
    FLAGS,
    HOUR_US,
    MILLION,
    MONEY,
    UNIT_US,
    Piece,
    compile_question,
    pieces,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from costspan.ledger.question import Question

TS = f"hour*{HOUR_US}+at"  # of a call or span, microseconds since the epoch
_OF_ONE_CALL = (
    ", ".join({"calls": "1 AS calls", "cost": "coalesce(cost,0) AS cost"}.get(name, name) for name in Measures._fields)
    + ", coalesce(cost,0) AS max_cost"
)
_FIRST_MONEY = Measures._fields.index(MONEY[0])
_STEPS = 100_000  # of SQLite's machine between two looks at the clock: under a hundredth of a second


class Answer(NamedTuple):
    """One group: its keys as text, by the question's names, what it sums to, and its dearest call in pico-dollars."""

    keys: dict[str, str]
    sums: Measures
    unpriced: int  # calls without a full price
    failed: int
    estimated: int  # calls whose tokens were counted here
    max_cost: int


class SqliteSource:
    """How the embedded store's SQL says it. `wide`: money as text, as a sum in 64 bits ends at 9.2 M USD."""

    def __init__(self, *, wide: bool = False) -> None:
        self._wide = wide

    def divide(self, number: str, by: int) -> str:
        return f"{number}/{by}"

    def total(self, column: str) -> str:
        if not self._wide or column not in MONEY:
            return f"sum({column})"
        high, low = f"sum({column}/{MILLION})", f"sum({column}%{MILLION})"
        return f"printf('%d%06d', {high} + {low}/{MILLION}, {low}%{MILLION})"

    def column(self, name: str) -> str:
        if name.startswith("tag."):
            # SQLite before 3.45 compares the text of names, which has ö as \u00f6
            return f"coalesce(json_extract(nullif(tags,''), '$.{json.dumps(name[4:])}'), '')"
        return name

    def like(self, column: str) -> str:
        return f"{column} LIKE ? ESCAPE '\\'"

    def tables(self, question: Question, offset: int) -> list[str]:
        """The tables that can answer it, the coarsest first."""
        tables = ["calls"]
        if not question.fine() and offset % HOUR_US == 0:
            tables.insert(0, "hours")
        if question.time != "hour" and offset == 0:
            tables.insert(0, "days" if question.fine() else "coarse_days")
        return tables

    def rows(self, piece: Piece, time: str) -> str:
        table = piece.table
        if table == "calls":
            sums = _OF_ONE_CALL
            where = f"hour BETWEEN {piece.start // HOUR_US} AND {piece.end // HOUR_US} "
            where += f"AND ts>={piece.start} AND ts<{piece.end}"
            table = f"(SELECT *, {TS} AS ts FROM calls)"  # noqa: S608 ours
        else:
            sums, column, unit = f"{', '.join(Measures._fields)}, max_cost", COLUMNS[table], UNIT_US[table]
            where = f"{column}>={piece.start // unit} AND {column}<{piece.end // unit}"
        return f"SELECT {time} AS t, dim, {sums} FROM {table} WHERE {where}"  # noqa: S608 our names and numbers

    def grouped(self, rows: str, columns: dict[str, str], where: str) -> tuple[str, list[str]]:
        """Groups by a number for each combination of names, which is several times faster than by their texts."""
        number = f"dense_rank() OVER (ORDER BY {', '.join(columns.values())})" if columns else "0"
        named = ", ".join(f"{column} AS {name}" for name, column in (columns | FLAGS).items())
        dims = f"SELECT id, {number} AS g, {named} FROM dims{where}"  # noqa: S608 our names
        return f"({rows}) AS r JOIN ({dims}) AS k ON k.id=r.dim", ["g"] if columns else []


class Reader:
    """Asks the embedded ledger; for one thread, and for so many seconds in all (0: without limit)."""

    def __init__(self, path: Path, seconds: int = 0) -> None:
        self.path = path
        self.connection = open_reader(path)
        if seconds:
            end = time.monotonic() + seconds
            self.connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        with closed_on_failure(self.connection):
            self.kept_from: int = self.fetch(KEPT_FROM)[0][0]  # the first hour whose single calls are kept

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Reader:  # noqa: PYI034 typing.Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, question: Question) -> list[Answer]:
        """The groups, in no particular order; none if nothing happened in the period."""
        parts = list(pieces(question, *self.period(), SqliteSource(), self.kept_from * HOUR_US))
        if not parts:
            return []
        try:
            rows = self.fetch(*compile_question(question, SqliteSource(), parts))
        except OverflowError:
            rows = self.fetch(*compile_question(question, SqliteSource(wide=True), parts))
        return merge(question, rows)

    def period(self) -> tuple[int, int]:
        """From the first day with calls to the end of the last, in microseconds since the epoch; 0, 0 if none."""
        # one by one: SQLite finds each of them in the index, and reads all days for both at once
        [(first, last)] = self.fetch("SELECT (SELECT min(day) FROM days), (SELECT max(day) FROM days)")
        return (0, 0) if first is None else (first * DAY_US, (last + 1) * DAY_US)

    def fetch(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """All rows.

        Raises:
            OverflowError: A sum does not fit into 64 bits.
            LedgerError: The file cannot be read.
        """
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            if str(error) == "integer overflow":
                raise OverflowError from error
            raise explain(error, self.path) from error


def merge(question: Question, rows: Sequence[Sequence[Any]]) -> list[Answer]:
    """Rows as answers: time numbers become text, days join into weeks and months.

    Raises:
        QuestionError: They are more than the question may have.
    """
    if question.most and len(rows) > question.most:
        raise QuestionError(f"over {question.most:,} groups: ask for a shorter period, fewer names, or with a filter")
    names = [name for name in question.by if name != question.time]
    width = len(names) + bool(question.time)
    sums: dict[tuple[str, ...], Sequence[int]] = {}
    shown = cache(partial(time_text, question.time))
    for row in rows:
        if not row[width]:
            continue  # a sum over no rows at all
        values = _values(row[width:])
        key = (shown(int(row[0])), *row[1:width]) if question.time else tuple(row[:width])
        held = sums.get(key)
        if held is None:
            sums[key] = values
        else:
            sums[key] = [a + b for a, b in zip(held[:-1], values[:-1], strict=True)] + [max(held[-1], values[-1])]
    ordered = [*([question.time] if question.time else []), *names]
    width = len(Measures._fields)
    if (places := [ordered.index(name) for name in question.by]) != list(range(len(places))):
        sums = {tuple(key[place] for place in places): values for key, values in sums.items()}
    by = question.by
    return [
        Answer(dict(zip(by, key, strict=True)), Measures._make(values[:width]), *values[width:])
        for key, values in sums.items()
    ]


def _values(row: Sequence[Any]) -> Sequence[int]:
    """Whole numbers: what is beyond 64 bits comes as text, and from ClickHouse all may."""
    return row if type(row[0]) is int and type(row[_FIRST_MONEY]) is int else [int(number) for number in row]


def time_text(unit: str, number: int) -> str:
    """`2026-11-21`, `2026-11-21T10:00`, `2026-11` or a week's Monday, of an hour's or day's number."""
    if unit == "hour":
        return (EPOCH + timedelta(hours=number)).strftime("%Y-%m-%dT%H:00")
    day = EPOCH + timedelta(days=number)
    if unit == "month":
        return day.strftime("%Y-%m")
    if unit == "week":
        day -= timedelta(days=day.weekday())
    return day.strftime("%Y-%m-%d")
