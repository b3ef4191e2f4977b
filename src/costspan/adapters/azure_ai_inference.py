"""Azure's inference SDK. Source: azure-ai-inference 1.0.0b9 as installed, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Seat, methods
from costspan.adapters._request import open_keywords

CHAT = replace(openai.CHAT, asks_usage=False)
_CLIENTS = {
    "ChatCompletionsClient": {"complete": CHAT},
    "EmbeddingsClient": {"embed": openai.EMBEDDINGS},
    "ImageEmbeddingsClient": {"embed": openai.EMBEDDINGS},
}
_STREAMS = "azure.ai.inference.models._patch"

ADAPTER = Adapter(
    provider="azure.ai.inference",
    package="azure-ai-inference >= 1.0.0b4",
    address="_config.endpoint",
    seats=(
        *(
            seat
            for package, waits in (("azure.ai.inference._patch", False), ("azure.ai.inference.aio._patch", True))
            for owner, operations in _CLIENTS.items()
            for seat in methods(f"{package}:{owner}", operations, opener=open_keywords, waits=waits)
        ),
        Seat(_STREAMS, "StreamingChatCompletions.__next__", steps=True),
        Seat(_STREAMS, "StreamingChatCompletions.close"),
        Seat(_STREAMS, "AsyncStreamingChatCompletions.__anext__", steps=True, waits=True),
        Seat(_STREAMS, "AsyncStreamingChatCompletions.aclose", waits=True),
    ),
)
