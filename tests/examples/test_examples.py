"""The examples run as they are, and do what they say."""

import asyncio
import importlib.util
import os
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.demo.provider import Provider
from costspan.demo.running import pointing
from costspan.ledger import server
from costspan.ledger.book import open_ledger
from costspan.ledger.question import Question
from costspan.reports.usage import read_usage

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture
def program(telling, monkeypatch):
    program = telling(metric_attributes="team,feature")
    monkeypatch.setenv("OPENAI_BASE_URL", program.where["base_url"])
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    return program


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_agent_is_stopped_by_its_budget(program, capsys):
    notes = load("agent_with_budget").research(program.client, "cats")
    assert len(notes) == 6
    printed = capsys.readouterr().out
    assert "note 6, left of the budget: $0.000000" in printed
    assert "stopped: budget 'researcher' is spent: $0.000053 of $0.000050; refused: chat gpt-4o-mini" in printed
    agent = program.span("invoke_agent researcher").attributes
    assert agent["costspan.rollup.calls"] == 6
    assert agent["costspan.rollup.cost"] == pytest.approx(6 * 8.85e-06)
    assert [point.value for _, point in program.points("costspan.budget.refusals")] == [1]


def test_the_batch_job_tells_what_each_customer_cost(program, capsys):
    spent = asyncio.run(load("batch_job").run())
    assert spent == {"acme": 2 * Decimal("0.00000885"), "globex": 2 * Decimal("0.00000885")}
    assert "4 calls, $0.000035 in all" in capsys.readouterr().out
    assert program.span("invoke_workflow nightly summaries").attributes["costspan.rollup.calls"] == 4
    teams = {attributes["costspan.team"]: point.value for attributes, point in program.points("costspan.calls")}
    assert teams == {"acme": 2, "globex": 2}


def test_no_example_is_left_out():
    assert {each.stem for each in EXAMPLES.glob("*.py")} == {"agent_with_budget", "batch_job", "web_service"}


def test_an_example_needs_no_key_with_what_the_demo_prints(tmp_path):
    with server.start(tmp_path / "ledger.db", port=0) as ledger, closing(Provider()) as provider:
        environ = dict(os.environ) | pointing(provider.url, provider.host, ledger.url)
        command = [sys.executable, EXAMPLES / "agent_with_budget.py"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=180, check=False)

    assert done.returncode == 0, done.stderr
    assert "stopped: budget 'researcher' is spent" in done.stdout
    assert done.stdout.endswith("spent $0.000056\n")
    with open_ledger(str(ledger.db)) as book:
        assert read_usage(book, Question()).total.calls == provider.answered
