"""Dashboards about money: overview, models, teams."""

from __future__ import annotations

from panel import (
    ALL,
    CACHED,
    INPUTS,
    NO_TEAM,
    PRICED,
    RECORDED,
    TREND,
    UNPRICED,
    Board,
    Panel,
    Query,
    Row,
    hourly,
    made,
    newest,
    over,
    quantile,
    spent,
    used,
)  # fmt: skip

BOOK = (
    "**The ledger is the book, this is the trend.** Prometheus samples counters, and `increase()` extrapolates: good for "
    "alarms and shapes, not for bills. Exact figures, per user and per call: `costspan report`, or the ClickHouse dashboard."
)
MODEL = "gen_ai_request_model"
PROVIDER = "gen_ai_provider_name"
BOTH = f"{PROVIDER}, {MODEL}"

OVERVIEW = Board(
    "costspan-spend",
    "LLM spend: overview",
    "What LLM calls cost, by model, service, team and feature.",
    "now-7d",
    (
        Panel("stat", "Spend", "currencyUSD", f"In the chosen time. {TREND}", (Query(spent(), "spend"),), 5, 4),
        Panel(
            "stat",
            "Calls",
            "short",
            "LLM calls in the chosen time, failed ones included.",
            (Query(made(), "calls"),),
            5,
            4,
        ),
        Panel(
            "stat",
            "Tokens",
            "short",
            "All tokens in the chosen time, cached ones included.",
            (Query(used(), "tokens"),),
            5,
            4,
        ),
        Panel(
            "stat",
            "Cost per call",
            "currencyUSD",
            "Spend divided by calls that were priced.",
            (Query(f"{over('cost_usd')} / {over('calls', more=PRICED)}", "per call"),),
            5,
            4,
        ),
        Panel(
            "stat",
            "Calls without a full price",
            "percentunit",
            "Calls whose model, or one of whose buckets, no price list knows. They are missing in every sum of money.",
            (Query(f"({made(more=UNPRICED)} or vector(0)) / {made()}", "share"),),
            4,
            4,
            thresholds=((None, "green"), (0.001, "orange"), (0.05, "red")),
        ),
        Panel(
            "time",
            "Spend rate by model",
            "currencyUSD",
            f"USD per hour, at the pace of the moment. {TREND}",
            (
                Query(
                    f"3600 * sum by ({MODEL}) (rate(costspan_cost_USD_total{{{ALL}}}[$__rate_interval]))",
                    "{{gen_ai_request_model}}",
                ),
            ),
            16,
            9,
            stacked=True,
        ),
        Panel(
            "share",
            "Spend by kind of token",
            "currencyUSD",
            "Which bucket the money goes into: fresh input, cache reads and writes, output, reasoning, tool fees.",
            (Query(spent("costspan_bucket"), "{{costspan_bucket}}"),),
            8,
            9,
        ),
        Panel(
            "bars",
            "Spend per day by model",
            "currencyUSD",
            f"One bar per day (UTC). {TREND}",
            (Query(spent(MODEL, "1d"), "{{gen_ai_request_model}}"),),
            12,
            9,
        ),
        Panel(
            "time",
            "This hour against a week ago",
            "currencyUSD",
            "Spend of the hour before each point, and of the same hour one week earlier.",
            (
                Query(hourly("cost_usd"), "now"),
                Query(f"sum (costspan:cost_usd:increase1h{{{ALL}}} offset 1w)", "a week earlier"),
            ),
            12,
            9,
        ),
        Panel(
            "top",
            "Dearest models",
            "currencyUSD",
            TREND,
            (Query(f"topk(10, {spent(MODEL)})", "{{gen_ai_request_model}}"),),
            6,
            9,
        ),
        Panel(
            "top",
            "Dearest services",
            "currencyUSD",
            TREND,
            (Query(f"topk(10, {spent('service_name')})", "{{service_name}}"),),
            6,
            9,
        ),
        Panel(
            "top",
            "Dearest teams",
            "currencyUSD",
            TREND,
            (Query(f"topk(10, {spent('costspan_team')})", "{{costspan_team}}"),),
            6,
            9,
        ),
        Panel(
            "top",
            "Dearest features",
            "currencyUSD",
            TREND,
            (Query(f"topk(10, {spent('costspan_feature')})", "{{costspan_feature}}"),),
            6,
            9,
        ),
        Panel("text", "How exact this is", "", BOOK, width=24, height=3),
    ),
)

