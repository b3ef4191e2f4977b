"""ClickHouse's tables and materialized views, made from the list of attribute names that the ledger reads spans by.

`python -m costspan.ledger.clickhouse_schema` prints them; `collector-config/clickhouse/costspan.sql` is that output,
and a test holds the two together. The Collector's exporter makes `otel_traces` and `otel_logs` itself.
"""

from __future__ import annotations

from costspan.ledger.record import FRESH, LONGEST_MS, PLAIN, VISIBLE, Dims, Measures
from costspan.pricing.providers import FAMILIES, SPELLINGS
from costspan.telemetry import names
from costspan.telemetry.spellings import FIELDS, INTERFACES, KIND_OPERATIONS, OPERATIONS, OTHER_OPERATIONS, SELF_NAMED
from costspan.usage import BUCKETS, CACHE_READS, CACHE_WRITES, MOST, MOST_USD

_DIMS = ",\n    ".join(
    f"{name} {'String' if name in ('user', 'tags') else 'LowCardinality(String)'}" for name in Dims._fields
)
_SUMS = [name for name in Measures._fields if name != "calls"]
_ROLLED = ",\n    ".join(f"{name} SimpleAggregateFunction(sum, Int64)" for name in _SUMS)
_SUMMED = ",\n    ".join(f"sum(c.{name}) AS {name}" for name in _SUMS if name != "cost")

CALLS = f"""CREATE TABLE IF NOT EXISTS costspan_calls
(
    ts Int64 CODEC(Delta, ZSTD(1)), -- microseconds since the epoch
    hour Int32 MATERIALIZED intDiv(ts, 3600000000),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent String CODEC(ZSTD(1)),
    {_DIMS},
    input Int64, -- uncached
    cache_read Int64,
    cache_write Int64,
    output Int64, -- without reasoning
    reasoning Int64,
    cost Nullable(Int64), -- pico-dollars (1e-12 USD), all of them; NULL is not known
    cost_input Int64,
    cost_cache_read Int64,
    cost_cache_write Int64,
    cost_output Int64,
    discount Int64,
    duration_ms Int64,
    extra String CODEC(ZSTD(1)), -- JSON: session, tier, reason, cost_source, prompt, usage, prompt_hash, max_tokens
    INDEX trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(intDiv(ts, 1000000))
ORDER BY (hour, trace_id, span_id)
TTL toDateTime(intDiv(ts, 1000000)) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1"""

HOURS = f"""CREATE TABLE IF NOT EXISTS costspan_hours
(
    hour Int32, -- since the epoch
    {_DIMS},
    calls SimpleAggregateFunction(sum, Int64),
    {_ROLLED},
    max_cost SimpleAggregateFunction(max, Int64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(toDateTime(hour * 3600))
ORDER BY (hour, {", ".join(Dims._fields)})"""

ROLL = f"""CREATE MATERIALIZED VIEW costspan_hours_of_calls TO costspan_hours AS
SELECT
    intDiv(ts, 3600000000) AS hour,
    {", ".join(Dims._fields)},
    toInt64(count()) AS calls,
    {_SUMMED},
    sum(ifNull(c.cost, 0)) AS cost,
    max(ifNull(c.cost, 0)) AS max_cost
FROM costspan_calls AS c
GROUP BY hour, {", ".join(Dims._fields)}"""  # noqa: S608 our names


def text(field: str) -> str:
    """The first of the field's attributes that is there, else empty."""
    found = ", ".join(f"nullIf(a[{quote(name)}], '')" for name in FIELDS[field])
    return f"coalesce({found}, '')"


