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

RECORDED = "5m"  # how often the buckets of histograms are recorded

TREND = "A trend: `increase()` extrapolates to the edges of its window. The ledger is the book (`costspan report`)."


@dataclass(frozen=True)
class Query:
    """One expression; `legend` names its series; `unit` is for tables; `exemplars`: its calls, linked to their traces."""

    expr: str
    legend: str = ""
    unit: str = ""
    exemplars: bool = False


@dataclass(frozen=True)
class Panel:
    """One panel. `kind`: stat, time, bars (stacked by day), share (pie), top (bar gauge), table, text. `interval`: least step."""

    kind: str
    title: str
    unit: str
    description: str
    queries: tuple[Query, ...] = ()
    width: int = 12
    height: int = 8
    stacked: bool = False
    thresholds: tuple[tuple[float | None, str], ...] = ()
    interval: str = ""


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


def quantile(share: float, what: str, by: str = "") -> str:
    """A quantile over the rate interval, of a histogram whose buckets are recorded: `duration_seconds`, for example.

    The panel needs `interval=RECORDED`, so that each of its windows holds a sample of the rule.
    """
    labels = f"le, {by}" if by else "le"
    window = f"sum_over_time(costspan:{what}_bucket:rate10m{{{ALL}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({window}))"


def newest(share: float, metric: str) -> Query:
    """A level line: the quantile at the right edge, and the exemplars of the whole range.

    Exemplars belong to the plain series, recorded ones have none. `@ end()` reads the last samples only; Prometheus looks
    for exemplars in the whole range all the same.
    """
    window = f"rate({metric}_bucket{{{ALL}}}[$__rate_interval] @ end())"
    legend = f"{100 * share:g}th percentile at the right edge"
    return Query(f"histogram_quantile({share}, sum by (le) ({window}))", legend, exemplars=True)
