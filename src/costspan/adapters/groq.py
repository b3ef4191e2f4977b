"""Groq's SDK. Source: groq 0.11 to 1.7 as installed, read 2026-11-22; billing rule 36 (compound systems)."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Route, some
from costspan.adapters._groq_hooks import read_breakdown
from costspan.adapters._stainless import stainless

CHAT = replace(  # a stream ends with `x_groq.usage`, unasked
    openai.CHAT, asks_usage=False, error="x_groq.error", hook=read_breakdown
)

ADAPTER = Adapter(
    provider="groq",
    package="groq >= 0.11",
    seats=stainless("groq"),
    routes=(
        Route("POST", "chat/completions", CHAT),
        *some(
            openai.ROUTES,
            "embeddings",
            "audio/speech",
            "audio/transcriptions",
            "audio/translations",
            "batches/{id}",
            "files/{id}/content",
        ),
    ),
)
