"""The demo says plainly what failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from costspan.demo import running
from costspan.demo.running import DemoError


def _python(code):
    return [sys.executable, "-c", code, "x.py"]


def test_a_program_runs_in_an_environment_without_the_users_own_settings(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("COSTSPAN_PRICES", "mine.json")
    environ = running.environment("http://127.0.0.1:1/v1", "127.0.0.1:1", "http://127.0.0.1:2")

    code = (
        "import os; print(*sorted(name for name in os.environ if name.startswith(('OTEL_', 'COSTSPAN_', 'OPENAI_'))))"
    )
    (line,) = running.run(_python(code), environ)

    assert line.split() == [
        "COSTSPAN_HOSTS",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_SERVICE_NAME",
    ]


@pytest.mark.parametrize(("code", "last"), [("print('so far'); raise SystemExit(3)", "so far"), ("exit(3)", "nothing")])
def test_a_program_that_fails_is_named_with_its_last_words(code, last):
    with pytest.raises(DemoError, match=f"x.py failed with exit code 3; it last said: {last}"):
        list(running.run(_python(code), {}))


def test_a_program_that_takes_too_long_is_ended():
    with pytest.raises(DemoError, match=r"x.py was ended after 0.1 seconds"):
        list(running.run(_python("import time; time.sleep(60)"), {}, longest_seconds=0.1))


def test_without_opentelemetrys_starter_the_demo_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(DemoError, match="pip install"):
        running.instrumented(Path("x.py"))


def test_calls_that_do_not_arrive_are_told(ledger, monkeypatch):
    monkeypatch.setattr(running, "_ARRIVAL_SECONDS", 0.15)

    with pytest.raises(DemoError, match="only 0 of the 2 calls of costspan-demo"):
        running.wait_for_calls(ledger.db, running.SERVICE, 2)
