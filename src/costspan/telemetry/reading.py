"""A call as the attributes of its span tell it, in OpenTelemetry's names or those of any other tool.

The names are data: per field, the attributes that carry it, the best first. Read from the tools' own source
(OpenLLMetry, OpenInference, OpenLIT, Logfire, Langfuse, Vercel AI SDK, LiteLLM) on 2026-11-22.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costspan.telemetry import names
from costspan.telemetry.unfolding import unfold
from costspan.usage import BUCKETS, CACHE_READS, CACHE_WRITES, INPUT_TOKENS, OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = {
    "operation": (names.OPERATION, "llm.request.type"),
    "kind": (
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
        "ai.usage.cachedInputTokens",
    ),
    "cache_write": (
        names.CACHE_WRITE_TOKENS,
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "llm.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "reasoning": (
        names.REASONING_TOKENS,
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
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
    "tier": (names.SERVICE_TIER, "openai.response.service_tier", "gen_ai.openai.response.service_tier"),
    "status": (names.PRICE_STATUS,),
    "source": (names.USAGE_SOURCE,),
    "reason": (names.PRICE_REASON,),
}
PLACES = {name: (field, rank) for field, aliases in FIELDS.items() for rank, name in enumerate(aliases)}

# spans that carry model and usage and are no call: agents, tools, chains, the outer spans of an SDK
CALL_KINDS = frozenset({"LLM", "EMBEDDING", "RERANKER", "generation", "embedding"})
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
PROVIDERS = {
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "aws": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google-genai": "gcp.gemini",
    "google_ai_studio": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
    "together": "together_ai",
    "together_ai": "together_ai",
    "togetherai": "together_ai",
}
_FINE = ("input_audio", "output_audio", "reasoning", "cache_write_5m", "cache_write_1h")
OWN = "costspan."
_MOST_TOKENS = 10**12  # of one call: what is above it is no count
_MOST_USD = 10**5
_CACHE_READS, _CACHE_WRITES = frozenset(CACHE_READS), frozenset(CACHE_WRITES)
_CACHES = _CACHE_READS | _CACHE_WRITES
_INPUTS, _OUTPUTS = frozenset(INPUT_TOKENS), frozenset(OUTPUT_TOKENS)


@dataclass(slots=True)
class Reading:
    """A call as its span's attributes tell it; what they do not tell is empty or None, never 0."""

    operation: str
    provider: str
    model: str  # the one that answered, else the one that was asked
    request_model: str
    counts: dict[str, int]  # disjoint buckets of costspan.usage
    counted: bool  # whether the span says anything about usage
    cost: float | None  # USD, as written
    parts: dict[str, float]  # bucket to USD, as written
    fields: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    bad: tuple[str, ...] = ()  # attributes whose value cannot be: negative, not a number, absurd

    def text(self, name: str) -> str:
        """A field as text, empty if the span does not have it."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


def wanted(name: str) -> bool:
    """Whether `read_call` looks at this attribute; all others need not be decoded."""
    return name in PLACES or name[:9] == OWN


def read_call(attributes: Mapping[str, Any]) -> Reading | None:
    """The LLM call that a span with these attributes is; None for any other span (agents, tools, chains, HTTP)."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    own: dict[str, Any] = {}
    for name, value in attributes.items():
        place = PLACES.get(name)
        if place is None:
            if name[:9] == OWN:
                own[name] = value
        elif place[1] < ranks.get(place[0], 99):
            found[place[0]], ranks[place[0]] = value, place[1]
    return _reading(found, own) if _is_call(found) else None


def _is_call(found: dict[str, Any]) -> bool:
    kind = str(found.get("kind", ""))
    if kind.startswith("ai."):  # Vercel AI SDK: the outer span sums up what the inner ones (ai.x.doX) did
        return ".do" in kind
    if found.get("operation") in OTHER_OPERATIONS or (kind and kind not in CALL_KINDS):
        return False
    if not (found.get("model") or found.get("request_model")):
        return False
    return bool(kind) or any(name in found for name in ("operation", "provider", "input", "output", "cost"))


def _reading(found: dict[str, Any], own: dict[str, Any]) -> Reading:
    bad: list[str] = []
    unfold(found)
    kind = str(found.get("kind", ""))
    operation = str(found.get("operation") or KIND_OPERATIONS.get(kind, ""))
    counts, counted = _counts(found, own, bad)
    request_model = str(found.get("request_model", ""))
    return Reading(
        operation=OPERATIONS.get(operation, operation),
        provider=provider_name(str(found.get("provider", ""))),
        model=str(found.get("model") or request_model),
        request_model=request_model,
        counts=counts,
        counted=counted,
        cost=_cost(found, bad),
        parts=_parts(found, own, bad),
        fields=found,
        tags={name[len(names.TAG) :]: str(value) for name, value in own.items() if name.startswith(names.TAG)},
        bad=tuple(bad),
    )


