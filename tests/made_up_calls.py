"""Realistic made-up calls, the same for the same seed: for the ledger's tests, and for its benchmark."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from costspan.ledger.record import Dims, StoredCall

if TYPE_CHECKING:
    from collections.abc import Iterator

# provider, model, and made-up prices of a million tokens in USD: input, cache read, output
_MODELS = (
    ("openai", "gpt-4o-mini", 0.15, 0.075, 0.6),
    ("openai", "gpt-4o", 2.5, 1.25, 10.0),
    ("anthropic", "claude-sonnet-4-5", 3.0, 0.3, 15.0),
    ("gcp.gemini", "gemini-2.5-flash", 0.3, 0.075, 2.5),
    ("openai", "text-embedding-3-small", 0.02, 0.02, 0.0),
    ("anthropic", "claude-haiku-4-5", 1.0, 0.1, 5.0),
    ("mistral_ai", "mistral-large-latest", 2.0, 2.0, 6.0),
    ("gcp.gemini", "gemini-2.5-pro", 1.25, 0.31, 10.0),
)
_TEAMS = ("search", "support", "ads", "research", "billing", "mobile")
_MILLION = 10**6
PICO = 10**12  # pico-dollars in a dollar
# of 1: how many calls fail, have no price, are part of a trace, read a cache, reason
_FAIL, _UNPRICED, _TRACED, _CACHED, _REASONING = 0.01, 0.005, 0.7, 0.4, 0.2


def realistic_calls(count: int, *, days: float, seed: int = 1, until: float | None = None) -> Iterator[StoredCall]:
    """`count` calls over the `days` before `until` (seconds since the epoch; None: now), oldest first.

    Six teams with a feature or two each, 400 users of whom few make most calls, eight models; 4 in 10 read a cache,
    2 in 10 reason, 1 in 100 fails, 1 in 200 has no price; 7 in 10 are part of a trace.
    """
    chance = random.Random(seed)  # noqa: S311 nothing is secret here
    end = int((until or time.time()) * _MILLION)
    step = days * 86400 * _MILLION / count
    for number in range(count):
        start = end - int((count - number) * step) + chance.randrange(1000)
        yield _call(chance, start)


def _call(chance: random.Random, start_us: int) -> StoredCall:
    provider, model, *prices = _MODELS[min(len(_MODELS) - 1, int(chance.expovariate(0.6)))]
    user = min(399, int(chance.expovariate(1 / 40)))
    failed, priced = chance.random() < _FAIL, chance.random() > _UNPRICED
    counts = {} if failed else _counts(chance)
    rates = [int(usd * PICO / _MILLION) for usd in prices]
    parts = {
        "input": counts.get("input", 0) * rates[0],
        "cache_read": counts.get("cache_read", 0) * rates[1],
        "output": (counts.get("output", 0) + counts.get("reasoning", 0)) * rates[2],
    }
    dims = Dims(
        service=f"service-{user % 4}",
        environment="prod",
        provider=provider,
        model=model,
        operation="embeddings" if "embedding" in model else "chat",
        team=_TEAMS[user % len(_TEAMS)],
        feature=f"feature-{user % 8}",
        status="free" if failed else "priced" if priced else "unpriced",
        source="" if failed else "provider",
        error="RateLimitError" if failed else "",
        user=f"user-{user}",
    )
    cost = sum(parts.values()) if priced else None
    return StoredCall(
        chance.randbytes(16),
        chance.randbytes(8),
        start_us,
        int(chance.lognormvariate(7.5, 0.8)),
        dims,
        counts,
        cost,
        parts={bucket: pico for bucket, pico in parts.items() if pico and priced},
        parent_id=chance.randbytes(8) if chance.random() < _TRACED else b"",
    )


def _counts(chance: random.Random) -> dict[str, int]:
    total = int(chance.lognormvariate(7, 1)) + 20
    cached = total // 2 if chance.random() < _CACHED else 0
    counts = {"input": total - cached, "cache_read": cached, "output": int(chance.lognormvariate(5, 1)) + 1}
    if chance.random() < _REASONING:
        counts["reasoning"] = chance.randrange(50, 2000)
    return {bucket: count for bucket, count in counts.items() if count}


def span_of(call: StoredCall) -> dict[str, Any]:
    """The call as the OTLP span that costspan would have sent."""
    dims, counts = call.dims, call.counts
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": dims.operation,
        "gen_ai.provider.name": dims.provider,
        "gen_ai.request.model": dims.model,
        "gen_ai.response.model": dims.model,
        "gen_ai.response.id": f"chatcmpl-{call.span_id.hex()}",
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "api.example.com",
        "server.port": 443,
        "gen_ai.usage.input_tokens": counts.get("input", 0) + counts.get("cache_read", 0),
        "gen_ai.usage.output_tokens": counts.get("output", 0) + counts.get("reasoning", 0),
        "gen_ai.usage.cache_read.input_tokens": counts.get("cache_read", 0),
        "gen_ai.usage.reasoning.output_tokens": counts.get("reasoning", 0),
        "costspan.usage.source": dims.source,
        "costspan.price.status": dims.status,
        "costspan.team": dims.team,
        "costspan.feature": dims.feature,
        "user.id": dims.user,
        "error.type": dims.error,
    }
    if call.cost is not None:
        attributes["gen_ai.usage.cost.amount"] = call.cost / PICO
        attributes["gen_ai.usage.cost.currency"] = "USD"
        attributes |= {f"costspan.cost.{bucket}": pico / PICO for bucket, pico in call.parts.items()}
    kinds = {int: "int_value", float: "double_value", str: "string_value"}
    pairs = [
        {"key": name, "value": {kinds[type(value)]: value}}
        for name, value in attributes.items()
        if type(value) in kinds and value != ""
    ]
    return {
        "trace_id": call.trace_id,
        "span_id": call.span_id,
        "parent_span_id": call.parent_id,
        "name": f"{dims.operation} {dims.model}",
        "start_time_unix_nano": call.start_us * 1000,
        "end_time_unix_nano": call.start_us * 1000 + call.duration_ms * _MILLION,
        "attributes": pairs,
    }
