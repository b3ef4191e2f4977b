"""`costspan demo`, from a program's call to the table."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import call, traces

from costspan.cli import demo
from costspan.demo import running

pytestmark = pytest.mark.slow


def _demo(*options, **how):
    return CliRunner().invoke(demo.command, options, **how)


def test_the_demo_ends_with_spend_by_model_and_by_team(tmp_path):
    path = tmp_path / "ledger.db"
    done = _demo("--days", "1", "--json", "--db", str(path))

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    costs = {row["model"]: row["cost"] for row in told["model"]["rows"]}
    assert {"gpt-4o-2024-08-06", "gpt-5-2025-08-07", "text-embedding-3-small"} < costs.keys()
    assert {row["team"] for row in told["team"]["rows"]} == {"support", "search", "planning"}
    assert "59 calls (5 refused once and tried again by the SDK)" in done.stderr
    assert "Simulated: the provider" in done.stderr
    assert path.exists()
    again = json.loads(_demo("--days", "1", "--json", "--db", str(path)).stdout)
    calls = {team["team"]: team["calls"] for team in again["team"]["rows"]}
    first = {team["team"]: team["calls"] for team in told["team"]["rows"]}
    assert sum(calls.values()) - sum(first.values()) == 59  # today's program again, the earlier day once


@pytest.fixture
def no_programs(monkeypatch):
    """Nothing is run, so nothing is spent."""
    monkeypatch.setattr(running, "run", lambda *_: iter(()))


def test_the_table_names_the_page(no_programs):
    done = _demo()

    assert done.exit_code == 0, done.output
    assert "The page: http://127.0.0.1:" in done.output


@pytest.mark.parametrize(("options", "gone"), [(["--no-keep"], True), ([], False)])
def test_in_a_terminal_a_page_that_will_not_stay_is_said_to_be_gone(no_programs, monkeypatch, options, gone):
    monkeypatch.setattr(demo, "_in_terminal", lambda: True)

    assert ("(gone now; --keep leaves it up)" in _demo(*options, input="n\n").output) is gone


def test_a_blank_line_stands_between_the_tables(no_programs, tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(call(error__type="X")))
    ledger.close()

    assert "\n1 failed\n\nteam " in _demo("--db", str(ledger.path)).output


def test_it_stays_up_when_told_to_until_ctrl_c(no_programs, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "Event", lambda: SimpleNamespace(wait=interrupt))
    done = _demo("--keep")

    assert done.exit_code == 0
    assert "Ctrl-C ends it." in done.output
    assert "export OPENAI_BASE_URL=http://127.0.0.1:" in done.output


@pytest.mark.parametrize(("said", "kept"), [("y\n", True), ("n\n", False)])
def test_in_a_terminal_it_asks(no_programs, monkeypatch, said, kept):
    stayed = []
    monkeypatch.setattr(demo, "_stay", stayed.append)
    monkeypatch.setattr(demo, "_in_terminal", lambda: True)

    assert _demo(input=said).exit_code == 0
    assert bool(stayed) is kept


def test_what_fails_is_one_line(monkeypatch):
    def fail(*_):
        raise running.DemoError("program.py failed with exit code 3")

    monkeypatch.setattr(running, "run", fail)
    done = _demo()

    assert done.exit_code == 1
    assert done.output.endswith("Error: program.py failed with exit code 3\n")


def test_without_the_sdk_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)

    assert "pip install 'costspan[demo]'" in _demo().output


def test_days_must_be_a_number_of_days():
    assert _demo("--days", "1000").exit_code == 2
