"""The figures at a glance are those of their periods, and the forecast goes on at the pace of a week."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, DAY, HOUR, NOON, call, span, traces

from costspan.ledger.book import SqliteBook
from costspan.ledger.question import Question
from costspan.reports.summary import Cache, read_summary

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=timezone.utc)
NOW_NS = NOON + 6 * HOUR + HOUR // 2


def summary_of(path, *calls):
    """At NOW, of calls that cost so much and were made so long before."""
    ledger = Ledger(path / "ledger.db")
    ledger.send(traces(*(call(NOW_NS - ago, gen_ai__usage__cost__amount=usd) for usd, ago in calls)))
    ledger.close()
    with SqliteBook(path / "ledger.db") as book:
        return read_summary(book, Question(), NOW)


def test_each_figure_is_of_its_own_period(tmp_path):
    summary = summary_of(
        tmp_path,
        (1.0, HOUR // 2),
        (0.5, 3 * HOUR // 2),
        (7.0, 6 * HOUR),
        (20.0, 7 * DAY - HOUR // 2),
        (3.0, 7 * DAY + HOUR // 2),
        (5.0, 7 * DAY + 3 * HOUR // 2),
        (100.0, 40 * DAY),
    )

    assert summary.last_hour.cost == 1
    assert summary.today.cost == Decimal("8.5")
    assert summary.same_hour_last_week.cost == 3
    assert summary.month.cost == Decimal("36.5")


def test_a_period_is_compared_with_the_one_of_its_length_before_it(tmp_path):
    spent = ((1.0, HOUR // 2), (2.0, 3 * HOUR // 2), (4.0, 5 * HOUR // 2), (8.0, 7 * HOUR // 2), (16.0, 9 * HOUR // 2))
    summary_of(tmp_path, *spent)
    with SqliteBook(tmp_path / "ledger.db") as book:
        summaries = [
            read_summary(book, Question(NOW - 2 * hour, until), NOW)
            for hour, until in ((timedelta(hours=1), None), (timedelta(hours=1), NOW - timedelta(hours=1)))
        ]

    assert [(each.period.total.cost, each.previous.total.cost) for each in summaries] == [(3, 12), (2, 4)]


def test_caches_save_what_reading_fresh_had_cost_and_cost_what_writing_is_dearer(tmp_path):
    """10,000 tokens read at a tenth of 3 dollars a million, 2,000 written at 3.75; no fresh input tells no price."""
    said = {"cache_read.input_tokens": 10_000, "cache_write.input_tokens": 2000, "input_tokens": 13_000}
    costs = {"input": 0.003, "cache_read": 0.003, "cache_write": 0.0075}
    named = {f"gen_ai.usage.{name}": count for name, count in said.items()}
    cached = named | {f"costspan.cost.{name}": usd for name, usd in costs.items()}
    no_fresh = cached | {
        "gen_ai.usage.input_tokens": 12_000,
        "gen_ai.response.model": "other",
        "costspan.cost.input": 0,
    }
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(*(span(CHAT | each | {"gen_ai.usage.cost.amount": 0.0155}) for each in (cached, no_fresh))))
    ledger.close()
    with SqliteBook(tmp_path / "ledger.db") as book:
        effect = read_summary(book, Question(), NOW).cache

    assert effect == Cache(20_000, 4000, Decimal("0.027"), Decimal("0.0015"))


def test_the_month_is_forecast_at_the_pace_of_the_last_seven_days(tmp_path):
    """9 days and 5.5 hours are to come: 797,400 of a week's 604,800 seconds."""
    month = summary_of(tmp_path, (8.0, 7 * DAY - HOUR), (10.0, 7 * DAY + HOUR)).month

    assert month.forecast == Decimal("28.547619047619")


def test_a_ledger_younger_than_a_week_is_forecast_at_the_pace_since_its_first_day(tmp_path):
    """It began 18.5 hours ago, at midnight."""
    month = summary_of(tmp_path, (2.0, 6 * HOUR)).month

    assert month.forecast == Decimal("25.945945945946")
