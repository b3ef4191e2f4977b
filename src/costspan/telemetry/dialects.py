"""The same numbers under the names that other tools' backends look for (`COSTSPAN_DIALECTS`).

Names read from the tools' own source on 2026-11-22: openinference-semantic-conventions 0.1.42, openlit 1.45,
logfire 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.pricing.price import FEMTO
from costspan.telemetry.attributes import total_usage
from costspan.usage import INPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.call import Call
    from costspan.pricing.price import Price

_INPUT_COSTS = frozenset(INPUT_TOKENS)
_KINDS = {"embeddings": "EMBEDDING", "rerank": "RERANKER"}


def dialect_attributes(dialects: tuple[str, ...], call: Call, price: Price | None) -> dict[str, Any]:
    """Usage and cost of a finished call under the names of each dialect."""
    attributes: dict[str, Any] = {}
    for each in dialects:
        attributes.update(_WRITERS[each](call, price))
    return attributes


def _openinference(call: Call, price: Price | None) -> dict[str, Any]:
    """Arize Phoenix and what else reads OpenInference."""
    request, reply = call.request, call.reply
    attributes: dict[str, Any] = {
        "openinference.span.kind": _KINDS.get(request.operation, "LLM"),
        "llm.model_name": reply.model or request.model,
        "llm.provider": request.provider,
    }
    if reply.usage is not None:
        usage = total_usage(reply)
        attributes["llm.token_count.prompt"] = usage.total_input
        attributes["llm.token_count.completion"] = usage.total_output
        attributes["llm.token_count.total"] = usage.total_input + usage.total_output
        details = {
            "prompt_details.cache_read": usage.total_cache_read,
            "prompt_details.cache_write": usage.total_cache_write,
            "prompt_details.audio": usage.input_audio,
            "completion_details.reasoning": usage.reasoning,
            "completion_details.audio": usage.output_audio,
        }
        attributes.update({f"llm.token_count.{name}": count for name, count in details.items() if count})
    if price is not None and price.total_femto is not None:
        prompt = sum(femto for bucket, femto in price.breakdown.items() if bucket in _INPUT_COSTS)
        attributes["llm.cost.total"] = price.total_femto / FEMTO
        if not price.stated:  # what a provider states is not broken down
            attributes["llm.cost.prompt"] = prompt / FEMTO
            attributes["llm.cost.completion"] = (price.total_femto - prompt) / FEMTO
    return attributes


def _openlit(call: Call, price: Price | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if price is not None and price.total_femto is not None:
        attributes["gen_ai.usage.cost"] = price.total_femto / FEMTO
    if call.reply.usage is not None:
        usage = total_usage(call.reply)
        attributes["gen_ai.usage.total_tokens"] = usage.total_input + usage.total_output
    return attributes


def _logfire(_call: Call, price: Price | None) -> dict[str, Any]:
    if price is None or price.total_femto is None:
        return {}
    return {"operation.cost": price.total_femto / FEMTO}


_WRITERS: dict[str, Callable[[Call, Price | None], dict[str, Any]]] = {
    "openinference": _openinference,
    "openlit": _openlit,
    "logfire": _logfire,
}