MODELS = Board(
    "costspan-models",
    "LLM spend: models and providers",
    "What each model costs per call and per million tokens, and how well its cache is used.",
    "now-7d",
    (
        Panel(
            "table",
            "Models",
            "short",
            f"Every model that was called in the chosen time. {TREND}",
            (
                Query(made(BOTH), "Calls", "short"),
                Query(used(BOTH), "Tokens", "short"),
                Query(spent(BOTH), "Spend", "currencyUSD"),
                Query(f"{over('cost_usd', BOTH)} / {over('calls', BOTH)}", "Per call", "currencyUSD"),
                Query(f"1e6 * {over('cost_usd', BOTH)} / {over('tokens', BOTH)}", "Per million tokens", "currencyUSD"),
                Query(
                    f"{over('cost_usd', BOTH)} / ignoring ({BOTH}) group_left () {over('cost_usd')}",
                    "Share",
                    "percentunit",
                ),
            ),
            24,
            9,
        ),
        Panel(
            "time",
            "Price per million tokens",
            "currencyUSD",
            "Blended over all kinds of tokens: falls as more input comes from the cache, rises with output and reasoning.",
            (Query(f"1e6 * {hourly('cost_usd', MODEL)} / {hourly('tokens', MODEL)}", "{{gen_ai_request_model}}"),),
        ),
        Panel(
            "time",
            "Price of a call",
            "currencyUSD",
            "Median and 95th percentile of what one call costs.",
            (
                Query(quantile(0.5, "call_cost_usd"), "median"),
                Query(quantile(0.95, "call_cost_usd"), "95th percentile"),
                newest(0.95, "gen_ai_client_operation_cost_USD"),
            ),
            interval=RECORDED,
        ),
        Panel(
            "time",
            "Input served from the cache",
            "percentunit",
            "Cache reads over all input tokens, by model.",
            (
                Query(
                    f"{used(MODEL, '1h', CACHED)} / {used(MODEL, '1h', INPUTS)}",
                    "{{gen_ai_request_model}}",
                ),
            ),
        ),
        Panel(
            "bars",
            "Tokens per day by kind",
            "short",
            "One bar per day (UTC), by bucket.",
            (Query(used("costspan_bucket", "1d"), "{{costspan_bucket}}"),),
        ),
        Panel(
            "share", "Spend by provider", "currencyUSD", TREND, (Query(spent(PROVIDER), "{{gen_ai_provider_name}}"),), 8
        ),
        Panel(
            "share",
            "Calls by operation",
            "short",
            "chat, embeddings, …",
            (Query(made("gen_ai_operation_name"), "{{gen_ai_operation_name}}"),),
            8,
        ),
        Panel(
            "share",
            "Tokens by model",
            "short",
            "All tokens, cached ones included.",
            (Query(used(MODEL), "{{gen_ai_request_model}}"),),
            8,
        ),
    ),
)

TEAMS = Board(
    "costspan-teams",
    "LLM spend: teams, users and features",
    "Chargeback: who spends, on what, and how that changes.",
    "now-30d",
    (
        Panel(
            "table",
            "Teams",
            "short",
            f"For chargeback take the exact figures: `costspan report --by team`. An empty team is spend that nobody is named for. {TREND}",
            (
                Query(spent("costspan_team"), "Spend", "currencyUSD"),
                Query(
                    f"{over('cost_usd', 'costspan_team')} / ignoring (costspan_team) group_left () {over('cost_usd')}",
                    "Share",
                    "percentunit",
                ),
                Query(made("costspan_team"), "Calls", "short"),
                Query(used("costspan_team"), "Tokens", "short"),
                Query(
                    f"{over('cost_usd', 'costspan_team')} / {over('calls', 'costspan_team')}", "Per call", "currencyUSD"
                ),
            ),
            24,
            8,
        ),
        Panel(
            "bars",
            "Spend per day by team",
            "currencyUSD",
            f"One bar per day (UTC). {TREND}",
            (Query(spent("costspan_team", "1d"), "{{costspan_team}}"),),
        ),
        Panel(
            "bars",
            "Spend per day by feature",
            "currencyUSD",
            f"One bar per day (UTC). {TREND}",
            (Query(spent("costspan_feature", "1d"), "{{costspan_feature}}"),),
        ),
        Panel(
            "time",
            "Change against a week ago",
            "percentunit",
            "Spend of the day before each point, against the same day a week earlier.",
            (
                Query(
                    f"{over('cost_usd', 'costspan_team', '1d')} / sum by (costspan_team) (sum_over_time(costspan:cost_usd:increase1h{{{ALL}}}[1d] offset 1w)) - 1",
                    "{{costspan_team}}",
                ),
            ),
        ),
        Panel(
            "time",
            "Spend without a team",
            "percentunit",
            "Spend that carries no `costspan.team`, over all spend: what a chargeback cannot place.",
            (
                Query(
                    f"({over('cost_usd', window='1d', more=NO_TEAM)} or vector(0)) / {over('cost_usd', window='1d')}",
                    "no team",
                ),
            ),
        ),
        Panel(
            "table",
            "Features",
            "short",
            TREND,
            (
                Query(spent("costspan_team, costspan_feature"), "Spend", "currencyUSD"),
                Query(made("costspan_team, costspan_feature"), "Calls", "short"),
            ),
        ),
        Panel(
            "table",
            "Services",
            "short",
            TREND,
            (
                Query(spent("service_name"), "Spend", "currencyUSD"),
                Query(made("service_name"), "Calls", "short"),
            ),
        ),
        Row("Users are not on metrics"),
        Panel(
            "text",
            "Per user and per session",
            "",
            (
                "A user id as a metric label would make one time series per user and model, so users, sessions and traces are in the ledger only: "
                "`costspan report --by user`, `costspan calls --where user=…`, or the dashboard *LLM spend: exact figures (ClickHouse)*."
            ),
            width=24,
            height=3,
        ),
    ),
)
