"""The options that every command on spend shares, and what they make: an open ledger and a question."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from costspan.config import read_settings
from costspan.ledger.book import open_ledger
from costspan.ledger.question import Question, QuestionError, parse_by, parse_time, parse_where, parse_zone
from costspan.ledger.schema import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costspan.ledger.book import Book


@dataclass(frozen=True)
class Asked:
    """What the shared options say."""

    db: str  # a file, clickhouse://…, or empty: the setting, or the default file
    question: Question
    texts: dict[str, Any]  # as they were written

    def anew(self) -> Question:
        """The question as of now: `1h` and `today` have moved on, a day that was named has not."""
        return _asked(self.texts).question

    @property
    def nothing(self) -> str:
        """What to say where no call answers the question."""
        return "no calls in this period" + " that match --where" * bool(self.question.where)

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Book]:
        """The ledger, open for reading; its errors become one line."""
        with one_line(), open_ledger(self.db or read_settings().ledger) as book:
            yield book


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """A ledger that cannot be used, or a question that cannot be asked, ends the command with one line."""
    try:
        yield
    except QuestionError as error:
        raise click.UsageError(str(error)) from error
    except LedgerError as error:
        raise click.ClickException(str(error)) from error


def asks(by: str = "", since: str = "30d") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds the options, and calls the command with `asked` in their place; without `by` it does not group."""

    def decorate(run: Callable[..., None]) -> Callable[..., None]:
        @wraps(run)
        def command(**given: Any) -> None:
            names = ("by", "since", "until", "where", "tz", "db")
            texts = {name: given.pop(name, "") for name in names}
            run(asked=_asked(texts), **given)

        for option in reversed(_options(by, since)):
            command = option(command)
        return command

    return decorate


def _options(by: str, since: str) -> list[Callable[..., Any]]:
    grouping = click.option(
        "--by", default=by, show_default=True, help="Names, separated by commas: day, model, team, user, tag.NAME …"
    )
    return [
        *([grouping] if by else []),
        click.option("--since", default=since, show_default=True, help="30d, 24h, today, month, 2026-11-01 or all."),
        click.option("--until", default="", help="As --since; the moment itself is not included."),
        click.option(
            "--where",
            multiple=True,
            help=r"team=search, model=gpt-4o*,gpt-5*, user!=bot; all must hold. A comma in a value: \,",
        ),
        click.option("--tz", default="UTC", show_default=True, help="Whose days: Europe/Berlin, America/New_York …"),
        click.option("--db", default="", help="The ledger: a file, or clickhouse://…"),
    ]


def _asked(texts: dict[str, Any]) -> Asked:
    now = datetime.now(timezone.utc)
    with one_line():
        zone = parse_zone(texts["tz"])
        since = None if texts["since"] == "all" else parse_time(texts["since"], now=now, zone=zone)
        until = parse_time(texts["until"], now=now, zone=zone) if texts["until"] else None
        if since and until and until <= since:
            raise QuestionError("--until is not after --since: no call can be in this period")
        question = Question(since, until, parse_by(texts["by"]), parse_where(texts["where"]), zone)
    return Asked(texts["db"], question, texts)
