"""Which part of the prompts costs, over calls whose prompt the plugin divided."""

import json
import time
from decimal import Decimal

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, call, span, traces

from costspan.cli.commands import costspan as command
from costspan.ledger.book import SqliteBook
from costspan.ledger.question import Question
from costspan.ledger.rows import hours_with_calls, read_hour
from costspan.reports.prompts import read_prompts

PARTS = {"costspan.prompt.source": "estimate", "costspan.prompt.tools": 600, "costspan.prompt.newest": 400}


@pytest.fixture
def path(tmp_path):
    """Two calls of 1,000 input tokens for 0.0025 dollars that tell their parts, and one that does not."""
    made = Ledger(tmp_path / "ledger.db")
    odd = {"costspan.prompt.system": "many", "costspan.prompt.history": 10**18}
    told = (PARTS | {"costspan.prompt.hidden": 50, "costspan.team": "a"}, PARTS | {"costspan.prompt.hidden": -20} | odd)
    now = time.time_ns()  # what is older than 400 days leaves only its sums
    made.send(traces(*(span(CHAT | each, at=now) for each in told), call(now)))
    made.close()
    return made.path


def run(*args):
    return CliRunner().invoke(command, ["report", "--prompt", *args])


def test_each_part_has_its_share_of_what_the_input_cost(path):
    with SqliteBook(path) as book:
        report = read_prompts(book, Question())

    assert [(each.part, each.tokens, each.share, each.cost) for each in report.parts] == [
        ("tools", 1200, 0.6, Decimal("0.003")),
        ("newest", 800, 0.4, Decimal("0.002")),
    ]
    assert (report.calls, report.hidden_tokens) == (2, 30)


def test_calls_are_counted_also_where_no_two_have_a_part_in_common(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    estimate = {"costspan.prompt.source": "estimate", "costspan.prompt.hidden": 100}
    told = [estimate | {f"costspan.prompt.{part}": 900} for part in ("tools", "newest")]
    now = time.time_ns()
    made.send(traces(*(span(CHAT | each, at=now - ago * 10**6) for ago, each in enumerate(told))))
    made.close()
    assert made.ingest.counts["bad values"] == 0
    with SqliteBook(made.path) as book:
        report = read_prompts(book, Question())
        (last, _) = book.list_calls(Question())
        before = read_prompts(book, Question(until=last.start))

    assert (report.calls, report.hidden_tokens) == (2, 200)
    assert before.calls == 1


def test_the_parts_stay_with_the_call_and_what_cannot_be_is_left_out(path):
    with SqliteBook(path) as book:
        (hour,) = hours_with_calls(book, Question())
        kept = [each.extra.get("prompt") for each in read_hour(book, Question(), hour)]

    assert kept == [
        {"tools": 600, "newest": 400, "hidden": 50},
        {"tools": 600, "newest": 400, "hidden": -20},
        None,
    ]


@pytest.mark.parametrize(
    "other", [("--by", "model"), ("--top", "1"), ("--rate", "1@2026-11-01"), ("--currency", "EUR")]
)
def test_options_that_would_say_nothing_of_prompts_are_refused(path, other):
    refused = run("--db", str(path), *other)

    assert refused.exit_code == 2
    assert "--prompt goes with none of" in refused.output


def test_the_command_shows_them_and_says_that_it_is_an_estimate(path):
    shown = run("--db", str(path)).output

    assert "tools" in shown
    assert "60.0%" in shown
    assert "estimate over 2 calls" in shown


def test_json_is_for_programs_and_filters_hold(path):
    said = json.loads(run("--db", str(path), "--where", "team=a", "--json").output)

    assert said["calls"] == 1
    assert said["parts"][0] == {"part": "tools", "tokens": 600, "share": 0.6, "cost": "0.0015"}
    assert said["hidden_tokens"] == 50


def test_parts_of_no_tokens_have_no_share(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    nothing = {"costspan.prompt.source": "estimate", "costspan.prompt.tools": 0, "costspan.prompt.newest": 0}
    made.send(traces(span(CHAT | nothing, at=time.time_ns())))
    made.close()

    assert "0.0%" in run("--db", str(made.path)).output


def test_without_such_calls_it_says_what_to_switch_on(path):
    assert "COSTSPAN_PROMPT_PARTS=true" in run("--db", str(path), "--where", "team=b").output
