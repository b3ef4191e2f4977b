"""`costspan demo`: the whole way of a price, from a program's call to the table, with nothing but this machine."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from costspan.cli.asking import one_line
from costspan.cli.tables import terminal, usage_table
from costspan.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from costspan.demo.provider import Provider
    from costspan.ledger.server import RunningLedger

_SIMULATED = (
    "[bold]Simulated:[/] the provider, its token counts, and all days before today. "
    "[bold]Real:[/] the openai SDK, HTTP, the telemetry, OTLP, the ledger, the price list."
)


@dataclass(frozen=True)
class Stage:
    """What the demo plays on."""

    console: Console
    ledger: RunningLedger
    provider: Provider
    db: Path


@click.command()
@click.option("--days", type=click.IntRange(0, 90), default=14, show_default=True, help="Simulated days before today.")
@click.option("--keep/--no-keep", default=None, help="Stay up so that the page can be looked at. In a terminal: asked.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the ledger and its page. Default: any free.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="Keep the ledger in this file.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
def command(days: int, port: int, db: Path | None, *, keep: bool | None, as_json: bool) -> None:
    """A sample program makes calls through the real openai SDK to a simulated provider; then see what it spent."""
    from costspan.demo.running import DemoError

    if find_spec("openai") is None:
        raise click.ClickException("the demo needs the openai SDK: pip install 'costspan[demo]'")
    console = terminal(stderr=as_json)
    with contextlib.ExitStack() as stack:
        path = db or Path(stack.enter_context(TemporaryDirectory(prefix="costspan-demo-"))) / "ledger.db"
        stage = stack.enter_context(_set(console, path, port))
        try:
            _play(stage, days)
        except DemoError as error:
            raise click.ClickException(str(error)) from error
        _show(stage, as_json=as_json)
        if not as_json:
            gone = "" if keep or (keep is None and _in_terminal()) else " (gone now; --keep leaves it up)"
            console.print(f"The page: [bold]{stage.ledger.url}[/]{gone}")
        if _is_kept(keep, as_json=as_json):
            _stay(stage)
    if db is not None:
        asking = f"costspan report --by day,team --db {shlex.quote(str(path))}"
        console.print(f"The ledger is kept. Ask it again: [bold]{escape(asking)}[/]", soft_wrap=True)


@contextlib.contextmanager
def _set(console: Console, path: Path, port: int) -> Iterator[Stage]:
    from costspan.demo.provider import Provider
    from costspan.ledger.server import start

    with one_line():
        ledger = start(path, port=port)
    with ledger, contextlib.closing(Provider()) as provider:
        yield Stage(console, ledger, provider, path)


def _play(stage: Stage, days: int) -> None:
    """The history of earlier days, then the program of today, until all of it is in the ledger."""
    from costspan.demo import running

    console, provider = stage.console, stage.provider
    environ = running.environment(provider.url, provider.host, stage.ledger.url)
    console.print(_SIMULATED, soft_wrap=True)
    console.print(f"[dim]ledger {stage.ledger.url}, simulated provider {provider.url}[/]", soft_wrap=True)
    _remember(stage, days, environ)
    before = running.count_calls(stage.db, running.SERVICE)
    console.print(f"[bold]$ opentelemetry-instrument python {running.PROGRAM.name}[/]")
    with _progress(console, "the sample program runs", None) as step:
        for line in running.run(running.instrumented(running.PROGRAM), environ):
            console.print(f"  {escape(step(line))}", soft_wrap=True)
        running.wait_for_calls(stage.db, running.SERVICE, before + provider.answered)
    console.print(
        f"  {provider.answered} calls ({provider.refused} refused once and tried again by the SDK), "
        "every one of them in the ledger once\n",
        soft_wrap=True,
    )


def _remember(stage: Stage, days: int, environ: Mapping[str, str]) -> None:
    """The earlier days: made up once, for a ledger that is kept has them from the demo before."""
    from costspan.demo import running

    if not running.count_calls(stage.db, running.HISTORY):
        with _progress(stage.console, counted(days, "simulated day"), days) as step:
            counts = [int(step(line)) for line in running.run(running.historian(days), environ)]
            running.wait_for_calls(stage.db, running.HISTORY, sum(counts))
    there = counted(running.count_calls(stage.db, running.HISTORY), "simulated call")
    stage.console.print(f"  in the ledger: {there} of earlier days")


@contextlib.contextmanager
def _progress(console: Console, title: str, total: int | None) -> Iterator[Callable[[str], str]]:
    """A bar while something runs, on a terminal; what is given to it is one step."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)

        def step(line: str) -> str:
            progress.advance(task)
            return line

        yield step


def _show(stage: Stage, *, as_json: bool) -> None:
    from costspan.ledger.book import open_ledger
    from costspan.ledger.question import Question
    from costspan.reports.usage import read_usage

    with open_ledger(str(stage.db)) as book:
        reports = [read_usage(book, Question(by=(name,))) for name in ("model", "team")]
    if as_json:
        click.echo(json.dumps({report.question.by[0]: report.as_dict(None) for report in reports}, indent=2))
        return
    for report in reports:
        stage.console.print(usage_table(report, stage.console.width))
        stage.console.print()


def _is_kept(keep: bool | None, *, as_json: bool) -> bool:
    if keep is not None or as_json or not _in_terminal():
        return bool(keep)
    return click.confirm("Keep it up, to look at the page?", default=True)


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _stay(stage: Stage) -> None:
    from costspan.demo import running

    variables = running.pointing(stage.provider.url, stage.provider.host, stage.ledger.url)
    told = " ".join(f"{name}={value}" for name, value in variables.items())
    stage.console.print(
        f"A program of yours against it, without a key, after this line:\n  export {told}", soft_wrap=True
    )
    stage.console.print("Ctrl-C ends it.")
    with contextlib.suppress(KeyboardInterrupt):
        Event().wait()
