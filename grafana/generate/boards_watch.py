"""Dashboards to watch: budgets and forecast, performance, data quality."""

from __future__ import annotations

from alert_table import LIMIT, QUOTA
from panel import (
    ALL,
    ESTIMATED,
    RECORDED,
    SERVICE,
    TEAM,
    UNPRICED,
    Board,
    Panel,
    Query,
    made,
    newest,
    quantile,
    spent,
)  # fmt: skip

MONTH = f"team:costspan_cost_usd:month_to_date{{{TEAM}}}"
FORECAST = f"team:costspan_cost_usd:month_end_forecast{{{TEAM}}}"
MODEL = "gen_ai_request_model"
DURATION = "gen_ai_client_operation_duration_seconds"
FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds"
SECONDS = "duration_seconds"  # as recorded
FIRST_SECONDS = "time_to_first_chunk_seconds"
MONTH_NOTE = "The calendar month, UTC: exact where Prometheus scrapes the ledger; else added up from recorded hours, up to an hour behind."
LEFT = f"{LIMIT} - on (costspan_team) {MONTH}"
ERRORS = ',error_type!=""'

BUDGETS = Board(
    "costspan-budgets",
    "LLM spend: budgets and forecast",
    "The month so far against each team's budget, and where it will end.",
    "now-30d",
    (
        Panel("stat", "Month to date", "currencyUSD", MONTH_NOTE, (Query(f"sum ({MONTH})", "spent"),), 6, 4),
        Panel(
            "stat",
            "Forecast for the month's end",
            "currencyUSD",
            "Month to date plus the pace of the last three days.",
            (Query(f"sum ({FORECAST})", "forecast"),),
            6,
            4,
        ),
        Panel(
            "stat",
            "All budgets",
            "currencyUSD",
            "Of the month, from the budgets file.",
            (Query(f"sum ({LIMIT} and on (costspan_team) {MONTH})", "budget"),),
            6,
            4,
        ),
        Panel(
            "stat",
            "Teams over budget by forecast",
            "short",
            "Teams whose forecast is over their budget.",
            (Query(f"count ({FORECAST} > on (costspan_team) {LIMIT}) or vector(0)", "teams"),),
            6,
            4,
            thresholds=((None, "green"), (1, "red")),
        ),
        Panel(
            "top",
            "Budget used",
            "percentunit",
            MONTH_NOTE,
            (Query(f"{MONTH} / on (costspan_team) {LIMIT}", "{{costspan_team}}"),),
            12,
            8,
            thresholds=((None, "green"), (0.8, "orange"), (1, "red")),
        ),
        Panel(
            "table",
            "Teams",
            "short",
            f"Days left: at the pace of the last three days. {MONTH_NOTE}",
            (
                Query(f"{LIMIT} and on (costspan_team) {MONTH}", "Budget", "currencyUSD"),
                Query(MONTH, "Spent", "currencyUSD"),
                Query(LEFT, "Left", "currencyUSD"),
                Query(FORECAST, "Forecast", "currencyUSD"),
                Query(
                    f"clamp_min(({LEFT}) / on (costspan_team) (team:costspan_cost_usd:increase3d / 3), 0)",
                    "Days left",
                    "d",
                ),
            ),
        ),
        Panel(
            "time",
            "Month to date against budget",
            "currencyUSD",
            MONTH_NOTE,
            (
                Query(MONTH, "{{costspan_team}}"),
                Query(f"{LIMIT} and on (costspan_team) {MONTH}", "budget of {{costspan_team}}"),
            ),
            24,
            9,
        ),
        Panel(
            "time",
            "Burn rate",
            "short",
            "Spend of the last hour as a multiple of what an even month would spend. 1 uses the budget up at the month's end; "
            "over 14.4 pages (CostspanBudgetBurnFast).",
            (
                Query(
                    f"team:costspan_cost_usd:increase1h{{{TEAM}}} * 720 / on (costspan_team) {LIMIT}",
                    "{{costspan_team}}",
                ),
            ),
        ),
        Panel(
            "time",
            "Token quota used",
            "percentunit",
            "Tokens of the last 24 hours over the team's daily quota.",
            (
                Query(
                    f"team:costspan_tokens:increase1d{{{TEAM}}} / on (costspan_team) {QUOTA}",
                    "{{costspan_team}}",
                ),
            ),
        ),
    ),
    variables=("team",),  # budgets are of teams
)

