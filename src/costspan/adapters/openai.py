"""OpenAI's SDK, and every host that speaks its API. Source: openai 1.55 to 3.54 as installed, read 2026-11-21."""

from __future__ import annotations

from costspan.adapters import _openai_hooks as hooks
from costspan.adapters._adapter import Adapter, Operation, Route, Seat
from costspan.adapters._stainless import stainless
from costspan.adapters._usage import UsageMap

PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "stop": "stop_sequences",
    "n": "choice.count",
    "dimensions": "embeddings.dimension.count",
    "encoding_format": "encoding_formats",
}
PAYERS = {
    "metadata.user_id": "user",
    "metadata.session_id": "session",
    "safety_identifier": "user",
    "user": "user",
}
CHAT_USAGE = UsageMap(
    last=("x_groq.usage", "choices.0.usage"),  # Groq's streams; Moonshot puts a stream's usage into the choice
    total_input="prompt_tokens",
    total_output="completion_tokens",
    total="total_tokens",
    cache_read="prompt_tokens_details.cached_tokens|prompt_cache_hit_tokens|cached_tokens|num_cached_tokens",
    cache_write="prompt_tokens_details.cache_write_tokens",
    input_audio="prompt_tokens_details.audio_tokens",
    cache_read_audio="prompt_tokens_details.cached_tokens_details.audio_tokens",
    input_image="prompt_tokens_details.image_tokens",
    reasoning="completion_tokens_details.reasoning_tokens|reasoning_tokens",
    citation="citation_tokens",
    output_audio="completion_tokens_details.audio_tokens",
    output_image="completion_tokens_details.image_tokens",
    web_searches="num_search_queries",
)
RESPONSES_USAGE = UsageMap(
    roots=("usage", "response.usage"),
    total_input="input_tokens",
    total_output="output_tokens",
    total="total_tokens",
    cache_read="input_tokens_details.cached_tokens",
    cache_write_total="input_tokens_details.cache_write_tokens",
    cache_write_30m="input_tokens_details.cache_write_tokens_details.ttl_30m_tokens",
    cache_write_12h="input_tokens_details.cache_write_tokens_details.ttl_12h_tokens",
    reasoning="output_tokens_details.reasoning_tokens",
)
# OpenRouter, xAI (1 tick is 1e-10 USD), Perplexity, DeepInfra say what they charge
STATED_COST = "usage.cost.total_cost|usage.cost|usage.estimated_cost"

CHAT = Operation(
    "chat",
    usage=CHAT_USAGE,
    finish="choices.*.finish_reason",
    text="choices.*.delta.content|choices.*.delta.reasoning_content",
    full_text="choices.*.message.content",
    terms={"tier": "service_tier", "search_context": "usage.search_context_size"},
    asked={"search_context": "web_search_options.search_context_size"},
    stated_cost=STATED_COST,
    asks_usage=True,
    hook=hooks.read_chat,
    parameters=PARAMETERS,
    attribution=PAYERS,
)
COMPLETION = Operation(
    "text_completion",
    usage=CHAT_USAGE,
    finish="choices.*.finish_reason",
    text="choices.*.text",
    full_text="choices.*.text",
    stated_cost=STATED_COST,
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
    stated_cost="usage.cost.total_cost|usage.cost|response.usage.cost.total_cost|response.usage.cost",
    error="error.code|response.error.code",
    hook=hooks.read_response,
    parameters=PARAMETERS,
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
    usage=UsageMap(total_input="prompt_tokens"),
    stated_cost=STATED_COST,
    parameters=PARAMETERS,
    attribution=PAYERS,
)
IMAGE = Operation(
    "image_generation",
    usage=UsageMap(
        total_input="input_tokens",
        total_output="output_tokens",
        input_image="input_tokens_details.image_tokens",
        output_image="output_tokens_details.image_tokens|output_tokens",
    ),
    model="model",
    terms={"size": "size", "quality": "quality"},
    asked={"size": "size", "quality": "quality"},
    hook=hooks.count_images,
    attribution=PAYERS,
)
SPEECH = Operation("text_to_speech", model="", id="", hook=hooks.count_characters)
TRANSCRIPTION = Operation(
    "speech_to_text",
    usage=UsageMap(
        total_input="input_tokens",
        total_output="output_tokens",
        input_audio="input_token_details.audio_tokens",
        input_audio_s="seconds",
    ),
    text="delta",
    full_text="text",
)
FREE = Operation("moderation", free=True)
TOKEN_COUNT = Operation("count_tokens", free=True)
BATCH = Operation(
    "batch",
    usage=RESPONSES_USAGE,
    id="id",
    lookup=True,
    hook=hooks.read_batch,
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
)
ADAPTER = Adapter(
    provider="openai",
    package="openai >= 1.26",
    by_host=True,
    routes=ROUTES,
    seats=(
        *stainless("openai"),
        Seat("openai._legacy_response", "LegacyAPIResponse.parse", parses=True),
        Seat("openai.lib.streaming.chat._completions", "ChatCompletionStream.close", closes="_raw_stream._iterator"),
        Seat(
            "openai.lib.streaming.chat._completions",
            "AsyncChatCompletionStream.close",
            closes="_raw_stream._iterator",
            waits=True,
        ),
        Seat("openai.lib.streaming.responses._responses", "ResponseStream.close", closes="_raw_stream._iterator"),
        Seat(
            "openai.lib.streaming.responses._responses",
            "AsyncResponseStream.close",
            closes="_raw_stream._iterator",
            waits=True,
        ),
    ),
)
