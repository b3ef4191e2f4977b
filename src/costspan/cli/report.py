"""`costspan report`: spend by day, model, team, user … as a table or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from costspan.cli.asking import asks

if TYPE_CHECKING:
    from costspan.cli.asking import Asked


@click.command(short_help="Spend by day, model, team, user …")
@asks(by="model")
@click.option("--top", type=click.IntRange(1), help="Only the first so many rows; the total is of all.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(asked: Asked, top: int | None, *, as_json: bool) -> None:
    """Spend by day, model, team, user … from the ledger."""
    from rich.console import Console

    from costspan.cli.tables import usage_table
    from costspan.reports.usage import read_usage

    with asked.ledger() as reader:
        report = read_usage(reader, asked.question)
    if as_json:
        click.echo(json.dumps(report.as_dict(top), indent=2))
    elif report.rows:
        Console().print(usage_table(report, top))
    else:
        click.echo("no calls in this period")
