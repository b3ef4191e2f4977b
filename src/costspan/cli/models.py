"""`costspan models`: the price list, to look through."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from costspan.pricing.lookup import own_pricer
from costspan.pricing.providers import canonical_provider

if TYPE_CHECKING:
    from costspan.pricing.model import Model

_MILLIONTH = 10**9  # femto-dollars for a token that make a dollar for a million
_ALIKE = 0.75  # of 1, by difflib: `grok` and `groq`
_COLUMNS = ("input", "cache_read", "output")
_DISPENSABLE = ("max out", "max in", "cache_read")  # in a narrow terminal
_SHORT_NAME = 28  # what a model's name may take before it is folded
_GAP = 2  # between two columns


@click.command()
@click.option("--provider", default="", help="Only of this provider.")
@click.option("--search", default="", help="Only models with this text in their id.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(provider: str, search: str, *, as_json: bool) -> None:
    """Models with prices (USD per million tokens) and limits, as of now.

    In JSON `prices` are of all buckets, in USD for one token or unit.
    """
    resolver, host = own_pricer().resolver, canonical_provider(provider)
    known = (*resolver.catalog.snapshot.providers, *resolver.own_providers)
    if provider and host not in known:
        near = ", ".join(get_close_matches(host, known, cutoff=_ALIKE))
        known_ones = f"closest: {near}" if near else f"known: {', '.join(sorted(known))}"
        raise click.BadParameter(f"no provider {provider!r} in the price list; {known_ones}")
    rows = [_row(model) for model in resolver.models(host) if search.lower() in model.id.lower()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        _show(rows)
    else:
        click.echo(f"no model{f' of {host}' if provider else ''} with {search!r} in its id")


def _row(model: Model) -> dict[str, Any]:
    from costspan.api.prices import by_bucket
    from costspan.pricing.compile import active_period

    period = active_period(model, datetime.now(timezone.utc))
    row: dict[str, Any] = {"provider": model.provider, "model": model.id}
    row |= {bucket: period.rates[bucket][0][1] / _MILLIONTH for bucket in _COLUMNS if bucket in period.rates}
    row |= {"prices": by_bucket(period.rates)}
    limits = {"max_input_tokens": model.max_input, "max_output_tokens": model.max_output}
    return row | limits | {"since": period.since and period.since.isoformat(), "source": model.source, "url": model.url}


def _numbers(row: dict[str, Any]) -> dict[str, str]:
    """By the titles of their columns."""
    prices = {bucket: f"{row[bucket]:g}" if bucket in row else "-" for bucket in _COLUMNS}
    limits = {"max in": row["max_input_tokens"], "max out": row["max_output_tokens"]}
    return prices | {title: f"{limit:,}" if limit else "-" for title, limit in limits.items()}


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape

    from costspan.cli.tables import fitting, plain_table, terminal
    from costspan.reports.wording import counted

    numbers = [_numbers(row) for row in rows]
    sizes = {title: max(map(len, (title, *(each[title] for each in numbers)))) for title in numbers[0]}
    names = {name: max(len(row[name]) for row in rows) for name in ("provider", "model")}
    out = terminal()
    titles = fitting(sizes, _DISPENSABLE, out.width - names["provider"] - min(names["model"], _SHORT_NAME) - 2 * _GAP)
    table = plain_table()
    table.add_column("provider", no_wrap=True)
    table.add_column("model", overflow="fold")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for row, number in zip(rows, numbers, strict=True):
        table.add_row(escape(row["provider"]), escape(row["model"]), *(number[title] for title in titles))
    out.print(table)
    said = counted(len(rows), "model")
    click.echo(f"{said}; USD per million tokens; --json tells all buckets and where each price is from")
