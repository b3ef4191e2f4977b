"""xAI's SDK, which speaks gRPC. Source: xai-sdk 1.21 as installed, read 2026-11-22; billing rule 32."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap
from costspan.adapters._xai_hooks import (
    bill_batch,
    bill_video,
    count_extension,
    open_chat,
    open_image,
    open_spanless,
    read_chat,
    read_ticks,
    read_video,
)

CHAT = Operation(
    "chat",
    usage=UsageMap(
        # of a response, of the first of several or of a stream's pair, and of a pair of several
        roots=("usage", "0.usage", "0.0.usage"),
        total_input="prompt_tokens.?",  # a message that was not sent is there, and all 0
        output="completion_tokens.?",  # reasoning stands beside it
        cache_read="cached_prompt_text_tokens.?",
        input_image="prompt_image_tokens.?",
        reasoning="reasoning_tokens.?",
    ),
    model="_proto.model|0._proto.model|0.0._proto.model",
    id="id|0.id|0.0.id",
    finish="finish_reason|0.finish_reason|0.*.finish_reason",
    text="1.content|1.*.content",
    lazy=True,
    hook=read_chat,
)
IMAGE = Operation(
    "image_generation",
    usage=UsageMap(roots=("_proto", "0._proto"), images="images.#"),  # each of several holds the whole answer
    model="model|0.model",
    id="",
    hook=read_ticks,
    attribution={"user": "user"},
)
VIDEO = Operation(
    "video_generation",
    usage=UsageMap(roots=("_proto.video",), output_video_s="duration"),
    id="",
    asked={"size": "resolution"},
    hook=read_video,
)
EXTENSION = replace(VIDEO, usage=None, hook=count_extension)
POLLED = Operation("video_generation", model="response.model", id="", lookup=True, hook=bill_video)
BATCH = Operation("batch", model="", id="batch_id", lookup=True, hook=bill_batch)
_IMAGES = dict.fromkeys(("sample", "sample_batch"), IMAGE)
_VIDEOS, _VIDEO = {"generate": VIDEO, "extend": EXTENSION}, ("prompt", "model", "video_url")
_METHODS = dict.fromkeys(("sample", "sample_batch", "parse", "defer", "defer_batch"), CHAT)
_STREAMS = dict.fromkeys(("stream", "stream_batch"), CHAT)
_COMPACT = {"compact": CHAT}

ADAPTER = Adapter(
    provider="x_ai",
    package="xai-sdk >= 1.0",
    home="https://api.x.ai",
    seats=(
        *methods("xai_sdk.sync.chat:Chat", _METHODS, opener=open_chat),
        *methods("xai_sdk.sync.chat:Chat", _STREAMS | _COMPACT, opener=open_spanless),
        *methods("xai_sdk.aio.chat:Chat", _METHODS, opener=open_chat, waits=True),
        *methods("xai_sdk.aio.chat:Chat", _STREAMS, opener=open_spanless),
        *methods("xai_sdk.aio.chat:Chat", _COMPACT, opener=open_spanless, waits=True),
        *methods("xai_sdk.sync.video:Client", _VIDEOS, opener=open_image, arguments=_VIDEO),
        *methods("xai_sdk.sync.video:Client", {"get": POLLED}, opener=open_keywords, arguments=("request_id",)),
        *methods("xai_sdk.aio.video:Client", _VIDEOS, opener=open_image, waits=True, arguments=_VIDEO),
        *methods(
            "xai_sdk.aio.video:Client", {"get": POLLED}, opener=open_keywords, waits=True, arguments=("request_id",)
        ),
        *methods("xai_sdk.sync.batch:Client", {"get": BATCH}, opener=open_keywords, arguments=("batch_id",)),
        *methods("xai_sdk.aio.batch:Client", {"get": BATCH}, opener=open_keywords, waits=True, arguments=("batch_id",)),
        *methods("xai_sdk.sync.image:Client", _IMAGES, opener=open_image, arguments=("prompt", "model")),
        *methods("xai_sdk.aio.image:Client", _IMAGES, opener=open_image, waits=True, arguments=("prompt", "model")),
    ),
)
