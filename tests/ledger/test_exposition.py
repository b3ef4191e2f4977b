"""`/metrics` of the ledger."""

from __future__ import annotations

import time

import pytest
from ledger_served import Served, fetch
from ledger_spans import DAY, call, traces

from costspan.api import exposition
from costspan.ledger.schema import LedgerError


@pytest.fixture
def ledger(tmp_path):
    made = Served(tmp_path / "ledger.db")
    yield made
    made.close()


def metrics(ledger):
    status, body = fetch(f"{ledger.running.url}/metrics", None, {})
    assert status == 200
    return body.decode().splitlines()


def test_this_months_cost_by_team_is_exact_and_earlier_months_are_no_part_of_it(ledger):
    now = time.time_ns()
    ledger.send(traces(call(now, costspan__team='a"\\b', gen_ai__usage__cost__amount=0.1)))
    ledger.send(traces(call(now, costspan__team='a"\\b', gen_ai__usage__cost__amount=0.2)))
    ledger.send(traces(call(now, gen_ai__usage__cost__amount=3)))
    ledger.send(traces(call(now - 40 * DAY, costspan__team="old", gen_ai__usage__cost__amount=9)))

    assert metrics(ledger) == [
        "# HELP costspan_month_to_date_cost_USD What the calendar month has cost so far, by the ledger",
        "# TYPE costspan_month_to_date_cost_USD gauge",
        "costspan_month_to_date_cost_USD{} 3",
        'costspan_month_to_date_cost_USD{costspan_team="a\\"\\\\b"} 0.3',
        "# HELP costspan_unpriced_models Models called this month that lack a price, or a part of it",
        "# TYPE costspan_unpriced_models gauge",
    ]


def test_each_model_without_a_full_price_is_named_once(ledger):
    now = time.time_ns()
    unknown = {"gen_ai.provider.name": "acme", "gen_ai.request.model": "m", "gen_ai.response.model": "m"}
    for _ in range(2):
        ledger.send(traces(call(now, gen_ai__usage__cost__amount=None, costspan__price__status="unpriced", **unknown)))

    assert metrics(ledger)[-1] == 'costspan_unpriced_models{gen_ai_provider_name="acme",gen_ai_request_model="m"} 1'


def test_a_ledger_that_cannot_be_read_says_so(ledger, monkeypatch):
    def fails(*_asked):
        raise LedgerError("the ledger is locked")

    monkeypatch.setattr(exposition, "open_ledger", fails)

    assert fetch(f"{ledger.running.url}/metrics", None, {}) == (503, b"the ledger is locked")


def test_a_ledger_with_a_token_asks_for_it(tmp_path):
    made = Served(tmp_path / "other.db", token="secret")
    try:
        assert fetch(f"{made.running.url}/metrics", None, {})[0] == 401
        assert fetch(f"{made.running.url}/metrics", None, {"authorization": "Bearer secret"})[0] == 200
    finally:
        made.close()
