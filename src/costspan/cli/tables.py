"""Reports as tables in the terminal."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.bar import Bar
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from costspan.reports.wording import counted

if TYPE_CHECKING:
    from typing import IO

    from costspan.reports.prompts import PromptReport
    from costspan.reports.usage import UsageReport, UsageRow

_BAR_WIDTH = 12  # at most: in a narrow terminal the bar gives way, not the names
_LEAST_BAR = 6  # with the gap before it
_SHORT_NAME = 32  # what names of a row may take in all before they are folded
_GAP = 2  # between two columns
_DISPENSABLE = ("share", "cached", "output", "input")
_PIPED_WIDTH = 500
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Currency:
    """A second currency to show: how much of it a dollar was, and on which day."""

    code: str
    rate: Decimal
    day: str


def terminal(**settings: Any) -> Console:
    """Where tables go: the user's terminal; or a pipe or a file, in which no name is folded and no line is padded."""
    console = Console(**{"highlight": False, **settings})
    if not console.is_terminal:
        console.file = _Unpadded(console.file)  # type: ignore[assignment]
        if "COLUMNS" not in os.environ:
            console.width = _PIPED_WIDTH
    return console


def plain_table(*, footer: bool = False) -> Table:
    """A table without lines; with a last line of its own, if it has a `footer`."""
    return Table(box=None, pad_edge=False, show_footer=footer, header_style="bold", footer_style="bold")


class _Unpadded:
    """A file in which lines end where their text ends."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(re.sub(" +$", "", text, flags=re.MULTILINE))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def usage_table(report: UsageReport, width: int, top: int | None = None, currency: Currency | None = None) -> Table:
    """The report as a table, its total in the last line; if `width` is too little, columns go, never digits."""
    table = plain_table(footer=True)
    rows, footers = report.rows[:top], _numbers(report.total, currency)
    numbers = [_numbers(row, currency) for row in rows]
    names = {name: max(map(len, (name, *(row.keys[name] for row in rows)))) for name in report.question.by}
    sizes = {title: max(map(len, (title, *(each[title] for each in (footers, *numbers))))) for title in footers}
    whole = width - sum(size + _GAP for size in names.values())
    folded = width - sum(min(size, _SHORT_NAME // len(names)) + _GAP for size in names.values())
    titles = fitting(sizes, _DISPENSABLE, folded)
    if _width(sizes, shorter := fitting(sizes, _DISPENSABLE[:1], whole)) <= whole:
        titles = shorter  # without its share the names of a row stay whole
    room = whole - _width(sizes, titles)
    for place, name in enumerate(names):
        table.add_column(name, footer="total" if place == 0 else "", overflow="fold", no_wrap=room >= 0)
    for title in titles:
        table.add_column(title, footer=footers[title], justify="right", no_wrap=True)
    if with_bar := room >= _LEAST_BAR:
        table.add_column("", max_width=_BAR_WIDTH)
    highest = max((row.cost for row in report.rows), default=None)
    for row, number in zip(rows, numbers, strict=True):
        keys = (escape(value) or "[dim]-[/]" for value in row.keys.values())
        table.add_row(*keys, *(number[title] for title in titles), *([_bar(row, highest)] if with_bar else []))
    table.caption = _notes(report.total)
    table.caption_justify = "left"
    return table


def prompt_table(report: PromptReport) -> Table:
    """Which part of the prompts costs."""
    table = plain_table()
    table.add_column("part of the prompt")
    for title in ("tokens", "cost", "share"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in report.parts:
        table.add_row(each.part.replace("_", " "), f"{each.tokens:,}", money(each.cost), percent(each.share))
    table.caption = (
        f"estimate over {counted(report.calls, 'call')}, scaled to what was reported; "
        f"{report.hidden_tokens:,} tokens of it are in no text that was sent"
    )
    table.caption_justify = "left"
    return table


def money(usd: Decimal) -> str:
    """USD for the eye: cents from ten dollars up, else as many digits as a small sum needs."""
    return f"{'-' * (usd < 0)}${amount(abs(usd))}"


def amount(value: Decimal) -> str:
    """As `money`, without a sign."""
    if value == 0:
        return "0"
    if value >= 10:  # noqa: PLR2004
        return f"{value:,.2f}"
    return f"{value:,.4f}" if value >= _CENT else f"{Decimal(f'{value:.3g}'):f}"


def percent(share: float) -> str:
    """A share for the eye; what is something does not read as nothing."""
    return "<0.1%" if 0 < share < 0.001 else f"{share:.1%}"  # noqa: PLR2004


def _numbers(row: UsageRow, currency: Currency | None) -> dict[str, str]:
    """By the titles of their columns."""
    second = {currency.code: amount(row.cost * currency.rate) if row.has_cost else "unknown"} if currency else {}
    return {
        "calls": f"{row.calls:,}",
        "input": f"{row.input_tokens:,}",
        "cached": f"{row.cache_read_tokens:,}",
        "output": f"{row.output_tokens:,}",
        "cost": money(row.cost) if row.has_cost else "unknown",
        **second,
        "share": percent(row.share) if row.has_cost else "-",
    }


def fitting(sizes: dict[str, int], dispensable: tuple[str, ...], room: int) -> list[str]:
    """The columns of numbers that fit, in their order; those that are not dispensable always."""
    titles = list(sizes)
    for title in dispensable:
        if _width(sizes, titles) > room:
            titles.remove(title)
    return titles


def _width(sizes: dict[str, int], titles: list[str]) -> int:
    return sum(sizes[title] + _GAP for title in titles) - _GAP


def _bar(row: UsageRow, highest: Decimal | None) -> Bar:
    return Bar(1, 0, float(row.cost / highest) if highest else 0, color="cyan")


def _paid(total: UsageRow) -> int:
    """Calls that should have cost something if they were not free."""
    return max(0, total.calls - total.unpriced_calls - total.failed_calls)


def _notes(total: UsageRow) -> str:
    """What the cost does not tell: calls without a price, estimates, errors."""
    notes = (
        (total.unpriced_calls, "without a price, not in the cost (costspan prices check)"),
        (total.estimated_calls, "with tokens counted here, since the provider did not say"),
        (total.failed_calls, "failed"),
        (0 if total.cost else _paid(total), "free (a gateway on your own machine? name in COSTSPAN_HOSTS whose it is)"),
    )
    return "; ".join(f"[yellow]{count:,} {what}[/]" for count, what in notes if count)
