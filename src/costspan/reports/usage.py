"""Usage and cost by day, model, user, team …: the rows of every report, of the JSON API and of the exports."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from operator import itemgetter
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.config import read_settings
from costspan.ledger.book import open_ledger
from costspan.ledger.money import usd_of_pico
from costspan.ledger.question import (
    TIMES,
    Question,
    QuestionError,
    make_filter,
    parse_by,
    parse_time,
    parse_where,
    parse_zone,
)
from costspan.ledger.reader import Answer
from costspan.ledger.record import COSTED, Measures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from costspan.ledger.book import Book

Moment = date | datetime | str | None


class UsageRow(NamedTuple):  # not a dataclass: there may be tens of thousands
    """One group's usage. Tokens whole, money in USD, exact. What it is grouped by is an attribute: `row.model`."""

    keys: dict[str, str]
    sums: Measures
    share: float  # of the report's cost, 0 to 1
    max_pico: int  # pico-dollars of its dearest call
    unpriced_calls: int = 0
    failed_calls: int = 0
    estimated_calls: int = 0  # tokens counted here, because the provider did not say
    month_pico: int | None = None  # pico-dollars of the month up to this day, where it is grouped by day

    def __getattr__(self, name: str) -> str:
        keys = self.keys
        if name in keys:
            return keys[name]
        if name == "date" and self.time is not None:
            return self.time
        raise AttributeError(f"this row has no {name!r}: it is grouped by {', '.join(keys) or 'nothing'}")

    @property
    def time(self) -> str | None:
        """The hour, day, week or month, if it is grouped by one."""
        return next((self.keys[name] for name in TIMES if name in self.keys), None)

    @property
    def calls(self) -> int:
        return self.sums.calls

    @property
    def input_tokens(self) -> int:
        """All input, cached included."""
        return self.sums.input + self.sums.cache_read + self.sums.cache_write

    @property
    def output_tokens(self) -> int:
        """All output, reasoning included."""
        return self.sums.output + self.sums.reasoning

    @property
    def cache_read_tokens(self) -> int:
        return self.sums.cache_read

    @property
    def cache_write_tokens(self) -> int:
        return self.sums.cache_write

    @property
    def reasoning_tokens(self) -> int:
        return self.sums.reasoning

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> Decimal:
        """USD of the calls whose price is known."""
        return usd_of_pico(self.sums.cost)

    @property
    def has_cost(self) -> bool:
        """Whether the cost tells anything: free and failed calls beside some without a price do not make it 0."""
        return bool(self.sums.cost) or not self.unpriced_calls

    @property
    def costs(self) -> dict[str, Decimal]:
        """USD by kind; `other` is tools and units, and cost that nobody broke down."""
        known = {name: getattr(self.sums, f"cost_{name}") for name in COSTED}
        known["other"] = self.sums.cost - sum(known.values())
        return {name: usd_of_pico(pico) for name, pico in known.items()}

    @property
    def max_cost(self) -> Decimal:
        """USD of its dearest call."""
        return usd_of_pico(self.max_pico)

    @property
    def month_to_date(self) -> Decimal | None:
        """USD of the month up to this day, where it is grouped by day."""
        return None if self.month_pico is None else usd_of_pico(self.month_pico)

    @property
    def discount(self) -> Decimal:
        """USD that the user's own discounts saved against list prices."""
        return usd_of_pico(self.sums.discount)

    @property
    def average_seconds(self) -> float:
        return self.sums.duration_ms / 1000 / self.sums.calls if self.sums.calls else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON: money as decimal text, so that nothing is lost."""
        names = ("calls", "tokens", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
        row: dict[str, Any] = dict(self.keys) | {name: getattr(self, name) for name in names}
        row |= {"reasoning_tokens": self.reasoning_tokens, "cost": text(self.cost), "share": round(self.share, 6)}
        row["costs"] = {name: text(usd) for name, usd in self.costs.items()}
        row |= {"discount": text(self.discount), "max_cost": text(self.max_cost)}
        row |= {name: getattr(self, name) for name in ("unpriced_calls", "failed_calls", "estimated_calls")}
        row["average_seconds"] = round(self.average_seconds, 3)
        if self.month_to_date is not None:
            row["month_to_date"] = text(self.month_to_date)
        return row


def text(usd: Decimal) -> str:
    """USD as plain decimal text without trailing zeros: `0.0125`, `3`."""
    plain = f"{usd:f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


@dataclass(frozen=True)
class UsageReport:
    """Rows, dearest first (by time where it is grouped by time), and the total over all of them."""

    question: Question
    rows: list[UsageRow]
    total: UsageRow

    def __iter__(self) -> Iterator[UsageRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def as_dict(self, top: int | None = None) -> dict[str, Any]:
        """For JSON: the period, the first `top` rows, and the total of all."""
        since, until = self.question.since, self.question.until
        return {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "group_by": list(self.question.by),
            "currency": "USD",
            "rows": [row.as_dict() for row in self.rows[:top]],
            "total": self.total.as_dict(),
        }


def read_usage(book: Book, question: Question) -> UsageReport:
    """The report that answers `question`."""
    answers = book.ask(question)
    cost = sum(answer.sums.cost for answer in answers)
    time = question.time
    answers.sort(key=lambda each: (each.keys[time] if time else "", -each.sums.cost, *each.keys.values()))
    months = _running_months(book, question, answers) if time == "day" else [None] * len(answers)
    rows = [_row(answer, cost, month) for answer, month in zip(answers, months, strict=True)]
    return UsageReport(question, rows, _row(_total(answers), cost))


def _running_months(book: Book, question: Question, answers: list[Answer]) -> list[int | None]:
    """For each answer the running total of its month and group, from the month's first day, shown or not."""
    others = tuple(name for name in question.by if name != "day")
    group_of: Callable[[dict[str, str]], Any] = itemgetter(*others) if others else lambda _: ()
    running: dict[tuple[str, Any], int] = {}
    if question.since is not None:
        local = question.since.astimezone(question.zone)
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        before = replace(question, since=first, until=question.since, by=others)
        month = local.strftime("%Y-%m")
        for answer in book.ask(before) if first < question.since else ():
            running[month, group_of(answer.keys)] = answer.sums.cost
    totals: list[int | None] = []
    for keys, sums, *_ in answers:
        key = keys["day"][:7], group_of(keys)
        running[key] = total = running.get(key, 0) + sums.cost
        totals.append(total)
    return totals


