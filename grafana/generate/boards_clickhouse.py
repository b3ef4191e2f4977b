"""Exact figures and per-user detail from ClickHouse: the tables of collector-config/clickhouse."""

from __future__ import annotations

from panel import Board, Panel, Query

CHOSEN = "service IN (${service:sqlstring}) AND team IN (${team:sqlstring}) AND model IN (${model:sqlstring})"
HOURS = (
    f"hour BETWEEN intDiv(toUnixTimestamp($__fromTime), 3600) AND intDiv(toUnixTimestamp($__toTime), 3600) AND {CHOSEN}"
)
CALLS = f"ts BETWEEN toUnixTimestamp($__fromTime) * 1000000 AND toUnixTimestamp($__toTime) * 1000000 AND {CHOSEN}"
USD = "sum(cost) / 1e12"
TOKENS = "sum(input + cache_read + cache_write + output + reasoning)"
EXACT = "Exact: whole pico-dollars, summed by ClickHouse, each call once."
MADE = "fromUnixTimestamp64Micro(ts)"


def calls(select: str, more: str = "", where: str = "") -> str:
    """A question to the calls themselves; FINAL counts a call that was sent twice once."""
    return f"SELECT {select} FROM costspan_calls FINAL WHERE {CALLS} {where} {more}".strip()


def hours(select: str, more: str = "") -> str:
    """A question to the hourly roll-up: cheap over years."""
    return f"SELECT {select} FROM costspan_hours WHERE {HOURS} {more}".strip()


def table(title: str, description: str, sql: str, units: tuple[tuple[str, str], ...], width: int = 12) -> Panel:
    """A table with a unit for each column that has one."""
    columns = tuple(Query("", name, unit) for name, unit in units)
    return Panel("sql-table", title, "short", description, (Query(sql), *columns), width, 9)


CLICKHOUSE = Board(
    "costspan-clickhouse",
    "LLM spend: exact figures (ClickHouse)",
    "Every call, exactly: bills, users, sessions and the dearest calls.",
    "now-30d",
    (
        Panel("sql-stat", "Spend", "currencyUSD", EXACT, (Query(calls(f"{USD} AS spend")),), 6, 4),
        Panel("sql-stat", "Calls", "short", EXACT, (Query(calls("count() AS calls")),), 6, 4),
        Panel(
            "sql-stat",
            "Users",
            "short",
            "Different `user.id`s.",
            (Query(calls("uniqExact(user) AS users", where="AND user != ''")),),
            6,
            4,
        ),
        Panel(
            "sql-stat",
            "Calls without a full price",
            "short",
            "Their spend is missing; `costspan ledger reprice --missing` prices them.",
            (Query(calls("countIf(status IN ('unpriced', 'partial')) AS calls")),),
            6,
            4,
        ),
        Panel(
            "sql-time",
            "Spend per day by model",
            "currencyUSD",
            f"From the hourly roll-up. {EXACT}",
            (
                Query(
                    hours(
                        f"toStartOfDay(toDateTime(hour * 3600)) AS time, model, {USD} AS spend",
                        "GROUP BY time, model ORDER BY time",
                    )
                ),
            ),
            24,
            9,
        ),
        table(
            "Users",
            f"The dearest hundred. {EXACT}",
            calls(
                f"user AS User, team AS Team, {USD} AS Spend, count() AS Calls, {TOKENS} AS Tokens",
                "GROUP BY User, Team ORDER BY Spend DESC LIMIT 100",
            ),
            (("Spend", "currencyUSD"),),
        ),
        table(
            "Sessions",
            f"Conversations and agent runs, the dearest hundred. {EXACT}",
            calls(
                f"JSONExtractString(extra, 'session') AS Session, {USD} AS Spend, count() AS Calls, min({MADE}) AS Since",
                "GROUP BY Session ORDER BY Spend DESC LIMIT 100",
                "AND Session != ''",
            ),
            (("Spend", "currencyUSD"),),
        ),
        table(
            "Dearest calls",
            "With their trace: the link opens it.",
            calls(
                f"{MADE} AS Time, service AS Service, model AS Model, user AS User, cost / 1e12 AS Cost, duration_ms AS Duration, trace_id AS Trace",
                "ORDER BY cost DESC LIMIT 100",
                "AND cost IS NOT NULL",
            ),
            (("Cost", "currencyUSD"), ("Duration", "ms")),
            24,
        ),
        table(
            "Dearest traces",
            "What one request or agent run cost in all.",
            calls(
                f"trace_id AS Trace, any(service) AS Service, {USD} AS Spend, count() AS Calls, {TOKENS} AS Tokens",
                "GROUP BY Trace ORDER BY Spend DESC LIMIT 100",
            ),
            (("Spend", "currencyUSD"),),
        ),
        table(
            "Chargeback",
            f"By team, feature and model, for the books. {EXACT}",
            calls(
                f"team AS Team, feature AS Feature, model AS Model, {USD} AS Spend, count() AS Calls",
                "GROUP BY Team, Feature, Model ORDER BY Spend DESC",
            ),
            (("Spend", "currencyUSD"),),
        ),
    ),
    ("service", "team", "model"),
    "grafana-clickhouse-datasource",
)