PERFORMANCE = Board(
    "costspan-performance",
    "LLM calls: performance",
    "Latency, time to the first chunk, throughput, errors, and what errors cost.",
    "now-24h",
    (
        Panel(
            "stat",
            "Calls per second",
            "reqps",
            "Of all services chosen.",
            (Query(f"sum (rate(costspan_calls_total{{{ALL}}}[$__rate_interval]))", "calls"),),
            6,
            4,
        ),
        Panel(
            "stat",
            "95th percentile",
            "s",
            "Of the duration of a call.",
            (Query(quantile(0.95, SECONDS), "95th percentile"),),
            6,
            4,
            interval=RECORDED,
        ),
        Panel(
            "stat",
            "Failing calls",
            "percentunit",
            "Calls that raised, over all calls.",
            (Query(f"({made(more=ERRORS)} or vector(0)) / {made()}", "failing"),),
            6,
            4,
            thresholds=((None, "green"), (0.01, "orange"), (0.1, "red")),
        ),
        Panel(
            "stat",
            "Spent on calls that failed",
            "currencyUSD",
            "Streams that broke and answers that never arrived are billed too.",
            (
                Query(
                    f"sum (increase(gen_ai_client_operation_cost_USD_sum{{{ALL}{ERRORS}}}[$__range])) or vector(0)",
                    "spent",
                ),
            ),
            6,
            4,
        ),
        Panel(
            "time",
            "Duration",
            "s",
            "Of a call, from request to the last byte.",
            (
                Query(quantile(0.5, SECONDS), "median"),
                Query(quantile(0.95, SECONDS), "95th percentile"),
                Query(quantile(0.99, SECONDS), "99th percentile"),
                newest(0.95, DURATION),
            ),
            interval=RECORDED,
        ),
        Panel(
            "time",
            "95th percentile of duration by model",
            "s",
            "Of a call, from request to the last byte.",
            (Query(quantile(0.95, SECONDS, MODEL), "{{gen_ai_request_model}}"), newest(0.95, DURATION)),
            interval=RECORDED,
        ),
        Panel(
            "time",
            "Time to the first chunk, 95th percentile",
            "s",
            "Of streamed answers: how long a reader waits for the first word.",
            (Query(quantile(0.95, FIRST_SECONDS, MODEL), "{{gen_ai_request_model}}"), newest(0.95, FIRST)),
            interval=RECORDED,
        ),
        Panel(
            "time",
            "Output tokens per second of a call",
            "short",
            "Output tokens over the time that calls took.",
            (
                Query(
                    f'sum by ({MODEL}) (rate(gen_ai_client_token_usage_sum{{{ALL},gen_ai_token_type="output"}}[$__rate_interval])) '
                    f"/ sum by ({MODEL}) (rate({DURATION}_sum{{{ALL}}}[$__rate_interval]))",
                    "{{gen_ai_request_model}}",
                ),
            ),
        ),
        Panel(
            "time",
            "Calls per second by service",
            "reqps",
            "Failed ones included.",
            (
                Query(
                    f"sum by (service_name) (rate(costspan_calls_total{{{ALL}}}[$__rate_interval]))", "{{service_name}}"
                ),
            ),
            stacked=True,
        ),
        Panel(
            "time",
            "Failing calls by error",
            "reqps",
            "By the class of the exception.",
            (
                Query(
                    f"sum by (error_type) (rate(costspan_calls_total{{{ALL}{ERRORS}}}[$__rate_interval]))",
                    "{{error_type}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "time",
            "Input tokens of a call",
            "short",
            "Median and 95th percentile; a context that grows makes every next call dearer.",
            (
                Query(quantile(0.5, "input_tokens"), "median"),
                Query(quantile(0.95, "input_tokens"), "95th percentile"),
            ),
            24,
            interval=RECORDED,
        ),
    ),
)

QUALITY = Board(
    "costspan-quality",
    "LLM spend: data quality",
    "How far the figures can be trusted: what has no price, what is estimated, what is missing.",
    "now-7d",
    (
        Panel(
            "share",
            "Calls by price status",
            "short",
            "priced and free are whole; partial lacks a bucket; unpriced lacks all.",
            (Query(made("costspan_price_status"), "{{costspan_price_status}}"),),
            8,
        ),
        Panel(
            "share",
            "Spend by who counted the tokens",
            "currencyUSD",
            "provider is exact; tokenizer and heuristic are estimates.",
            (Query(spent("costspan_usage_source"), "{{costspan_usage_source}}"),),
            8,
        ),
        Panel(
            "stat",
            "Estimated share of spend",
            "percentunit",
            "Spend of calls whose usage the provider did not report.",
            (Query(f"({spent(selector=ALL + ESTIMATED)} or vector(0)) / {spent()}", "estimated"),),
            8,
            8,
            thresholds=((None, "green"), (0.05, "orange"), (0.2, "red")),
        ),
        Panel(
            "table",
            "Models without a full price",
            "short",
            "`costspan price MODEL` says what is missing.",
            (
                Query(
                    made("gen_ai_provider_name, gen_ai_request_model, costspan_price_status", more=UNPRICED),
                    "Calls",
                    "short",
                ),
            ),
        ),
        Panel(
            "time",
            "Calls without a full price",
            "short",
            "Per hour, by model.",
            (Query(made(MODEL, "1h", UNPRICED), "{{gen_ai_request_model}}"),),
        ),
        Panel(
            "time",
            "Estimated share by service",
            "percentunit",
            "Calls whose tokens were counted locally.",
            (Query(f"{made('service_name', '1h', ESTIMATED)} / {made('service_name', '1h')}", "{{service_name}}"),),
        ),
        Panel(
            "time",
            "costspan's own failures",
            "short",
            "Per hour, by step: kept from the program, so calls may be missing here.",
            (
                Query(
                    f"sum by (costspan_step) (increase(costspan_failures_total{{{SERVICE}}}[1h]))", "{{costspan_step}}"
                ),
            ),
        ),
        Panel(
            "table",
            "Services by age of their newest sample",
            "short",
            "A service that ended or whose telemetry is cut off grows old; after 5 minutes Prometheus shows it no more.",
            (
                Query(f"time() - max by (service_name) (timestamp(costspan_calls_total{{{ALL}}}))", "Age", "s"),
                Query(f"count by (service_name) (costspan_calls_total{{{ALL}}})", "Series", "short"),
            ),
        ),
        Panel(
            "stat",
            "Series",
            "short",
            "Time series of the spend counter: with its limit of 2,000 attribute sets per program the SDK keeps sums right and loses attribution.",
            (Query(f"count (costspan_cost_USD_total{{{ALL}}})", "series"),),
            6,
            8,
        ),
        Panel(
            "stat",
            "Series past a cap",
            "short",
            "Counted as `other`, or as the SDK's overflow.",
            (
                Query(
                    f'count (costspan_cost_USD_total{{{SERVICE},otel_metric_overflow="true"}} or costspan_cost_USD_total{{{ALL},costspan_team="other"}} or costspan_cost_USD_total{{{ALL},costspan_feature="other"}}) or vector(0)',
                    "past the cap",
                ),
            ),
            6,
            8,
            thresholds=((None, "green"), (1, "red")),
        ),
    ),
)
