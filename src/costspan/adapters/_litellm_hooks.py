"""What of LiteLLM needs logic: who answers is in the model's name, and much is told beside the answer.

Source: litellm 1.106 and 1.109 as installed, read 2026-11-24.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from costspan.adapters import _openai_hooks as openai
from costspan.adapters._google import bill_searches
from costspan.adapters._openai_fields import COST, COST_TICKS
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap
from costspan.guard import Guard
from costspan.pricing.providers import conventional_provider
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

USAGE = UsageMap(
    total_input="prompt_tokens.?",  # LiteLLM makes a usage of zeros where the provider told none
    total_output="completion_tokens.?",
    total="total_tokens.?",  # versions differ in whether they add xAI's reasoning to its completion
    cache_read="prompt_tokens_details.cached_tokens|cache_read_input_tokens",
    cache_write_total="prompt_tokens_details.cache_creation_tokens|prompt_tokens_details.cache_write_tokens"
    "|cache_creation_input_tokens",
    cache_write_5m="prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    cache_write_1h="prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    cache_write_30m="prompt_tokens_details.cache_creation_token_details.ephemeral_30m_input_tokens",
    cache_write_12h="prompt_tokens_details.cache_creation_token_details.ephemeral_12h_input_tokens",
    input_audio="prompt_tokens_details.audio_tokens",
    input_image="prompt_tokens_details.image_tokens",
    reasoning="completion_tokens_details.reasoning_tokens",
    output_audio="completion_tokens_details.audio_tokens",
    output_image="completion_tokens_details.image_tokens",
    web_searches="server_tool_use.web_search_requests|prompt_tokens_details.web_search_requests",
    maps_searches="prompt_tokens_details.google_maps_grounding_requests",
    cost=COST,
    cost_ticks=COST_TICKS,
)
_CHARGING = ("openrouter", "perplexity", "x_ai")  # whose responses state a cost; in streams LiteLLM adds its own to all
_DEPTH, _DEEPER = path("search_depth|depth"), ("advanced", "deep")
_NOTE = Guard("note the chat beneath a response")
_CHAT: ContextVar[SimpleNamespace | None] = ContextVar("costspan-litellm-chat", default=None)  # that becomes a response
_TERMS = {"tier": "service_tier", "speed": "speed", "geo": "inference_geo"}  # as usages tell them


def open_litellm(adapter: Any, seat: Any, instance: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call of one of LiteLLM's functions; the provider by the argument, the model's prefix, or LiteLLM's own list."""
    opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    request = opened.request
    known = member(getattr(sys.modules.get("litellm"), "model_cost", None), request.model)
    prefix, slash, _ = request.model.partition("/")
    told = text_of(request.body.get("custom_llm_provider") or request.body.get("search_provider")) or (
        prefix if slash else text_of(member(known, "litellm_provider"))
    )
    name_provider(request, told)
    if seat.operation.hook is read_response:
        request.parsing = None if request.stream else SimpleNamespace(answer=None)  # a stream holds its chat by itself
        _CHAT.set(request.parsing)
    return opened


def note_chat(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Keep the answer of a chat before LiteLLM makes a response of it, which loses much of the usage."""
    with _NOTE:
        if (chat := _CHAT.get()) is not None:
            chat.answer = kwargs["chat_completion_response"]
    return wrapped(*args, **kwargs)


def read_hidden(request: Request, last: Any, reply: Reply) -> None:
    """What LiteLLM keeps beside an answer or a finished stream: who answered, its own price, whether its cache did."""
    chunks = getattr(last, "chunks", None)
    if isinstance(chunks, list):
        told = [each for chunk in chunks if (each := member(chunk, "usage")) is not None]
        if reply.usage is None:
            reply.usage, reply.clamped, reply.stated_cost = USAGE.read(told)
            reply.terms = reply.terms._replace(**_terms([*chunks[:1], *told]))  # type: ignore[arg-type] # text fields only
        if all(member(each, "cost") is None for each in told):  # LiteLLM's own, which the program gets as the usage's
            reply.gateway_cost, reply.stated_cost = reply.stated_cost, None
    hidden = getattr(last, "_hidden_params", None)
    hidden = hidden if isinstance(hidden, dict) else {}
    name_provider(request, text_of(hidden.get("custom_llm_provider")))
    cost = hidden.get("response_cost")
    if isinstance(cost, float) and cost > 0:
        reply.gateway_cost = Decimal(repr(cost))
    mocked = request.body.get("mock_response") is not None
    reply.cached = (
        mocked or bool(hidden.get("cache_hit")) or getattr(last, "custom_llm_provider", "") == "cached_response"
    )
    if request.provider.startswith("gcp."):
        bill_searches(request, last, reply)


def read_response(request: Request, last: Any, reply: Reply) -> None:
    """As OpenAI's own: server tools are billed by the call; a stream keeps the event that completed it."""
    beneath = getattr(last, "litellm_custom_stream_wrapper", None)
    chat = request.parsing
    if chat is not None and chat.answer is not None:
        beneath = SimpleNamespace(chunks=[chat.answer], _hidden_params=getattr(last, "_hidden_params", None))
        chat.answer = None  # not to be held as long as the program's context
    if beneath is not None:  # a provider without responses: the chat that was made of it has all that was told
        reply.usage = reply.stated_cost = None
        read_hidden(request, beneath, reply)
        return
    completed = getattr(last, "completed_response", None)
    openai.read_response(request, completed or last, reply)
    read_hidden(request, last, reply)
    if completed is not None and reply.stated_cost is not None and request.provider not in _CHARGING:
        reply.gateway_cost, reply.stated_cost = reply.stated_cost, None


def read_search(request: Request, last: Any, reply: Reply) -> None:
    """A search is billed by the request, and at some providers by how deep it is; LiteLLM's list calls the two so."""
    depth = text_of(_DEPTH(request.body))
    reply.model = f"search-{depth}" if depth in _DEEPER else "search"
    reply.usage = Usage(requests=1)
    read_hidden(request, last, reply)


def read_video(request: Request, last: Any, reply: Reply) -> None:
    """Of several videos asked for at once, the answer tells how long one is (and, later versions, how many)."""
    count = member(member(last, "usage"), "video_count") or request.body.get("sampleCount")
    if reply.usage is None:
        reply.unpriced = "LiteLLM does not tell how long the video is"
    elif type(count) is int and count > 1:
        reply.usage = Usage(output_video_ms=count * reply.usage.output_video_ms)
    read_hidden(request, last, reply)


def _terms(told: list[Any]) -> dict[str, str]:
    """On which terms a call was served, by a chunk and the usage objects."""
    return {
        term: text.lower() for each in told for term, name in _TERMS.items() if (text := text_of(member(each, name)))
    }


def name_provider(request: Request, name: str) -> None:
    """Who answers, in the conventions' word for what LiteLLM calls it."""
    if name and name != "cached_response":
        request.provider = conventional_provider(name)
