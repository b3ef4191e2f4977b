"""Single calls and whole traces from the embedded store: the dearest, the latest, and what was around one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.ledger.question import NAMES, Question
from costspan.ledger.reader import TS, Reader, SqliteSource
from costspan.ledger.record import COSTED, PLAIN, Dims
from costspan.ledger.sql import DAY_US, HOUR_US, compile_filters, limits, moment_of, single_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

CALL_COLUMNS = (
    "ts", "trace_id", "span_id", "parent", "duration_ms", *PLAIN,
    "cost", *(f"cost_{name}" for name in COSTED), "discount", "extra", *Dims._fields,
)  # fmt: skip
_CALLS = f"SELECT {', '.join(CALL_COLUMNS)} FROM (SELECT *, {TS} AS ts FROM calls) JOIN dims ON dims.id=dim"  # noqa: S608 ours
_FOR_PRICES = {"terms", "asked", "final"}  # kept with a call to price it again, which ClickHouse does not
ORDERS = {"latest": "ts DESC", "dearest": "coalesce(cost, -1) DESC, ts DESC"}


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One call as it is stored. Money in pico-dollars; `cost` None is not known."""

    start: datetime
    trace_id: str
    span_id: str
    parent_id: str
    duration_ms: int
    tokens: dict[str, int]  # input, cache_read, cache_write, output, reasoning: disjoint
    cost: int | None
    costs: dict[str, int]
    discount: int
    dims: dict[str, str]
    tags: dict[str, str]
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """A span of a trace; `call` is set if it is one."""

    span_id: str
    parent_id: str
    name: str
    service: str
    start: datetime
    duration_us: int
    failed: bool
    call: ListedCall | None = None


class PromptSum(NamedTuple):
    """One part of many prompts."""

    part: str  # system, tools, tool_results, history, newest; hidden, which is beside them
    calls: int
    tokens: int
    pico: int  # pico-dollars: each call's cost of input by this part's share of it, an estimate


INPUT_COST = "(cost_input + cost_cache_read + cost_cache_write)"
ALL_INPUT = "(input + cache_read + cache_write)"


def divide_prompts(reader: Reader, question: Question) -> list[PromptSum]:
    """Each part of the prompts of the calls that tell it, in no particular order."""
    where, parameters = single_calls(question, SqliteSource(), *reader.period())
    share = f"{INPUT_COST} * 1.0 * part.value / nullif({ALL_INPUT}, 0)"
    sql = (
        f"SELECT part.key, count(*), sum(part.value), cast(round(total({share})) AS INTEGER) "  # noqa: S608 our names
        f"FROM (SELECT *, {TS} AS ts FROM calls WHERE extra LIKE '%\"prompt\"%') JOIN dims ON dims.id=dim, "
        f"json_each(extra, '$.prompt') AS part WHERE {where} GROUP BY part.key"
    )
    return [PromptSum(*row) for row in reader.fetch(sql, parameters)]


def list_calls(reader: Reader, question: Question, order: str = "latest", limit: int = 20) -> list[ListedCall]:
    """The first `limit` calls in that order."""
    start, end = limits(question, *reader.period())
    conditions, parameters = compile_filters(question.where, SqliteSource())
    rows: list[Sequence[Any]] = []
    for first, last, least in _windows(reader, question, order, limit):
        where = [f"hour>={first // HOUR_US}", f"hour<{-(-last // HOUR_US)}", f"ts>={max(start, first)}"]
        where += [f"ts<{min(end, last)}", *conditions, *([f"cost>={least}"] if least else [])]
        sql = f"{_CALLS} WHERE {' AND '.join(where)} ORDER BY {ORDERS[order]} LIMIT {limit}"
        rows += reader.fetch(sql, parameters)
        if order == "latest" and len(rows) >= limit:
            break
    calls = [_listed(row) for row in rows]
    calls.sort(
        key=lambda call: ((-1 if call.cost is None else call.cost) if order == "dearest" else 0, call.start),
        reverse=True,
    )
    return calls[:limit]


