"""Answers the same questions from ClickHouse, where the OpenTelemetry Collector put the spans.

`clickhouse://user:password@host:8123/database`, with `?exact=1` to sum up single calls, each counted once, and not the
hours that were summed as calls came in.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from costspan.ledger.clickhouse_schema import quote
from costspan.ledger.listing import (
    ALL_INPUT,
    CALL_COLUMNS,
    INPUT_COST,
    ORDERS,
    PromptSum,
    TraceSpan,
    as_call_span,
    as_listed,
)
from costspan.ledger.reader import merge
from costspan.ledger.record import PLAIN, PLAIN_OF, Dims, Measures
from costspan.ledger.schema import LedgerError
from costspan.ledger.sql import (
    DAY_US,
    FLAGS,
    HOUR_US,
    MONEY,
    compile_question,
    moment_of,
    pieces,
    single_calls,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costspan.ledger.listing import ListedCall
    from costspan.ledger.question import Question
    from costspan.ledger.reader import Answer
    from costspan.ledger.sql import Piece

_MOST_SPANS = 10_000


class Engine(Protocol):
    """Runs a query: the server by its client, or the engine inside a test."""

    def fetch(self, sql: str, parameters: dict[str, str]) -> list[Sequence[Any]]: ...
    def close(self) -> None: ...


class ClickHouseSource:
    """How ClickHouse's SQL says it."""

    def __init__(self, *, exact: bool = False) -> None:
        self._exact = exact

    def divide(self, number: str, by: int) -> str:
        return f"intDiv({number}, {by})"

    def total(self, column: str) -> str:
        if column in MONEY:
            return f"toString(sum(toInt128({column})))"
        return f"sum({column})"

    def column(self, name: str) -> str:
        return f"JSONExtractString(tags, {quote(name[4:])})" if name.startswith("tag.") else name

    def like(self, column: str) -> str:
        return f"lower({column}) LIKE lower(?)"  # of ASCII letters, as SQLite does

    def tables(self, question: Question, offset: int) -> list[str]:  # noqa: ARG002 hours have all names here
        return ["hours", "calls"] if offset % HOUR_US == 0 and not self._exact else ["calls"]

    def grouped(self, rows: str, columns: dict[str, str], where: str) -> tuple[str, list[str]]:
        named = ", ".join(f"{column} AS {name}" for name, column in (columns | FLAGS).items())
        return f"(SELECT *, {named} FROM ({rows}){where}) AS r", list(columns)  # noqa: S608 our names

    def rows(self, piece: Piece, time: str) -> str:
        dims = ", ".join(Dims._fields)
        if piece.table == "hours":
            sums, table = f"{', '.join(Measures._fields)}, max_cost", "costspan_hours"
            where = f"hour>={piece.start // HOUR_US} AND hour<{piece.end // HOUR_US}"
        else:
            of_one = {"calls": "1 AS calls", "cost": "ifNull(cost, 0) AS cost"}
            sums = ", ".join(of_one.get(name, name) for name in Measures._fields) + ", ifNull(cost, 0) AS max_cost"
            table = "costspan_calls FINAL"
            where = f"hour BETWEEN {piece.start // HOUR_US} AND {piece.end // HOUR_US} "
            where += f"AND ts>={piece.start} AND ts<{piece.end}"
        return f"SELECT toInt64({time}) AS t, {sums}, {dims} FROM {table} WHERE {where}"  # noqa: S608 our names and numbers


