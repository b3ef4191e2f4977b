"""Usage as files: CSV, JSON lines, Parquet, and FOCUS 1.2. Money is exact decimal text."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from costspan.ledger.book import SqliteBook, open_ledger
from costspan.reports.focus import focus_row_of_nothing, focus_rows
from costspan.reports.usage import ask, read_usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from costspan.ledger.book import Book
    from costspan.ledger.question import Question
    from costspan.reports.usage import UsageReport, UsageRow

FORMATS = ("csv", "jsonl", "parquet", "focus")
# A cell that begins with one of these, or with their wide forms, is a formula to a spreadsheet.
_DANGEROUS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class ExportError(RuntimeError):
    """The export cannot be made; one line with cause and cure."""


class Rows(NamedTuple):
    """What a file holds: rows, and one like them, so that a file of none has its columns too."""

    rows: list[dict[str, Any]]
    like: dict[str, Any]


def _flat(row: UsageRow) -> dict[str, Any]:
    """The row with one level of names: `costs.input` becomes `cost_input`."""
    flat = row.as_dict()
    return flat | {f"cost_{name}": usd for name, usd in flat.pop("costs").items()}


def _flat_rows(report: UsageReport) -> Rows:
    asked = report.question
    keys, month = dict.fromkeys(asked.by, ""), 0 if asked.time == "day" else None
    return Rows([_flat(row) for row in report.rows], _flat(report.total._replace(keys=keys, month_pico=month)))


def rows_for(book: Book, question: Question, form: str, path: str | PathLike[str] = "") -> Rows:
    """What a file of this form holds; refused here, before a file is opened and so emptied, if it cannot be written.

    Raises:
        ExportError: pyarrow is not installed, and it is Parquet; or the file is the ledger.
    """
    with suppress(OSError):  # there is no such file
        if isinstance(book, SqliteBook) and book.path.samefile(path):
            raise ExportError(f"{path} is the ledger itself: name another file")
    if form == "parquet" and find_spec("pyarrow") is None:
        raise ExportError("Parquet needs pyarrow: pip install 'costspan[parquet]'")
    if form == "focus":
        return Rows(list(focus_rows(book, question)), focus_row_of_nothing())
    return _flat_rows(read_usage(book, question))


def write_csv(made: Rows, out: IO[bytes]) -> None:
    """Comma-separated values in UTF-8 with a header; text that a spreadsheet would run is made plain."""
    writer = csv.writer(_Text(out))
    writer.writerow(made.like)
    writer.writerows([_tame(value) for value in row.values()] for row in made.rows)


def write_jsonl(made: Rows, out: IO[bytes]) -> None:
    """One JSON object a line."""
    for row in made.rows:
        out.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def write_parquet(made: Rows, out: IO[bytes]) -> None:
    """A Parquet file; money is a decimal column."""
    import pyarrow as pa  # noqa: PLC0415 large, and only for this
    import pyarrow.parquet as pq  # noqa: PLC0415 as above

    table = pa.Table.from_pylist([*made.rows, made.like]).slice(0, len(made.rows))
    for place, name in enumerate(table.column_names):
        if name in ("discount", "month_to_date") or name.startswith(("cost", "max_cost")):
            table = table.set_column(place, name, table.column(name).cast(pa.decimal128(38, 12)))
    pq.write_table(table, out)


WRITERS: dict[str, Callable[[Rows, IO[bytes]], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "focus": write_csv,
}


def export_token_usage(
    path: str | PathLike[str],
    *,
    format: str = "csv",  # noqa: A002 the word that users know
    **asked: Any,
) -> int:
    """Write usage to a file; how many rows. `asked` is what `get_token_usage` takes; FOCUS groups by itself.

    Raises:
        ExportError: The format is not known, or needs a library that is not there.
        QuestionError: It cannot be asked that way.
        LedgerError: The ledger cannot be read.
    """
    if format not in FORMATS:
        raise ExportError(f"there is no format {format!r}: choose {', '.join(FORMATS)}")
    if format == "focus":
        asked["group_by"] = ()
    question, where = ask(**asked)
    with open_ledger(where) as book:
        made = rows_for(book, question, format, path)
    with open(path, "wb") as out:  # noqa: PTH123 a path of any kind
        WRITERS[format](made, out)
    return len(made.rows)


class _Text:
    """What the csv module writes to: text in, UTF-8 out."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode())


def _tame(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
