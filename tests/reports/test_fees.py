"""Fees of the user's price file stand beside the calls of a report."""

import json
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import call, traces

from costspan.cli.commands import costspan as command
from costspan.ledger.question import Question, parse_where
from costspan.pricing import lookup
from costspan.reports.fees import fees_due

FEES = [
    {"name": "reserved", "provider": "azure", "usd": 3000, "per": "month", "since": "2026-01-01"},
    {"name": "seat", "usd": 1.5, "per": "day"},
    {"name": "over", "usd": 9, "per": "day", "until": "2026-10-31"},
]
DAYS = datetime(2026, 11, 2, tzinfo=timezone.utc), datetime(2026, 11, 12, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _own_prices(tmp_path, monkeypatch):
    (tmp_path / "prices.json").write_text(json.dumps({"fees": FEES}))
    monkeypatch.setenv("COSTSPAN_PRICES", str(tmp_path / "prices.json"))
    lookup.pricer_of_environment.cache_clear()
    yield
    lookup.pricer_of_environment.cache_clear()


def due(*where, since=DAYS[0], until=DAYS[1]):
    return [(each.name, each.usd) for each in fees_due(Question(since, until, where=parse_where(where)))]


def test_a_month_s_fee_is_due_by_its_days_and_one_that_ended_is_not():
    assert due() == [("reserved", Decimal(1000)), ("seat", Decimal(15))]


def test_a_filter_by_provider_or_model_holds_and_by_anything_else_nobody_knows_the_share():
    assert due("provider=azure*") == [("reserved", Decimal(1000))]
    assert due("provider!=azure.ai.openai") == [("seat", Decimal(15))]
    assert due("team=search") == []


def test_without_a_start_a_fee_is_due_since_it_began():
    assert due(since=None, until=datetime(2026, 2, 1, tzinfo=timezone.utc)) == [("reserved", Decimal(3000))]


def test_a_fee_is_due_where_nothing_was_called(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    made.send(traces(call()))
    made.close()
    asked = ["report", "--db", str(made.path), "--since", "2026-02-01", "--until", "2026-03-01"]

    assert CliRunner().invoke(command, asked).output.splitlines()[:2] == [
        "no calls in this period",
        "and in no call: reserved (azure.ai.openai) $3,000.00",
    ]


def test_the_command_names_them_below_the_calls_and_in_json(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    made.send(traces(call()))
    made.close()
    asked = ["report", "--db", str(made.path), "--since", "2026-11-02", "--until", "2026-11-22"]

    shown = CliRunner().invoke(command, asked).output
    said = json.loads(CliRunner().invoke(command, [*asked, "--json"]).output)

    assert "and in no call: reserved (azure.ai.openai) $2,000.00" in shown
    assert "and in no call: seat $30.00" in shown
    assert said["fees"][0] == {"name": "reserved", "provider": "azure.ai.openai", "usd": "2000"}