class ClickHouseBook:
    """A ledger in ClickHouse, as `Book` says; for one thread."""

    def __init__(self, engine: Engine, *, exact: bool = False) -> None:
        self._engine = engine
        self._source = ClickHouseSource(exact=exact)

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> ClickHouseBook:  # noqa: PYI034 typing.Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, question: Question) -> list[Answer]:
        parts = list(pieces(question, *self.period(), self._source))
        return merge(question, self._fetch(*compile_question(question, self._source, parts))) if parts else []

    def period(self) -> tuple[int, int]:
        first, last, calls = self._fetch("SELECT min(hour), max(hour), count() FROM costspan_hours")[0]
        return (int(first) // 24 * DAY_US, (int(last) // 24 + 1) * DAY_US) if int(calls) else (0, 0)

    def list_calls(self, question: Question, order: str = "latest", limit: int = 20) -> list[ListedCall]:
        where, parameters = single_calls(question, self._source, *self.period())
        sql = f"{_CALLS} WHERE {where} ORDER BY {ORDERS[order]} LIMIT {limit}"
        return [_listed(row) for row in self._fetch(sql, parameters)]

    def divide_prompts(self, question: Question) -> list[PromptSum]:
        where, parameters = single_calls(question, self._source, *self.period())
        found = "JSONExtractKeysAndValues(JSONExtractString(extra, 'prompt'), 'Int64')"
        share = f"sum({INPUT_COST} * part.2 / nullIf({ALL_INPUT}, 0))"
        rows = self._fetch(
            f"SELECT part.1, count(), sum(part.2), toInt64(round(ifNull({share}, 0))) "  # noqa: S608 our names
            f"FROM costspan_calls FINAL ARRAY JOIN {found} AS part WHERE {where} GROUP BY part.1",
            parameters,
        )
        return [PromptSum(part, int(calls), int(tokens), int(pico)) for part, calls, tokens, pico in rows]

    def read_trace(self, trace_id: bytes) -> list[TraceSpan]:
        asked = (trace_id.hex(),)
        calls = [as_call_span(_listed(row)) for row in self._fetch(f"{_CALLS} WHERE trace_id=?", asked)]
        known = {call.span_id for call in calls}
        others = self._fetch(f"{_SPANS} WHERE lower(TraceId)=? LIMIT {_MOST_SPANS}", asked) if calls else []
        spans = calls + [_span(row) for row in others if row[0] not in known]
        return sorted(spans, key=lambda span: (span.start, -span.duration_us))

    def _fetch(self, sql: str, parameters: Sequence[str] = ()) -> list[Sequence[Any]]:
        """Rows; each `?` stands for a parameter, which the server binds."""
        first, *rest = sql.split("?")
        named = {f"p{number}": value for number, value in enumerate(parameters)}
        statement = first + "".join(f"{{{name}:String}}{part}" for name, part in zip(named, rest, strict=True))
        return self._engine.fetch(statement, named)


_CALLS = f"SELECT {', '.join(CALL_COLUMNS)} FROM costspan_calls FINAL"  # noqa: S608 our names
_SPANS = (
    "SELECT lower(SpanId), lower(ParentSpanId), SpanName, ServiceName, intDiv(toUnixTimestamp64Nano(Timestamp), 1000), "
    "intDiv(Duration, 1000), StatusCode IN ('Error', 'STATUS_CODE_ERROR') FROM otel_traces"
)


def _listed(row: Sequence[Any]) -> ListedCall:
    named = dict(zip(CALL_COLUMNS, row, strict=True))
    for name in ("trace_id", "span_id", "parent"):
        named[name] = bytes.fromhex(named[name])
    for name, value in named.items():
        if isinstance(value, str) and name in _NUMBERS:
            named[name] = int(value)
    extra = json.loads(named["extra"] or "{}")
    for name in ("prompt", "usage"):  # JSON in a map of texts; before 25.8 ClickHouse quotes their numbers
        if name in extra:
            extra[name] = {part: int(count) for part, count in json.loads(extra[name]).items()}
    if "usage" in extra:
        extra["usage"] = _usage(named, extra["usage"])
    return as_listed(named | {"extra": json.dumps(extra)})


def _usage(named: dict[str, Any], fine: dict[str, int]) -> dict[str, int]:
    """All buckets of a call: of each column what no finer bucket has."""
    rest = {name: named[name] for name in PLAIN}
    for bucket, count in fine.items():
        if bucket in PLAIN_OF:
            rest[PLAIN_OF[bucket]] -= count
    return {bucket: count for bucket, count in (rest | fine).items() if count > 0}


_NUMBERS = frozenset(CALL_COLUMNS) & frozenset(("ts", *Measures._fields))


def _span(row: Sequence[Any]) -> TraceSpan:
    span_id, parent, name, service, ts, duration_us, failed = row
    return TraceSpan(span_id, parent, name, service, moment_of(int(ts)), int(duration_us), bool(int(failed)))


_CURES = {
    "UNKNOWN_TABLE": "costspan's tables are not in this database: apply collector-config/clickhouse/costspan.sql to it",
    "TIMEOUT_EXCEEDED": "the question took too long: ask for a shorter period, with a filter, or `costspan report`",
}


class _Server:
    """A ClickHouse server, by its client."""

    def __init__(self, client: Any, failures: tuple[type[Exception], ...]) -> None:
        self._client, self._failures = client, failures

    def fetch(self, sql: str, parameters: dict[str, str]) -> list[Sequence[Any]]:
        try:
            rows: list[Sequence[Any]] = self._client.query(sql, parameters).result_rows
        except self._failures as error:
            said = _cause(error)
            raise LedgerError(
                next((cure for code, cure in _CURES.items() if code in said), f"ClickHouse: {said}")
            ) from error
        return rows

    def close(self) -> None:
        self._client.close()


def connect(url: str, seconds: int = 0) -> ClickHouseBook:
    """The ledger behind a `clickhouse://` (or, over TLS, `clickhouses://`) URL; for so many seconds a query, or 0.

    Raises:
        LedgerError: The client is not installed, or the server does not answer.
    """
    try:
        import clickhouse_connect  # noqa: PLC0415 an extra
    except ModuleNotFoundError as error:
        raise LedgerError("ClickHouse needs its client: pip install 'costspan[clickhouse]'") from error
    log = logging.getLogger("clickhouse_connect")
    if not log.handlers:  # else Python prints what it warns of, beside our own line
        log.addHandler(logging.NullHandler())
    parts = urlsplit(url)
    exact = parse_qs(parts.query).get("exact", ["0"])[0] not in ("0", "")
    failures = (OSError, ValueError, clickhouse_connect.driver.exceptions.Error)
    try:
        client = clickhouse_connect.get_client(
            host=parts.hostname or "localhost",
            port=parts.port or (8443 if parts.scheme == "clickhouses" else 8123),
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=parts.path.strip("/") or "default",
            secure=parts.scheme == "clickhouses",
            settings={"max_execution_time": seconds} if seconds else None,
        )
    except failures as error:
        where = parts.netloc.rpartition("@")[2] or "localhost"
        raise LedgerError(f"ClickHouse at {where} does not answer: {_cause(error)}") from error
    return ClickHouseBook(_Server(client, failures), exact=exact)


def _cause(error: BaseException) -> str:
    """What the system said, if it said something, else the error's first line."""
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
        each = each.__cause__ or each.__context__
    return str(error).partition("\n")[0]
