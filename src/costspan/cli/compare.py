"""`costspan compare`: tokens, cost and saving of two prompts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.argument("before", type=_file)
@click.argument("after", type=_file)
@click.option("--model", required=True, help="Whose tokens and prices.")
@click.option("--provider", default="", help="Who serves it; else the model's own maker.")
@click.option("--calls", type=click.IntRange(1), default=1000, show_default=True, help="For so many calls.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(before: Path, after: Path, *, as_json: bool, **asked: Any) -> None:
    """Tokens, cost and saving of two versions of a prompt, as input of a model."""
    sides = [_side(each, asked) for each in (before, after)]
    saved = sides[0]["tokens"] - sides[1]["tokens"]
    share = round(saved / sides[0]["tokens"] * 100, 2) if sides[0]["tokens"] else None
    told = {"model": asked["model"], "calls": asked["calls"], "before": sides[0], "after": sides[1]}
    told |= {"saved_tokens": saved, "saved_percent": share, "saved_usd": _saving(sides)}
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        _show(told)


def _side(path: Path, asked: dict[str, Any]) -> dict[str, Any]:
    from costspan.pricing.lookup import UnknownModelError, own_pricer, split_name
    from costspan.reports.usage import text
    from costspan.tokens.functions import token_counter
    from costspan.usage import Usage

    with click.open_file(str(path), "rb") as prompt:  # as text, Python would change the ends of its lines
        count = token_counter(asked["model"], text=prompt.read().decode("utf-8", "replace"))
    try:
        seller, model = split_name(asked["model"], asked["provider"])
    except UnknownModelError as error:
        raise click.ClickException(str(error)) from error
    price = own_pricer().price(Usage(input=int(count)), provider=seller, model=model)
    cost = None if price.total is None else text(price.total * asked["calls"])
    return {
        "file": str(path),
        "tokens": int(count),
        "counted_by": count.source.value,
        "cost": cost,
        "why": price.reason,
    }


def _saving(sides: list[dict[str, Any]]) -> str | None:
    costs = [side["cost"] for side in sides]
    return None if None in costs else f"{Decimal(costs[0]) - Decimal(costs[1]):f}"


def _show(told: dict[str, Any]) -> None:
    from rich.markup import escape

    from costspan.cli.tables import plain_table, terminal
    from costspan.reports.wording import counted

    sides = {name: told[name] for name in ("before", "after")}
    estimated = any(side["counted_by"] != "tokenizer" for side in sides.values())
    share = "" if told["saved_percent"] is None else f"{told['saved_percent']:,.2f}%"
    table = plain_table(footer=True)
    table.add_column("", footer="saved")
    table.add_column("tokens (estimated)" if estimated else "tokens", f"{told['saved_tokens']:,}", justify="right")
    table.add_column(counted(told["calls"], "call"), _shown(told["saved_usd"]), justify="right")
    table.add_column("", share, overflow="fold")
    for name, side in sides.items():
        table.add_row(name, f"{side['tokens']:,}", _shown(side["cost"]), escape(side["file"]))
    out = terminal()
    out.print(table)
    for why in dict.fromkeys(side["why"] for side in sides.values() if side["cost"] is None):
        out.print(f"[yellow]{escape(why)}[/]", soft_wrap=True)


def _shown(cost: str | None) -> str:
    from costspan.cli.tables import money

    return "unknown" if cost is None else money(Decimal(cost))
