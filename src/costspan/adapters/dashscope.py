"""Alibaba Cloud's SDK. Source: dashscope 2.0 as installed, read 2026-11-22. A stream's counts are cumulative."""

from __future__ import annotations

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._dashscope_hooks import open_call
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

ADAPTER = Adapter(
    provider="alibaba_cloud",
    package="dashscope >= 1.20",
    seats=tuple(
        seat
        for where, operation, waits in _CLASSES
        for seat in methods(where, {"call": operation}, opener=open_call, waits=waits, arguments=("model",))
    ),
)
