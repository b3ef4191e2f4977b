"""`/metrics` of the ledger: what no program knows by itself and PromQL cannot add up, for a Prometheus that scrapes it.

A program knows what it has spent since it started; the ledger, what a month has cost over all programs and restarts. So
these gauges are the ledger's, and programs do not send them. Exact to the pico-dollar; months are UTC's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.api.asking import QUESTION_SECONDS
from costspan.ledger.book import open_ledger
from costspan.ledger.question import Filter, Question, parse_time
from costspan.reports.usage import read_usage, text
from costspan.telemetry import names
from costspan.telemetry.openmetrics import PLAIN, family_name, label_name, label_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

CONTENT_TYPE = PLAIN
_UNPRICED = Filter("status", ("unpriced", "partial"))
MOST = 1000  # series of a gauge: an id that somebody uses as a team must not drown Prometheus


def exposition(ledger: str, now: datetime) -> str:
    """The gauges as text: this month's cost by team, and 1 for each model that was called in it without a full price.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    month = parse_time("month", now=now)
    with open_ledger(ledger, QUESTION_SECONDS) as book:
        teams = read_usage(book, Question(month, None, ("team",))).rows
        models = read_usage(book, Question(month, None, ("provider", "model"), (_UNPRICED,))).rows
    costs = [({names.TEAM: row.team}, text(row.cost)) for row in teams]
    unpriced = [({names.PROVIDER: row.provider, names.REQUEST_MODEL: row.model}, "1") for row in models]
    return _family(names.MONTH_COST, "USD", "What the calendar month has cost so far, by the ledger", costs) + _family(
        names.UNPRICED_MODELS, "{model}", "Models called this month that lack a price, or a part of it", unpriced
    )


def _family(name: str, unit: str, description: str, samples: Iterable[tuple[Mapping[str, str], str]]) -> str:
    family = family_name(name, unit, "gauge")
    lines = [f"# HELP {family} {description}\n# TYPE {family} gauge\n"]
    for labels, value in list(samples)[:MOST]:
        pairs = ",".join(f'{label_name(key)}="{label_value(each)}"' for key, each in labels.items() if each)
        lines.append(f"{family}{{{pairs}}} {value}\n")
    return "".join(lines)
