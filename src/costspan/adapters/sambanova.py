"""SambaNova's SDK. Source: sambanova 1.13 as installed, read 2026-11-22."""

from __future__ import annotations

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Route, some
from costspan.adapters._stainless import stainless
from costspan.adapters.anthropic import MESSAGE

ADAPTER = Adapter(
    provider="sambanova",
    package="sambanova >= 1.0",
    seats=stainless("sambanova"),
    routes=(
        Route("POST", "messages", MESSAGE),
        Route("POST", "messages/count_tokens", openai.TOKEN_COUNT),
        *some(
            openai.ROUTES,
            "chat/completions",
            "completions",
            "responses",
            "embeddings",
            "audio/transcriptions",
            "audio/translations",
        ),
    ),
)
