"""Google's google-genai, for the Gemini API and Vertex AI. Source: google-genai 1.10 to 3.4 as installed, 2026-11-22.

Before 1.8 the SDK drops the counts of thoughts and of a tool's prompt from an answer, before 1.10 the tier that served.
The private methods are the level at which one call is one request: automatic function calling makes several.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _google as google
from costspan.adapters import _google_batches as batches
from costspan.adapters import _google_live as live
from costspan.adapters._adapter import Adapter, Operation, Seat, methods
from costspan.adapters._usage import UsageMap

GENERATE = Operation(
    "generate_content",
    usage=google.USAGE,
    model="model_version",
    id="response_id",
    finish="candidates.*.finish_reason",
    text="candidates.*.content.parts.*.text",
    full_text="candidates.*.content.parts.*.text",
    terms={"tier": google.TIER},
    asked={"tier": "config.service_tier"},
    hook=google.read_generated,
    parameters=google.PARAMETERS,
    parameters_in="config",
    output_type="config.response_mime_type",
)
EMBED = Operation(
    "embeddings",
    usage=UsageMap(
        roots=("usage_metadata",),
        total_input="prompt_token_count|total_token_count",
        input_audio="prompt_tokens_details.modality=AUDIO.token_count",
        input_image="prompt_tokens_details.modality=IMAGE.token_count",
        input_video="prompt_tokens_details.modality=VIDEO.token_count",
    ),
    model="",
    id="",
    hook=google.count_embedded,
    parameters=google.PARAMETERS,
    parameters_in="config",
)
IMAGES = Operation(
    "image_generation",
    usage=UsageMap(roots=(".",), images="generated_images.#"),
    model="",
    id="",
    asked={"size": "config.image_size"},
)
VIDEO = Operation("video_generation", model="", id="name", asked={"size": "config.resolution"}, hook=google.count_video)
COUNT = Operation("count_tokens", model="", id="", free=True)
BATCH = Operation("batch", model="", id="", lookup=True, hook=batches.read_batch)
RESULTS = Operation("batch", model="", id="", lookup=True, hook=batches.read_results)
INTERACTION = Operation(
    "chat",
    usage=UsageMap(
        roots=("usage", "interaction.usage"),
        total_input="total_input_tokens",
        extra_input="total_tool_use_tokens",
        cache_read="total_cached_tokens",
        input_audio="input_tokens_by_modality.modality=audio.tokens",
        input_image="input_tokens_by_modality.modality=image.tokens",
        input_video="input_tokens_by_modality.modality=video.tokens",
        cache_read_audio="cached_tokens_by_modality.modality=audio.tokens",
        output="total_output_tokens",
        reasoning="total_thought_tokens",
        output_audio="output_tokens_by_modality.modality=audio.tokens",
        output_image="output_tokens_by_modality.modality=image.tokens",
        total="total_tokens",
        web_searches="grounding_tool_count.type=google_search.count",
        maps_searches="grounding_tool_count.type=google_maps.count",
    ),
    model="model|interaction.model",
    id="interaction.id|id",
    text="delta.text",
    terms={"tier": "service_tier|interaction.service_tier"},
    asked={"tier": "service_tier"},
    error="error.code|status=failed.status|interaction.status=failed.status",
    hook=google.read_interaction,
    parameters=google.PARAMETERS,
    parameters_in="generation_config",
)
RETRIEVED = replace(INTERACTION, lookup=True, hook=google.read_retrieved)
TURN = Operation(
    "generate_content",
    usage=google.USAGE.at("usage_metadata", "server_content.grounding_metadata"),
    model="",
    id="",
    text="server_content.model_turn.parts.*.text|server_content.output_transcription.text",
    terms={"tier": "usage_metadata.service_tier|usage_metadata.traffic_type"},
    lazy=True,
    hook=live.read_turn,
)
SESSION = Operation("generate_content", lookup=True, session=live.turns_of(TURN))
MODELS = {
    "_generate_content": GENERATE,
    "_generate_content_stream": GENERATE,
    "embed_content": EMBED,
    "generate_images": IMAGES,
    "edit_image": IMAGES,
    "upscale_image": IMAGES,
    "recontext_image": IMAGES,
    "generate_videos": VIDEO,
    "count_tokens": COUNT,
}
GAOS, STREAM = "google.genai._gaos.interactions", "google.genai._gaos.utils.eventstreaming"
DECISIONS = "google.genai._gaos.decisions"

ADAPTER = Adapter(
    provider="gcp.gemini",
    package="google-genai >= 1.10",
    iterator="generator",
    seats=(
        *methods("google.genai.models:Models", MODELS, opener=google.open_model_call),
        *methods("google.genai.models:AsyncModels", MODELS, opener=google.open_model_call, waits=True),
        *(
            Seat(f"google.genai.{module}", f"{twin}{name}", opener, operation, waits=bool(twin))
            for module, name, opener, operation in (
                ("batches", "Batches.get", google.open_model_call, BATCH),
                ("files", "Files.download", batches.open_results, RESULTS),
            )
            for twin in ("", "Async")
        ),
        Seat("google.genai.live", "AsyncLive.connect", google.open_model_call, SESSION, streams=True),
        Seat("google.genai.live", "AsyncSession._receive", receives=True, waits=True),
        Seat(GAOS, "Interactions.create", google.open_interaction, INTERACTION),
        Seat(GAOS, "AsyncInteractions.create", google.open_interaction, INTERACTION, waits=True),
        Seat(GAOS, "Interactions.get", google.open_interaction, RETRIEVED),
        Seat(GAOS, "AsyncInteractions.get", google.open_interaction, RETRIEVED, waits=True),
        Seat(DECISIONS, "Decisions.create", google.open_interaction, INTERACTION),
        Seat(DECISIONS, "AsyncDecisions.create", google.open_interaction, INTERACTION, waits=True),
        Seat(STREAM, "Stream.close", closes="response"),
        Seat(STREAM, "AsyncStream.close", closes="response", waits=True),
    ),
)
