"""Reports as tables in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.reports.prompts import PromptReport
    from costspan.reports.usage import UsageReport, UsageRow

_BAR_WIDTH = 12  # at most: in a narrow terminal the bar gives way, not the names
_SHORT_NAME = 32


@dataclass(frozen=True)
class Currency:
    """A second currency to show: how much of it a dollar was, and on which day."""

    code: str
    rate: Decimal
    day: str


def usage_table(report: UsageReport, top: int | None = None, currency: Currency | None = None) -> Table:
    """The report as a table, its total in the last line."""
    table = Table(box=None, pad_edge=False, show_footer=True, header_style="bold", footer_style="bold")
    total = report.total
    for place, name in enumerate(report.question.by):
        short = all(len(row.keys[name]) <= _SHORT_NAME for row in report.rows[:top])
        table.add_column(name, footer="total" if place == 0 else "", overflow="fold", no_wrap=short)
    titles = ("calls", "input", "cached", "output", "cost", *([currency.code] if currency else []), "share")
    for title, footer in zip(titles, _numbers(total, currency), strict=True):
        table.add_column(title, footer=footer, justify="right", no_wrap=True)
    table.add_column("", max_width=_BAR_WIDTH)
    highest = max((row.cost for row in report.rows), default=None)
    for row in report.rows[:top]:
        names = (escape(value) or "[dim]-[/]" for value in row.keys.values())
        table.add_row(*names, *_numbers(row, currency), _bar(row, highest))
    table.caption = _notes(total)
    table.caption_justify = "left"
    return table


def prompt_table(report: PromptReport) -> Table:
    """Which part of the prompts costs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("part of the prompt")
    for title in ("tokens", "cost", "share"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in report.parts:
        table.add_row(each.part.replace("_", " "), f"{each.tokens:,}", money(each.cost), f"{each.share:.1%}")
    table.caption = (
        f"estimate over {report.calls:,} calls, scaled to what was reported; "
        f"{report.hidden_tokens:,} tokens of it are in no text that was sent"
    )
    table.caption_justify = "left"
    return table


def money(usd: Decimal) -> str:
    """USD for the eye: cents from ten dollars up, else as many digits as a small sum needs."""
    return f"${amount(usd)}"


def amount(value: Decimal) -> str:
    """As `money`, without a sign."""
    if value >= 10:  # noqa: PLR2004
        return f"{value:,.2f}"
    return f"{value:,.4f}" if value == 0 or value >= 0.01 else f"{value:.3g}"  # noqa: PLR2004


def _numbers(row: UsageRow, currency: Currency | None) -> tuple[str, ...]:
    return (
        f"{row.calls:,}",
        f"{row.input_tokens:,}",
        f"{row.cache_read_tokens:,}",
        f"{row.output_tokens:,}",
        money(row.cost),
        *([amount(row.cost * currency.rate)] if currency else []),
        f"{row.share:.1%}",
    )


def _bar(row: UsageRow, highest: Decimal | None) -> Bar:
    return Bar(1, 0, float(row.cost / highest) if highest else 0, color="cyan")


def _notes(total: UsageRow) -> str:
    """What the cost does not tell: calls without a price, estimates, errors."""
    notes = (
        (total.unpriced_calls, "without a price, not in the cost (costspan prices check)"),
        (total.estimated_calls, "with tokens counted here, since the provider did not say"),
        (total.failed_calls, "failed"),
    )
    return "; ".join(f"[yellow]{count:,} {what}[/]" for count, what in notes if count)
