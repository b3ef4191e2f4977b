"""`costspan report`: spend by day, model, team, user … as a table or JSON."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from costspan.cli.asking import asks

if TYPE_CHECKING:
    from costspan.cli.asking import Asked
    from costspan.cli.tables import Currency


@click.command()
@asks(by="model")
@click.option("--top", type=click.IntRange(1), help="Only the first so many rows; the total is of all.")
@click.option("--currency", default="", metavar="EUR", help="Show a second currency too; needs --rate.")
@click.option("--rate", default="", metavar="0.92@2026-11-01", help="How much of it a dollar was, and on which day.")
@click.option("--prompt", is_flag=True, help="Which part of the prompts costs; of calls with COSTSPAN_PROMPT_PARTS.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(asked: Asked, top: int | None, currency: str, rate: str, *, prompt: bool, as_json: bool) -> None:
    """Spend by day, model, team, user … from the ledger. Days are those of --tz."""
    from costspan.reports.fees import fees_due
    from costspan.reports.usage import read_usage, text

    if prompt:
        by_given = click.get_current_context().get_parameter_source("by") is ParameterSource.COMMANDLINE
        if by_given or top or currency or rate:
            raise click.UsageError("--prompt goes with none of --by, --top, --currency and --rate")
        _show_prompts(asked, as_json=as_json)
        return
    second = _currency(currency, rate)
    with asked.ledger() as book:
        report = read_usage(book, asked.question)
    fees = fees_due(asked.question)
    if as_json:
        said = _converted(report.as_dict(top), second)
        said["fees"] = [{"name": each.name, "provider": each.provider, "usd": text(each.usd)} for each in fees]
        click.echo(json.dumps(said, indent=2))
        return
    from costspan.cli.tables import money, terminal, usage_table

    out = terminal()
    if report.rows:
        out.print(usage_table(report, out.width, top, second))
    else:
        click.echo(asked.nothing)
    for each in fees:
        click.echo(f"and in no call: {each.name}{each.provider and f' ({each.provider})'} {money(each.usd)}")
    if second and report.rows:
        click.echo(f"1 USD = {second.rate} {second.code} on {second.day}")


def _show_prompts(asked: Asked, *, as_json: bool) -> None:
    from costspan.reports.prompts import read_prompts

    with asked.ledger() as book:
        report = read_prompts(book, asked.question)
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2))
    elif not report.parts:
        click.echo("no call in this period tells how its prompt divides: set COSTSPAN_PROMPT_PARTS=true in the program")
    else:
        from costspan.cli.tables import prompt_table, terminal

        terminal().print(prompt_table(report))


def _currency(code: str, rate: str) -> Currency | None:
    from costspan.cli.tables import Currency

    if not code and not rate:
        return None
    number, _, day = rate.partition("@")
    try:
        return Currency(_code(code), _positive(number), date.fromisoformat(day).isoformat())
    except (ValueError, InvalidOperation) as error:
        raise click.UsageError(
            "write both --currency EUR and --rate 0.92@2026-11-01: how much of it a dollar was, and on which day"
        ) from error


def _code(text: str) -> str:
    if not (text.isascii() and text.isalpha()):
        raise ValueError(text)
    return text.upper()


def _positive(text: str) -> Decimal:
    number = Decimal(text)
    if not (number.is_finite() and number > 0):
        raise ValueError(text)
    return number


def _converted(said: dict[str, Any], second: Currency | None) -> dict[str, Any]:
    """With each cost in the second currency beside it, and the rate and its day."""
    if second is None:
        return said
    for row in (*said["rows"], said["total"]):
        row[f"cost_{second.code.lower()}"] = f"{Decimal(row['cost']) * second.rate:f}"
    return said | {"rate": {"currency": second.code, "usd": str(second.rate), "day": second.day}}
