"""`costspan up` and `costspan report` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from costspan.cli.commands import costspan
from costspan.ledger.server import find_running, start


def run(*args):
    return CliRunner().invoke(costspan, args)


def test_report_of_no_ledger_says_how_to_make_one(tmp_path):
    result = run("report", "--db", str(tmp_path / "none.db"))

    assert result.exit_code == 1
    assert "costspan up" in result.output


@pytest.mark.parametrize(
    "args", [("--by", "colour"), ("--since", "soon"), ("--where", "team"), ("--tz", "Mars/Base"), ("--top", "0")]
)
def test_bad_arguments_end_with_2_and_say_what_is_allowed(tmp_path, args):
    assert run("report", "--db", str(tmp_path / "x.db"), *args).exit_code == 2


def test_an_empty_ledger_has_an_empty_report(tmp_path):
    start(tmp_path / "x.db", port=0).stop()

    assert "no calls" in run("report", "--db", str(tmp_path / "x.db")).output
    assert json.loads(run("report", "--db", str(tmp_path / "x.db"), "--json").output)["rows"] == []


@pytest.mark.parametrize(
    "gone", [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform == "win32", reason="in use"))]
)
def test_up_serves_until_it_is_told_to_end_and_loses_nothing_unless_its_file_is_gone(tmp_path, gone):
    command = [
        sys.executable,
        "-c",
        "from costspan.cli import main; main()",
        "up",
        "--port=0",
        "--grpc-port=0",
        f"--db={tmp_path}/x.db",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as up:
        url = next(line.split()[-1] for line in up.stdout if "page and API" in line)
        assert find_running(url)["pid"] == up.pid
        begun = time.monotonic()
        if gone:
            (tmp_path / "x.db").unlink()
        up.send_signal(signal.SIGTERM)
        assert ("stored" in up.stdout.read()) is not gone
    assert up.returncode == gone
    assert time.monotonic() - begun < 5
