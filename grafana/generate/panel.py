"""What a dashboard is made of, as data."""

from __future__ import annotations

from dataclasses import dataclass

# what every expression selects by: the variables at the top of each dashboard
SERVICE = 'service_name=~"$service",deployment_environment_name=~"$environment"'
ALL = f'{SERVICE},costspan_team=~"$team",gen_ai_request_model=~"$model"'
TEAM = 'costspan_team=~"$team"'

COST = f"costspan_cost_USD_total{{{ALL}}}"
TOKENS = f"costspan_tokens_total{{{ALL}}}"
CALLS = f"costspan_calls_total{{{ALL}}}"

PRICED = ',costspan_price_status=~"priced|partial"'
UNPRICED = ',costspan_price_status=~"unpriced|partial"'
ESTIMATED = ',costspan_usage_source=~"tokenizer|heuristic"'
CACHED = ',costspan_bucket=~"cache_read.*"'
INPUTS = ',costspan_bucket=~"input.*|cache_.*"'
NO_TEAM = ',costspan_team=""'

TREND = "A trend: `increase()` extrapolates to the edges of its window. The ledger is the book (`costspan report`)."


@dataclass(frozen=True)
class Query:
    """One expression; `legend` names its series; `column` and `unit` are for tables."""

    expr: str
    legend: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel. `kind`: stat, time, bars (stacked by day), share (pie), top (bar gauge), table, text."""

    kind: str
    title: str
    unit: str
    description: str
    queries: tuple[Query, ...] = ()
    width: int = 12
    height: int = 8
    stacked: bool = False
    thresholds: tuple[tuple[float | None, str], ...] = ()
    exemplars: bool = False


@dataclass(frozen=True)
class Row:
    """A headline between panels."""

    title: str


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    start: str
    panels: tuple[Panel | Row, ...]
    variables: tuple[str, ...] = ("service", "environment", "team", "model")
    datasource: str = "prometheus"


def spent(by: str = "", window: str = "$__range", selector: str = ALL) -> str:
    """Spend in a window, USD."""
    return f"sum{by and f' by ({by})'} (increase(costspan_cost_USD_total{{{selector}}}[{window}]))"


def made(by: str = "", window: str = "$__range", more: str = "") -> str:
    """Calls in a window."""
    return f"sum{by and f' by ({by})'} (increase(costspan_calls_total{{{ALL}{more}}}[{window}]))"


def used(by: str = "", window: str = "$__range", more: str = "") -> str:
    """Tokens in a window."""
    return f"sum{by and f' by ({by})'} (increase(costspan_tokens_total{{{ALL}{more}}}[{window}]))"


def over(what: str, by: str = "", window: str = "$__range", more: str = "") -> str:
    """`cost_usd`, `tokens` or `calls` of a window, times the number of evaluations in an hour: only for ratios.

    Recorded each minute as the sum of an hour. Over 30 days that is a quarter of the series that the counters have, or
    less, and a ratio of two counters would be over a second on 10,000 series (`benchmarks/dashboards.py`).
    """
    return f"sum{by and f' by ({by})'} (sum_over_time(costspan:{what}:increase1h{{{ALL}{more}}}[{window}]))"


def hourly(what: str, by: str = "", more: str = "") -> str:
    """`cost_usd`, `tokens` or `calls` of the hour before, as recorded."""
    return f"sum{by and f' by ({by})'} (costspan:{what}:increase1h{{{ALL}{more}}})"


def quantile(share: float, metric: str, by: str = "") -> str:
    """A quantile of a histogram over the rate interval."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{ALL}}}[$__rate_interval])))"
