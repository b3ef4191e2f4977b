"""Usage and cost that a tool writes into one attribute, as JSON text: Langfuse's details, Logfire's raw usage."""

from __future__ import annotations

import json
from typing import Any

_DETAILS = {
    "input": ("input", "prompt_tokens", "input_tokens"),
    "output": ("output", "completion_tokens", "output_tokens"),
    "cache_read": (
        "input_cached_tokens",
        "cache_read_input_tokens",
        "input_cache_read",
        "cached_tokens",
        "input_tokens_details.cached_tokens",
        "prompt_tokens_details.cached_tokens",
    ),
    "cache_write": (
        "cache_creation_input_tokens",
        "input_cache_creation",
        "input_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_write_tokens",
    ),
    "reasoning": (
        "output_reasoning_tokens",
        "output_reasoning",
        "output_tokens_details.reasoning_tokens",
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.thinking_tokens",
    ),
    "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
    "web_searches": ("server_tool_use.web_search_requests",),
    "input_audio": ("prompt_tokens_details.audio_tokens",),
    "output_audio": ("completion_tokens_details.audio_tokens",),
}


# Langfuse's own `input` and `output` leave out what has a name of its own: `input_cache_read`, `output_reasoning` …
# Source: `_parse_usage_model` of langfuse 5.0.4, read on 2026-11-22.
_BESIDE = {"input": ("cache_read_input_tokens", "cache_creation_input_tokens"), "output": ()}


def unfold(found: dict[str, Any]) -> None:
    """Put what the JSON attributes say ({"input": 10, "output": 5}, or the provider's own) beside the other fields."""
    usage = _flat(_json_object(found.pop("usage_details", None)))
    for total, others in _BESIDE.items():
        if total in usage:
            usage[total] = _sum(usage, total, others)
    for name, aliases in _DETAILS.items():
        value = next((usage[alias] for alias in aliases if alias in usage), None)
        if value is not None:
            found.setdefault(name, value)
    cost = _json_object(found.pop("cost_details", None))
    if "total" in cost:
        found.setdefault("cost", cost["total"])
    for part in ("input", "output"):
        if part in cost:
            found.setdefault(f"cost_{part}", cost[part])


def _sum(usage: dict[str, Any], total: str, others: tuple[str, ...]) -> Any:
    """All counts of one direction; what is said of a service tier is no part, but another view of the same."""
    said = {name for name in usage if name.startswith(total + "_") and not name.startswith(total + "_priority")}
    counts = [usage[name] for name in (total, *said, *others) if name in usage]
    return sum(counts) if all(type(count) is int for count in counts) else usage[total]


def _flat(usage: dict[str, Any]) -> dict[str, Any]:
    """Counts within an object get its name before theirs: `input_tokens_details.cached_tokens`."""
    inner = {name: value for name, value in usage.items() if isinstance(value, dict)}
    return usage | {f"{name}.{each}": count for name, counts in inner.items() for each, count in counts.items()}


def _json_object(text: Any) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # the latter: nested without end
        return {}
    return value if isinstance(value, dict) else {}
