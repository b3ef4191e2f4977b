"""Writes calls: durable when `write` returns, each once, with the roll-ups in the same transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.ledger.maintenance import cutoff_day, drop_before, latest_moment
from costspan.ledger.record import LONGEST_TEXT, Dims, OtherSpan, StoredCall, is_plain
from costspan.ledger.rolls import UPSERT, Rolls
from costspan.ledger.schema import explain, identity, open_store, require_same
from costspan.ledger.sql import HOUR_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from costspan.ledger.record import Measures

_DIMS_HELD = 20_000
_PARENTS_HELD = 100_000
_SPANS_WAITING = 20_000
_LONGEST_SPAN_HOURS = 24

_INSERT_CALL = "INSERT OR IGNORE INTO calls VALUES(" + ",".join("?" * 19) + ")"
_INSERT_SPAN = "INSERT OR IGNORE INTO spans VALUES(?,?,?,?,?,?,?,?,?)"
_NEAR = "SELECT 1 FROM calls WHERE hour IN (?,?) AND trace_id=? AND span_id=?"
_TOLD = (
    "SELECT coalesce(cost,0), input+cache_read+cache_write+output+reasoning FROM calls "
    "WHERE hour IN (?,?) AND trace_id=? AND span_id=?"
)
_TRACE_KNOWN = "SELECT 1 FROM calls WHERE hour=? AND trace_id=? LIMIT 1"


@dataclass(frozen=True)
class Keep:
    """For how many days single calls and other spans are kept. Sums are kept for ever."""

    calls_days: int = 400
    spans_days: int = 30


@dataclass(slots=True)
class Written:
    """What one `write` did."""

    calls: int = 0
    duplicates: int = 0  # had been stored before: a retry, or the span of a call whose event was here first
    layers: int = 0  # calls around a call, or inside one that came first: another tool's span for the same one
    spans: int = 0
    refused: int = 0  # of an import: could not be stored
    refusal: str = ""  # why the first one was


class Store:
    """The embedded ledger, for one writing thread. Other processes may read, and write in turn."""

    def __init__(self, path: Path) -> None:
        self._connection = open_store(path)
        self.path = path = path.absolute()  # whatever folder the program goes to
        self._file = identity(path)
        self._numbers = Numbers(self._connection)
        self._words: dict[str, int] = {}
        self._parents: OrderedDict[bytes, None] = OrderedDict()  # spans that have a call as a child
        try:
            self._events = bool(self._connection.execute("SELECT 1 FROM meta WHERE key='events'").fetchone())
        except sqlite3.Error as error:  # damaged past its first page, which is all that opening reads
            self.close()
            raise explain(error, path) from error
        self._waiting: deque[OtherSpan] = deque(maxlen=_SPANS_WAITING)  # until their trace has a call

    def close(self) -> None:
        self._connection.close()

    def write(self, calls: Sequence[StoredCall], spans: Iterable[OtherSpan] = ()) -> Written:
        """Store what is new, in one transaction; when this returns, it is durable.

        Raises:
            LedgerError: It could not be stored; then nothing of it is, or it is in a file that is gone.
        """
        events = self._events
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                written = self._write(calls, spans)
                self._connection.execute("COMMIT")
            except BaseException:
                self._forget()
                self._events = events
                raise
        except (sqlite3.Error, OverflowError) as error:
            raise explain(error, self.path) from error
        require_same(self.path, self._file)
        return written

    def drop_old(self, keep: Keep) -> int:
        """Drop what is older than is kept, one hour of it; how many rows went."""
        try:
            now = latest_moment(self._connection)
            days = (cutoff_day(keep.calls_days, now), cutoff_day(keep.spans_days, now))
            return drop_before(self._connection, *days)
        except sqlite3.Error as error:
            self._forget()
            raise explain(error, self.path) from error

    def _forget(self) -> None:
        """After a failure: what was numbered in the lost transaction does not exist."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._numbers = Numbers(self._connection)
        self._words.clear()

    def _write(self, calls: Sequence[StoredCall], spans: Iterable[OtherSpan]) -> Written:
        done = Written()
        rolls = Rolls()
        if not self._events and any(call.event for call in calls):
            self._events = True  # from now on, calls may come in two forms
            self._connection.execute("INSERT OR IGNORE INTO meta VALUES('events', '')")
        late = {id(call) for call in calls if call.parent_id and self._is_told(call)}
        self._remember_parents(call for call in calls if id(call) not in late)
        inner = []
        for call in sorted(calls, key=_clustering):
            if id(call) in late or call.trace_id + call.span_id in self._parents:
                done.layers += 1
                done.spans += self._add_span(_as_span(call))
            else:
                inner.append(call)
        done.calls = self._add_calls(inner, rolls)
        done.duplicates = len(inner) - done.calls
        for table, rows in rolls.rows().items():
            self._connection.executemany(UPSERT.format(table=table), rows)
        done.spans += self._add_spans(spans, came=bool(calls))
        return done

    def _add_calls(self, calls: Sequence[StoredCall], rolls: Rolls) -> int:
        """How many of them were new. All at once where all are, which they mostly are; else one by one."""
        rows = [_row(call, *self._numbers.of(call.dims)) for call in calls]
        connection = self._connection
        if not self._events:
            connection.execute("SAVEPOINT calls")
            before = connection.total_changes
            connection.executemany(_INSERT_CALL, [row.columns for row in rows])
            if connection.total_changes - before == len(rows):
                rolls.add(rows)
                return len(rows)
            connection.execute("ROLLBACK TO calls")
        new = [row for row in rows if self._add_call(row)]
        rolls.add(new)
        return len(new)

    def _add_call(self, row: Row) -> bool:
        """Whether it is new, and now stored."""
        hour, trace_id, span_id = row.columns[:3]
        execute = self._connection.execute
        if self._events and execute(_NEAR, (hour - 1, hour + 1, trace_id, span_id)).fetchone():
            return False  # its span and its event may name different times
        return bool(execute(_INSERT_CALL, row.columns).rowcount)

    def _is_told(self, call: StoredCall) -> bool:
        """Whether the call around it came in an earlier request, with all its money and tokens."""
        hour = call.start_us // HOUR_US
        around = self._connection.execute(_TOLD, (hour - 1, hour, call.trace_id, call.parent_id)).fetchone()
        if around is None or call.parent_id == call.span_id:
            return False
        measures = call.measures()
        return bool(around[0] >= measures.cost and around[1] >= sum(measures[1:6]))

    def _remember_parents(self, calls: Iterable[StoredCall]) -> None:
        for call in calls:
            if call.parent_id and call.parent_id != call.span_id:
                self._parents[call.trace_id + call.parent_id] = None
        while len(self._parents) > _PARENTS_HELD:
            self._parents.popitem(last=False)

    def _add_spans(self, spans: Iterable[OtherSpan], *, came: bool) -> int:
        """Keep the spans of traces that have a call; the others wait a while for one."""
        stored = 0
        if came and self._waiting:
            waiting, self._waiting = list(self._waiting), deque(maxlen=_SPANS_WAITING)
            spans = [*waiting, *spans]
        for span in spans:
            if self._trace_has_call(span):
                stored += self._add_span(span)
            else:
                self._waiting.append(span)
        return stored

    def _trace_has_call(self, span: OtherSpan) -> bool:
        first, last = span.start_us // HOUR_US, (span.start_us + span.duration_us) // HOUR_US
        hours = range(max(first, last - _LONGEST_SPAN_HOURS), last + 1)
        return any(self._connection.execute(_TRACE_KNOWN, (hour, span.trace_id)).fetchone() for hour in hours)

    def _add_span(self, span: OtherSpan) -> int:
        row = (
            span.start_us // HOUR_US,
            span.trace_id,
            span.span_id,
            span.start_us % HOUR_US,
            span.parent_id or None,
            span.duration_us,
            self._word(span.name),
            self._word(span.service),
            int(span.failed),
        )
        return self._connection.execute(_INSERT_SPAN, row).rowcount

    def _word(self, text: str) -> int:
        text = text[:LONGEST_TEXT]
        if text not in self._words:
            if len(self._words) >= _DIMS_HELD:
                self._words.clear()
            self._connection.execute("INSERT OR IGNORE INTO words(text) VALUES(?)", (text,))
            self._words[text] = self._connection.execute("SELECT id FROM words WHERE text=?", (text,)).fetchone()[0]
        return self._words[text]


