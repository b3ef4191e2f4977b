"""Fireworks' SDK. Source: fireworks-ai 1.2 as installed, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Route
from costspan.adapters._stainless import stainless
from costspan.adapters.anthropic import MESSAGE

CHAT = replace(openai.CHAT, asks_usage=False)  # a stream's last chunk has the usage, unasked
COMPLETION = replace(openai.COMPLETION, asks_usage=False)

ADAPTER = Adapter(
    provider="fireworks_ai",
    package="fireworks-ai >= 1.0",
    seats=stainless("fireworks"),
    routes=(
        Route("POST", "chat/completions", CHAT),
        Route("POST", "completions", COMPLETION),
        Route("POST", "messages", MESSAGE),
    ),
)
