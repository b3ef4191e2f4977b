"""`costspan top`: spend as it happens, in the terminal."""

from __future__ import annotations

import dataclasses
import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from costspan.cli.asking import asks

if TYPE_CHECKING:
    from rich.console import RenderableType

    from costspan.cli.asking import Asked
    from costspan.ledger.book import Book

_SPARKS = "▁▂▃▄▅▆▇█"
_MINUTES = 60


@click.command()
@asks(by="model", since="1h")
@click.option(
    "--interval", type=click.FloatRange(0.5, 3600), default=2, show_default=True, help="Seconds between looks."
)
@click.option("--once", is_flag=True, help="Look once, and end.")
def command(asked: Asked, interval: float, *, once: bool) -> None:
    """Spend as it happens: the last hour by model (or --by …), refreshed until Ctrl-C."""
    from rich.live import Live

    from costspan.cli.tables import terminal

    console = terminal()
    with asked.ledger() as book:
        if once or not console.is_terminal:
            console.print(_view(book, asked, console.width))
            return
        with Live(_view(book, asked, console.width), console=console, screen=True) as live:
            try:
                while True:
                    time.sleep(interval)
                    live.update(_view(book, asked, console.width))
            except KeyboardInterrupt:
                return


def _view(book: Book, asked: Asked, width: int) -> RenderableType:
    """Totals, the last hour minute by minute, and the table."""
    from rich.console import Group
    from rich.text import Text

    from costspan.cli.tables import money, usage_table
    from costspan.reports.usage import read_usage
    from costspan.reports.wording import counted

    now = datetime.now(timezone.utc)
    report = read_usage(book, asked.anew())
    total = report.total
    cost = money(total.cost) if total.has_cost else "unknown"
    line = f"{counted(total.calls, 'call')}, {counted(total.tokens, 'token')}, {cost}  "
    return Group(Text(line + sparkline(_minutes(book, asked, now))), usage_table(report, width, 30))


def _minutes(book: Book, asked: Asked, now: datetime) -> list[int]:
    """Pico-dollars of each of the last 60 minutes."""
    edges = [now - timedelta(minutes=_MINUTES - place) for place in range(_MINUTES + 1)]
    plain = dataclasses.replace(asked.question, by=())
    sums = []
    for start, end in pairwise(edges):
        answers = book.ask(plain.within(start, end))
        sums.append(sum(answer.sums.cost for answer in answers))
    return sums


def sparkline(values: list[int]) -> str:
    """Values as a line of small bars; nothing is the lowest."""
    highest = max(values, default=0)
    return "".join(_SPARKS[value * (len(_SPARKS) - 1) // highest] if highest else _SPARKS[0] for value in values)