def _windows(reader: Reader, question: Question, order: str, limit: int) -> Iterable[tuple[int, int, int]]:
    """Where the calls are, by what the roll-ups know: start and end in microseconds, and the least cost to look for.

    The k dearest calls lie in the k groups (hour or day, dims) with the dearest call, or at the period's edges.
    """
    table, unit = ("days", DAY_US) if question.fine() else ("hours", HOUR_US)
    start, end = limits(question, *reader.period())
    start = max(start, reader.kept_from * HOUR_US)  # of earlier calls only the sums are left
    conditions, parameters = compile_filters(question.where, SqliteSource())
    column = table[:-1]
    where = " AND ".join([f"{column}>={start // unit}", f"{column}<{-(-end // unit)}", *conditions])
    source = f"FROM {table} JOIN dims ON dims.id=dim WHERE {where}"
    if order == "latest":
        # one more: in the last hour or day all calls may be after the period's end
        found = reader.fetch(f"SELECT DISTINCT {column} {source} ORDER BY 1 DESC LIMIT {limit + 1}", parameters)
        return [(row[0] * unit, (row[0] + 1) * unit, 0) for row in found]
    edges = {start // unit, (end - 1) // unit}
    within = f"{source} AND {column} NOT IN ({','.join(map(str, edges))})"
    whole = reader.fetch(f"SELECT {column}, max_cost {within} ORDER BY 2 DESC, 1 DESC LIMIT {limit}", parameters)
    least = whole[-1][1] if len(whole) == limit else 0
    units = edges | {row[0] for row in whole}
    return [(number * unit, (number + 1) * unit, least) for number in sorted(units)]


def _listed(row: Sequence[Any]) -> ListedCall:
    return as_listed(dict(zip(CALL_COLUMNS, row, strict=True)))


def as_listed(named: dict[str, Any]) -> ListedCall:
    """A call out of its columns by name; ids are bytes."""
    parts = {name: named[f"cost_{name}"] for name in COSTED}
    return ListedCall(
        start=moment_of(named["ts"]),
        trace_id=named["trace_id"].hex(),
        span_id=named["span_id"].hex(),
        parent_id=(named["parent"] or b"").hex(),
        duration_ms=named["duration_ms"],
        tokens={name: named[name] for name in PLAIN},
        cost=named["cost"],
        costs=parts | {"other": (named["cost"] or 0) - sum(parts.values())},
        discount=named["discount"],
        dims={name: named[name] for name in NAMES},
        tags=json.loads(named["tags"] or "{}"),
        extra={name: said for name, said in json.loads(named["extra"] or "{}").items() if name not in _FOR_PRICES},
    )


def read_trace(reader: Reader, trace_id: bytes) -> list[TraceSpan]:
    """The spans of a trace by their start; none if nobody sent a call of it, or it is older than what is kept."""
    hours = "WITH RECURSIVE hours_of(n) AS (SELECT ? UNION ALL SELECT n+1 FROM hours_of WHERE n<?) "
    first, last = (edge // HOUR_US for edge in reader.period())
    calls = f"{hours}{_CALLS} JOIN hours_of ON hour=n WHERE trace_id=?"
    others = (
        f"{hours}SELECT span_id, parent, n.text, s.text, {TS}, duration_us, failed FROM hours_of "  # noqa: S608 ours
        "JOIN spans ON hour=hours_of.n JOIN words n ON n.id=name JOIN words s ON s.id=service WHERE trace_id=?"
    )
    spans = [as_call_span(_listed(row)) for row in reader.fetch(calls, (first, last, trace_id))]
    for span_id, parent, name, service, ts, duration_us, failed in reader.fetch(others, (first, last, trace_id)):
        ids = span_id.hex(), (parent or b"").hex()
        spans.append(TraceSpan(*ids, name, service, moment_of(ts), duration_us, bool(failed)))
    return sorted(spans, key=lambda span: (span.start, -span.duration_us))


def as_call_span(call: ListedCall) -> TraceSpan:
    """The call as a span of its trace."""
    name = f"{call.dims['operation']} {call.dims['model']}"
    duration = call.duration_ms * 1000
    failed = bool(call.dims["error"])
    return TraceSpan(call.span_id, call.parent_id, name, call.dims["service"], call.start, duration, failed, call)
