"""OpenAI's SDK, and every host that speaks its API. Source: openai 1.55 to 3.54 as installed, read 2026-11-21."""

from __future__ import annotations

from costspan.adapters import _openai_batches as batches
from costspan.adapters import _openai_hooks as hooks
from costspan.adapters._adapter import Adapter, Operation, Route, Seat
from costspan.adapters._openai_connections import CONNECTIONS
from costspan.adapters._openai_fields import (
    CHAT_USAGE,
    COST,
    COST_TICKS,
    ERROR,
    IMAGE_USAGE,
    PARAMETERS,
    PAYERS,
    RESPONSES_USAGE,
    TRANSCRIPTION_USAGE,
)
from costspan.adapters._stainless import stainless
from costspan.adapters._usage import UsageMap

CHAT = Operation(
    "chat",
    usage=CHAT_USAGE,
    finish="choices.*.finish_reason",
    text="choices.*.delta.content.?|choices.*.delta.reasoning_content|choices.*.delta.tool_calls.*.function.arguments",
    full_text="choices.*.message.content.?|choices.*.message.tool_calls.*.function.arguments",
    terms={"tier": "service_tier", "search_context": "usage.search_context_size"},
    error=ERROR,
    asked={"search_context": "web_search_options.search_context_size"},
    asks_usage=True,
    parameters=PARAMETERS,
    output_type="response_format.type",
    attribution=PAYERS,
)
COMPLETION = Operation(
    "text_completion",
    usage=CHAT_USAGE,
    finish="choices.*.finish_reason",
    text="choices.*.text",
    full_text="choices.*.text",
    error=ERROR,
    asks_usage=True,
    parameters=PARAMETERS,
    attribution=PAYERS,
)
RESPONSE = Operation(
    "chat",
    usage=RESPONSES_USAGE,
    model="model|response.model",
    id="response.id|id",
    finish="incomplete_details.reason|response.incomplete_details.reason",
    text="delta",
    full_text="output.*.content.*.text",
    terms={"tier": "service_tier|response.service_tier"},
    error="error.code|response.error.code|type=error.code|type=error.type",  # the last: an event
    hook=hooks.read_response,
    parameters=PARAMETERS,
    output_type="text.format.type",
    attribution=PAYERS,
)
RETRIEVED = Operation(
    "chat",
    usage=RESPONSES_USAGE,
    model="model|response.model",
    id="response.id|id",
    terms={"tier": "service_tier|response.service_tier"},
    lookup=True,
    hook=hooks.read_retrieved,
)
EMBEDDINGS = Operation(
    "embeddings",
    usage=UsageMap(total_input="prompt_tokens", cost=COST, cost_ticks=COST_TICKS),
    error=ERROR,
    parameters=PARAMETERS,
    attribution=PAYERS,
)
IMAGE = Operation(
    "image_generation",
    usage=IMAGE_USAGE,
    terms={"size": "size", "quality": "quality"},
    asked={"size": "size", "quality": "quality"},
    error=ERROR,
    hook=hooks.count_images,
    attribution=PAYERS,
)
SPEECH = Operation("text_to_speech", model="", id="", hook=hooks.count_characters)
TRANSCRIPTION = Operation("speech_to_text", usage=TRANSCRIPTION_USAGE, text="delta", full_text="text")
FREE = Operation("moderation", free=True)
TOKEN_COUNT = Operation("count_tokens", free=True)
BATCH = Operation("batch", usage=RESPONSES_USAGE, lookup=True, hook=batches.read_batch)
RESULTS = Operation(
    "batch",
    model="",
    id="",
    lookup=True,
    known=batches.has_results,
    deliver=batches.hear_results,
    tally=batches.tally_result,
    hook=batches.read_results,
)

ROUTES = (
    Route("POST", "chat/completions", CHAT),
    Route("POST", "completions", COMPLETION),
    Route("POST", "responses", RESPONSE),
    Route("POST", "responses/compact", RESPONSE),
    Route("GET", "responses/{id}", RETRIEVED),
    Route("POST", "responses/input_tokens", TOKEN_COUNT),
    Route("POST", "decisions", RESPONSE),
    Route("POST", "embeddings", EMBEDDINGS),
    Route("POST", "images/generations", IMAGE),
    Route("POST", "images/edits", IMAGE),
    Route("POST", "images/variations", IMAGE),
    Route("POST", "audio/speech", SPEECH),
    Route("POST", "audio/transcriptions", TRANSCRIPTION),
    Route("POST", "audio/translations", TRANSCRIPTION),
    Route("POST", "moderations", FREE),
    Route("GET", "batches/{id}", BATCH),
    Route("GET", "files/{id}/content", RESULTS),
)

CHAT_STREAMS, RESPONSE_STREAMS = "openai.lib.streaming.chat._completions", "openai.lib.streaming.responses._responses"
HELPER_CLOSES = "_raw_stream._iterator"

ADAPTER = Adapter(
    provider="openai",
    package="openai >= 1.26",
    by_host=True,
    clients={"BaseAzureClient": "azure.ai.openai"},
    routes=ROUTES,
    seats=(
        *stainless("openai"),
        Seat(CHAT_STREAMS, "ChatCompletionStream.close", closes=HELPER_CLOSES),
        Seat(CHAT_STREAMS, "AsyncChatCompletionStream.close", closes=HELPER_CLOSES, waits=True),
        Seat(RESPONSE_STREAMS, "ResponseStream.close", closes=HELPER_CLOSES),
        Seat(RESPONSE_STREAMS, "AsyncResponseStream.close", closes=HELPER_CLOSES, waits=True),
        *CONNECTIONS,
    ),
)
