"""`costspan ledger …`, `export` and `advise` as a user runs them."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, call, span, traces

from costspan.cli import ledger
from costspan.cli.commands import costspan
from costspan.ledger.maintenance import STEPS, verify

UNPRICED = {name: value for name, value in CHAT.items() if "cost" not in name}


def run(*args, **how):
    return CliRunner().invoke(costspan, [str(each) for each in args], **how)


@pytest.fixture
def db(tmp_path):
    """Two calls with a price, and one whose model no list knows."""
    made = Ledger(tmp_path / "ledger.db")
    made.send(
        traces(
            call(),
            call(error__type="X"),
            span(UNPRICED | {"gen_ai.response.model": "own-1", "gen_ai.request.model": "own-1"}),
        )
    )
    made.close()
    return made.path


def test_info_tells_what_is_in_it(db):
    said = json.loads(run("ledger", "info", "--db", db, "--json").output)

    assert (said["calls"], said["cost"], said["first_day"]) == (3, "0.009000000000", "2026-11-21")
    assert "first day" in run("ledger", "info", "--db", db).output


def test_verify_ends_with_1_where_a_sum_is_off_and_mends_it_when_told(db):
    assert run("ledger", "verify", "--db", db).exit_code == 0
    connection = sqlite3.connect(db)
    connection.execute("UPDATE days SET cost=cost+1")
    connection.commit()
    connection.close()

    broken = run("ledger", "verify", "--db", db, "--json")
    assert (broken.exit_code, len(json.loads(broken.output)["problems"])) == (1, 4)
    assert run("ledger", "verify", "--db", db, "--rebuild").exit_code == 0
    assert "clean" in run("ledger", "verify", "--db", db).output


def test_backup_vacuum_and_merge(db, tmp_path):
    assert run("ledger", "backup", "--db", db, tmp_path / "copy.db").exit_code == 0
    assert run("ledger", "backup", "--db", db, tmp_path / "copy.db").exit_code == 1
    assert "MB now" in run("ledger", "vacuum", "--db", db).output
    assert "3 new calls" in run("ledger", "merge", "--db", tmp_path / "new.db", db).output.replace("\n", "")
    assert "0 new calls, 3 here already" in run("ledger", "merge", "--db", tmp_path / "new.db", db).output.replace(
        "\n", ""
    )


def test_import_takes_otlp_lines_and_names_a_line_that_is_none(tmp_path):
    good = tmp_path / "good.jsonl.gz"
    good.write_bytes(gzip.compress(b'{"resourceSpans": []}\n{"resourceMetrics": []}\n'))
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")

    assert "0 new calls" in run("ledger", "import", "--db", tmp_path / "x.db", good).output.replace("\n", "")
    assert "line 1" in run("ledger", "import", "--db", tmp_path / "x.db", bad).output.replace("\n", "")


def test_import_tells_what_it_refused(tmp_path):
    old = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "chat", "startTimeUnixNano": "0", "endTimeUnixNano": "1"}
    lines = tmp_path / "old.jsonl"
    lines.write_text(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [old, old | {"startTimeUnixNano": "9" * 30}]}]}]})
    )
    done = run("ledger", "import", "--db", tmp_path / "x.db", lines)

    assert done.exit_code == 0
    assert "2 refused: its time is 1970-01-01 00:00 UTC, here it is" in done.output.replace("\n", " ")


def test_reprice_asks_before_it_writes(db, tmp_path, monkeypatch):
    prices = tmp_path / "prices.json"
    prices.write_text(
        json.dumps(
            {"own-1": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}
        )
    )
    monkeypatch.setenv("COSTSPAN_PRICES", str(prices))
    declined = run("ledger", "reprice", "--db", db, input="n\n")
    assert (
        "openai/own-1: 1 call, unknown -> $0.0014\nthe price of 1 call changes, by +$0.0014 in all" in declined.output
    )
    assert json.loads(run("ledger", "info", "--db", db, "--json").output)["cost"] == "0.009000000000"

    assert "written as run 1" in run("ledger", "reprice", "--db", db, "--yes").output
    assert json.loads(run("ledger", "info", "--db", db, "--json").output)["cost"] == "0.010400000000"
    assert verify(db).problems == []
    assert "(--all: every call)" in run("ledger", "reprice", "--db", db, "--yes").output
    assert run("ledger", "reprice", "--db", db, "--yes", "--all").output.endswith("no price changes\n")


def test_commands_for_the_file_are_not_for_clickhouse():
    assert run("ledger", "vacuum", "--db", "clickhouse://x/y").exit_code == 2
    assert "there is no ledger at clickhouse.db" in run("ledger", "vacuum", "--db", "clickhouse.db").output


def test_exports_go_to_a_file_or_to_standard_output(db, tmp_path):
    assert run("export", "--db", db, "--since", "all").output.splitlines()[0].startswith("day,model,calls")
    assert "rows written" in run("export", "--db", db, "--since", "all", "-o", tmp_path / "x.csv").output
    assert run("export", "--db", db, "-o", tmp_path / "no" / "x.csv").exit_code == 1


def test_single_calls_as_json_and_as_a_table(db):
    said = json.loads(run("calls", "--db", db, "--since", "all", "--json").output)

    assert [each["cost"] for each in said["calls"]] == ["0.0045", "0.0045", None]
    assert "unknown" in run("calls", "--db", db, "--since", "all").output
    assert "no calls" in run("calls", "--db", db, "--since", "all", "--where", "team=none").output


def test_nothing_to_advise_is_said(db):
    assert "nothing to save" in run("advise", "--db", db, "--since", "all", "--where", "team=none").output


@pytest.mark.parametrize("args", [("--keep", "soon"), ("--keep-traces", "0d"), ("--port", "70000")])
def test_up_refuses_what_it_cannot_do(tmp_path, args):
    assert run("up", "--db", tmp_path / "x.db", *args).exit_code == 2


def test_up_beyond_this_machine_needs_a_token(tmp_path):
    result = run("up", "--db", tmp_path / "x.db", "--host", "0.0.0.0", "--port", "0", "--no-grpc")  # noqa: S104 refused

    assert (result.exit_code, "--token" in result.output) == (1, True)


def test_verify_shows_its_progress_on_a_terminal(db, monkeypatch):
    told = []
    monkeypatch.setattr(ledger, "progress", lambda *what: contextlib.nullcontext(told.append))

    assert run("ledger", "verify", "--db", db).exit_code == 0
    assert sum(told) == STEPS
