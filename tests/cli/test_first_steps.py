"""What somebody meets who uses the command for the first time: the wrong file, setting, terminal or argument."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import call, traces

from costspan.cli.asking import Asked
from costspan.cli.commands import costspan
from costspan.ledger.question import Question
from costspan.pricing.store import bundled, current

COSTSPAN = Path(sys.executable).with_name("costspan")


def run(*args, **how):
    return CliRunner().invoke(costspan, [str(each) for each in args], **how)


@pytest.fixture
def db(tmp_path):
    """A ledger with three calls."""
    made = Ledger(tmp_path / "ledger.db")
    made.send(traces(call(), call(), call(error__type="X")))
    made.close()
    return made.path


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--since", "all"),
        ("calls", "--since", "all"),
        ("top", "--once", "--since", "all"),
        ("doctor",),
        ("tokens", "héllo"),
    ],
)
def test_a_terminal_of_ascii_only_shows_every_command(db, command):
    environ = os.environ | {"PYTHONIOENCODING": "ascii", "COSTSPAN_LEDGER": str(db)}
    done = subprocess.run([COSTSPAN, *command], env=environ, capture_output=True, text=True, check=False)

    assert "Traceback" not in done.stderr
    assert done.stdout.isascii()
    assert done.stdout


def test_the_signs_of_doctor_keep_their_meaning_in_ascii():
    environ = os.environ | {"PYTHONIOENCODING": "ascii", "COSTSPAN_EVENTS": "x"}
    shown = subprocess.run([COSTSPAN, "doctor"], env=environ, capture_output=True, text=True, check=False).stdout

    assert {line[:2] for line in shown.splitlines()} >= {"+ ", "x ", "- "}


@pytest.mark.parametrize("command", [("report",), ("run", "true"), ("up",)])
def test_a_setting_that_is_not_allowed_is_one_line(monkeypatch, command):
    monkeypatch.setenv("COSTSPAN_HOSTS", "gateway")
    done = run(*command)

    assert done.exit_code == 1
    assert done.output.startswith("Error: COSTSPAN_HOSTS=gateway is not allowed")


@pytest.mark.parametrize("command", [("run", "true"), ("up", "--port", "0")])
def test_without_the_ledgers_libraries_one_line_says_what_to_install(monkeypatch, tmp_path, command):
    monkeypatch.setenv("COSTSPAN_LEDGER", str(tmp_path / "x.db"))
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "costspan.ledger.server", raising=False)

    assert run(*command).output == "Error: this command needs uvicorn: pip install 'costspan[local]'\n"


@pytest.mark.parametrize("command", [("report",), ("ledger", "info"), ("ledger", "verify"), ("ledger", "vacuum")])
def test_where_no_ledger_is_yet_one_line_says_how_to_make_one(tmp_path, command):
    done = run(*command, "--db", tmp_path / "none.db")

    assert done.exit_code == 1
    assert done.output.startswith("Error: there is no ledger at")


def test_single_calls_are_listed_without_the_libraries_of_the_ledgers_server(db):
    program = "import sys; sys.modules['starlette'] = None; from costspan.cli import main; main()"
    asking = [sys.executable, "-c", program, "calls", "--since", "all", "--db", db]
    done = subprocess.run(asking, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "gpt" in done.stdout


@pytest.mark.parametrize("group", ["ledger", "prices"])
def test_no_command_is_told_in_half_a_sentence(group):
    _, commands = run(group, "--help").output.split("Commands:")

    assert "..." not in commands


def test_a_folder_is_no_ledger(tmp_path):
    assert "is a folder" in run("report", "--db", tmp_path).output
    assert "is a folder" in run("up", "--db", tmp_path, "--port", 0, "--no-grpc").output


def test_an_empty_file_is_no_ledger_yet(tmp_path):
    (tmp_path / "empty.db").touch()

    assert "is empty" in run("report", "--db", tmp_path / "empty.db").output


def test_a_pipe_that_is_closed_early_ends_an_export_without_a_word(db):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [COSTSPAN, "export", "--since", "all", "--db", db], stdout=closed, stderr=subprocess.PIPE, check=False
        )

    assert done.stderr == b""


def test_a_script_that_is_not_executable_is_told_how_to_run(tmp_path):
    script = tmp_path / "app.py"
    script.touch()
    done = run("run", script)

    assert done.exit_code == 126
    assert f"costspan run python {script}" in done.output


def test_an_empty_ledger_has_cost_0_and_no_period(tmp_path):
    Ledger(tmp_path / "x.db").close()
    shown = run("ledger", "info", "--db", tmp_path / "x.db").output

    assert "0.000000000000" in shown
    assert "None" not in shown
    assert "E-" not in shown


def test_the_size_of_a_ledger_is_that_of_its_own_files(tmp_path):
    Ledger(tmp_path / "l[1].db").close()
    (tmp_path / "l[1].db.copy").write_bytes(bytes(500_000))
    said = json.loads(run("ledger", "info", "--db", tmp_path / "l[1].db", "--json").output)

    assert 0 < said["bytes"] < 500_000


def test_a_price_without_any_count_asks_for_one():
    done = run("price", "gpt-4o")

    assert done.exit_code == 2
    assert "--input 1000" in done.output


def test_prompts_are_compared_in_columns_and_a_dearer_one_has_its_minus_before_the_dollar(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"short": "one", "long": "one two three four five", "none": ""}.items():
        Path(name).write_text(text, encoding="utf-8")

    said = run("compare", "short", "long", "--model", "gpt-4o").output.splitlines()
    of_nothing = run("compare", "none", "long", "--model", "gpt-4o").output.splitlines()

    assert said[-1].split() == ["saved", "-4", "-$0.0100", "-400.00%"]
    assert len({line.index("$") + len(line.split("$")[1].split()[0]) for line in said[1:]}) == 1  # aligned
    assert of_nothing[-1].split() == ["saved", "-5", "-$0.0125"]  # no share of 0


def test_a_period_that_was_named_does_not_move_on_and_one_that_was_counted_does():
    texts = {"by": "model", "since": "2026-11-01", "until": "", "where": (), "tz": "UTC", "db": ""}
    named = Asked("", Question(), texts).anew()
    counted = Asked("", Question(), texts | {"since": "1h"})

    assert named.since == datetime(2026, 11, 1, tzinfo=timezone.utc)
    assert counted.anew().since < counted.anew().since


def test_focus_refuses_a_grouping_that_it_would_not_follow(db):
    done = run("export", "--db", db, "--format", "focus", "--by", "day")

    assert done.exit_code == 2
    assert "leave --by out" in done.output
    assert run("export", "--db", db, "--format", "focus", "--since", "all").exit_code == 0


@pytest.mark.parametrize("counts", [("--input", 10**30), ("--units", f"images={10**30}")])
def test_a_count_beyond_all_counts_is_a_bad_argument(counts):
    assert run("price", "gpt-4o", *counts).exit_code == 2


@pytest.mark.parametrize(
    "content",
    [
        "date,model,input_tokens,cost\n2026-11-21,gpt-4o,many,1\n",
        "date,model,input_tokens,cost\n2026-11-21,gpt-4o,1,NaN\n",
        "date,model,input_tokens,cost\n2026-11-21,gpt-4o,1,1e999999\n",
        "[" * 100_000,
    ],
)
def test_a_bill_that_makes_no_sense_is_one_line(db, tmp_path, content):
    (tmp_path / "bill").write_text(content)
    done = run("reconcile", "--provider", "openai", "--file", tmp_path / "bill", "--db", db)

    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert len(done.output) < 300


def test_a_file_that_is_nested_beyond_reading_is_no_otlp(tmp_path):
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    done = run("ledger", "import", "--db", tmp_path / "x.db", tmp_path / "deep.jsonl")

    assert done.exit_code == 1
    assert "is no OTLP in JSON" in done.output.replace("\n", " ")


@pytest.mark.parametrize("command", [("report",), ("calls",), ("export",)])
def test_a_filter_that_is_no_utf_8_is_a_bad_argument(db, command):
    done = run(*command, "--db", db, "--where", os.fsdecode(b"team=\xff"))

    assert done.exit_code == 2
    assert "it is not UTF-8" in done.output


def test_an_export_that_cannot_be_written_is_told_in_words(db, tmp_path):
    target = tmp_path / "no" / "x.csv"

    assert (
        run("export", "--db", db, "-o", target).output == f"Error: cannot write {target}: No such file or directory\n"
    )


@pytest.mark.parametrize("how", [("report",), ("report", "--json"), ("report", "--help"), ("--help",), ("--version",)])
def test_a_report_onto_a_full_disk_is_one_line(db, how):
    with Path("/dev/full").open("wb") as full:
        environ = os.environ | {"COSTSPAN_LEDGER": str(db)}
        done = subprocess.run([COSTSPAN, *how], stdout=full, stderr=subprocess.PIPE, check=False, env=environ)

    assert done.returncode == 1
    assert done.stderr == b"Error: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("command", ["export", "tokens", "report", "ledger reprice --all"])
def test_a_command_whose_streams_are_closed_works_on_without_them(db, command):
    environ = os.environ | {"COSTSPAN_LEDGER": str(db)}
    for closed in ("<&- >&-", "<&- >&- 2>&-"):
        shell = ["sh", "-c", f"{COSTSPAN} {command} {closed}"]
        done = subprocess.run(shell, capture_output=True, text=True, check=False, env=environ)
        assert (done.stdout, "Traceback" in done.stderr) == ("", False)

    assert run("ledger", "verify", "--db", db).exit_code == 0


@pytest.mark.parametrize("form", ["csv", "focus"])
def test_an_export_does_not_overwrite_the_ledger_that_it_reads(db, form):
    link = db.with_name("link.csv")
    link.symlink_to(db)
    for target in (db, link):
        done = run("export", "--format", form, "--db", db, "-o", target)
        assert (done.exit_code, done.output) == (1, f"Error: {target} is the ledger itself: name another file\n")

    assert run("ledger", "verify", "--db", db).exit_code == 0


LONG = "x" * 300


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("report", "--db", "/"), "/ is a folder: name a file with --db"),
        (("report", "--db", LONG), f"{LONG}: File name too long"),
    ],
)
def test_a_path_that_no_file_can_have_is_one_line(command, why):
    assert run(*command).output == f"Error: {why}\n"


def test_a_copy_under_a_name_that_is_too_long_is_one_line(db):
    for command in ("backup", "merge"):
        other, where = (LONG, db) if command == "backup" else (db, LONG)
        assert run("ledger", command, other, "--db", where).output == f"Error: {LONG}: File name too long\n"


@pytest.mark.parametrize("command", [("report",), ("ledger", "verify"), ("prices", "rollback"), ("run", "true")])
def test_a_user_without_a_home_directory_is_told_so(monkeypatch, command):
    """As the one that a container has made up, whom the system does not know."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", _no_home)
    told = "Error: this user has no home directory, where costspan keeps its files: set HOME\n"
    assert run(*command).output == told


