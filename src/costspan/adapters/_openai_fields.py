"""The fields of OpenAI's API: counts, parameters, and who pays; for every SDK and host that speaks it.

Source: openai 1.55 to 3.54 as installed, read 2026-11-21; what other hosts add is named beside it.
"""

from __future__ import annotations

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
    "conversation": "conversation",  # of the Responses API: its id, or an object with it
    "conversation.id": "conversation",
}
ERROR = "error.code|error.type"  # OpenRouter answers 200 and tells of a failure there
# What hosts say they charge: OpenRouter, Perplexity, DeepInfra; xAI, in all its APIs
# (docs.x.ai/developers/cost-tracking, read 2026-11-22)
COST = "cost.total_cost|cost|estimated_cost"
COST_TICKS = "cost_in_usd_ticks"
CHAT_USAGE = UsageMap(
    last=("x_groq.usage", "choices.0.usage"),  # Groq's streams; Moonshot puts a stream's usage into the choice
    total_input="prompt_tokens",
    total_output="completion_tokens",
    total="total_tokens",
    cache_read="prompt_tokens_details.cached_tokens|prompt_cache_hit_tokens|cached_tokens|num_cached_tokens",
    cache_write="prompt_tokens_details.cache_write_tokens|prompt_tokens_details.cache_creation_input_tokens",  # Qwen's
    input_audio="prompt_tokens_details.audio_tokens",
    cache_read_audio="prompt_tokens_details.cached_tokens_details.audio_tokens",
    input_image="prompt_tokens_details.image_tokens",
    input_video="prompt_tokens_details.video_tokens",
    reasoning="completion_tokens_details.reasoning_tokens|reasoning_tokens",
    citation="citation_tokens",
    output_audio="completion_tokens_details.audio_tokens",
    output_image="completion_tokens_details.image_tokens",
    web_searches="num_search_queries|server_tool_use_details.web_search_requests",
    cost=COST,
    cost_ticks=COST_TICKS,
)
RESPONSES_USAGE = UsageMap(
    roots=("usage", "response.usage"),
    total_input="input_tokens",
    total_output="output_tokens",
    total="total_tokens",
    # Perplexity names them as Anthropic does
    cache_read="input_tokens_details.cached_tokens|input_tokens_details.cache_read_input_tokens",
    cache_write_total="input_tokens_details.cache_write_tokens|input_tokens_details.cache_creation_input_tokens",
    cache_write_30m="input_tokens_details.cache_write_tokens_details.ttl_30m_tokens",
    cache_write_12h="input_tokens_details.cache_write_tokens_details.ttl_12h_tokens",
    reasoning="output_tokens_details.reasoning_tokens|reasoning_tokens",
    cost=COST,
    cost_ticks=COST_TICKS,
)
REALTIME_USAGE = UsageMap(
    roots=("response.usage",),
    total_input="input_tokens",
    total_output="output_tokens",
    total="total_tokens",
    cache_read="input_token_details.cached_tokens",
    input_audio="input_token_details.audio_tokens",
    input_image="input_token_details.image_tokens",
    cache_read_audio="input_token_details.cached_tokens_details.audio_tokens",
    cache_read_image="input_token_details.cached_tokens_details.image_tokens",
    output_audio="output_token_details.audio_tokens",
)
TRANSCRIPTION_USAGE = UsageMap(
    # `verbose_json` of translations, and of hosts other than OpenAI, tells how long the sound was, and no usage
    last=(".",),
    total_input="input_tokens",
    total_output="output_tokens",
    input_audio="input_token_details.audio_tokens",
    input_audio_s="seconds|duration",
)
IMAGE_USAGE = UsageMap(
    total_input="input_tokens",
    total_output="output_tokens",
    cache_read="cached_tokens",
    input_image="input_tokens_details.image_tokens",
    cache_read_image="cached_tokens_details.cached_image_tokens",
    output_image="output_tokens_details.image_tokens|output_tokens",
    cost=COST,
    cost_ticks=COST_TICKS,
)
