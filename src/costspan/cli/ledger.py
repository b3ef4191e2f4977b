"""`costspan ledger …`: look after the ledger's file."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from costspan.cli.asking import asks, one_line
from costspan.config import read_settings
from costspan.ledger.money import usd_of_pico
from costspan.reports.usage import text
from costspan.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costspan.cli.asking import Asked
    from costspan.ledger.reprice import Difference
    from costspan.ledger.store import Written
    from costspan.pricing import Pricer

_db = click.option("--db", default="", help="The ledger's file.")
_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Look after the ledger's file."""


def ledger_path(db: str) -> Path:
    """The embedded ledger that is meant; `clickhouse://…` is looked after by ClickHouse itself."""
    from costspan.ledger.schema import CLICKHOUSE, default_db

    where = db or read_settings().ledger
    if where.startswith(CLICKHOUSE):
        raise click.UsageError("this command is for the embedded ledger: name its file with --db")
    return Path(where) if where else default_db()


def _pricer() -> Pricer:
    """With the user's own prices. Where they cannot be used nothing is written, as it would be at list prices."""
    from costspan.pricing import Pricer
    from costspan.pricing.document import PriceListError
    from costspan.pricing.pricefile import read_price_file

    settings = read_settings()
    try:
        if settings.prices:
            read_price_file(settings.prices)
    except PriceListError as error:
        raise click.ClickException(str(error)) from None
    return Pricer(settings.prices, settings.hosts)


@contextlib.contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Callable[[int], object]]:
    """A bar on the terminal (nothing elsewhere); call what it gives with how much was done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(what, total=total)
        yield lambda done: bars.advance(task, done)


@command.command()
@_db
@_json
def info(db: str, *, as_json: bool) -> None:
    """What is in it: rows, period, size, cost."""
    from costspan.ledger.maintenance import info as read_info

    with one_line():
        said = read_info(ledger_path(db))
    if as_json:
        click.echo(json.dumps(said, indent=2))
        return
    for name, value in said.items():
        flat = ", ".join(f"{each} {count:,}" for each, count in value.items()) if isinstance(value, dict) else value
        shown = "-" if flat is None else f"{flat:,}" if isinstance(flat, int) else flat
        click.echo(f"{name.replace('_', ' '):18} {shown}")


@command.command(short_help="Recompute all sums and compare; check the file itself")
@_db
@_json
@click.option("--rebuild", is_flag=True, help="If the roll-ups are wrong, make them anew from the calls.")
def verify(db: str, *, as_json: bool, rebuild: bool) -> None:
    """Recompute all sums from the single calls and compare; check the file itself. Exit code 1 if it is not clean."""
    from costspan.ledger import maintenance

    path = ledger_path(db)
    with one_line(), progress("verifying", maintenance.STEPS) as told:
        check = maintenance.verify(path, told)
    if check.problems and rebuild:
        with one_line(), progress("making sums anew") as told:
            maintenance.rebuild(path)
            check = maintenance.verify(path)
    if as_json:
        click.echo(json.dumps({"calls": check.calls, "rolled": check.rolled, "problems": check.problems}, indent=2))
    else:
        looked_at = f"{counted(check.calls, 'call')} and {counted(check.rolled, 'roll-up row')}"
        click.echo(f"{looked_at} checked: {'; '.join(check.problems) or 'clean'}")
    raise SystemExit(1 if check.problems else 0)


@command.command()
@_db
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def backup(db: str, target: Path) -> None:
    """Copy it to TARGET as it is at one moment, while it is in use.

    To restore it, end `costspan up`, remove the ledger with its -wal and -shm (what they hold would be mixed into the
    copy), and put the copy in its place.
    """
    from costspan.ledger import maintenance

    with one_line():
        maintenance.backup(ledger_path(db), target)
    click.echo(f"copied to {target}")


@command.command()
@_db
def vacuum(db: str) -> None:
    """Give unused space back to the disk."""
    from costspan.ledger import maintenance

    with one_line():
        before, after = maintenance.vacuum(ledger_path(db))
    click.echo(f"{before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")


@command.command("import", short_help="Bring in files of OTLP as JSON lines")
@_db
@click.argument("files", nargs=-1, required=True, type=_file)
def import_(db: str, files: tuple[Path, ...]) -> None:
    """Bring in FILES of OTLP as JSON lines (.gz too), as the Collector's file exporter writes them. Each call once."""
    from costspan.ledger.importing import import_lines

    pricer = _pricer()
    for each in files:
        with one_line(), progress(f"reading {each.name}", each.stat().st_size) as told:
            written = import_lines(ledger_path(db), each, pricer, told)
        _say(each, written)


