"""`costspan calls`: single calls, the latest or the dearest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from costspan.cli.asking import asks
from costspan.ledger.listing import ORDERS

if TYPE_CHECKING:
    from rich.table import Table

    from costspan.cli.asking import Asked
    from costspan.ledger.listing import ListedCall

_UNBOUNDED = 10_000  # columns


@click.command()
@asks(since="7d")
@click.option("--order", type=click.Choice(list(ORDERS)), default="dearest", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--page", default="http://127.0.0.1:4318", show_default=True, help="Where `costspan up` is, for the links."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(asked: Asked, order: str, limit: int, page: str, *, as_json: bool) -> None:
    """Single calls, the dearest or the latest first, each with a link to its trace."""
    from costspan.api.shapes import call_json

    with asked.ledger() as book:
        listed = book.list_calls(asked.question, order, limit)
    if as_json:
        click.echo(json.dumps({"order": order, "calls": [call_json(call) for call in listed]}, indent=2))
    elif listed:
        _show(listed, page)
    else:
        click.echo(asked.nothing)


def _show(listed: list[ListedCall], page: str) -> None:
    from costspan.cli.tables import terminal

    out = terminal()
    table = _table([_cells(call, page) for call in listed])
    if out.measure(table, options=out.options.update(max_width=_UNBOUNDED)).maximum > out.width:
        table = _table([_folded(_cells(call, page)) for call in listed])
    out.print(table)


def _cells(call: ListedCall, page: str) -> dict[str, str]:
    """By the titles of their columns."""
    from rich.markup import escape

    from costspan.cli.tables import money
    from costspan.ledger.money import usd_of_pico

    cost = "[yellow]unknown[/]" if call.cost is None else money(usd_of_pico(call.cost))
    error = f" [red]{escape(call.dims['error'])}[/]" if call.dims["error"] else ""
    return {
        "time (UTC)": f"{call.start:%m-%d %H:%M:%S}",
        "model": escape(call.dims["model"]) + error,
        "who": " ".join(escape(each) for name in ("team", "user", "service") if (each := call.dims[name])),
        "tokens": f"{sum(call.tokens.values()):,}",
        "cost": "free" if call.dims["status"] == "free" else cost,
        "trace": f"[link={page}/?trace={call.trace_id}]{call.trace_id}[/]",
    }


def _folded(cells: dict[str, str]) -> dict[str, str]:
    """In two lines where one is too long, the second for the trace: in one piece, it can be copied."""
    time, model, who, tokens, cost, trace = cells.values()
    call = f"{model} [dim]{who}[/]\n{trace}"
    return {"UTC": time.replace(" ", "\n"), "call": call, "tokens": tokens, "cost": cost}


def _table(rows: list[dict[str, str]]) -> Table:
    from costspan.cli.tables import plain_table

    table = plain_table()
    for title in rows[0]:
        number = title in ("tokens", "cost")
        table.add_column(title, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for cells in rows:
        table.add_row(*cells.values())
    return table