def quote(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _count(expression: str) -> str:
    number = f"toFloat64OrZero({expression})"
    return f"if({number} >= 0 AND {number} <= {MOST}, toInt64({number}), 0)"  # false for NaN


def _pico(expression: str) -> str:
    """Pico-dollars of a decimal text, half to even; NULL if it is none, or cannot be."""
    usd = f"toDecimal128OrNull({expression}, 18)"
    return f"if({usd} >= 0 AND {usd} <= {MOST_USD}, toInt64(roundBankers({usd}, 12) * toInt64(1000000000000)), NULL)"


def _sum(buckets: tuple[str, ...]) -> str:
    return " + ".join(f"parts[{quote(bucket)}]" for bucket in buckets)


def _parts() -> str:
    """Pico-dollars by bucket, as the span breaks its cost down."""
    own = _below(names.COST_OF, f"ifNull({_pico('v')}, 0)", but=names.LIST_COST)
    halves = ", ".join(f"{quote(part)}, ifNull({_pico(text(f'cost_{part}'))}, 0)" for part in ("input", "output"))
    return f"mapFilter((k, v) -> is_told AND v > 0, if(empty({own}), map({halves}), {own}))"


def _spread() -> str:
    """The same, summing to the cost where they missed it by rounding only; the largest takes the difference."""
    rest = "(ifNull(cost_pico, 0) - arraySum(mapValues(broken_down)))"
    largest = "arrayReduce('argMax', mapKeys(broken_down), mapValues(broken_down))"
    whole = f"mapUpdate(broken_down, map({largest}, broken_down[{largest}] + {rest}))"
    return f"if(notEmpty(broken_down) AND abs({rest}) <= length(broken_down), {whole}, broken_down)"


def _below(prefix: str, value: str, but: str) -> str:
    """A map of the attributes whose names begin so, by the rest of their names; `value` is said of `v`."""
    return (
        f"mapApply((k, v) -> (substring(k, {len(prefix) + 1}), {value}), "
        f"mapFilter((k, v) -> startsWith(k, {quote(prefix)}) AND k != {quote(but)}, a))"
    )


def _any(field: str) -> str:
    return f"{text(field)} != ''"


def _transform(expression: str, table: dict[str, str], otherwise: str = "") -> str:
    keys, values = (", ".join(map(quote, each)) for each in (table.keys(), table.values()))
    return f"transform({expression}, [{keys}], [{values}], {otherwise or expression})"


def _provider_said() -> str:
    """As `reading.provider_name` reads it: the Vercel AI SDK appends an interface, LiteLLM divides families."""
    bare = f"lowerUTF8(replaceRegexpAll({text('provider')}, '^[\\\\s\\\\pZ]+|[\\\\s\\\\pZ]+$', ''))"
    plain = f"replaceRegexpOne({bare}, '\\\\.({'|'.join(INTERFACES)})$', '')"
    return f"replaceRegexpOne({plain}, '^({'|'.join(sorted(FAMILIES))})-.*', '\\\\1')"


def _is_call() -> str:
    kinds, others = (", ".join(map(quote, sorted(each))) for each in (names.CALL_KINDS, OTHER_OPERATIONS))
    plain = (
        f"operation_said NOT IN ({others}) AND kind IN ('', {kinds}) AND model != '' "
        f"AND (kind != '' OR operation_said != '' OR provider_said != '' OR input_said OR output_said OR cost_said)"
    )
    return f"if(startsWith(kind, 'ai.'), position(kind, '.do') > 0, {plain})"


def _named(attributes: str) -> str:
    """What a row of the Collector's says, by the names that the view reads it by; xAI counts thoughts beside output."""
    timed_writes = " + ".join(_count(text(field)) for field in ("cache_write_5m", "cache_write_1h"))
    return f"""{attributes} AS a,
    ResourceAttributes AS r,
    {text("kind")} AS kind,
    {text("operation")} AS operation_said,
    {text("provider")} AS provider_said,
    coalesce(nullIf({text("model")}, ''), {text("request_model")}) AS model_said,
    {_any("input")} AS input_said,
    {_any("output")} AS output_said,
    {_any("cost")} AS cost_said,
    {_count(text("input"))} AS input_total,
    {_count(text("cache_read"))} AS cache_read_total,
    greatest({_count(text("cache_write"))}, {timed_writes}) AS cache_write_total,
    {_count(text("reasoning"))} AS thoughts,
    {_count(text("output"))} AS output_alone,
    output_alone + if({_count(text("total"))} = input_total + output_alone + thoughts, thoughts, 0) AS output_total,
    {_pico(text("cost"))} AS cost_pico,
    upper(coalesce(nullIf({text("currency")}, ''), 'USD')) AS currency,
    {text("status")} AS status_said,
    coalesce(nullIf(status_said, ''), {text("cost_source")}) AS by,
    currency = 'USD' AND ifNull(cost_pico > 0 OR cost_pico = 0 AND by NOT IN ('', 'unpriced'), 0) AS is_told,
    {_parts()} AS broken_down,
    {_spread()} AS parts,
    a[{quote(names.TERMS_OF + "biller")}] AS biller,
    {_transform(_provider_said(), SPELLINGS)} AS named,
    if(named IN ({", ".join(map(quote, SELF_NAMED))}) AND biller != '', biller, named) AS provider_name,
    coalesce(nullIf(operation_said, ''), {_transform("kind", KIND_OPERATIONS, "''")}) AS operation_name,
    {_is_call().replace("model != ''", "model_said != ''")} AS is_call"""


def _tags() -> str:
    tags = f"toJSONString(mapSort({_below(names.TAG, 'v', '')}))"
    return f"if({tags} = '{{}}', '', {tags})"


def _extra() -> str:
    kept = ("session", "tier", "reason", "prompt_hash", "max_tokens")
    extra = ", ".join(f"{quote(each)}, {text(each)}" for each in kept)
    extra += f", 'cost_source', nullIf({text('cost_source')}, 'local')"
    prompt = _below(names.PROMPT_OF, "toInt64OrZero(v)", names.PROMPT_SOURCE)
    for name, counts in (("prompt", prompt), ("usage", _fine())):
        extra += f", '{name}', if(empty({counts}), '', toJSONString({counts}))"
    return f"toJSONString(mapFilter((k, v) -> v != '', map({extra})))"


def _fine() -> str:
    """Counts by bucket, of the buckets that have no column; costspan's own names before those of other tools."""
    fine = sorted(BUCKETS.difference(PLAIN))
    others = ", ".join(f"{quote(bucket)}, {_count(text(bucket))}" for bucket in fine if bucket in FIELDS)
    own = _below(names.USAGE_OF, _count("v"), "")
    return f"mapFilter((k, v) -> v > 0 AND k IN ({', '.join(map(quote, fine))}), mapUpdate(map({others}), {own}))"


def view(name: str, source: str, start_us: str, duration_ms: str, *, event: bool) -> str:
    """The view that makes calls of rows as they arrive in the Collector's table."""
    attributes = "LogAttributes" if event else "SpanAttributes"
    # an event outside of any trace has no ids: its content gives them, so that no two are taken for one
    digest = "lower(hex(sipHash128(Timestamp, ServiceName, toString(LogAttributes))))"
    trace_id = f"if(TraceId = '', {digest}, lower(TraceId))" if event else "lower(TraceId)"
    span_id = f"if(SpanId = '', substring({digest}, 1, 16), lower(SpanId))" if event else "lower(SpanId)"
    event_name = f"(EventName = {quote(names.EVENT)} OR a['event.name'] = {quote(names.EVENT)})"
    where = f"{event_name} AND is_call" if event else "is_call"
    cached = "cache_read_total + cache_write_total"
    total_input = f"if({cached} > input_total, input_total + {cached}, input_total)"
    failed = "''" if event else "if(StatusCode IN ('Error', 'STATUS_CODE_ERROR'), 'error', '')"
    free = "(status_said = 'free' OR (status_said = '' AND error != '' AND NOT input_said AND NOT output_said))"
    known = "multiIf(status_said != '', status_said, cost_pico = 0, 'free', 'priced')"
    return f"""CREATE MATERIALIZED VIEW {name} TO costspan_calls AS
WITH
    {_named(attributes)}
SELECT
    {start_us} AS ts,
    {trace_id} AS trace_id,
    {span_id} AS span_id,
    {"''" if event else "lower(ParentSpanId)"} AS parent,
    ServiceName AS service,
    coalesce(nullIf(r['deployment.environment.name'], ''), r['deployment.environment']) AS environment,
    provider_name AS provider,
    model_said AS model,
    {_transform("operation_name", OPERATIONS)} AS operation,
    {text("team")} AS team,
    {text("feature")} AS feature,
    multiIf(is_told, {known}, {free}, 'free', 'unpriced') AS status,
    coalesce(nullIf({text("source")}, ''), if(input_said OR output_said, 'provider', '')) AS source,
    coalesce(nullIf({text("error")}, ''), {failed}) AS error,
    {text("user")} AS user,
    {_tags()} AS tags,
    greatest(0, {total_input} - cache_read_total - cache_write_total) AS input,
    cache_read_total AS cache_read,
    cache_write_total AS cache_write,
    greatest(0, output_total - thoughts) AS output,
    thoughts AS reasoning,
    multiIf(is_told, cost_pico, {free}, 0, NULL) AS cost,
    {_sum(FRESH)} AS cost_input,
    {_sum(CACHE_READS)} AS cost_cache_read,
    {_sum(CACHE_WRITES)} AS cost_cache_write,
    {_sum((*VISIBLE, "reasoning"))} AS cost_output,
    greatest(0, ifNull({_pico(text("list_cost"))}, ifNull(cost, 0)) - ifNull(cost, 0)) AS discount,
    {duration_ms} AS duration_ms,
    {_extra()} AS extra
FROM {source}
WHERE {where}"""  # noqa: S608 our names


_SECONDS = f"toFloat64OrZero(LogAttributes[{quote(names.EVENT_DURATION)}])"
_EVENT_NS = f"if({_SECONDS} >= 0 AND {_SECONDS} * 1000 <= {LONGEST_MS}, toInt64({_SECONDS} * 1000000000), 0)"


def _rounded_ms(ns: str) -> str:
    """Milliseconds of nanoseconds, which are below 0 where a clock was put back."""
    return f"least(intDiv(greatest(0, {ns}) + 500000, 1000000), {LONGEST_MS})"


SPANS = view(
    "costspan_calls_of_spans",
    "otel_traces",
    "intDiv(toUnixTimestamp64Nano(Timestamp), 1000)",
    _rounded_ms("toInt64(Duration)"),
    event=False,
)
EVENTS = view(
    "costspan_calls_of_events",
    "otel_logs",
    f"intDiv(toUnixTimestamp64Nano(Timestamp) - {_EVENT_NS}, 1000)",
    _rounded_ms(_EVENT_NS),
    event=True,
)
_DROPS = [f"DROP VIEW IF EXISTS {statement.split()[3]}" for statement in (SPANS, EVENTS, ROLL)]  # feeders first
STATEMENTS = (CALLS, HOURS, *_DROPS, ROLL, SPANS, EVENTS)
HEADER = """-- costspan's tables beside the OpenTelemetry Collector's otel_traces and otel_logs; see README.md here.
-- Made by `python -m costspan.ledger.clickhouse_schema`: change that, not this.
"""


def script() -> str:
    """All statements, as a file for clickhouse-client."""
    return HEADER + "".join(f"\n{statement};\n" for statement in STATEMENTS)


if __name__ == "__main__":
    print(script(), end="")  # noqa: T201 this is what it is for
