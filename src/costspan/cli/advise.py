"""`costspan advise`: what could be saved, and how sure that is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from costspan.cli.asking import asks

if TYPE_CHECKING:
    from costspan.cli.asking import Asked


@click.command()
@asks()
@click.option("--what-if", default="", help="Compare with this model, and not with those in use here already.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(asked: Asked, what_if: str, *, as_json: bool) -> None:
    """What could have been saved in the period, how sure that is, on what basis, and which calls are behind it."""
    from rich.markup import escape

    from costspan.cli.tables import money, plain_table, terminal
    from costspan.reports.advise import advise

    with asked.ledger() as book:
        lines = advise(book, asked.question, what_if)
    if what_if and not any(line.kind == "another model" for line in lines):
        click.echo(
            f"nothing would have been cheaper by a cent on {what_if}, or it has no price at these providers", err=True
        )
    if as_json:
        click.echo(json.dumps([line.as_dict() for line in lines], indent=2))
        return
    if not lines:
        click.echo("nothing to save that this ledger could tell")
        return
    table = plain_table()
    for title in ("saves", "how sure", "what", "calls", "of", "basis"):
        table.add_column(title, justify="right" if title in ("saves", "calls") else "left", overflow="fold")
    for line in lines:
        of = " ".join(f"{name}={value}" for name, value in line.where.items())
        table.add_row(money(line.usd), line.sure, line.kind, f"{line.calls:,}", escape(of), escape(line.basis))
    terminal().print(table)
