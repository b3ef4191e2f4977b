"""`costspan price`: what a call costs, bucket by bucket, and which entry of which list says so."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from costspan.pricing.lookup import UnknownModelError, own_pricer, split_name
from costspan.pricing.price import usd_of_femto
from costspan.usage import BUCKETS, MOST, Terms, Usage

if TYPE_CHECKING:
    from costspan.pricing.price import Price

_COMMON = {
    "input": "Fresh input tokens, without the cached ones.",
    "cached": "Input tokens read from the cache.",
    "output": "Output tokens, without the reasoning ones.",
    "reasoning": "Output tokens that were thoughts.",
    "cache_write": "Input tokens written to the cache.",
    "cache_write_1h": "Input tokens written to the cache for an hour.",
}
_BUCKETS = {"cached": "cache_read"}
_TERMS = {
    "tier": "On which it was served: flex, priority …",
    "speed": "Of Anthropic: fast.",
    "geo": "Where it ran: us, eu, a cloud region.",
    "size": "Of pictures and videos: 1024x1024 …",
    "quality": "Of pictures: standard, hd, low, medium, high.",
    "search_context": "Of web searches: low, medium, high.",
    "search_tool": "Which was billed: web_search, web_search_preview.",
    "deployment": "Of Azure, Bedrock: global, data_zone, regional, provisioned.",
}


def _moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is no time: write 2026-03-01 or 2026-03-01T14:30") from None


def _usage(_ctx: click.Context, _param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, int]:
    counts = {}
    for pair in pairs:
        bucket, _, number = pair.partition("=")
        if bucket not in BUCKETS or not number.isdecimal() or len(number) > len(str(MOST)):
            raise click.BadParameter(f"{pair!r}: write BUCKET=COUNT, with one of {', '.join(sorted(BUCKETS))}")
        if bucket in counts:
            raise click.BadParameter(f"{bucket} is given twice")
        counts[bucket] = int(number)
    return counts


def _with_options(run: Any) -> Any:
    for name, told in reversed(_TERMS.items()):
        run = click.option(f"--{name.replace('_', '-')}", default="", help=told)(run)
    for name, told in reversed(_COMMON.items()):
        run = click.option(f"--{name.replace('_', '-')}", type=int, default=0, metavar="TOKENS", help=told)(run)
    return run


@click.command()
@click.argument("model")
@click.option("--provider", default="", help="Who serves it; without, the model's maker.")
@_with_options
@click.option(
    "--units", multiple=True, callback=_usage, metavar="BUCKET=COUNT", help="Also: images=2, web_searches=1 …"
)
@click.option("--batch", is_flag=True, help="Through the provider's batch API.")
@click.option("--at", callback=_moment, help="When: 2026-03-01 or 2026-03-01T14:30 (UTC). Without, now.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(model: str, provider: str, at: datetime | None, *, as_json: bool, **given: Any) -> None:
    """What a call of MODEL costs, bucket by bucket, which entry of which price list says so, and since when."""
    counts = {_BUCKETS.get(name, name): given[name] for name in _COMMON}
    if twice := next((bucket for bucket in given["units"] if counts.get(bucket)), ""):
        raise click.UsageError(f"{twice} is given twice, by --units and by its own option")
    counts |= given["units"]
    terms = Terms(batch=given["batch"], **{name: given[name] for name in _TERMS})
    try:
        usage = Usage(**counts)
        host, name = split_name(model, provider)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except UnknownModelError as error:
        raise click.ClickException(str(error)) from None
    price = own_pricer().price(usage, provider=host, model=name, at=at, terms=terms)
    if price.total_femto is None and price.entry is None:
        from costspan.pricing.lookup import unknown_model

        raise click.ClickException(str(unknown_model(name, host)))
    if as_json:
        click.echo(json.dumps(_as_dict(price, usage), indent=2))
    elif not usage.counts:
        raise click.UsageError(
            f"a call of how many tokens? Add --input 1000 --output 200; costspan models --search {name} shows rates"
        )
    else:
        _show(price, usage, at or datetime.now(timezone.utc), terms)


def _as_dict(price: Price, usage: Usage) -> dict[str, Any]:
    entry = price.entry
    return {
        "status": price.status.value,
        "cost_usd": None if price.total is None else format(price.total, "f"),
        "list_cost_usd": None if price.list_femto is None else _dollars(price.list_femto),
        "usage": dict(usage.counts),
        "breakdown_usd": {bucket: _dollars(amount) for bucket, amount in price.breakdown.items()},
        "missing": list(price.missing),
        "reason": price.reason,
        "entry": entry
        and {
            "provider": entry.provider,
            "model": entry.model,
            "source": entry.source,
            "effective_from": entry.effective_from and entry.effective_from.isoformat(),
            "max_input_tokens": entry.max_input_tokens,
            "max_output_tokens": entry.max_output_tokens,
        },
    }


def _dollars(femto: int) -> str:
    return format(usd_of_femto(femto), "f")


def _show(price: Price, usage: Usage, at: datetime, terms: Terms) -> None:
    from rich.markup import escape

    from costspan.cli.tables import plain_table, terminal

    out = terminal()
    table = plain_table(footer=True)
    total = "unknown" if price.total_femto is None else f"${_dollars(price.total_femto)}"
    table.add_column("bucket", footer="total")
    table.add_column("count", justify="right")
    table.add_column("USD per million", justify="right")
    table.add_column("cost", footer=total, justify="right")
    for bucket, count in {**dict.fromkeys(price.breakdown, 1), **usage.counts}.items():
        amount, missing = price.breakdown.get(bucket, 0), bucket in price.missing
        rate = "" if missing or not count else f"{amount / count / 1e9:,.6g}"
        table.add_row(bucket, f"{count:,}", rate, "[yellow]no rate[/]" if missing else f"${_dollars(amount)}")
    out.print(table)
    entry = price.entry
    if entry is not None:
        since = f", since {entry.effective_from}" if entry.effective_from else ""
        out.print(
            f"[dim]{escape(entry.provider)} {escape(entry.model)}, from {escape(entry.source)}{since}[/]",
            soft_wrap=True,
        )
    served = ", ".join(f"{name} {value}" for name, value in terms._asdict().items() if value not in ("", False))
    out.print(f"[dim]at {at:%Y-%m-%d %H:%M} UTC{', ' if served else ''}{escape(served)}; {price.status.value}[/]")
    if price.list_femto is not None:
        out.print(f"[dim]list price ${_dollars(price.list_femto)}[/]")
    if price.reason:
        out.print(f"[yellow]{escape(price.reason)}[/]", soft_wrap=True)