def _no_home():
    raise RuntimeError("Could not determine home directory.")


def test_prices_need_no_home_directory(monkeypatch, caplog):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", _no_home)

    assert current().index == bundled().index
    assert not caplog.records


def test_a_folder_that_one_may_not_look_into_is_one_line(monkeypatch):
    def refuse(path, **_how):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    said = run("init", "theirs")

    assert (said.exit_code, said.output[:25]) == (1, "Error: cannot use theirs/")
    assert said.output.endswith(": Permission denied\n")


def test_an_export_of_nothing_says_so_beside_it(db):
    done = run("export", "--db", db, "--where", "team=nobody")

    assert done.exit_code == 0
    assert done.stdout.startswith("day,model,calls,")  # the columns, and no row
    assert done.stdout.count("\n") == 1
    assert "no calls in this period that match --where" in done.stderr


def test_what_the_system_says_is_told_without_its_number(tmp_path):
    (tmp_path / "file").touch()
    told = [
        run("up", "--port", 0, "--no-grpc", "--db", tmp_path / "file" / "x.db"),
        run("up", "--port", 0, "--no-grpc", "--db", tmp_path / "x.db", "--tls-cert", tmp_path / "none.pem"),
        run("prices", "update", "http://127.0.0.1:9/x.json"),
    ]

    assert all(done.exit_code == 1 for done in told)
    assert not any("Errno" in done.output for done in told)


def test_a_model_that_nothing_can_be_compared_with_is_told(db):
    assert "nothing would have been cheaper by a cent on nope" in run("advise", "--db", db, "--what-if", "nope").stderr
