"""Alibaba Cloud's SDK: its older functions, and the clients that it has from 2.0 on, which speak three APIs.

Source: dashscope 1.20 to 2.0 as installed, read 2026-11-23. A stream's counts are cumulative.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _dashscope_jobs as jobs
from costspan.adapters import anthropic, openai
from costspan.adapters._adapter import Adapter, Operation, Route, Seat, methods
from costspan.adapters._dashscope_hooks import LATER, hear, open_call, open_transport
from costspan.adapters._usage import UsageMap

USAGE = UsageMap(
    total_input="input_tokens|prompt_tokens|total_tokens",
    total_output="output_tokens|completion_tokens",
    cache_read="prompt_tokens_details.cached_tokens",
    # its explicit cache: alibabacloud.com/help/en/model-studio/context-cache, looked up 2026-11-24
    cache_write="prompt_tokens_details.cache_creation_input_tokens",
    reasoning="output_tokens_details.reasoning_tokens|completion_tokens_details.reasoning_tokens",
    input_image="image_tokens|prompt_tokens_details.image_tokens",
    input_audio="audio_tokens|prompt_tokens_details.audio_tokens",
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
EMBED_ANY = replace(
    EMBED,
    usage=UsageMap(  # of some models the tokens of pictures are in the sum, and told apart again
        extra_input="input_tokens_details.text_tokens|input_tokens",
        input_image="input_tokens_details.image_tokens|image_tokens",
    ),
)
PICTURES = Operation(
    "image_generation",
    usage=UsageMap(images="image_count"),
    model="",
    id="output.task_id|request_id",
    error=f"{ERROR}.?|output.{ERROR}",
    asked={"size": "size|parameters.size"},
    hook=jobs.bill_made,
)
VIDEO = replace(
    PICTURES,
    name="video_generation",
    usage=UsageMap(output_video_s="duration|video_duration"),
    asked={"size": "resolution|parameters.resolution"},
)
PICTURES_LATER = replace(PICTURES, usage=None, id="output.task_id", lookup=True, hook=jobs.note_job)
VIDEO_LATER = replace(PICTURES_LATER, name=VIDEO.name, asked=VIDEO.asked)
POLLED = replace(
    PICTURES,
    usage=UsageMap(images="image_count", output_video_s="duration|video_duration"),
    asked={},
    lookup=True,
    hook=jobs.bill_job,
)
RERANK = Operation("rerank", usage=USAGE, model="", id="request_id", error=ERROR)

_CLASSES = (
    ("dashscope.aigc.generation:Generation", CHAT, False),
    ("dashscope.aigc.generation:AioGeneration", CHAT, True),
    ("dashscope.aigc.multimodal_conversation:MultiModalConversation", CHAT, False),
    ("dashscope.aigc.multimodal_conversation:AioMultiModalConversation", CHAT, True),
    ("dashscope.embeddings.text_embedding:TextEmbedding", EMBED, False),
    ("dashscope.embeddings.multimodal_embedding:MultiModalEmbedding", EMBED_ANY, False),
    ("dashscope.embeddings.multimodal_embedding:AioMultiModalEmbedding", EMBED_ANY, True),
    ("dashscope.rerank.text_rerank:TextReRank", RERANK, False),
    ("dashscope.rerank.text_rerank:AioTextReRank", RERANK, True),
)
_JOBS = (
    ("dashscope.aigc.image_synthesis:ImageSynthesis", PICTURES, PICTURES_LATER, False),
    ("dashscope.aigc.image_synthesis:AioImageSynthesis", PICTURES, PICTURES_LATER, True),
    ("dashscope.aigc.video_synthesis:VideoSynthesis", VIDEO, VIDEO_LATER, False),
    ("dashscope.aigc.video_synthesis:AioVideoSynthesis", VIDEO, VIDEO_LATER, True),
)
_SENT = {  # by the newer clients
    "aigc/text-generation/generation": replace(CHAT, parameters_in="parameters", lazy=False),
    "aigc/multimodal-generation/generation": replace(CHAT, parameters_in="parameters", lazy=False),
    "embeddings/text-embedding/text-embedding": EMBED,
    "embeddings/multimodal-embedding/multimodal-embedding": EMBED_ANY,
    "rerank/text-rerank/text-rerank": RERANK,
    "chat/completions": replace(openai.CHAT, usage=USAGE, asks_usage=False),  # the SDK asks for it itself
    "v1/messages": anthropic.MESSAGE,
    "systemone": Operation("chat", usage=USAGE, id="request_id", error=ERROR),
}
_LATER = {  # what they only start
    "aigc/video-generation/video-synthesis": VIDEO_LATER,
    "aigc/text2image/image-synthesis": PICTURES_LATER,
    "aigc/image-generation/generation": PICTURES_LATER,
}

ADAPTER = Adapter(
    provider="alibaba_cloud",
    package="dashscope >= 1.20",
    routes=(
        *(Route("POST", path, replace(operation, deliver=hear)) for path, operation in _SENT.items()),
        *(Route(LATER, path, replace(operation, deliver=hear)) for path, operation in _LATER.items()),
        Route("GET", "tasks/{id}", replace(POLLED, deliver=hear)),
    ),
    seats=(
        *(
            seat
            for where, operation, waits in _CLASSES
            for seat in methods(where, {"call": operation}, opener=open_call, waits=waits, arguments=("model",))
        ),
        *(
            seat
            for where, operation, later, waits in _JOBS
            for names, argument, done in (
                (("call", "sync_call") if operation is PICTURES else ("call",), "model", operation),
                (("async_call",), "model", later),
                (("wait", "fetch"), "task", POLLED),
            )
            for seat in methods(where, dict.fromkeys(names, done), opener=open_call, waits=waits, arguments=(argument,))
        ),
        *(
            Seat("dashscope.v2.transport.http", f"{kind}Transport.{name}", open_transport, waits=waits, streams=streams)
            for kind, waits in (("Sync", False), ("Async", True))
            for name, streams in (("request", False), ("open_stream", True))
        ),
    ),
)
