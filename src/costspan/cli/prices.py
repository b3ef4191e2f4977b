"""`costspan prices`: refresh the price list, take that back, and see how old it is and what it lacks."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from costspan.pricing.document import PriceListError
from costspan.pricing.store import current, roll_back, save

if TYPE_CHECKING:
    from costspan.pricing.lists.build import Change

_SHOWN = 40  # changes in the table; --json tells all
_OLD_DAYS = 45


@click.group()
def command() -> None:
    """Refresh the price list, take a refresh back, see how old it is and which models it lacks."""


@command.command(short_help="Refresh from newer price lists, or from one at a URL")
@click.argument("url", required=False, default="")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def update(url: str, *, dry_run: bool, as_json: bool) -> None:
    """Refresh from the installed genai-prices and litellm packages, or from a LiteLLM-format list at URL."""
    from rich.console import Console

    from costspan.pricing.lists.update import prepare_update
    from costspan.reports.wording import counted

    try:
        with Console(stderr=True).status("reading the lists …"):
            ready = prepare_update(current(), url)
    except PriceListError as error:
        raise click.ClickException(str(error)) from None
    if not dry_run:
        save(ready.data)
    kept = [each.first for each in ready.merged.disagreements if each.decision is None]
    if as_json:
        told = {
            "sources": ready.sources,
            "changes": [_as_dict(each) for each in ready.changes],
            "kept": [{"provider": each.provider, "model": each.id, "source": each.source} for each in kept],
        }
        click.echo(json.dumps(told, indent=2))
        return
    _show(ready.changes)
    found = "found, not written" if dry_run else "written"
    click.echo(f"{counted(len(ready.changes), 'new price')} {found}, from {' and '.join(ready.sources)}")
    for each in kept:
        other = f"{each.source} says another price (COSTSPAN_PRICES can set it)"
        click.echo(f"not taken over: {each.provider} {each.id}, of which {other}")
    if not dry_run:
        click.echo("costspan prices rollback takes this back; running programs keep what they have loaded")


@command.command()
def rollback() -> None:
    """Take the last refresh back."""
    if not roll_back():
        raise click.ClickException("there is no refreshed price list; the one of the package is in force")
    click.echo(f"in force: the price list of {current().index['built']}")


@command.command(short_help="How old the price list is, and what it lacks")
@click.option("--db", default="", help="The ledger to look for unpriced models in: a file, or clickhouse://…")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def check(db: str, *, as_json: bool) -> None:
    """How old the price list is, and which models of the ledger it cannot price."""
    from costspan.reports.wording import counted

    snapshot = current()
    age = (datetime.now(timezone.utc).date() - date.fromisoformat(snapshot.index["built"])).days
    missing = _unpriced(db)
    if as_json:
        found = {
            "built": snapshot.index["built"],
            "age_days": age,
            "sources": snapshot.index["sources"],
            "unpriced": missing,
        }
        click.echo(json.dumps(found, indent=2))
        return
    models = sum(snapshot.index["providers"].values())
    click.echo(f"{models:,} models of {len(snapshot.providers)} providers, from {', '.join(snapshot.index['sources'])}")
    past = f"{counted(age, 'day')} ago" if age else "today"
    click.echo(f"built {snapshot.index['built']}, {past}" + ("; costspan prices update" if age > _OLD_DAYS else ""))
    if missing is None:
        click.echo("no ledger here to look for unpriced models in")
    for each in missing or ():
        click.echo(f"unpriced: {each['provider']} {each['model']}, {counted(each['calls'], 'call')}")
    if missing == []:
        click.echo("every model of the ledger has a price")


def _unpriced(db: str) -> list[dict[str, Any]] | None:
    """Models of the ledger that have no price; None if there is no ledger yet."""
    from costspan.cli.asking import one_line
    from costspan.config import read_settings
    from costspan.ledger.book import open_ledger
    from costspan.ledger.question import Filter, Question
    from costspan.ledger.schema import CLICKHOUSE, default_db

    where = db or read_settings().ledger
    if not (db or where.startswith(CLICKHOUSE) or Path(where or default_db()).exists()):
        return None
    with one_line(), open_ledger(where) as book:
        answers = book.ask(Question(by=("provider", "model"), where=(Filter("status", ("unpriced",)),)))
    answers.sort(key=lambda each: (-each.sums.calls, *each.keys.values()))
    return [{**each.keys, "calls": each.sums.calls} for each in answers]


def _as_dict(change: Change) -> dict[str, Any]:
    return {
        "provider": change.provider,
        "model": change.model,
        "bucket": change.bucket,
        "before_usd_per_million": None if change.before is None else change.before / 10**9,
        "after_usd_per_million": None if change.after is None else change.after / 10**9,
    }


def _show(changes: list[Change]) -> None:
    from rich.markup import escape

    from costspan.cli.tables import plain_table, terminal

    table = plain_table()
    for title in ("provider", "model", "bucket"):
        table.add_column(title, overflow="fold")
    for title in ("before", "after"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in changes[:_SHOWN]:
        amounts = ("-" if rate is None else f"{rate / 10**9:g}" for rate in (each.before, each.after))
        table.add_row(escape(each.provider), escape(each.model), each.bucket, *amounts)
    if changes:
        terminal().print(table)
    if len(changes) > _SHOWN:
        click.echo(f"… and {len(changes) - _SHOWN} more (--json tells all)")
