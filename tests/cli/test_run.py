"""`costspan run`: signals, exit code and output are the program's; the table is ours, on standard error."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from costspan.cli import run
from costspan.cli.commands import costspan
from costspan.cli.run import _telemetry_target
from costspan.ledger import server
from costspan.ledger.server import Listen, start
from costspan.reports.usage import get_token_usage

COSTSPAN = Path(sys.executable).with_name("costspan")
CALLS = """
import sys
sys.path.insert(0, {tests!r})
import openai
from fake_providers import FakeProvider, openai as fake_openai
fake = FakeProvider(fake_openai.ROUTES)
client = openai.OpenAI(base_url=fake.url + "/v1", api_key="k")
for _ in range(3):
    client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": "hi"}}])
print("out", *sys.argv[1:])
sys.exit(3)
"""
WAITS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("waiting", flush=True)
time.sleep(30)
"""


@pytest.fixture
def environ(tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    return clean | {
        "COSTSPAN_LEDGER": str(tmp_path / "ledger.db"),
        "COSTSPAN_HOSTS": "127.0.0.1=openai",
        "COLUMNS": "120",
    }


def script(tmp_path, text):
    path = tmp_path / "sample.py"
    path.write_text(text.format(tests=str(Path(__file__).parent.parent)), encoding="utf-8")
    return str(path)


def test_a_program_runs_priced_and_keeps_its_output_and_exit_code(tmp_path, environ):
    command = [COSTSPAN, "run", "--", sys.executable, script(tmp_path, CALLS), "--flag", "x"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=180)

    assert done.returncode == 3
    assert done.stdout == "out --flag x\n"
    assert "gpt-4o-2024-08-06" in done.stderr
    assert "$0.000442" in done.stderr  # 3 * (19 * 2.50 + 10 * 10) / 1e6 = 0.0004425


def test_a_programs_own_options_stay_its_own(tmp_path, environ):
    """The launcher has such as begin with the same word."""
    asked = [COSTSPAN, "run", sys.executable, script(tmp_path, "import sys\nprint(sys.argv[1:])"), "--config", "c.yaml"]
    done = subprocess.run([*asked, "--", "--quiet"], env=environ, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "['--config', 'c.yaml', '--', '--quiet']\n")


def test_a_signal_goes_on_to_the_program(tmp_path, environ):
    command = [COSTSPAN, "run", "--quiet", sys.executable, script(tmp_path, WAITS)]
    child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "waiting\n"
    started = time.monotonic()
    child.send_signal(signal.SIGTERM)
    code = child.wait(30)
    child.stdout.close()

    assert code == 7
    assert time.monotonic() - started < 20


def test_a_program_that_a_signal_ends_is_told_as_a_shell_tells_it(tmp_path, environ):
    text = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    command = [COSTSPAN, "run", sys.executable, script(tmp_path, text)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=180)

    assert done.returncode == 128 + signal.SIGKILL
    assert "made no LLM call" in done.stderr


def test_the_calls_of_a_program_that_a_signal_ends_are_there_but_for_those_of_its_last_moment(tmp_path, environ):
    ended = CALLS.partition("print(")[0] + "import os, time\ntime.sleep(1.5)\nos.kill(os.getpid(), 15)\n"
    command = [COSTSPAN, "run", sys.executable, script(tmp_path, ended)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=180)

    assert done.returncode == 128 + 15
    assert "gpt-4o-2024-08-06" in done.stderr


def test_with_an_endpoint_of_the_users_own_no_ledger_is_started(tmp_path, environ):
    environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "COSTSPAN_EXIT_TIMEOUT": "0"}
    command = [COSTSPAN, "run", sys.executable, "-c", "print(1)"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=180)

    assert done.stdout == "1\n"
    assert "went to OTEL_EXPORTER_OTLP_ENDPOINT" in done.stderr
    assert not Path(environ["COSTSPAN_LEDGER"]).exists()


def test_a_program_that_is_not_there_is_one_line():
    done = CliRunner().invoke(costspan, ["run", "no-such-program-here"])

    assert done.exit_code == 127
    assert done.output == "costspan: there is no program 'no-such-program-here' on the PATH\n"


def test_an_option_that_run_does_not_have_is_not_taken_for_the_program():
    done = CliRunner().invoke(costspan, ["run", "--db", "ledger.db", "python"])

    assert (done.exit_code, "No such option '--db'" in done.output) == (2, True)


def test_a_program_of_an_environment_without_costspan_is_told_that_nothing_can_be_seen_there(tmp_path, environ):
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    done = subprocess.run([COSTSPAN, "run", other], env=environ, capture_output=True, text=True, check=False)

    assert f"its environment ({other.parent}) does not have costspan installed" in done.stderr


def test_without_a_program_the_arguments_are_bad():
    for words in ([], ["--"], ["--", "--"]):
        assert CliRunner().invoke(costspan, ["run", *words]).exit_code == 2


def test_a_program_runs_while_another_costspan_serves_the_file_and_its_calls_get_there(tmp_path, environ):
    with start(environ["COSTSPAN_LEDGER"], port=0):
        done = subprocess.run(
            [COSTSPAN, "run", sys.executable, script(tmp_path, CALLS)],
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (done.returncode, done.stdout) == (3, "out\n")
    assert "gpt-4o" in done.stderr
    assert get_token_usage(ledger=environ["COSTSPAN_LEDGER"], start_date="all").total.calls == 3


def test_a_ledger_that_asks_for_a_token_is_not_sent_to(monkeypatch, tmp_path, environ):
    with start(tmp_path / "theirs.db", listen=Listen(port=0, token="secret")) as theirs:
        monkeypatch.setattr(server, "HTTP_PORT", theirs.http_port)
        monkeypatch.setenv("COSTSPAN_LEDGER", environ["COSTSPAN_LEDGER"])
        with _telemetry_target() as (_, ledger_db):
            assert ledger_db == environ["COSTSPAN_LEDGER"]


def test_a_ledger_that_is_named_gets_the_calls_also_where_another_is_up(monkeypatch, tmp_path, environ):
    with start(tmp_path / "theirs.db", port=0) as theirs:
        monkeypatch.setattr(server, "HTTP_PORT", theirs.http_port)
        for named in (environ["COSTSPAN_LEDGER"], str(theirs.db)):
            monkeypatch.setenv("COSTSPAN_LEDGER", named)
            with _telemetry_target() as (told, ledger_db):
                assert ledger_db == named
                assert (told["OTEL_EXPORTER_OTLP_ENDPOINT"] == theirs.url) is (named == str(theirs.db))


@pytest.mark.parametrize("url", ["clickhouse://host/otel", "clickhouses://host/otel"])
def test_clickhouse_is_no_file_to_run_with(monkeypatch, tmp_path, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSTSPAN_LEDGER", url)
    done = CliRunner().invoke(costspan, ["run", "true"])

    assert done.output.startswith("Error: ClickHouse is filled by a Collector")
    assert not list(tmp_path.iterdir())


def test_a_table_that_cannot_be_made_leaves_the_exit_code_alone(monkeypatch, tmp_path):
    @contextlib.contextmanager
    def elsewhere():
        yield dict(os.environ), str(tmp_path / "gone.db")

    monkeypatch.setattr(run, "_telemetry_target", elsewhere)
    done = CliRunner().invoke(costspan, ["run", sys.executable, "-c", "import sys; sys.exit(3)"])

    assert done.exit_code == 3
    assert "there is no ledger" in done.output
