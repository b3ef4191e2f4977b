"""A ledger that can be asked, wherever it is: a file of ours, or ClickHouse with what the Collector put there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from costspan.ledger.listing import divide_prompts, list_calls, read_trace
from costspan.ledger.reader import Reader
from costspan.ledger.schema import CLICKHOUSE, default_db

if TYPE_CHECKING:
    from costspan.ledger.listing import ListedCall, PromptSum, TraceSpan
    from costspan.ledger.question import Question
    from costspan.ledger.reader import Answer


class Book(Protocol):
    """What reports ask of a ledger; for one thread, and closed after use."""

    def ask(self, question: Question) -> list[Answer]:
        """The groups, in no particular order; none if nothing happened in the period."""

    def period(self) -> tuple[int, int]:
        """From the first day with calls to the end of the last, in microseconds since the epoch; 0, 0 if none."""

    def list_calls(self, question: Question, order: str = "latest", limit: int = 20) -> list[ListedCall]:
        """The first `limit` calls in that order."""

    def read_trace(self, trace_id: bytes) -> list[TraceSpan]:
        """The spans of a trace by their start; none if no call of it is known."""

    def divide_prompts(self, question: Question) -> list[PromptSum]:
        """How the input of calls whose prompt was divided (`COSTSPAN_PROMPT_PARTS`) divides over its parts."""

    def close(self) -> None: ...
    def __enter__(self) -> Book: ...  # noqa: PYI034 typing.Self needs Python 3.11
    def __exit__(self, *_: object) -> None: ...


class SqliteBook(Reader):
    """The embedded ledger."""

    def list_calls(self, question: Question, order: str = "latest", limit: int = 20) -> list[ListedCall]:
        return list_calls(self, question, order, limit)

    def __enter__(self) -> SqliteBook:  # noqa: PYI034 typing.Self needs Python 3.11
        return self

    def read_trace(self, trace_id: bytes) -> list[TraceSpan]:
        return read_trace(self, trace_id)

    def divide_prompts(self, question: Question) -> list[PromptSum]:
        return divide_prompts(self, question)


def open_ledger(where: str = "", seconds: int = 0) -> Book:
    """The ledger at a path or a `clickhouse://…` URL, or the default one, for reading; for so many seconds, or 0.

    Raises:
        LedgerError: There is none, or it cannot be read.
    """
    if where.startswith(CLICKHOUSE):
        from costspan.ledger.clickhouse import connect  # noqa: PLC0415 its client is an extra

        return connect(where, seconds)
    return SqliteBook(Path(where) if where else default_db(), seconds)
