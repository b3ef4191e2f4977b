"""OpenRouter's SDK: every answer says what it costs. Source: openrouter 1.3 as installed, read 2026-11-23; rule 34."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _openai_batches as batches
from costspan.adapters import _openai_hooks as hooks
from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Operation, Seat, methods
from costspan.adapters._openai_fields import CHAT_USAGE
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap

RESPONSE = replace(openai.RESPONSE, hook=None)
IMAGE = replace(openai.IMAGE, usage=CHAT_USAGE)
RERANK = Operation("rerank", usage=UsageMap(total_input="total_tokens", search_units="search_units", cost="cost"))
DECISION = Operation("chat", usage=UsageMap(total_input="input_tokens", total_output="output_tokens", cost="cost"))
TRANSCRIPTION = replace(
    openai.TRANSCRIPTION,
    usage=UsageMap(total_input="input_tokens", total_output="output_tokens", input_audio_s="seconds", cost="cost"),
)
VIDEO = Operation("video_generation", usage=UsageMap(cost="cost"), model="", lookup=True, hook=hooks.bill_once)
BATCH = Operation("batch", usage=CHAT_USAGE, lookup=True, hook=batches.read_batch)

_CLASSES = {
    "chat:Chat": {"send": openai.CHAT},
    "responses:Responses": {"send": RESPONSE},
    "beta_responses:BetaResponses": {"send": RESPONSE},
    "embeddings:Embeddings": {"generate": openai.EMBEDDINGS},
    "images:Images": {"generate": IMAGE},
    "rerank:Rerank": {"rerank": RERANK},
    "decisions:Decisions": {"create": DECISION},
    "systemone:SystemOne": {"create": DECISION},
    "stt:STT": dict.fromkeys(("create_transcription", "create_transcription_multipart"), TRANSCRIPTION),
    "tts:TTS": {"create_speech": openai.SPEECH},
    "video_generation:VideoGeneration": {"get_generation": VIDEO},
    "batch:Batch": {"get_batches": BATCH},
}
_STREAMS = "openrouter.utils.eventstreaming"

ADAPTER = Adapter(
    provider="openrouter",
    package="openrouter >= 1.0",
    iterator="generator",
    address="sdk_configuration.server_url",
    home="https://openrouter.ai/api/v1",
    seats=(
        *(
            seat
            for where, operations in _CLASSES.items()
            for seat in methods(f"openrouter.{where}", operations, opener=open_keywords, later="{}_async")
        ),
        *(Seat(_STREAMS, f"EventStream.{name}", closes="generator") for name in ("close", "__exit__")),
        *(
            Seat(_STREAMS, f"EventStreamAsync.{name}", closes="generator", waits=True)
            for name in ("close", "__aexit__")
        ),
    ),
)
