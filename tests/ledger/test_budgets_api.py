"""What is left of the budget file's limits, by the ledger."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone

import pytest
from ledger_served import Ledger, Served
from ledger_spans import DAY, HOUR, NOON, SECOND, call, traces

from costspan.budgets import Limit
from costspan.ledger.book import SqliteBook
from costspan.limits import Period, Quota
from costspan.reports.budgets import read_budgets


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Writes a budget file, and asks a ledger with 1.5 USD of team ads and 0.5 of team search, spent now."""
    made = Served(tmp_path / "ledger.db")
    now = time.time_ns()
    made.send(traces(call(now, costspan__team="ads", gen_ai__usage__cost__amount=1.5)))
    made.send(traces(call(now, costspan__team="search", gen_ai__usage__cost__amount=0.5)))
    made.send(traces(call(now - 40 * DAY, costspan__team="ads", gen_ai__usage__cost__amount=9)))
    made.send(traces(call(now, **{"costspan.tag.project": "x", "gen_ai.usage.cost.amount": 0.25})))

    def asking(*budgets):
        path = tmp_path / "budgets.json"
        path.write_text(json.dumps({"budgets": budgets}))
        monkeypatch.setenv("COSTSPAN_BUDGETS", str(path))
        return made.get("/api/budgets")[1]

    asking.ledger = made
    yield asking
    made.close()


def test_a_budget_counts_its_own_calls_of_its_current_period(ask):
    said = ask({"team": "ads", "usd": 2, "per": "month"})

    assert said == {
        "budgets": [
            {
                "name": "team=ads per month",
                "unit": "USD",
                "per": "month",
                "who": {"team": "ads"},
                "limit": "2",
                "spent": "1.5",
                "left": "0.5",
                "used": 0.75,
            }
        ],
        "problem": "",
    }


def test_the_most_used_comes_first_and_a_star_is_each_value_for_itself(ask):
    said = ask({"usd": 100, "per": "month"}, {"team": "*", "usd": 1, "per": "day"})

    assert [(each["who"], each["spent"], each["left"]) for each in said["budgets"]] == [
        ({"team": "ads"}, "1.5", "-0.5"),
        ({"team": "search"}, "0.5", "0.5"),
        ({}, "2.25", "97.75"),
    ]


def test_tokens_and_tags_have_budgets_too(ask):
    said = ask({"tag.project": "x", "tokens": 2400, "per": "day"})

    assert [(each["who"], each["unit"], each["spent"], each["used"]) for each in said["budgets"]] == [
        ({"tag.project": "x"}, "tokens", "1200", 0.5)
    ]


def test_a_limit_of_a_model_counts_answers_of_its_days_and_of_no_other_model(ask):
    said = ask(*({"model": model, "usd": 1, "per": "day"} for model in ("gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06")))

    assert {each["name"]: each["spent"] for each in said["budgets"]} == {
        "model=gpt-4o per day": "2.25",
        "model=gpt-4o-mini per day": "0",
        "model=gpt-4o-2024-08-06 per day": "2.25",
    }


def test_a_limit_of_a_model_counts_it_also_as_vertex_dates_it(ask):
    model = "claude-opus-4"
    dated = {"gen_ai__request__model": model, "gen_ai__response__model": f"{model}@20250514"}
    ask.ledger.send(traces(call(time.time_ns(), **dated, gen_ai__usage__cost__amount=0.125)))

    assert ask({"model": model, "usd": 1, "per": "day"})["budgets"][0]["spent"] == "0.125"


def test_a_day_begins_at_midnight_of_the_limits_own_zone(tmp_path):
    """In Auckland at 11:00 UTC."""
    made = Ledger(tmp_path / "ledger.db")
    made.send(traces(*(call(NOON - HOUR + side * SECOND, gen_ai__usage__cost__amount=3 + side) for side in (-1, 1))))
    made.close()
    quota = Quota(Limit("day", usd=8), {}, Period("day", "Pacific/Auckland"))
    with SqliteBook(made.path) as book:
        [state] = read_budgets(book, [quota], datetime.fromtimestamp(NOON / 1e9, timezone.utc))

    assert state.spent == 4


def test_limits_of_a_session_are_left_out_as_no_sum_tells_sessions_apart(ask):
    assert (
        ask({"session": "*", "usd": 1, "per": "day"}, {"conversation": "c1", "usd": 1, "per": "day"})["budgets"] == []
    )


def test_a_limit_of_nothing_is_used_up(ask):
    said = ask({"usd": 100, "per": "day"}, {"usd": 0, "per": "day"})["budgets"]

    assert [each["used"] for each in said] == [1.0, 0.0225]


def test_limits_of_a_process_are_left_out(ask):
    assert ask({"usd": 5})["budgets"] == []


def test_a_file_that_cannot_be_read_is_a_problem_and_not_an_error(ask):
    said = ask({"usd": "much", "per": "month"})

    assert said["budgets"] == []
    assert "much" in said["problem"]