class Numbers:
    """The numbers of dims, and of their coarse forms; new ones are given one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._held: dict[Dims, tuple[int, int]] = {}

    def of(self, dims: Dims) -> tuple[int, int]:
        """Of these dims, and of their coarse form."""
        held = self._held.get(dims)
        if held is None:
            if len(self._held) >= _DIMS_HELD:
                self._held.clear()
            held = self._held[dims] = self._number(dims)
        return held

    def _number(self, dims: Dims) -> tuple[int, int]:
        where = " AND ".join(f"{name}=?" for name in Dims._fields)
        found = self._connection.execute(f"SELECT id, coarse FROM dims WHERE {where}", dims).fetchone()  # noqa: S608 ours
        if found:
            return int(found[0]), int(found[1])
        coarse = 0 if dims == dims.coarse else self.of(dims.coarse)[0]
        names = f"coarse, {', '.join(Dims._fields)}"
        places = ",".join("?" * (1 + len(dims)))
        row = self._connection.execute(f"INSERT INTO dims({names}) VALUES({places})", (coarse, *dims))
        number = int(row.lastrowid or 0)
        if not coarse:
            self._connection.execute("UPDATE dims SET coarse=id WHERE id=?", (number,))
        return number, coarse or number


def _clustering(call: StoredCall) -> tuple[int, bytes]:
    return call.start_us // HOUR_US, call.trace_id


class Row(NamedTuple):
    """A call as it is stored, and as it is summed up."""

    hour: int
    dim: int
    coarse: int
    measures: Measures
    columns: tuple[Any, ...]


def _row(call: StoredCall, dim: int, coarse: int) -> Row:
    hour, at = divmod(call.start_us, HOUR_US)
    measures = call.measures()
    columns = (
        hour,
        call.trace_id,
        call.span_id,
        at,
        call.parent_id or None,
        dim,
        call.duration_ms,
        *measures[1:6],
        call.cost,
        *measures[7:12],
        extra_text(call),
    )
    return Row(hour, dim, coarse, measures, columns)


def extra_text(call: StoredCall) -> str | None:
    """What is kept with a call besides its columns, as JSON."""
    extra = call.extra if is_plain(call.counts) else call.extra | {"usage": call.counts}
    return json.dumps(extra, separators=(",", ":"), sort_keys=True) if extra else None


def _as_span(call: StoredCall) -> OtherSpan:
    return OtherSpan(
        call.trace_id,
        call.span_id,
        call.parent_id,
        call.start_us,
        call.duration_ms * 1000,
        f"{call.dims.operation} {call.dims.model}",
        call.dims.service,
        bool(call.dims.error),
    )
