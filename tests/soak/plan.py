"""What the programs under test ask for: kinds of calls by weight, what each uses, and what that costs, by hand.

Everything follows from the seed. The provider is told in headers how to answer; the price of what it then reports is
computed here, from the table below, by another arithmetic than the one under test.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import NamedTuple

PRICES = {  # USD per million tokens; the price file that program and ledger are given, so that no list's news matter
    ("openai", "gpt-4o-mini"): {"input": "0.15", "cache_read": "0.075", "output": "0.6", "reasoning": "0.6"},
    ("openai", "gpt-5"): {"input": "1.25", "cache_read": "0.125", "output": "10", "reasoning": "10"},
    ("openai", "text-embedding-3-small"): {"input": "0.02"},
    ("anthropic", "claude-sonnet-4-5"): {
        "input": "3",
        "cache_read": "0.3",
        "cache_write_5m": "3.75",
        "cache_write_1h": "6",
        "output": "15",
        "reasoning": "15",
    },
}
FEMTO_PER_MILLIONTH = 10**9  # femto-dollars per token, of a price in USD per million tokens
KINDS = {  # weight of 1,000
    "chat": 280,
    "chat stream": 200,
    "chat stream asked": 50,  # the program itself asks for the usage chunk
    "responses": 80,
    "responses stream": 60,
    "embeddings": 70,
    "message": 70,
    "message stream": 50,
    "retried": 30,  # refused once with 429, which the SDK itself tries again
    "refused": 20,
    "uncounted": 15,  # the provider reports no usage: it is counted here
    "uncounted stream": 15,
    "cut": 20,  # the provider breaks off in the middle of a stream
    "left": 15,  # the program leaves a stream by `break`
    "cancelled": 15,  # the task is cancelled: waiting for the answer, or in the middle of the stream
    "odd": 5,  # 1 % are payloads that no provider should send, plain
    "odd stream": 5,  # and streamed
}


class Ask(NamedTuple):
    """One call to be made."""

    name: str
    kind: str
    usage: dict[str, int]  # what the provider reports, in buckets
    chance: float  # 0 to 1: whatever else is to be decided


class Plan:
    """The calls of one program, one after the other."""

    def __init__(self, seed: str, odd: list[str], odd_streams: list[str]) -> None:
        self._dice = random.Random(seed)
        self._name = seed.replace(" ", "-")
        self._number = 0
        self._odd = {"odd": odd, "odd stream": odd_streams}

    def next(self, kind: str = "") -> Ask:
        self._number += 1
        dice = self._dice
        kind = kind or dice.choices(list(KINDS), list(KINDS.values()))[0]
        usage = {"input": dice.randint(1, 3000), "output": dice.randint(1, 400)}
        if dice.random() < 0.3:
            usage |= {"cache_read": dice.randint(1, 2000), "reasoning": dice.randint(1, 200)}
        if kind.startswith("message") and dice.random() < 0.3:
            usage |= {"cache_write_5m": dice.randint(1, 500), "cache_write_1h": dice.randint(1, 500)}
        if kind.startswith("odd"):
            kind = f"{kind}: {dice.choice(self._odd[kind])}"
        if kind == "embeddings":
            usage = {"input": usage["input"]}
        return Ask(f"{self._name}-{self._number}", kind, usage, dice.random())


def model_of(kind: str) -> tuple[str, str]:
    """Provider and model of a kind of call."""
    if kind.startswith("message"):
        return "anthropic", "claude-sonnet-4-5"
    if kind.startswith("responses"):
        return "openai", "gpt-5"
    return ("openai", "text-embedding-3-small") if kind == "embeddings" else ("openai", "gpt-4o-mini")


REPORTED = {"chat", "chat stream", "chat stream asked", "responses", "responses stream", "embeddings", "message",
            "message stream", "retried"}  # fmt: skip


def cost_femto(kind: str, usage: dict[str, int]) -> int:
    """Femto-dollars of what a provider reports."""
    rates = PRICES[model_of(kind)]
    return sum(int(Decimal(rates[bucket]) * FEMTO_PER_MILLIONTH) * count for bucket, count in usage.items())


def price_file() -> str:
    """The same prices, as COSTSPAN_PRICES takes them."""
    models = [
        {"provider": provider, "model": model, **{name: float(usd) for name, usd in rates.items()}}
        for (provider, model), rates in PRICES.items()
    ]
    return json.dumps({"models": models})


def chat_usage(usage: dict[str, int]) -> dict:
    """As OpenAI's chat reports it: cached inside the prompt, reasoning inside the completion."""
    asked = usage["input"] + usage.get("cache_read", 0)
    answered = usage.get("output", 0) + usage.get("reasoning", 0)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": usage.get("cache_read", 0)},
        "completion_tokens_details": {"reasoning_tokens": usage.get("reasoning", 0)},
    }


def response_usage(usage: dict[str, int]) -> dict:
    """As OpenAI's responses report it."""
    chat = chat_usage(usage)
    return {
        "input_tokens": chat["prompt_tokens"],
        "input_tokens_details": chat["prompt_tokens_details"],
        "output_tokens": chat["completion_tokens"],
        "output_tokens_details": chat["completion_tokens_details"],
        "total_tokens": chat["total_tokens"],
    }


def message_usage(usage: dict[str, int]) -> dict:
    """As Anthropic reports it: cached input beside the input, thoughts inside the output."""
    written = {f"ephemeral_{life}_input_tokens": usage.get(f"cache_write_{life}", 0) for life in ("5m", "1h")}
    return {
        "input_tokens": usage["input"],
        "cache_read_input_tokens": usage.get("cache_read", 0),
        "cache_creation_input_tokens": sum(written.values()),
        "cache_creation": written,
        "output_tokens": usage["output"] + usage.get("reasoning", 0),
        "output_tokens_details": {"thinking_tokens": usage.get("reasoning", 0)},
    }
