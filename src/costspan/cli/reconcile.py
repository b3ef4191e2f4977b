"""`costspan reconcile`: the ledger against the provider's own figures."""

from __future__ import annotations

import json
from pathlib import Path

import click

from costspan.cli.asking import one_line
from costspan.config import read_settings
from costspan.ledger.book import open_ledger
from costspan.reports.reconcile import PROVIDERS, BillError, read_bill, reconcile
from costspan.reports.usage import text


@click.command()
@click.option("--provider", type=click.Choice(PROVIDERS), required=True)
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--db", default="", help="The ledger: a file, or clickhouse://…")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(provider: str, path: Path, db: str, *, as_json: bool) -> None:
    """Compare the ledger with the provider's own usage or cost export (CSV or JSON), by day and model."""
    try:
        bills = read_bill(path, provider)
        with one_line(), open_ledger(db or read_settings().ledger) as book:
            lines = reconcile(book, bills, provider)
    except BillError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps([line.as_dict() for line in lines], indent=2))
        return
    for line in lines:
        cost = "no cost stated" if line.theirs.cost is None else f"${text(line.theirs.cost)}"
        ours = "unknown" if line.cost is None else f"${text(line.cost)}" if line.ours else "nothing"
        said = "; ".join(line.causes) or "They agree."
        click.echo(f"{line.day}  {line.model or 'all models'}: {cost} there, {ours} here. {said}")
