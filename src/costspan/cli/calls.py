"""`costspan calls`: single calls, the latest or the dearest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from costspan.cli.asking import asks

if TYPE_CHECKING:
    from costspan.cli.asking import Asked
    from costspan.ledger.listing import ListedCall


@click.command(short_help="Single calls: the dearest, the latest")
@asks(since="7d")
@click.option("--order", type=click.Choice(["dearest", "latest"]), default="dearest", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--page", default="http://127.0.0.1:4318", show_default=True, help="Where `costspan up` is, for the links."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(asked: Asked, order: str, limit: int, page: str, *, as_json: bool) -> None:
    """Single calls, the dearest or the latest first, each with a link to its trace."""
    from costspan.api.shapes import call_json

    with asked.ledger() as reader:
        listed = reader.list_calls(asked.question, order, limit)
    if as_json:
        click.echo(json.dumps({"order": order, "calls": [call_json(call) for call in listed]}, indent=2))
    elif listed:
        _show(listed, page)
    else:
        click.echo("no calls in this period")


def _show(listed: list[ListedCall], page: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from costspan.cli.tables import money, terminal
    from costspan.ledger.money import usd_of_pico

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("time (UTC)", "model", "who", "tokens", "cost", "trace"):
        table.add_column(title, justify="right" if title in ("tokens", "cost") else "left", overflow="fold")
    for call in listed:
        who = " ".join(each for each in (call.dims["team"], call.dims["user"], call.dims["service"]) if each)
        cost = "[yellow]unknown[/]" if call.cost is None else money(usd_of_pico(call.cost))
        cost = "free" if call.dims["status"] == "free" else cost
        error = f" [red]{escape(call.dims['error'])}[/]" if call.dims["error"] else ""
        link = f"[link={page}/#/traces/{call.trace_id}]{call.trace_id}[/]"
        tokens = f"{sum(call.tokens.values()):,}"
        table.add_row(
            f"{call.start:%m-%d %H:%M:%S}", escape(call.dims["model"]) + error, escape(who), tokens, cost, link
        )
    terminal().print(table)