@command.command()
@_db
@click.argument("other", type=_file)
def merge(db: str, other: Path) -> None:
    """Bring in the calls of another ledger. Each call once."""
    from costspan.ledger.importing import merge as merge_ledger

    with one_line(), progress(f"merging {other.name}") as told:
        written = merge_ledger(ledger_path(db), other, told)
    _say(other, written)


def _say(source: Path, written: Written) -> None:
    new, other = counted(written.calls, "new call"), counted(written.spans, "other span")
    click.echo(f"{source}: {new}, {written.duplicates:,} here already, {other}")
    if written.refused:
        click.echo(f"{written.refused:,} refused: {written.refusal}", err=True)


@command.command()
@asks(since="all")
@click.option("--missing/--all", "missing", default=True, help="Only what has no full price (the default), or all.")
@click.option(
    "--at", type=click.Choice(["call", "today"]), default="call", help="Prices of the call's day, or today's."
)
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@_json
def reprice(asked: Asked, **options: Any) -> None:
    """Price stored calls again. Shows the difference first, and keeps the old figures."""
    from costspan.ledger import reprice as repricing

    path, pricer = ledger_path(asked.db), _pricer()
    wanted = repricing.Repricing(asked.question, not options["missing"], options["at"] == "today")
    with one_line(), progress("pricing") as told:
        made = repricing.plan(path, wanted, pricer, told)
    nothing = (
        "no price changes" + "; only calls without a full price were looked at (--all: every call)" * options["missing"]
    )
    _show(made, nothing, as_json=options["as_json"])
    if made.hours and not options["dry_run"] and (options["yes"] or click.confirm("Write this?", err=True)):
        with one_line(), progress("writing", len(made.hours)) as told:
            run = repricing.apply(path, wanted, pricer, made, told)
        click.echo(f"written as run {run}; the old figures are kept in the table repriced", err=options["as_json"])


def _show(made: Any, nothing: str, *, as_json: bool) -> None:
    models = sorted(made.models.items())
    if as_json:
        click.echo(json.dumps([_as_dict(*each) for each in models], indent=2))
        return
    for (provider, model), each in models:
        before = _sum(each.before, each.calls, each.unpriced_before)
        after = _sum(each.after, each.calls, each.still_unpriced)
        click.echo(f"{provider}/{model}: {counted(each.calls, 'call')}, {before} -> {after}")
    total = made.total()
    change = usd_of_pico(total.after - total.before)
    sign = "-" if change < 0 else "+"
    said = f"the price of {counted(total.calls, 'call')} changes, by {sign}${text(abs(change))} in all"
    click.echo(said if models else nothing)


def _as_dict(names: tuple[str, str], found: Difference) -> dict[str, Any]:
    return {
        "provider": names[0],
        "model": names[1],
        "calls": found.calls,
        "before": None if found.unpriced_before == found.calls else f"{usd_of_pico(found.before):f}",
        "after": None if found.still_unpriced == found.calls else f"{usd_of_pico(found.after):f}",
        "unpriced_before": found.unpriced_before,
        "still_unpriced": found.still_unpriced,
    }


def _sum(pico: int, calls: int, unknown: int) -> str:
    """What calls cost together; that of some, or of all, may be unknown."""
    known = f"${text(usd_of_pico(pico))}"
    return "unknown" if unknown == calls else f"{known} and {unknown:,} unknown" if unknown else known