def _row(answer: Answer, total: int, month: int | None = None) -> UsageRow:
    keys, sums, unpriced, failed, estimated, max_cost = answer
    return UsageRow(keys, sums, sums.cost / total if total else 0.0, max_cost, unpriced, failed, estimated, month)


def _total(answers: list[Answer]) -> Answer:
    """All groups as one."""
    return Answer(
        {},
        Measures(*map(sum, zip(Measures(), *(answer.sums for answer in answers), strict=True))),
        sum(answer.unpriced for answer in answers),
        sum(answer.failed for answer in answers),
        sum(answer.estimated for answer in answers),
        max((answer.max_cost for answer in answers), default=0),
    )


def get_token_usage(**asked: Any) -> UsageReport:
    """Usage by day, model, user, team, feature, provider, service …, with the total; iterate over it for the rows.

    Keywords: `start_date` ("30d") and `end_date` (None; not included) are a date, a datetime, or text as `costspan
    report --since` takes it; `group_by` ("day") a name or several; `where` `{"team": "search"}`, or a list for any of
    its values, or `["user!=bot"]` as `--where` takes it; `timezone` ("UTC"); `ledger` a file or `clickhouse://…` (the
    setting `COSTSPAN_LEDGER`, else the default file).

    Raises:
        QuestionError: It cannot be asked that way.
        LedgerError: The ledger cannot be read.
    """
    question, where = ask(**asked)
    with open_ledger(where) as book:
        return read_usage(book, question)


def ask(
    *,
    start_date: Moment = "30d",
    end_date: Moment = None,
    group_by: str | Sequence[str] = "day",
    where: Sequence[str] | Mapping[str, str | Sequence[str]] = (),
    timezone: str = "UTC",
    ledger: str | PathLike[str] = "",
) -> tuple[Question, str]:
    """The question in these words, and the ledger that it is asked of.

    Raises:
        QuestionError: It cannot be asked that way.
    """
    zone = parse_zone(timezone)
    if isinstance(where, Mapping):
        if odd := [name for name, value in where.items() if not isinstance(value, (str, list, tuple))]:
            raise QuestionError(f"{odd[0]} must be a text, or a list of them")
        lists = ((name, [value] if isinstance(value, str) else value) for name, value in where.items())
        filters = tuple(make_filter(name, values) for name, values in lists)
    else:
        filters = parse_where([where] if isinstance(where, str) else where)
    by = parse_by(group_by if isinstance(group_by, str) else ",".join(group_by))
    question = Question(_moment(start_date, zone), _moment(end_date, zone), by, filters, zone)
    return question, os.fspath(ledger) or read_settings().ledger


def _moment(given: Moment, zone: tzinfo) -> datetime | None:
    if given is None or given == "all":
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=zone)
    text = given.isoformat() if isinstance(given, date) else given
    return parse_time(text, now=datetime.now(zone), zone=zone)
