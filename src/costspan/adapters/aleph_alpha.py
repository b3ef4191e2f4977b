"""Aleph Alpha's SDK; a plain chat tells no usage. Source: aleph-alpha-client 11.5, read 2026-11-22."""

from __future__ import annotations

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap

COMPLETION = Operation(
    "text_completion",
    usage=UsageMap(roots=("",), total_input="num_tokens_prompt_total", total_output="num_tokens_generated"),
    model="",
    id="",
    finish="completions.*.finish_reason",
    text="completion",
    full_text="completions.*.completion",
    lazy=True,
)
CHAT = Operation(
    "chat",
    usage=UsageMap(roots=("",), total_input="prompt_tokens", total_output="completion_tokens"),
    model="",
    id="",
    finish="finish_reason",
    text="content",
    full_text="message.content",
    lazy=True,
)
EMBED = Operation("embeddings", usage=UsageMap(roots=("",), total_input="num_tokens_prompt_total"), model="", id="")
_CALLS = {"complete": COMPLETION, "chat": CHAT, "embed": EMBED}
_STREAMS = {"complete_with_streaming": COMPLETION, "chat_with_streaming": CHAT}
_MODULE, _ARGUMENTS = "aleph_alpha_client.aleph_alpha_client", ("request", "model")

ADAPTER = Adapter(
    provider="aleph_alpha",
    package="aleph-alpha-client >= 8.0",
    address="host",
    seats=(
        *methods(f"{_MODULE}:Client", _CALLS, opener=open_keywords, arguments=_ARGUMENTS),
        *methods(f"{_MODULE}:AsyncClient", _CALLS, opener=open_keywords, waits=True, arguments=_ARGUMENTS),
        *methods(f"{_MODULE}:AsyncClient", _STREAMS, opener=open_keywords, arguments=_ARGUMENTS),
    ),
)
