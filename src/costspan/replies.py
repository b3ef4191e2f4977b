"""Reads what a finished answer of any supported SDK used: its own object, or the same as a dict."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.adapters import openai
from costspan.adapters._adapter import Operation
from costspan.adapters._paths import path, text_of
from costspan.adapters._usage import UsageMap
from costspan.call import Reply, Request
from costspan.pricing.rates import RateError, dollars
from costspan.usage import STANDARD

if TYPE_CHECKING:
    from collections.abc import Callable


class _Shape(NamedTuple):
    """How answers of one API look: a path that only they have, whose API it is (empty: of many), and how to read it."""

    mark: Callable[[Any], Any]
    provider: str
    operation: Operation


_ANTHROPIC = Operation(
    "chat",
    usage=UsageMap(
        input="input_tokens",
        cache_read="cache_read_input_tokens",
        cache_write_total="cache_creation_input_tokens",
        cache_write_5m="cache_creation.ephemeral_5m_input_tokens",
        cache_write_1h="cache_creation.ephemeral_1h_input_tokens",
        output="output_tokens",
        web_searches="server_tool_use.web_search_requests",
        web_fetches="server_tool_use.web_fetch_requests",
    ),
    terms={"tier": "usage.service_tier", "speed": "usage.speed", "geo": "usage.inference_geo"},
)
_CONVERSE = Operation(
    "chat",
    usage=UsageMap(
        input="inputTokens",
        cache_read="cacheReadInputTokens",
        cache_write="cacheWriteInputTokens",
        output="outputTokens",
    ),
    terms={"tier": "serviceTier.type", "speed": "performanceConfig.latency"},
)
_GEMINI = Operation(
    "generate_content",
    usage=UsageMap(
        roots=("usage_metadata", "usageMetadata"),
        total_input="prompt_token_count|promptTokenCount",
        extra_input="tool_use_prompt_token_count|toolUsePromptTokenCount",
        cache_read="cached_content_token_count|cachedContentTokenCount",
        output="candidates_token_count|candidatesTokenCount",
        reasoning="thoughts_token_count|thoughtsTokenCount",
    ),
    model="model_version|modelVersion",
    terms={"tier": "usage_metadata.traffic_type|usageMetadata.trafficType|usageMetadata.serviceTier"},
)
_COHERE = Operation(
    "chat",
    usage=UsageMap(
        roots=("meta.billed_units", "usage.billed_units"),
        input="input_tokens",
        output="output_tokens",
        search_units="search_units",
        classifications="classifications",
    ),
)
_SHAPES = (
    _Shape(path("usage_metadata|usageMetadata"), "gcp.gemini", _GEMINI),
    _Shape(path("usage.inputTokens"), "aws.bedrock", _CONVERSE),
    _Shape(path("meta.billed_units|usage.billed_units"), "cohere", _COHERE),
    _Shape(path("usage.prompt_tokens"), "", openai.CHAT),
    _Shape(path("usage.input_tokens_details|output"), "", openai.RESPONSE),
    _Shape(path("usage.input_tokens"), "anthropic", _ANTHROPIC),
)
_HOST = path("_hidden_params.custom_llm_provider")


def read_reply(response: Any) -> tuple[str, Reply]:
    """The provider as far as the answer's form tells it (empty: it does not), and what was used.

    The reply's usage is None if the answer tells none, or is of no known form.
    """
    for shape in _SHAPES:
        if shape.mark(response) is not None:
            return text_of(_HOST(response)) or shape.provider, _read(response, shape.operation)
    return "", Reply(model=text_of(path("model")(response)))


def _read(response: Any, operation: Operation) -> Reply:
    assert operation.usage is not None  # noqa: S101 every shape has one
    found = {name: read(response) for name, read in operation.read.items() if read is not None}
    terms = {name: text_of(read(response)).lower() for name, read in operation.read_terms}
    reply = Reply(model=text_of(found["model"]), terms=STANDARD._replace(**terms))  # type: ignore[arg-type] # text fields
    usages = [each for root in operation.usage.roots if (each := root(response)) is not None]
    reply.usage, reply.clamped = operation.usage.read(usages)
    with suppress(RateError):
        reply.stated_cost = dollars(found.get("stated_cost"))
    if operation.hook is not None:
        operation.hook(Request(operation.name, ""), response, reply)
    return reply
