"""Stored calls priced again: what changes is shown first, the old figures are kept, the sums follow."""

from __future__ import annotations

import contextlib
import json

import pytest
from click.testing import CliRunner
from ledger_spans import call, traces

from costspan.cli.commands import costspan
from costspan.cli.ledger import _sum
from costspan.ledger.maintenance import drop_before, verify
from costspan.ledger.question import Question
from costspan.ledger.reprice import Repricing, apply, plan
from costspan.ledger.schema import open_store
from costspan.pricing import Price, PriceStatus

NO_PRICE = {
    "gen_ai__usage__cost__amount": None,
    "costspan__price__status": None,
    "costspan__cost__input": None,
    "costspan__cost__output": None,
}


class Flat:
    """A price list of a dollar a call."""

    def price(self, usage, **_):
        return Price(PriceStatus.PRICED, 10**15, {"input": 10**15})


def nothing(_):
    pass


@pytest.fixture
def mixed(ledger):
    """One call with a price, one that no list knows, one that the provider itself charged for."""
    unknown = {
        "gen_ai__response__model": "own-model",
        "gen_ai__request__model": "own-model",
        "gen_ai__provider__name": "acme",
    }
    ledger.send(traces(call(), call(**unknown, **NO_PRICE), call(gen_ai__usage__cost__source="provider")))
    return ledger


def test_only_what_has_no_price_is_priced_unless_all_is_said(mixed):
    missing = plan(mixed.path, Repricing(Question()), Flat(), nothing)
    everything = plan(mixed.path, Repricing(Question(), everything=True), Flat(), nothing)

    assert (missing.total().calls, missing.total().after) == (1, 10**12)
    assert (everything.total().calls, everything.total().before) == (2, 4_500_000_000)


def test_the_old_figures_are_kept_and_the_sums_follow(mixed):
    asked = Repricing(Question(), everything=True)
    made = plan(mixed.path, asked, Flat(), nothing)
    assert apply(mixed.path, asked, Flat(), made, nothing) == 1

    assert str(mixed.report().total.cost.normalize()) == "2.0045"
    assert mixed.report().total.unpriced_calls == 0
    assert mixed.sql("SELECT cost FROM repriced ORDER BY cost") == [(None,), (4_500_000_000,)]
    assert verify(mixed.path).problems == []
    assert plan(mixed.path, asked, Flat(), nothing).total().calls == 0


def test_the_command_shows_the_difference_and_writes_only_when_told(mixed):
    args = ["ledger", "reprice", "--db", str(mixed.path), "--all"]
    shown = CliRunner().invoke(costspan, [*args, "--dry-run", "--json"])
    assert shown.exit_code == 0
    assert {row["model"] for row in json.loads(shown.output)} <= {"gpt-4o-2024-08-06", "own-model"}
    assert mixed.sql("SELECT count(*) FROM repriced") == [(0,)]


def test_an_hour_that_was_dropped_since_it_was_planned_keeps_its_sums(mixed):
    asked = Repricing(Question(), everything=True)
    made = plan(mixed.path, asked, Flat(), nothing)
    with contextlib.closing(open_store(mixed.path)) as connection:
        drop_before(connection, made.hours[0] // 24 + 1, 0)
    before = mixed.report().total

    apply(mixed.path, asked, Flat(), made, nothing)
    assert mixed.report().total == before
    assert before.calls == 3


def test_what_had_no_price_was_unknown_before_and_not_0(mixed, tmp_path, monkeypatch):
    own = tmp_path / "prices.json"
    entry = {"litellm_provider": "acme", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
    own.write_text(json.dumps({"own-model": entry}))
    monkeypatch.setenv("COSTSPAN_PRICES", str(own))
    asked = ["ledger", "reprice", "--db", str(mixed.path), "--dry-run"]
    [row] = json.loads(CliRunner().invoke(costspan, [*asked, "--json"]).output)

    assert (row["before"], row["unpriced_before"], row["still_unpriced"]) == (None, 1, 0)
    assert "acme/own-model: 1 call, unknown -> $" in CliRunner().invoke(costspan, asked).output


def test_a_sum_of_which_a_part_is_unknown_says_so():
    assert _sum(2 * 10**12, 3, 1) == "$2 and 1 unknown"
