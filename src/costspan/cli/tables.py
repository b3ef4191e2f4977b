"""Reports as tables in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.reports.usage import UsageReport, UsageRow

_BAR_WIDTH = 12
_EIGHTHS = " ▏▎▍▌▋▊▉"


def usage_table(report: UsageReport, top: int | None = None) -> Table:
    """The report as a table, its total in the last line."""
    table = Table(box=None, pad_edge=False, show_footer=True, header_style="bold", footer_style="bold")
    total = report.total
    for place, name in enumerate(report.question.by):
        table.add_column(name, footer="total" if place == 0 else "", overflow="fold")
    footers = _numbers(total)
    for title, footer in zip(("calls", "input", "cached", "output", "cost", "share"), footers, strict=True):
        table.add_column(title, footer=footer, justify="right", no_wrap=True)
    table.add_column("", footer=_notes(total))
    highest = max((row.cost for row in report.rows), default=None)
    for row in report.rows[:top]:
        table.add_row(
            *(escape(value) or "[dim]-[/]" for value in row.keys.values()), *_numbers(row), _bar(row, highest)
        )
    return table


def money(usd: Decimal) -> str:
    """USD for the eye: cents from ten dollars up, else as many digits as a small sum needs."""
    if usd >= 10:  # noqa: PLR2004
        return f"${usd:,.2f}"
    return f"${usd:,.4f}" if usd == 0 or usd >= 0.01 else f"${usd:.3g}"  # noqa: PLR2004


def _numbers(row: UsageRow) -> tuple[str, ...]:
    return (
        f"{row.calls:,}",
        f"{row.input_tokens:,}",
        f"{row.cache_read_tokens:,}",
        f"{row.output_tokens:,}",
        money(row.cost),
        f"{row.share:.1%}",
    )


def _bar(row: UsageRow, highest: Decimal | None) -> str:
    eighths = int(row.cost / highest * _BAR_WIDTH * 8) if highest else 0
    bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    notes = _notes(row)
    return f"[cyan]{bar}[/]" + (f" {notes}" if notes else "")


def _notes(row: UsageRow) -> str:
    """What the cost does not tell: calls without a price, estimates, errors."""
    notes = (
        (row.unpriced_calls, "unpriced"),
        (row.estimated_calls, "estimated"),
        (row.failed_calls, "failed"),
    )
    return ", ".join(f"[yellow]{count:,} {what}[/]" for count, what in notes if count)