def provider_name(said: str) -> str:
    """The conventions' name of a provider that a tool calls `said` (`Anthropic`, `openai.chat`, `az.ai.openai`)."""
    name = said.lower()
    if name in PROVIDERS:
        return PROVIDERS[name]
    head, _, last = name.rpartition(".")
    if last in ("chat", "messages", "completion", "responses", "embedding", "embeddings", "image"):  # Vercel AI SDK
        return PROVIDERS.get(head, head)
    return name


def _whole(field_name: str, value: Any, bad: list[str]) -> int | None:
    """A count of 0 or more, also from text or a float that is one; None, and noted, for what cannot be a count."""
    if type(value) is int and 0 <= value <= _MOST_TOKENS:
        return value
    try:
        number = float(value)
        if math.isfinite(number) and 0 <= number <= _MOST_TOKENS:
            return int(number)
    except (TypeError, ValueError):
        pass
    bad.append(field_name)
    return None


def _usd(field_name: str, value: Any, bad: list[str]) -> float | None:
    try:
        number = float(value)
        if math.isfinite(number) and 0 <= number <= _MOST_USD:
            return number
    except (TypeError, ValueError):
        pass
    bad.append(field_name)
    return None


def _cost(found: dict[str, Any], bad: list[str]) -> float | None:
    if "cost" not in found or str(found.get("currency", "USD")).upper() != "USD":
        return None
    return _usd("cost", found["cost"], bad)


def _parts(found: dict[str, Any], own: dict[str, Any], bad: list[str]) -> dict[str, float]:
    """USD by bucket, where the span breaks its cost down."""
    said = {
        name[len(names.COST_OF) :]: value
        for name, value in own.items()
        if name.startswith(names.COST_OF) and name != names.LIST_COST
    }
    if not said:
        said = {part: found[f"cost_{part}"] for part in ("input", "output") if f"cost_{part}" in found}
    parts = {bucket: _usd(f"cost.{bucket}", value, bad) for bucket, value in said.items()}
    return {bucket: usd for bucket, usd in parts.items() if usd}


def _counts(found: dict[str, Any], own: dict[str, Any], bad: list[str]) -> tuple[dict[str, int], bool]:
    """Disjoint buckets out of totals that include their parts, and whether anything was said."""
    fine: dict[str, Any] = {bucket: found[bucket] for bucket in _FINE if bucket in found}
    for name, value in own.items():
        if name.startswith(names.USAGE_OF) and (bucket := name[len(names.USAGE_OF) :]) in BUCKETS:
            fine[bucket] = value
    counts = {bucket: count for bucket, value in fine.items() if (count := _whole(bucket, value, bad)) is not None}
    totals = {
        total: count
        for total in ("input", "output", "cache_read", "cache_write", "total")
        if total in found and (count := _whole(total, found[total], bad)) is not None
    }
    said = bool(counts or totals)
    beside = counts.get("reasoning", 0)
    if beside and totals.get("total") == totals.get("input", 0) + totals.get("output", 0) + beside:
        totals["output"] = totals.get("output", 0) + beside  # xAI counts thoughts beside its output
    _take_rest(counts, "cache_read", _CACHE_READS, totals.get("cache_read"))
    _take_rest(counts, "cache_write", _CACHE_WRITES, totals.get("cache_write"))
    cached = _total(counts, _CACHES)
    if cached > totals.get("input", cached):  # some tools pass Anthropic's input count on, which leaves the cached out
        totals["input"] += cached
    _take_rest(counts, "input", _INPUTS, totals.get("input"))
    _take_rest(counts, "output", _OUTPUTS, totals.get("output"))
    return {bucket: count for bucket, count in counts.items() if count}, said


def _take_rest(counts: dict[str, int], bucket: str, family: frozenset[str], total: int | None) -> None:
    """What of `total` no other bucket of the family has is this bucket's, but never less than 0."""
    if total is not None and bucket not in counts:
        counts[bucket] = max(0, total - _total(counts, family))


def _total(counts: dict[str, int], family: frozenset[str]) -> int:
    total = 0
    for bucket, count in counts.items():
        if bucket in family:
            total += count
    return total
