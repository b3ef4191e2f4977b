"""Every attribute, metric and unit name, in one place.

`gen_ai.*` are OpenTelemetry's GenAI semantic conventions (repository semantic-conventions-genai, read 2026-11-21); the
cost names are those its cost proposal uses. What is ours begins with `costspan.`.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"  # of a stream: seconds from the request on
CONVERSATION = "gen_ai.conversation.id"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
OF_MODALITY = {  # bucket: the conventions' names for it; what the cache served is a part of the input
    bucket: tuple(f"gen_ai.usage.{modality}.{part}_tokens" for part in parts)
    for modality in ("audio", "image", "video")
    for bucket, parts in (
        (f"input_{modality}", ("input",)),
        (f"cache_read_{modality}", ("input", "cache_read.input")),
        (f"output_{modality}", ("output",)),
    )
}
COST = "gen_ai.usage.cost.amount"  # what the call cost; absent if that is not known, 0 only if it was free
CURRENCY = "gen_ai.usage.cost.currency"  # always USD
COST_SOURCE = "gen_ai.usage.cost.source"  # provider (it said so itself) | local (priced here)
TOKEN_TYPE = "gen_ai.token.type"  # input | output  # noqa: S105 a name, not a secret
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"
USER = "user.id"
SESSION = "session.id"

KIND = "costspan.kind"  # repeat, on the span of another tool: the calls that it tells of are counted on other spans
COST_OF = "costspan.cost."  # + bucket (input, cache_read, output, reasoning, web_searches, …): the breakdown, USD
USAGE_OF = "costspan.usage."  # + bucket: counts that the conventions do not name
PRICE_OF = "costspan.price."  # + what: how the price came about
PRICE_STATUS = "costspan.price.status"  # priced | partial (some part has no rate) | free | unpriced
PRICE_REASON = "costspan.price.reason"  # why a call is unpriced or partial, and the way out
PRICE_MISSING = "costspan.price.missing"  # buckets that were used and have no rate
PRICE_MODEL = "costspan.price.model"  # the entry of the catalog: provider/model
PRICE_SOURCE = "costspan.price.source"  # the list that it is from
PRICE_SINCE = "costspan.price.effective_from"  # since when this price holds
PRICE_FINAL = "costspan.price.final"  # true: not to be priced anew by what the span tells (several models, …)
LIST_COST = "costspan.cost.list"  # at list price, where a discount of the user's applies
USAGE_SOURCE = "costspan.usage.source"  # who counted: provider | tokenizer | heuristic
USAGE_CLAMPED = "costspan.usage.clamped"  # the provider's counts contradicted themselves and were cut to what can be
USAGE_PARTIAL = "costspan.usage.partial"  # the program left the stream before its end
PROMPT_OF = "costspan.prompt."  # + system, tools, tool_results, history, newest, hidden: tokens, an estimate
PROMPT_HASH = "costspan.prompt_hash"  # keyed: the same for the same prompt, where the settings ask for it
PROMPT_SOURCE = "costspan.prompt.source"  # always `estimate`
SERVICE_TIER = "costspan.service_tier"  # on which the call was served
TERMS_OF = "costspan.terms."  # + speed, geo, batch, size, …, or biller (whose prices): what else the price depends on
OPENAI_TIER = "openai.response.service_tier"  # the same of an answer of OpenAI, by the conventions' name
CONTEXT_UTILIZATION = "costspan.context.utilization"  # input as a share of what the model takes
TEAM = "costspan.team"  # who pays; also user.id, session.id, gen_ai.conversation.id
FEATURE = "costspan.feature"  # what for
TAG = "costspan.tag."  # + any other key of `attribution`
ROLLUP_COST = "costspan.rollup.cost"  # on spans around calls: USD of all calls below
ROLLUP_TOKENS = "costspan.rollup.tokens"  # tokens of all calls below
ROLLUP_CALLS = "costspan.rollup.calls"  # how many they are
ROLLUP_UNPRICED = "costspan.rollup.unpriced"  # how many of them have no known price, if there are any
SAVED_COST = "costspan.saved.cost"  # of an answer from a cache of the program's own: what it would have cost, USD
SAVED_TOKENS = "costspan.saved.tokens"  # and its tokens
AGENT_NAME = "gen_ai.agent.name"
TOOL_NAME = "gen_ai.tool.name"
WORKFLOW_NAME = "gen_ai.workflow.name"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"

LATE_EVENT = "costspan.rollup.late"  # a call ended after a span above it, whose roll-up therefore lacks it
BUDGET_EVENT = "costspan.budget"  # a threshold or the limit of a budget was reached, or a call was refused
CONTENT_EVENT = "gen_ai.client.inference.operation.details"
BUDGET_NAME = "costspan.budget.name"
BUDGET_PERIOD = "costspan.budget.period"
BUDGET_KEYS = "costspan.budget.keys"  # whom the entry names: team; team,feature …; empty: all calls
BUDGET_UNIT = "costspan.budget.unit"  # USD | tokens
BUDGET_STATE = "costspan.budget.state"  # reached | refused
BUDGET_THRESHOLD = "costspan.budget.threshold"
EVENT_DURATION = "costspan.duration"  # seconds, on the accounting event, which is sent when the call ends
EVENT = "costspan.call"  # the accounting event of a call, an OpenTelemetry log record with the span's attributes

DURATION_METRIC = "gen_ai.client.operation.duration"  # histogram, s
TOKEN_METRIC = "gen_ai.client.token.usage"  # histogram, {token}  # noqa: S105 a name, not a secret
FIRST_CHUNK_METRIC = "gen_ai.client.operation.time_to_first_chunk"  # histogram, s
CHUNK_METRIC = "gen_ai.client.operation.time_per_output_chunk"  # histogram, s, opt-in
COST_METRIC = "gen_ai.client.operation.cost"  # histogram, USD
COST_COUNTER = "costspan.cost"  # observable counter, USD, by bucket
TOKEN_COUNTER = "costspan.tokens"  # observable counter, {token}, by bucket  # noqa: S105 a name, not a secret
CALL_COUNTER = "costspan.calls"  # observable counter, {call}, by price status, usage source and error
FAILURE_COUNTER = "costspan.failures"  # observable counter, {failure}: our own, kept from the host program
BUDGET_LIMIT = "costspan.budget.limit"  # gauges, USD
BUDGET_SPENT = "costspan.budget.spent"
BUDGET_REMAINING = "costspan.budget.remaining"
QUOTA_LIMIT = "costspan.quota.limit.tokens"  # gauges, {token}
QUOTA_SPENT = "costspan.quota.spent.tokens"
QUOTA_REMAINING = "costspan.quota.remaining.tokens"
REFUSAL_COUNTER = "costspan.budget.refusals"  # counter, {call}
SAVED_COUNTER = "costspan.saved"  # observable counter, USD: what answers from the program's own caches saved
MONTH_COST = "costspan.month_to_date.cost"
UNPRICED_MODELS = "costspan.unpriced.models"

BUCKET = "costspan.bucket"  # of the counters: input, cache_read, output, …
PROCESS = "process.pid"  # of all series, where workers may share a resource

DURATION_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
CHUNK_BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
FIRST_CHUNK_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
COST_BUCKETS = (1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 50.0)

# Kinds of other tools' spans that are calls. Every call asks; their other spellings are read where such a span ends.
CALL_KINDS = frozenset({"LLM", "EMBEDDING", "RERANKER", "generation", "embedding"})
