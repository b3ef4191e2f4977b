"""Ollama's SDK, at the one method below `ollama.chat` and all clients. Source: ollama 0.4 to 0.6, read 2026-11-22.

Thoughts are in `eval_count`; a prompt that the server still holds may not be counted at all.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters._adapter import Adapter, Operation, Route, Seat
from costspan.adapters._http import open_http
from costspan.adapters._usage import UsageMap

USAGE = UsageMap(roots=("",), total_input="prompt_eval_count", total_output="eval_count")
CHAT = Operation(
    "chat",
    usage=USAGE,
    id="",
    finish="done_reason",
    text="message.content",
    full_text="message.content",
    lazy=True,
)
GENERATE = replace(CHAT, name="text_completion", text="response", full_text="response")
EMBED = Operation("embeddings", usage=USAGE, id="")
SYSTEM_ONE = Operation("chat", usage=UsageMap(total_input="input_tokens", total_output="output_tokens"), id="")

_ARGUMENTS = ("cast", "method", "url")

ADAPTER = Adapter(
    provider="ollama",
    package="ollama >= 0.4",
    address="_client.base_url",
    seats=(
        Seat("ollama._client", "Client._request", open=open_http, arguments=_ARGUMENTS),
        Seat("ollama._client", "AsyncClient._request", open=open_http, arguments=_ARGUMENTS, waits=True),
    ),
    routes=(
        Route("POST", "api/chat", CHAT),
        Route("POST", "api/generate", GENERATE),
        Route("POST", "api/embed", EMBED),
        Route("POST", "api/embeddings", EMBED),
        Route("POST", "systemone", SYSTEM_ONE),
    ),
)
