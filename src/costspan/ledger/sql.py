"""The one definition of every query: a question becomes SQL over a source that each store describes.

A source is what differs: where the rows are and how its SQL divides and sums. The pieces of a period come from the
coarsest roll-up that is exact for them: whole days, the hours at their ends, and single calls at the ends of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

from costspan.ledger.question import QuestionError
from costspan.ledger.record import Measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costspan.ledger.question import Filter, Question

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # whence all times here are counted
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
_SHIFT_US = HOUR_US // 2  # clocks shift at whole hours and half ones of UTC (St. John's, Lord Howe)
DAY_US = 24 * HOUR_US
UNIT_US = {"days": DAY_US, "coarse_days": DAY_US, "hours": HOUR_US, "calls": 1}
COLUMNS = {"days": "day", "coarse_days": "day", "hours": "hour", "calls": "ts"}  # of their time
MONEY = ("cost", "cost_input", "cost_cache_read", "cost_cache_write", "cost_output", "discount")
MILLION = 1_000_000
FLAGS = {  # calls that a reader of a sum should know of
    "unpriced": "status IN ('unpriced', 'partial')",
    "failed": "error<>''",
    "estimated": "source IN ('tokenizer', 'heuristic')",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the period, and the table that answers it; `start` and `end` in microseconds since the epoch."""

    table: str  # of UNIT_US
    start: int
    end: int
    offset: int = 0  # of local time from UTC, microseconds


class Source(Protocol):
    """What differs between the stores."""

    def divide(self, number: str, by: int) -> str: ...
    def total(self, column: str) -> str: ...
    def column(self, name: str) -> str: ...
    def like(self, column: str) -> str: ...
    def rows(self, piece: Piece, time: str) -> str: ...
    def tables(self, question: Question, offset: int) -> list[str]: ...
    def grouped(self, rows: str, columns: dict[str, str], where: str) -> tuple[str, list[str]]: ...


def pieces(question: Question, first: int, last: int, source: Source, kept_from: int = 0) -> Iterator[Piece]:
    """The period of the question (the ledger's own, from `first` to `last` in microseconds, where it has no limit).

    Before `kept_from` there are no single calls any more: there, a period begins and ends with whole hours or days.
    """
    start, end = limits(question, first, last)
    for begin, stop, offset in _steady_offsets(question, start, end):
        tables = source.tables(question, offset)
        if begin < kept_from:
            yield from _old(tables, begin, min(stop, kept_from), offset)
        yield from _fill(tables, max(begin, kept_from), stop, offset)


def limits(question: Question, first: int, last: int) -> tuple[int, int]:
    """The question's period within the ledger's, microseconds since the epoch."""
    return max(first, _micros(question.since, first)), min(last, _micros(question.until, last))


def _micros(moment: datetime | None, default: int) -> int:
    if moment is None:
        return default
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """The moment so many microseconds after the epoch, in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def _steady_offsets(question: Question, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The period cut where the zone's offset from UTC changes, in microseconds."""
    while start < end:
        offset = _offset(question, start)
        stop = end
        if question.time and question.zone is not timezone.utc:
            stop = start + _SHIFT_US - start % _SHIFT_US
            while stop < end and _offset(question, stop) == offset:
                stop += _SHIFT_US
            stop = min(stop, end)
        yield start, stop, offset
        start = stop


def _offset(question: Question, at: int) -> int:
    if not question.time:
        return 0  # nothing is cut into local days
    shift = datetime.fromtimestamp(at // SECOND_US, tz=question.zone).utcoffset()
    return (shift or timedelta(0)) // timedelta(microseconds=1)


def _old(tables: list[str], start: int, end: int, offset: int) -> Iterator[Piece]:
    sums = [table for table in tables if table != "calls"]
    if not sums:
        raise QuestionError("of that time only daily sums are kept: group by day or more, in UTC, or begin later")
    unit = UNIT_US[sums[-1]]
    yield from _fill(sums, start // unit * unit, -(-end // unit) * unit, offset)


def _fill(tables: list[str], start: int, end: int, offset: int) -> Iterator[Piece]:
    if start >= end:
        return
    table, *finer = tables
    unit = UNIT_US[table]
    inner_start, inner_end = -(-start // unit) * unit, end // unit * unit
    if inner_start >= inner_end:
        yield from _fill(finer, start, end, offset)
        return
    yield from _fill(finer, start, inner_start, offset) if finer else ()
    yield Piece(table, inner_start, inner_end, offset)
    yield from _fill(finer, inner_end, end, offset) if finer else ()


def compile_question(question: Question, source: Source, parts: list[Piece]) -> tuple[str, list[str]]:
    """SQL and its parameters: per piece a row per group: its keys (time as a number), Measures, FLAGS, dearest call."""
    columns = {
        f"k{place}": source.column(name)
        for place, name in enumerate(name for name in question.by if name != question.time)
    }
    conditions, values = compile_filters(question.where, source)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    time = ["t"] if question.time else []
    sums = [source.total(column) for column in Measures._fields]
    flags = [f"sum(calls*{flag})" for flag in FLAGS]
    shown = ", ".join([*time, *columns, *sums, *flags, "max(max_cost)"])
    selects = []
    for piece in parts:  # each grouped by itself: a union would be stored and sorted whole before it is
        grouped, numbers = source.grouped(source.rows(piece, time_key(question, source, piece)), columns, where)
        group = f" GROUP BY {', '.join([*time, *numbers])}" if time or numbers else ""
        selects.append(f"SELECT {shown} FROM {grouped}{group}")  # noqa: S608 names are checked, values bound
    limit = f" LIMIT {question.most + 1}" if question.most else ""
    return " UNION ALL ".join(selects) + limit, values * len(parts)


def single_calls(question: Question, source: Source, first: int, last: int) -> tuple[str, list[str]]:
    """SQL that holds for the single calls that the question asks about, of a ledger from `first` to `last`."""
    start, end = limits(question, first, last)
    conditions, parameters = compile_filters(question.where, source)
    within = (f"hour>={start // HOUR_US}", f"hour<={end // HOUR_US}", f"ts>={start}", f"ts<{end}")
    return " AND ".join([*within, *conditions]), parameters


def compile_filters(filters: Iterable[Filter], source: Source) -> tuple[list[str], list[str]]:
    """SQL of all filters, and their values."""
    conditions, parameters = [], []
    for each in filters:
        condition, values = compile_filter(each, source)
        conditions.append(condition)
        parameters += values
    return conditions, parameters


def time_key(question: Question, source: Source, piece: Piece) -> str:
    """The number of the hour or day, in the question's zone, of a row of the piece's table."""
    if not question.time:
        return "0"
    unit = HOUR_US if question.time == "hour" else DAY_US
    step = UNIT_US[piece.table]
    column = COLUMNS[piece.table]
    shifted = f"{column}+{piece.offset // step}" if piece.offset else column
    return source.divide(f"({shifted})", unit // step) if unit != step else shifted


def compile_filter(each: Filter, source: Source) -> tuple[str, list[str]]:
    """SQL of one filter, and its values."""
    column = source.column(each.name)
    exact = [value for value in each.values if "*" not in value]
    tests = [f"{column} IN ({','.join('?' * len(exact))})"] if exact else []
    patterns = [value for value in each.values if "*" in value]
    tests += [source.like(column)] * len(patterns)
    escaped = [
        value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%") for value in patterns
    ]
    joined = f"({' OR '.join(tests) or '0'})"  # of no values, none is a call's
    return (f"NOT {joined}" if each.negative else joined), exact + escaped
