"""Together's SDK. Source: together 2.0 to 3.1 as installed, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _openai_hooks as hooks
from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Operation, Route, some
from costspan.adapters._openai_fields import CHAT_USAGE
from costspan.adapters._stainless import stainless
from costspan.adapters._usage import UsageMap

CHAT = replace(openai.CHAT, asks_usage=False)  # a stream's last chunk has the usage, unasked
COMPLETION = replace(openai.COMPLETION, asks_usage=False)
RERANK = Operation("rerank", usage=CHAT_USAGE)
VIDEO = Operation(
    "video_generation", usage=UsageMap(roots=("outputs",), cost="cost"), lookup=True, hook=hooks.bill_once
)

ADAPTER = Adapter(
    provider="together_ai",
    package="together >= 2.0",
    seats=stainless("together"),
    routes=(
        Route("POST", "chat/completions", CHAT),
        Route("POST", "completions", COMPLETION),
        Route("POST", "rerank", RERANK),
        Route("GET", "videos/{id}", VIDEO),
        *some(
            openai.ROUTES,
            "embeddings",
            "images/generations",
            "audio/speech",
            "audio/transcriptions",
            "audio/translations",
            "batches/{id}",
            "files/{id}/content",
        ),
    ),
)
