"""Alibaba Cloud's SDK. Source: dashscope 2.0 as installed, read 2026-11-22. A stream's counts are cumulative."""

from __future__ import annotations

import sys
from typing import Any

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._hosts import find_host
from costspan.adapters._request import open_keywords, place
from costspan.adapters._usage import UsageMap

USAGE = UsageMap(
    total_input="input_tokens|total_tokens",
    total_output="output_tokens",
    cache_read="prompt_tokens_details.cached_tokens",
    reasoning="output_tokens_details.reasoning_tokens",
    input_image="image_tokens",
    input_audio="audio_tokens",
    images="image_count",
)
ERROR = "code"  # the SDK raises nothing: a refusal is an answer, with a code that is empty otherwise
CHAT = Operation(
    "chat",
    usage=USAGE,
    model="",
    id="request_id",
    finish="output.choices.*.finish_reason",
    full_text="output.choices.*.message.content",
    error=ERROR,
    parameters={"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens", "seed": "seed"},
    lazy=True,
)
EMBED = Operation("embeddings", usage=USAGE, model="", id="request_id", error=ERROR)
RERANK = Operation("rerank", usage=USAGE, model="", id="request_id", error=ERROR)

_CLASSES = (
    ("dashscope.aigc.generation:Generation", CHAT, False),
    ("dashscope.aigc.generation:AioGeneration", CHAT, True),
    ("dashscope.aigc.multimodal_conversation:MultiModalConversation", CHAT, False),
    ("dashscope.aigc.multimodal_conversation:AioMultiModalConversation", CHAT, True),
    ("dashscope.embeddings.text_embedding:TextEmbedding", EMBED, False),
    ("dashscope.rerank.text_rerank:TextReRank", RERANK, False),
)


def open_call(adapter: Any, seat: Any, instance: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call at the address that is given, or that the module holds: the host tells whether China's prices apply."""
    opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    request = opened.request
    place(request, str(kwargs.get("base_address") or sys.modules["dashscope"].base_http_api_url))
    if (host := find_host(request.host, request.port, "")) is not None:
        request.biller = host.biller
    return opened


ADAPTER = Adapter(
    provider="alibaba_cloud",
    package="dashscope >= 1.20",
    seats=tuple(
        seat
        for where, operation, waits in _CLASSES
        for seat in methods(where, {"call": operation}, opener=open_call, waits=waits, arguments=("model",))
    ),
)
