"""How other tools spell the names of a call on its span: data, the best source of each field first."""

from __future__ import annotations

from costspan.telemetry import names

FIELDS = {
    "operation": (names.OPERATION, "llm.request.type"),
    "kind": (
        names.KIND,
        "openinference.span.kind",
        "langfuse.observation.type",
        "traceloop.span.kind",
        "ai.operationId",
    ),
    "provider": (
        names.PROVIDER,
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "ai.model.provider",
    ),
    "request_model": (
        names.REQUEST_MODEL,
        "llm.request.model",
        "ai.model.id",
        "embedding.model_name",
        "reranker.model_name",
    ),
    "model": (
        names.RESPONSE_MODEL,
        "llm.response.model",
        "ai.response.model",
        "langfuse.observation.model.name",
        "llm.model_name",
    ),
    "input": (
        names.INPUT_TOKENS,
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output": (
        names.OUTPUT_TOKENS,
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "cache_read": (
        names.CACHE_READ_TOKENS,
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cached_tokens",
        "gen_ai.usage.cached_prompt_text_tokens",
        "llm.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_write": (
        names.CACHE_WRITE_TOKENS,
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "llm.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning": (
        names.REASONING_TOKENS,
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
    "cache_write_5m": ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_1h": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "total": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
    "input_audio": ("llm.token_count.prompt_details.audio", "gen_ai.usage.details.input_audio_tokens"),
    "output_audio": ("llm.token_count.completion_details.audio", "gen_ai.usage.details.output_audio_tokens"),
    "usage_details": ("langfuse.observation.usage_details", "gen_ai.usage.raw"),  # JSON; raw is Logfire's
    "cost": (
        names.COST,
        "gen_ai.usage.cost",
        "operation.cost",
        "gen_ai.cost.total_cost",
        "llm.cost.total",
        "llm.usage.cost",
    ),
    "cost_details": ("langfuse.observation.cost_details",),
    "currency": (names.CURRENCY,),
    "cost_source": (names.COST_SOURCE,),
    "cost_input": ("llm.cost.prompt", "gen_ai.cost.input_cost"),
    "cost_output": ("llm.cost.completion", "gen_ai.cost.output_cost"),
    "list_cost": (names.LIST_COST,),
    "user": (
        names.USER,
        "enduser.id",
        "langfuse.user.id",
        "ai.telemetry.metadata.userId",
        "traceloop.association.properties.user_id",
    ),
    "session": (
        names.CONVERSATION,
        names.SESSION,
        "langfuse.session.id",
        "ai.telemetry.metadata.sessionId",
        "traceloop.association.properties.session_id",
    ),
    "team": (names.TEAM, "traceloop.association.properties.team"),
    "feature": (names.FEATURE, "ai.telemetry.functionId", "traceloop.association.properties.feature"),
    "error": (names.ERROR_TYPE, "exception.type"),
    "host": (names.SERVER_ADDRESS,),
    "port": (names.SERVER_PORT,),
    "tier": (names.SERVICE_TIER, "openai.response.service_tier", "gen_ai.openai.response.service_tier"),
    "prompt_hash": (names.PROMPT_HASH,),
    "max_tokens": ("gen_ai.request.max_tokens", "ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
    "status": (names.PRICE_STATUS,),
    "source": (names.USAGE_SOURCE,),
    "reason": (names.PRICE_REASON,),
    "final": (names.PRICE_FINAL,),
}
# fields that are other from call to call; calls that have all others in common are read faster
VARYING = frozenset(
    {"input", "output", "cache_read", "cache_write", "reasoning", "cache_write_5m", "cache_write_1h", "total"}
    | {"input_audio", "output_audio", "usage_details", "cost", "cost_details", "cost_input", "cost_output", "list_cost"}
    | {"session", "user", "prompt_hash"}
)
PLACES = {name: (field, rank) for field, aliases in FIELDS.items() for rank, name in enumerate(aliases)}

# spans that carry model and usage and are no call: agents, tools, chains, the outer spans of an SDK
OTHER_OPERATIONS = frozenset(
    {
        "invoke_agent",
        "create_agent",
        "execute_tool",
        "invoke_workflow",
        "retrieval",
        "plan",
        "agent",
        "workflow",
        "tool",
    }
)
OPERATIONS = {"completion": "text_completion", "embedding": "embeddings", "": "chat"}
KIND_OPERATIONS = {"EMBEDDING": "embeddings", "embedding": "embeddings", "RERANKER": "rerank"}
# the Vercel AI SDK appends one to the name of a provider
INTERFACES = ("chat", "messages", "completion", "responses", "embedding", "embeddings", "image")
# tools that name themselves for the provider; who it is, the plugin knows (Strands 1.62, read 2026-11-23)
SELF_NAMED = ("strands-agents",)
