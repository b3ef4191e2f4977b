"""The figures at a glance: today, this month and where it ends, the last hour, what the cache saved."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from costspan.ledger.question import EARLIEST, Question
from costspan.ledger.sql import SECOND_US
from costspan.reports.usage import UsageReport, UsageRow, read_usage

if TYPE_CHECKING:
    from costspan.ledger.book import Book

_PICO = Decimal("0.000000000001")  # USD: as finely as calls are stored
_TREND = timedelta(days=7)  # whose pace a forecast goes on with
_WEEK = timedelta(days=7)
_BY = ("provider", "model")


@dataclass(frozen=True)
class Month:
    """The calendar month so far, in the question's zone; USD."""

    start: datetime
    end: datetime
    cost: Decimal
    calls: int
    unpriced_calls: int
    forecast: Decimal  # at its end, at the pace of the last 7 days (or since the first day with calls, if that is less)


@dataclass(frozen=True)
class Cache:
    """What prompt caches did to the bill; USD against the same tokens read fresh."""

    read_tokens: int
    write_tokens: int
    saved: Decimal  # by reading; at the price that fresh input of the same model cost
    write_premium: Decimal  # paid on top of that price for writing


@dataclass(frozen=True)
class Summary:
    """All at once; each figure under the question's filters."""

    now: datetime
    first_day: datetime | None  # with a call in the ledger, whatever the filters; None: it has none yet
    today: UsageRow
    month: Month
    last_hour: UsageRow
    same_hour_last_week: UsageRow
    period: UsageReport  # by provider and model
    previous: UsageReport  # the period of the same length before, likewise
    cache: Cache


def read_summary(book: Book, question: Question, now: datetime) -> Summary:
    """The summary at the moment `now`, for the question's period and filters."""
    local = now.astimezone(question.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = timedelta(hours=1)
    period = read_usage(book, Question(question.since, question.until, _BY, question.where))
    first = book.period()[0]
    first_day = datetime.fromtimestamp(first // SECOND_US, tz=now.tzinfo) if first else None
    return Summary(
        now=now,
        first_day=first_day,
        today=_total(book, question, midnight, now),
        month=_month(book, question, midnight.replace(day=1), max(now - _TREND, first_day or now - _TREND), now),
        last_hour=_total(book, question, now - hour, now),
        same_hour_last_week=_total(book, question, now - _WEEK - hour, now - _WEEK),
        period=period,
        previous=_previous(book, question, now),
        cache=cache_effect(period.rows),
    )


def _total(book: Book, question: Question, since: datetime, until: datetime) -> UsageRow:
    return read_usage(book, Question(since, until, (), question.where)).total


def _previous(book: Book, question: Question, now: datetime) -> UsageReport:
    until = question.until or now
    since = question.since or until
    length = max(min(until - since, since - EARLIEST), timedelta(0))
    return read_usage(book, Question(since - length, since, _BY, question.where))


def _month(book: Book, question: Question, start: datetime, since: datetime, now: datetime) -> Month:
    """The month from `start` on, going on at the pace since `since`."""
    days = calendar.monthrange(start.year, start.month)[1]
    end = (start + timedelta(days=days)).replace(hour=0)
    so_far = _total(book, question, start, now)
    recent = _total(book, question, since, now)
    pace = recent.cost / max(1, int((now - since).total_seconds()))
    forecast = so_far.cost + pace * int((end - now).total_seconds())
    return Month(start, end, so_far.cost, so_far.calls, so_far.unpriced_calls, forecast.quantize(_PICO))


def cache_effect(rows: list[UsageRow]) -> Cache:
    """Against what each row's model cost for fresh input; a row without fresh input tells no price and is left out."""
    saved = premium = Decimal(0)
    for row in rows:
        if row.sums.input:
            rate = row.costs["input"] / row.sums.input
            saved += rate * row.sums.cache_read - row.costs["cache_read"]
            premium += row.costs["cache_write"] - rate * row.sums.cache_write
    return Cache(
        sum(row.sums.cache_read for row in rows),
        sum(row.sums.cache_write for row in rows),
        saved.quantize(_PICO),
        premium.quantize(_PICO),
    )
