"""`costspan run`: a program with every LLM call priced, and what it spent at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from costspan.cli.asking import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costspan.ledger.server import RunningLedger

_PASSED_ON = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# a program that a signal ends sends no more: OpenTelemetry's 5 s would be lost, and the ledger is on this machine
_SOON = {"OTEL_BSP_SCHEDULE_DELAY": "500", "OTEL_BLRP_SCHEDULE_DELAY": "500"}  # milliseconds
_CANNOT_RUN, _NOT_FOUND = 126, 127  # exit codes, as a shell gives them


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--quiet", is_flag=True, help="No table at the end.")
@click.argument("command_line", metavar="[--] CMD [ARGS]…", nargs=-1, required=True, type=click.UNPROCESSED)
def command(command_line: tuple[str, ...], *, quiet: bool) -> None:
    """Run CMD under opentelemetry-instrument with every LLM call priced; show what it spent when it ends.

    Calls go to the local ledger (one is started if none is up, or COSTSPAN_LEDGER names another), or to
    OTEL_EXPORTER_OTLP_ENDPOINT where that is set.
    Signals and the exit code pass through.
    """
    program = list(command_line[1:] if command_line[0] == "--" else command_line)
    if not program:
        raise click.UsageError("Missing argument 'CMD'.")
    launcher = _launcher()
    if shutil.which(program[0]) is None:
        if Path(program[0]).exists():
            click.echo(f"costspan: {program[0]} cannot be run by itself: costspan run python {program[0]} …", err=True)
            sys.exit(_CANNOT_RUN)
        click.echo(f"costspan: there is no program {program[0]!r} on the PATH", err=True)
        sys.exit(_NOT_FOUND)
    with _telemetry_target() as (environ, ledger_db):
        started = datetime.now(timezone.utc)
        service = environ.setdefault("OTEL_SERVICE_NAME", _service_name(program, environ))
        code = _run([launcher, "--", *program], environ)  # else it takes `--config` for a word of its own
        if not quiet:
            try:
                _tell(ledger_db, started, service, program[0])
            except click.ClickException as error:  # the exit code stays the program's
                error.show()
    sys.exit(code)


def _launcher() -> str:
    """The `opentelemetry-instrument` of the environment that costspan is installed in."""
    beside = Path(sys.executable).with_name("opentelemetry-instrument")
    found = str(beside) if beside.exists() else shutil.which("opentelemetry-instrument")
    if found is None:
        raise click.ClickException(
            "opentelemetry-instrument is not on the PATH: pip install opentelemetry-instrumentation"
        )
    return found


@contextlib.contextmanager
def _telemetry_target() -> Iterator[tuple[dict[str, str], str | None]]:
    """The program's environment, and the ledger's file where there is one: the user's own endpoint, else a ledger."""
    environ = dict(os.environ)
    if any(environ.get(name) for name in _ENDPOINTS):
        yield environ, None
        return
    from costspan.cli.doctor import http_problem
    from costspan.config import read_settings
    from costspan.ledger.server import HTTP_PORT, find_running

    url, named = f"http://127.0.0.1:{HTTP_PORT}", read_settings().ledger
    running = find_running(url)
    if (
        running is not None
        and (not named or Path(named).resolve() == Path(running["ledger"]).resolve())
        and http_problem(url) is None  # one that asks for a token refuses what we cannot show
    ):
        yield _pointing_at(environ, url), str(running["ledger"])
        return
    with _own_ledger(named) as own:
        yield _pointing_at(environ, own.url), str(own.db)


@contextlib.contextmanager
def _own_ledger(named: str) -> Iterator[RunningLedger]:
    """A ledger of this run's own on the user's file; while another process serves that, one whose calls follow it."""
    from costspan.ledger.importing import merge
    from costspan.ledger.lock import InUseError
    from costspan.ledger.schema import default_db
    from costspan.ledger.server import start

    path = named or str(default_db())
    with contextlib.ExitStack() as after, one_line():
        try:
            own = start(path, port=0)
        except InUseError:
            own = start(Path(after.enter_context(TemporaryDirectory(prefix="costspan-run-"))) / "ledger.db", port=0)
            after.callback(merge, Path(path), own.db, lambda _: None)
        after.enter_context(own)
        yield own


def _pointing_at(environ: Mapping[str, str], url: str) -> dict[str, str]:
    return {**_SOON, **environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def _service_name(program: list[str], environ: Mapping[str, str]) -> str:
    """The name that the user gave; else the script's where Python runs one, else the program's."""
    attributes = dict(part.partition("=")[::2] for part in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    if given := attributes.get("service.name", "").strip():
        return given
    script = next((part for part in program if part.endswith(".py")), program[0])
    return Path(script).stem


def _run(arguments: list[str], environ: dict[str, str]) -> int:
    """The program's exit code; a program that a signal ended gives 128 and the signal, as a shell does."""
    child = subprocess.Popen(arguments, env=environ)  # noqa: S603 what the user asked for
    before = {each: signal.signal(each, lambda number, _frame: child.send_signal(number)) for each in _PASSED_ON}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the program itself
    try:
        code = child.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    return 128 - code if code < 0 else code


def _tell(ledger_db: str | None, started: datetime, service: str, program: str) -> None:
    """What this run spent, on standard error: standard output is the program's."""
    if ledger_db is None:
        click.echo("costspan: the calls went to OTEL_EXPORTER_OTLP_ENDPOINT", err=True)
        return
    from costspan.cli.tables import terminal, usage_table
    from costspan.ledger.book import open_ledger
    from costspan.ledger.question import Filter, Question
    from costspan.reports.usage import read_usage

    with one_line(), open_ledger(ledger_db) as book:
        until = datetime.now(timezone.utc) + timedelta(seconds=1)
        question = Question(started, until, ("model",), (Filter("service", (service,)),))
        report = read_usage(book, question)
    if report.rows:
        out = terminal(stderr=True)
        out.print(usage_table(report, out.width))
    else:
        click.echo(f"costspan: {_nothing_seen(program)}", err=True)


def _nothing_seen(program: str) -> str:
    """Why there is no table: in an environment without costspan, as beside pipx's, no call is ever seen."""
    home = Path(shutil.which(program) or program).parent
    if home == Path(sys.executable).parent:
        return "the program made no LLM call (costspan doctor tells what is instrumented)"
    return f"no LLM call was seen: the program made none, or its environment ({home}) does not have costspan installed"
