"""AI21's SDK. Source: ai21 4.3 as installed, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Seat, methods
from costspan.adapters._request import open_keywords

CHAT = replace(openai.CHAT, asks_usage=False)  # a stream's last chunk has the usage

_CLASSES = (
    ("ai21.clients.studio.resources.chat.chat_completions:ChatCompletions", False),
    ("ai21.clients.studio.resources.chat.async_chat_completions:AsyncChatCompletions", True),
)
_ARGUMENTS = ("model", "messages")

ADAPTER = Adapter(
    provider="ai21",
    package="ai21 >= 3.0",
    address="_client._base_url",
    home="https://api.ai21.com/studio/v1",
    seats=(
        *(
            seat
            for where, waits in _CLASSES
            for seat in methods(where, {"create": CHAT}, opener=open_keywords, waits=waits, arguments=_ARGUMENTS)
        ),
        Seat("ai21.stream.stream", "Stream.close", closes="_iterator"),
        Seat("ai21.stream.async_stream", "AsyncStream.close", closes="_iterator", waits=True),
    ),
)
