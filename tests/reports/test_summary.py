"""The figures at a glance are those of their periods, and the forecast goes on at the pace of a week."""

from datetime import datetime, timezone
from decimal import Decimal

from ledger.ledger_served import Ledger
from ledger.ledger_spans import DAY, HOUR, NOON, call, traces

from costspan.ledger.book import SqliteBook
from costspan.ledger.question import Question
from costspan.reports.summary import read_summary

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


def test_the_month_is_forecast_at_the_pace_of_the_last_seven_days(tmp_path):
    """9 days and 5.5 hours are to come: 797,400 of a week's 604,800 seconds."""
    month = summary_of(tmp_path, (8.0, 7 * DAY - HOUR), (10.0, 7 * DAY + HOUR)).month

    assert month.forecast == Decimal("28.547619047619")


def test_a_ledger_younger_than_a_week_is_forecast_at_the_pace_since_its_first_day(tmp_path):
    """It began 18.5 hours ago, at midnight."""
    month = summary_of(tmp_path, (2.0, 6 * HOUR)).month

    assert month.forecast == Decimal("25.945945945946")
