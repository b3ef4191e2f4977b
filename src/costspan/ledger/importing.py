"""Brings calls in, each once: OTLP as JSON lines (the Collector's file exporter), and other ledgers."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

from costspan.ledger.calls import Sorter
from costspan.ledger.otlp import BadRequestError, read_json
from costspan.ledger.question import Question
from costspan.ledger.reader import Reader
from costspan.ledger.rows import hours_with_calls, read_hour, read_other_spans
from costspan.ledger.schema import LedgerError
from costspan.ledger.store import Store, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from costspan.ledger.record import OtherSpan, StoredCall
    from costspan.pricing import Pricer

_LINES_AT_ONCE = 200
_CALLS_AT_ONCE = 5000
_SIGNALS = {"resourceSpans": "traces", "resourceLogs": "logs", "resourceMetrics": "metrics"}


def import_lines(path: Path, source: Path, pricer: Pricer, told: Callable[[int], object]) -> Written:
    """Store what the file holds; `told` hears how many of its bytes are read.

    Raises:
        LedgerError: The file cannot be read, or a line is not OTLP; what came before it is stored.
    """
    store, sorter, total = Store(path), Sorter(pricer), Written()
    try:
        for number, lines in enumerate(_chunks(source)):
            calls, spans = [], []
            try:
                for place, line in enumerate(lines, number * _LINES_AT_ONCE + 1):
                    batch = sorter.sort_out(_arrivals(line, f"{source}, line {place}"))
                    calls += batch.calls
                    spans += batch.spans
                    total.refused += batch.refused
                    total.refusal = total.refusal or batch.refusal
            finally:  # also before a line that is cut off, as the last one of a file that is being written
                _add(total, store.write(calls, spans))
            told(sum(map(len, lines)))
    finally:
        store.close()
    return total


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
    if path.exists() and other.exists() and path.samefile(other):
        raise LedgerError("a ledger cannot be merged into itself")
    total = Written()
    with Reader(other) as reader:
        store = Store(path)
        try:
            everything = Question()
            calls: list[StoredCall] = []
            spans: list[OtherSpan] = []
            for hour in hours_with_calls(reader, everything):
                calls += read_hour(reader, everything, hour)
                spans += read_other_spans(reader, hour)
                if len(calls) + len(spans) >= _CALLS_AT_ONCE:
                    _add(total, store.write(calls, spans))
                    told(len(calls))
                    calls, spans = [], []
            _add(total, store.write(calls, spans))
        finally:
            store.close()
    return total


def _add(total: Written, written: Written) -> None:
    total.calls += written.calls
    total.duplicates += written.duplicates
    total.layers += written.layers
    total.spans += written.spans
