"""Every recording and alerting rule, once. Prometheus rules and Grafana-managed alerts are both made from this table.

Money in rules is a trend, never a bill: `increase()` extrapolates to the edges of its window. The ledger is the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

# budgets of whole teams, from the programs' own gauges and from the rules that `costspan init` makes of the budgets file
_WHOLE = 'costspan_team!="",gen_ai_request_model="",costspan_budget_keys=~"team|"'
LIMIT = f'max by (costspan_team) (costspan_budget_limit_USD{{{_WHOLE},costspan_budget_period=~"month|"}})'
QUOTA = f'max by (costspan_team) (costspan_quota_limit_tokens{{{_WHOLE},costspan_budget_period=~"day|"}})'
TEAM_COST = "team:costspan_cost_usd"
# the labels that dashboards select and group by
_SHOWN = "service_name, deployment_environment_name, costspan_team, costspan_feature, gen_ai_provider_name, gen_ai_request_model"
_CHOSEN = "service_name, deployment_environment_name, costspan_team, gen_ai_request_model"


@dataclass(frozen=True)
class Recording:
    """A series that rules and dashboards share."""

    record: str
    expr: str


@dataclass(frozen=True)
class Alert:
    """A rule that fires while `expr` has a value for `hold`; `means` and `do` are its runbook.

    Money in a summary is not humanized, which writes 2 cents as `20m`.
    """

    name: str
    severity: str  # page: a person now; ticket: a person today
    expr: str
    hold: str
    summary: str
    means: str
    do: str


def _text(expr: str) -> str:
    return dedent(expr).strip()


RECORDINGS = (
    *(
        Recording(
            f"{TEAM_COST}:increase{window}", f"sum by (costspan_team) (increase(costspan_cost_USD_total[{window}]))"
        )
        for window in ("5m", "1h", "6h", "1d", "3d")
    ),
    Recording("team:costspan_tokens:increase1d", "sum by (costspan_team) (increase(costspan_tokens_total[1d]))"),
    # what ratios over weeks are made of: fewer series than the counters, without workers and buckets
    Recording("costspan:cost_usd:increase1h", f"sum by ({_SHOWN}) (increase(costspan_cost_USD_total[1h]))"),
    Recording("costspan:tokens:increase1h", f"sum by ({_SHOWN}) (increase(costspan_tokens_total[1h]))"),
    Recording(
        "costspan:calls:increase1h", f"sum by ({_SHOWN}, costspan_price_status) (increase(costspan_calls_total[1h]))"
    ),
    Recording("service:costspan_cost_usd:increase1h", "sum by (service_name) (increase(costspan_cost_USD_total[1h]))"),
    # its history tells a service that is always there from a job
    Recording("service:costspan_cost_usd:count", "count by (service_name) (costspan_cost_USD_total)"),
    # the month that the hour ending now lies in; the next rule compares it with the month of each hour gone by
    Recording("costspan:month", "month(vector(time() - 1))"),
    # what a ledger says, where Prometheus scrapes one; else, as PromQL has no calendar, this adds up the hours of the last
    # 31 days that lie in the present month, UTC: it lags by up to an hour, and needs the hours to have been recorded
    Recording(
        f"{TEAM_COST}:month_to_date",
        "max by (costspan_team) (costspan_month_to_date_cost_USD) or "
        f"sum_over_time(({TEAM_COST}:increase1h * on () group_left () "
        "(costspan:month == bool on () (costspan:month @ end())))[31d:1h])",
    ),
    Recording(
        f"{TEAM_COST}:month_end_forecast",
        f"{TEAM_COST}:month_to_date + {TEAM_COST}:increase3d / 3 "
        "* on () group_left () (days_in_month() - day_of_month() + 1 - hour() / 24)",
    ),
)

# what quantiles over weeks are made of: a fifth of the samples that the buckets have, without workers, operations and
# errors. The window is twice the group's interval, so that no call falls between two of them
QUANTILES = tuple(
    Recording(f"costspan:{name}_bucket:rate10m", f"sum by (le, {_CHOSEN}) (rate({histogram}[10m]))")
    for name, histogram in (
        ("duration_seconds", "gen_ai_client_operation_duration_seconds_bucket"),
        ("time_to_first_chunk_seconds", "gen_ai_client_operation_time_to_first_chunk_seconds_bucket"),
        ("input_tokens", 'gen_ai_client_token_usage_bucket{gen_ai_token_type="input"}'),
        ("call_cost_usd", "gen_ai_client_operation_cost_USD_bucket"),
    )
)

ALERTS = (
    Alert(
        "CostspanBudgetBurnFast",
        "page",
        _text(f"""
            {TEAM_COST}:increase1h * 720 > on (costspan_team) 14.4 * {LIMIT}
            and on (costspan_team) {TEAM_COST}:increase5m * 8640 > on (costspan_team) 14.4 * {LIMIT}
        """),
        "0m",
        '{{ $labels.costspan_team }} spends at a rate of {{ $value | printf "%.2f" }} USD per 30 days, over 14 times its budget',
        "2 % of the month's budget went in the last hour, and the last five minutes are as fast. At this rate the month's "
        "money is gone in two days.",
        "Open the dashboard Spend overview, filter by the team, and look at which model and service grew. A loop or a "
        "retry storm shows in Performance as calls without a matching rise of users. Stop or throttle that service, or "
        'set a limit in the program: `costspan.budget(usd=…, on_exceed="raise")`.',
    ),
    Alert(
        "CostspanBudgetBurnSlow",
        "ticket",
        _text(f"""
            {TEAM_COST}:increase3d * 10 > on (costspan_team) {LIMIT}
            and on (costspan_team) {TEAM_COST}:increase6h * 120 > on (costspan_team) {LIMIT}
        """),
        "1h",
        '{{ $labels.costspan_team }} spends at a rate of {{ $value | printf "%.2f" }} USD per 30 days, more than its budget',
        "Over three days, and still over the last six hours, the team spends faster than its budget allows.",
        "Compare models and features with last week's (dashboard Teams, users and features). `costspan advise` lists what "
        "could be saved. Otherwise raise the limit in the budgets file and run `costspan init --force` again.",
    ),
    Alert(
        "CostspanBudgetNearlySpent",
        "ticket",
        f"{TEAM_COST}:month_to_date > on (costspan_team) 0.8 * {LIMIT}",
        "15m",
        '{{ $labels.costspan_team }} has spent {{ $value | printf "%.2f" }} USD this month, over 80 % of its budget',
        "Four fifths of the month's budget are spent. The dashboard Budgets and forecast shows when the rest goes.",
        "Tell the team. If the month is young, treat it as CostspanBudgetBurnSlow.",
    ),
    Alert(
        "CostspanBudgetExceeded",
        "page",
        f"{TEAM_COST}:month_to_date > on (costspan_team) {LIMIT}",
        "15m",
        '{{ $labels.costspan_team }} has spent {{ $value | printf "%.2f" }} USD this month, more than its budget',
        "The calendar month's budget (UTC) is used up.",
        "Check the exact figure in the ledger: `costspan report --by team --since month`. Then raise the limit, or stop "
        "the spending.",
    ),
    Alert(
        "CostspanMonthEndForecast",
        "ticket",
        f"{TEAM_COST}:month_end_forecast > on (costspan_team) {LIMIT}",
        "1h",
        '{{ $labels.costspan_team }} will have spent {{ $value | printf "%.2f" }} USD by the end of the month',
        "Month to date plus the pace of the last three days, carried to the end of the month, is over the budget.",
        "No hurry: there is time to change the course. Dashboard Budgets and forecast; then as CostspanBudgetBurnSlow.",
    ),
    Alert(
        "CostspanSpendAnomaly",
        "ticket",
        _text(f"""
            {TEAM_COST}:increase1h > 5
            and {TEAM_COST}:increase1h > ({TEAM_COST}:increase1h offset 1w
              + {TEAM_COST}:increase1h offset 2w + {TEAM_COST}:increase1h offset 3w)
        """),
        "10m",
        '{{ or $labels.costspan_team `no team` }} spent {{ $value | printf "%.2f" }} USD in an hour, three times what this hour usually costs',
        "Spend of the last hour is over 5 USD and over three times the mean of the same hour one, two and three weeks ago. "
        "Silent until three weeks of history exist.",
        "A launch, a load test or a batch job explains most of these. If nobody knows of one: which model, service and "
        "feature grew (Spend overview), and are there more calls, or dearer calls (Models and providers)?",
    ),
    Alert(
        "CostspanTeamWithoutBudget",
        "ticket",
        f'{TEAM_COST}:increase1d{{costspan_team!=""}} > 0 unless on (costspan_team) {LIMIT}',
        "1h",
        '{{ $labels.costspan_team }} spends, {{ $value | printf "%.2f" }} USD in a day, and has no budget',
        "A team appears in the metrics that no budget names, so none of the budget alerts can fire for it.",
        "Add the team to the budgets file, or correct a misspelt `costspan.team` in the program that reports it.",
    ),
    Alert(
        "CostspanTokenQuota",
        "ticket",
        f"team:costspan_tokens:increase1d > on (costspan_team) {QUOTA}",
        "5m",
        "{{ $labels.costspan_team }} used {{ $value | humanize }} tokens in a day, more than its quota",
        "All tokens of the last 24 hours, cached ones included, are over the team's daily quota.",
        "Dashboard Teams, users and features: which feature. A long context sent again with each call is the usual cause.",
    ),
    Alert(
        "CostspanRunawayCalls",
        "page",
        _text("""
            sum by (service_name) (rate(costspan_calls_total[10m])) > 10 * sum by (service_name) (rate(costspan_calls_total[1d] offset 10m))
            and on (service_name) sum by (service_name) (increase(costspan_cost_USD_total[10m])) > 1
            and on (service_name) count by (service_name) (present_over_time(costspan_calls_total[20h] offset 4h))
        """),
        "5m",
        '{{ $labels.service_name }} makes {{ $value | printf "%.2f" }} LLM calls a second, ten times its usual',
        "A service makes ten times its usual calls, and they cost more than 1 USD in ten minutes: an agent that loops, "
        "or a retry without a limit. Silent in a service's first four hours, which have no usual.",
        "Find the newest traces of the service with the most LLM spans. Stop it, then give its agent a budget: "
        '`with costspan.budget(usd=0.50, on_exceed="raise")`.',
    ),
    Alert(
        "CostspanRunawayTrace",
        "page",
        _text("""
            sum by (service_name) (increase(costspan_expensive_traces_total[15m])) > 0
            or sum by (service_name) (costspan_expensive_traces_total unless costspan_expensive_traces_total offset 15m) > 0
        """),
        "0m",
        "One request or agent run of {{ $labels.service_name }} cost more than the limit for a trace",
        "The root span of a trace carries a `costspan.rollup.cost` over the gateway's limit (COSTSPAN_TRACE_LIMIT_USD, 10 USD).",
        "`costspan calls` or the ClickHouse dashboard names the trace. Give the agent a budget in the program.",
    ),
    Alert(
        "CostspanUnpricedModel",
        "ticket",
        _text("""
            sum by (gen_ai_provider_name, gen_ai_request_model) (increase(costspan_calls_total{costspan_price_status=~"unpriced|partial"}[15m])) > 0
            or sum by (gen_ai_provider_name, gen_ai_request_model) (costspan_calls_total{costspan_price_status=~"unpriced|partial"} unless costspan_calls_total offset 15m) > 0
            or max by (gen_ai_provider_name, gen_ai_request_model) (costspan_unpriced_models) > 0
        """),
        "0m",
        "{{ $labels.gen_ai_request_model }} of {{ $labels.gen_ai_provider_name }} has no full price: its spend is missing in every sum",
        "Calls are made whose model, or one of whose buckets, no price list knows. They count as calls and tokens, not as money. "
        "With a ledger that Prometheus scrapes it fires for all of the month, until the calls are priced.",
        "`costspan price MODEL --provider PROVIDER` says what is missing. Update costspan, or give the price yourself in the file of "
        "COSTSPAN_PRICES; then `costspan ledger reprice --missing` for what was stored.",
    ),
    Alert(
        "CostspanMostlyEstimated",
        "ticket",
        _text("""
            sum by (costspan_team) (increase(costspan_cost_USD_total{costspan_usage_source=~"tokenizer|heuristic"}[1d]))
            / sum by (costspan_team) (increase(costspan_cost_USD_total[1d])) > 0.2
        """),
        "1h",
        "{{ $value | humanizePercentage }} of what {{ or $labels.costspan_team `no team` }} spends is an estimate",
        "The provider did not report usage for these calls, so tokens were counted locally or guessed.",
        "Streams without usage are the usual cause: see COSTSPAN_STREAM_USAGE, and let the gateway in between pass "
        "`stream_options.include_usage`. Dashboard Data quality names model and service.",
    ),
    Alert(
        "CostspanErrors",
        "ticket",
        _text("""
            sum by (service_name, gen_ai_request_model) (increase(costspan_calls_total{error_type!=""}[15m]))
            / sum by (service_name, gen_ai_request_model) (increase(costspan_calls_total[15m])) > 0.2
            and sum by (service_name, gen_ai_request_model) (increase(costspan_calls_total{error_type!=""}[15m])) > 10
        """),
        "5m",
        "{{ $value | humanizePercentage }} of the calls of {{ $labels.service_name }} to {{ $labels.gen_ai_request_model }} fail",
        "More than a fifth of the calls fail. Failed streams and their retries are paid for, and rate limits make queues.",
        "Performance shows the error types. 429: ask for quota or spread the load. Timeouts: raise them before retrying, as every "
        "retry sends (and pays) the whole prompt again.",
    ),
    Alert(
        "CostspanErrorSpend",
        "ticket",
        _text("""
            sum by (service_name) (increase(gen_ai_client_operation_cost_USD_sum{error_type!=""}[1h]))
            / sum by (service_name) (increase(gen_ai_client_operation_cost_USD_sum[1h])) > 0.1
            and sum by (service_name) (increase(gen_ai_client_operation_cost_USD_sum{error_type!=""}[1h])) > 1
        """),
        "5m",
        "{{ $value | humanizePercentage }} of what {{ $labels.service_name }} spends goes into calls that fail",
        "Over a tenth of the spend, and over 1 USD an hour, is for calls that ended in an error after they had used tokens: "
        "broken streams, timeouts, and the retries that follow.",
        "Performance shows error types by model. Raise the timeout of long answers, cut `max_tokens`, or retry only what "
        "the provider did not bill.",
    ),
    Alert(
        "CostspanTelemetryStale",
        "page",
        # a scraped Collector shows a program for a day after its end: there, only what is spent tells that one is gone
        _text("""
            count_over_time(service:costspan_cost_usd:count[3d:30m]) > 130
            unless on (service_name) count by (service_name) (costspan_cost_USD_total)
            or on (service_name)
            count_over_time((service:costspan_cost_usd:increase1h > 0)[1d:30m] offset 4h) > 43
            unless on (service_name) max_over_time(service:costspan_cost_usd:increase1h[3h]) > 0
        """),
        "10m",
        "{{ $labels.service_name }} was always there and sends nothing now",
        "A service that reported for 9 in 10 of the last 72 hours is no longer seen, or one that spent all day, in 9 of 10 half "
        "hours, has spent nothing for four hours: it ended, or its telemetry is cut off. Jobs that come and go page nobody. The "
        "rule forgets after two to seven hours, so its receiver should be one that remembers.",
        "Is the service running? `costspan doctor` on its host says where telemetry goes and whether the endpoint answers.",
    ),
    Alert(
        "CostspanTelemetryAbsent",
        "page",
        "absent(costspan_cost_USD_total)",
        "15m",
        "No spend reaches Prometheus at all",
        "Not one program reports. While this fires, every budget alert is blind, and Alertmanager holds them back.",
        "Look at the Collector (`otelcol_receiver_accepted_metric_points_total`, its log) and at Prometheus' targets page.",
    ),
    Alert(
        "CostspanCardinalityOverflow",
        "ticket",
        _text("""
            count by (service_name) (costspan_cost_USD_total{otel_metric_overflow="true"}
            or costspan_cost_USD_total{costspan_team="other"} or costspan_cost_USD_total{costspan_feature="other"}) > 0
        """),
        "10m",
        "{{ $labels.service_name }} has more attribute values than metrics may carry: sums stay right, attribution is lost",
        "The number of distinct teams, features or attribute sets passed its cap, and the rest is counted as `other`.",
        "An id (user, request, session) is used as team or feature: those belong on spans and in the ledger. A true need: "
        "COSTSPAN_METRIC_CARDINALITY.",
    ),
    Alert(
        "CostspanOwnFailures",
        "ticket",
        "sum by (service_name) (increase(costspan_failures_total[1h])) > 0",
        "0m",
        'costspan failed {{ $value | printf "%.0f" }} times inside {{ $labels.service_name }}',
        "Failures of costspan itself, kept from the program. Calls may be missing in the sums.",
        "The program's log has each kind once, at WARNING, from the logger `costspan`. Please report it.",
    ),
    Alert(
        "CostspanCollectorLoses",
        "page",
        " or ".join(
            f"sum by (job, exporter) (increase(otelcol_exporter_{how}_failed_{what}{end}[10m])) > 0"
            for end in ("", "_total")  # by version and setting of the Collector
            for how in ("send", "enqueue")
            for what in ("spans", "metric_points", "log_records")
        ),
        "5m",
        "The Collector's exporter {{ $labels.exporter }} drops telemetry",
        "The queue is full or the other side refuses: calls are missing in the ledger or in the metrics.",
        "Is the destination up? Then raise `sending_queue.queue_size`, or add a replica.",
    ),
)
