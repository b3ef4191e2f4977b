"""Stored calls read back as they were written, an hour at a time: for merging and pricing again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costspan.ledger.reader import TS, Reader, SqliteSource
from costspan.ledger.record import COSTED, PLAIN, Dims, OtherSpan, StoredCall
from costspan.ledger.sql import HOUR_US, compile_filters, limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costspan.ledger.question import Question

_CALLS = (
    f"SELECT {TS} AS ts, trace_id, span_id, parent, duration_ms, cost, discount, extra, "  # noqa: S608 our names
    f"{', '.join(PLAIN)}, {', '.join('cost_' + name for name in COSTED)}, {', '.join(Dims._fields)} "
    "FROM calls JOIN dims ON id=dim WHERE hour=? "
)
_SPANS = (
    f"SELECT trace_id, span_id, coalesce(parent, x''), {TS}, duration_us, n.text, s.text, failed "  # noqa: S608 ours
    "FROM spans JOIN words n ON n.id=name JOIN words s ON s.id=service WHERE hour=?"
)
_FIRST_PART, _FIRST_DIM = 8 + len(PLAIN), 8 + len(PLAIN) + len(COSTED)


def hours_with_calls(reader: Reader, question: Question) -> list[int]:
    """Hours (numbers since the epoch) within the question's period that have single calls, the oldest first."""
    start, end = limits(question, *reader.period())
    found = reader.fetch(
        "SELECT DISTINCT hour FROM hours WHERE hour>=? AND hour<? ORDER BY 1",
        (max(start // HOUR_US, reader.kept_from), -(-end // HOUR_US)),
    )
    return [row[0] for row in found]


def read_hour(reader: Reader, question: Question, hour: int) -> Iterator[StoredCall]:
    """The calls of one hour that the question asks about."""
    start, end = limits(question, *reader.period())
    conditions, parameters = compile_filters(question.where, SqliteSource())
    sql = " AND ".join([_CALLS, f"ts>={start}", f"ts<{end}", *conditions]) + " ORDER BY ts"
    return map(_stored, reader.fetch(sql, (hour, *parameters)))


def read_other_spans(reader: Reader, hour: int) -> list[OtherSpan]:
    """The other spans of one hour."""
    return [OtherSpan(*row) for row in reader.fetch(_SPANS, (hour,))]


def _stored(row: Sequence[Any]) -> StoredCall:
    ts, trace_id, span_id, parent, duration_ms, cost, discount, extra = row[:8]
    kept = json.loads(extra) if extra else {}
    counts = dict(zip(PLAIN, row[8:_FIRST_PART], strict=True))
    parts = dict(zip(COSTED, row[_FIRST_PART:_FIRST_DIM], strict=True))
    return StoredCall(
        trace_id,
        span_id,
        ts,
        duration_ms,
        Dims(*row[_FIRST_DIM:]),
        kept.pop("usage", None) or {bucket: count for bucket, count in counts.items() if count},
        cost,
        {bucket: pico for bucket, pico in parts.items() if pico},
        cost + discount if discount else None,
        parent or b"",
        kept,
        event=True,  # or a span: either may come to the other ledger in its other form
    )
