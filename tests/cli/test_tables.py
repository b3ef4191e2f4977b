"""Tables of spend: every number whole in any terminal, names whole in a pipe."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import call, traces
from rich.console import Console

from costspan.cli.commands import costspan
from costspan.cli.tables import money, percent, terminal, usage_table

FREE = {"gen_ai__usage__cost__amount": 0.0, "costspan__price__status": "free"}
NO_PARTS = {"costspan__cost__input": None, "costspan__cost__output": None}


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.close()


def shown(ledger, width, by):
    """The lines of a report in a terminal of this width."""
    out = Console(file=io.StringIO(), width=width)
    out.print(usage_table(ledger.report(by), out.width))
    return out.file.getvalue().splitlines()


@pytest.mark.parametrize("by", ["model", "team,user,feature,provider,service,model"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_number_is_cut_in_a_narrow_terminal(ledger, width, by):
    ledger.send(traces(call(gen_ai__usage__input_tokens=1_234_567_890), call(gen_ai__response__model="m" * 40)))
    lines = shown(ledger, width, by)

    assert not any("…" in line for line in lines)
    assert all(len(line) <= width for line in lines)
    assert "$0.00900" in "\n".join(lines[3:])


def test_a_wide_terminal_has_every_column_and_a_bar(ledger):
    ledger.send(traces(call()))
    lines = shown(ledger, 120, "model")

    assert lines[0].split() == ["model", "calls", "input", "cached", "output", "cost", "share"]
    assert "█" in lines[1]


def test_a_share_gives_way_to_names_that_it_would_fold(ledger):
    name = "gpt-4.1-mini-2025-04-14"
    ledger.send(traces(call(gen_ai__response__model=name, gen_ai__usage__input_tokens=141_180)))

    assert name in shown(ledger, 80, "day,model")[1]
    assert "share" in shown(ledger, 86, "day,model")[0]


def test_in_a_pipe_no_name_is_folded(ledger, monkeypatch):
    ledger.send(traces(call(gen_ai__response__model="m" * 150)))
    monkeypatch.delenv("COLUMNS", raising=False)

    for command in (("report",), ("calls",)):
        output = CliRunner().invoke(costspan, [*command, "--since", "all", "--db", str(ledger.path)]).output
        assert "m" * 150 in output


def test_a_width_that_the_user_gives_holds_in_a_pipe_too(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")

    assert terminal(file=io.StringIO()).width == 70


def test_where_every_call_was_free_it_says_what_a_gateway_needs(ledger, monkeypatch):
    ledger.send(traces(call(**FREE, **NO_PARTS)))

    monkeypatch.delenv("COLUMNS", raising=False)

    assert "COSTSPAN_HOSTS" in " ".join(shown(ledger, 80, "model"))
    output = CliRunner().invoke(costspan, ["calls", "--since", "all", "--db", str(ledger.path)]).output
    assert output.splitlines()[1].split()[-2] == "free"


def test_what_has_no_price_at_all_is_unknown_and_not_0(ledger):
    unpriced = {"gen_ai__response__model": "own-model", "gen_ai__request__model": "own-model", **NO_PARTS}
    ledger.send(
        traces(
            call(),
            call(**unpriced, gen_ai__usage__cost__amount=None),
            call(**unpriced, **FREE, error__type="NotFoundError"),
            call(**unpriced, **FREE),
            call(gen_ai__response__model="free", **FREE, **NO_PARTS),
        )
    )
    lines = {line.split()[0]: line.split() for line in shown(ledger, 200, "model")[1:]}

    assert (lines["own-model"][5], lines["free"][5], lines["total"][5]) == ("unknown", "$0", "$0.00450")
    assert (lines["own-model"][6], lines["free"][6]) == ("-", "0.0%")
    only = ("--where", "model=own-model", "--currency", "EUR", "--rate", "0.9@2026-11-01")
    output = CliRunner().invoke(costspan, ["report", "--since", "all", "--db", str(ledger.path), *only]).output
    assert [line.split()[5:7] for line in output.splitlines()[1:3]] == [["unknown", "unknown"]] * 2


def test_a_report_that_costs_something_does_not_speak_of_gateways(ledger):
    ledger.send(traces(call()))

    assert "COSTSPAN_HOSTS" not in " ".join(shown(ledger, 80, "model"))


def test_top_rows_decide_the_width_of_names(ledger):
    ledger.send(traces(call(), call(gen_ai__response__model="m" * 60, gen_ai__usage__cost__amount=0.0001, **NO_PARTS)))
    out = Console(file=io.StringIO(), width=80)
    out.print(usage_table(replace(ledger.report("model")), out.width, 1))

    assert len(out.file.getvalue().splitlines()) == 3


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_trace_can_be_copied_in_one_piece(ledger, monkeypatch, width):
    ledger.send(traces(call(service="a-service-with-a-name", error__type="RateLimitError")))
    monkeypatch.setenv("COLUMNS", str(width))
    shown = CliRunner().invoke(costspan, ["calls", "--since", "all", "--db", str(ledger.path)]).output
    lines = shown.splitlines()

    assert all(len(line) <= width for line in lines)
    assert re.search(r"\b[0-9a-f]{32}\b", shown)
    assert "$0.00450" in shown
    assert len(lines) == 2 if width == 200 else len(lines) > 2


def test_a_trace_is_a_link_to_the_page(ledger, monkeypatch):
    ledger.send(traces(call()))
    monkeypatch.setenv("FORCE_COLOR", "1")
    asked = ["calls", "--since", "all", "--page", "http://127.0.0.1:9999", "--db", str(ledger.path)]
    link, shown = re.search(
        "]8;[^;]*;([^\x1b]+)\x1b\\\\([0-9a-f]{32})", CliRunner().invoke(costspan, asked).output
    ).groups()

    assert link == f"http://127.0.0.1:9999/?trace={shown}"


def test_it_is_said_why_there_are_no_calls(ledger):
    ledger.send(traces(call()))

    def asked(*args):
        result = CliRunner().invoke(costspan, [*args, "--db", str(ledger.path)])
        return result.exit_code, result.output.splitlines()[-1]

    for command in ("report", "calls"):
        assert asked(command, "--until", "2020-01-02", "--since", "2020-01-01") == (0, "no calls in this period")
        assert asked(command, "--since", "all", "--where", "model=gpt-4o") == (
            0,
            "no calls in this period that match --where",
        )
        assert asked(command, "--since", "2026-11-20", "--until", "2026-11-10") == (
            2,
            "Error: --until is not after --since: no call can be in this period",
        )


@pytest.mark.parametrize("command", ["report", "calls", "top --once", "advise", "price gpt-4o --input 1", "doctor"])
def test_no_line_in_a_pipe_ends_with_blanks(ledger, monkeypatch, command):
    ledger.send(traces(call(), call(error__type="X"), call(gen_ai__response__model="m" * 30)))
    monkeypatch.setenv("COSTSPAN_LEDGER", str(ledger.path))
    asked = command.split() + ["--since", "all"] * (command in ("report", "calls", "top --once", "advise"))
    output = CliRunner().invoke(costspan, asked).output

    assert output
    assert [line for line in output.splitlines() if line != line.rstrip()] == []


def test_top_does_not_show_0_for_what_has_no_price(ledger):
    named = {"gen_ai__request__model": "mine", "gen_ai__response__model": "mine"}
    ledger.send(traces(call(**named, gen_ai__usage__cost__amount=None, costspan__price__status=None)))
    shown = CliRunner().invoke(costspan, ["top", "--once", "--since", "all", "--db", str(ledger.path)]).output

    assert shown.splitlines()[0].split("  ")[0] == "1 call, 1,200 tokens, unknown"


def test_one_call_is_not_calls(ledger):
    ledger.send(traces(call()))
    shown = CliRunner().invoke(costspan, ["top", "--once", "--since", "all", "--db", str(ledger.path)]).output

    assert shown.startswith("1 call, ")
    assert "1 new call, 0 here already, 0 other spans" in CliRunner().invoke(
        costspan, ["ledger", "merge", "--db", str(ledger.path.with_name("other.db")), str(ledger.path)]
    ).output.replace("\n", "")


@pytest.mark.parametrize(
    ("usd", "reads"),
    [
        ("0", "$0"),
        ("7.20E-7", "$0.000000720"),
        ("0.00123456", "$0.00123"),
        ("0.01", "$0.0100"),
        ("1234.5", "$1,234.50"),
        ("-1234.5", "-$1,234.50"),
    ],
)
def test_money_is_written_in_digits_however_small(usd, reads):
    assert money(Decimal(usd)) == reads


def test_a_share_of_something_is_not_nothing():
    assert [percent(each) for each in (0, 0.0004, 0.001, 0.504)] == ["0.0%", "<0.1%", "0.1%", "50.4%"]
