"""Brings calls in, each once: OTLP as JSON lines (the Collector's file exporter), and other ledgers."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

from costspan.ledger.calls import Sorter
from costspan.ledger.otlp import BadRequestError, read_json
from costspan.ledger.question import Question
from costspan.ledger.reader import Reader
from costspan.ledger.rows import read_hour, read_other_spans
from costspan.ledger.schema import LedgerError
from costspan.ledger.sql import HOUR_US
from costspan.ledger.store import Store, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from costspan.ledger.record import OtherSpan, StoredCall
    from costspan.pricing import Pricer

_LINES_AT_ONCE = 200
_IS_DROPPED = (
    "SELECT coalesce((SELECT sum(calls) FROM hours WHERE hour=:hour), 0) > "
    "(SELECT count(*) FROM calls WHERE hour=:hour)"
)
_HOURS = "SELECT hour FROM calls UNION SELECT hour FROM spans ORDER BY 1"
_LEFT = (
    "SELECT coalesce((SELECT sum(calls) FROM hours WHERE hour<:kept), 0) - "
    "(SELECT count(*) FROM calls WHERE hour<:kept)"
)
_CALLS_AT_ONCE = 5000
_SIGNALS = {"resourceSpans": "traces", "resourceLogs": "logs", "resourceMetrics": "metrics"}


class _Target:
    """The ledger that calls are brought into, and what came of them so far."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self.total = Written()
        self._store, self._reader = store, reader
        self._dropped: dict[int, bool] = {}

    def add(self, calls: list[StoredCall], spans: list[OtherSpan]) -> None:
        """Store what is new; nothing of hours of which only sums are left, which may have it."""
        new = [call for call in calls if not self._is_dropped(call.start_us // HOUR_US)]
        self.refuse(
            len(calls) - len(new), "single calls of then were dropped here; the sums that are left may have them"
        )
        written = self._store.write(new, spans)
        self.total.calls += written.calls
        self.total.duplicates += written.duplicates
        self.total.layers += written.layers
        self.total.spans += written.spans

    def refuse(self, count: int, why: str) -> None:
        self.total.refused += count
        self.total.refusal = self.total.refusal or (why if count else "")

    def _is_dropped(self, hour: int) -> bool:
        if hour not in self._dropped:
            self._dropped[hour] = bool(self._reader.fetch(_IS_DROPPED, {"hour": hour})[0][0])
        return self._dropped[hour]


@contextlib.contextmanager
def _open(path: Path) -> Iterator[_Target]:
    with contextlib.closing(Store(path)) as store, Reader(path) as reader:
        yield _Target(store, reader)


def import_lines(path: Path, source: Path, pricer: Pricer, told: Callable[[int], object]) -> Written:
    """Store what the file holds; `told` hears how many of its bytes are read.

    Raises:
        LedgerError: The file cannot be read, or a line is not OTLP; what came before it is stored.
    """
    sorter = Sorter(pricer)
    with _open(path) as target:
        for number, lines in enumerate(_chunks(source)):
            calls, spans = [], []
            try:
                for place, line in enumerate(lines, number * _LINES_AT_ONCE + 1):
                    where = f"{source}, line {place}"
                    batch = sorter.sort_out(_arrivals(line, where))
                    calls += batch.calls
                    spans += batch.spans
                    target.refuse(batch.refused, f"{batch.refusal} ({where})")
            finally:  # also before a line that is cut off, as the last one of a file that is being written
                target.add(calls, spans)
            told(sum(map(len, lines)))
    return target.total


def _chunks(source: Path) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    try:
        with gzip.open(source) if source.suffix == ".gz" else source.open("rb") as lines:
            for line in lines:
                chunk.append(line)
                if len(chunk) == _LINES_AT_ONCE:
                    yield chunk
                    chunk = []
            yield chunk
    except (OSError, EOFError, zlib.error) as error:
        yield chunk
        raise LedgerError(f"{source} cannot be read ({error}); what came before it is stored") from error


def _arrivals(line: bytes, where: str) -> Any:
    if not line.strip():
        return ()
    try:
        request = json.loads(line)
        signal = next((_SIGNALS[key] for key in _SIGNALS if key in request), "")
        if not signal:
            raise BadRequestError("no resourceSpans, resourceLogs or resourceMetrics")
        return read_json(signal, line)
    except (ValueError, TypeError, RecursionError) as error:
        raise LedgerError(f"{where} is no OTLP in JSON ({error}); what came before it is stored") from error


def merge(path: Path, other: Path, told: Callable[[int], object]) -> Written:
    """Store the calls and spans of another ledger in this one; `told` hears how many of them are read.

    Raises:
        LedgerError: One of them cannot be used, or they are the same file.
    """
    with contextlib.suppress(OSError):  # one of them is not there
        if path.samefile(other):
            raise LedgerError("a ledger cannot be merged into itself")
    with Reader(other) as reader, _open(path) as target:
        everything = Question()
        calls: list[StoredCall] = []
        spans: list[OtherSpan] = []
        for (hour,) in reader.fetch(_HOURS):
            calls += read_hour(reader, everything, hour)
            spans += read_other_spans(reader, hour)
            if len(calls) + len(spans) >= _CALLS_AT_ONCE:
                target.add(calls, spans)
                told(len(calls))
                calls, spans = [], []
        target.add(calls, spans)
        left = reader.fetch(_LEFT, {"kept": reader.kept_from})[0][0]
        target.refuse(left, f"only sums are left of them in {other}")
    return target.total
