"""LiteLLM: one call, whatever SDK or HTTP client is beneath. Source: litellm 1.83 to 1.109, read and run 2026-11-23.

`litellm.completion` and its kin look their Python function up when they are called, so sitting there sees programs that
imported them before. Before 1.103 they are that function: it is replaced in `litellm` too, and what a program has taken
out of it before stays unseen. Before 1.83 a stream of its own HTTP ends with a local count of its own in place of the
usage that the provider told, so those are not supported. Usage is in OpenAI's shape for every provider.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _litellm_hooks as hooks
from costspan.adapters import _litellm_native as native
from costspan.adapters import anthropic, google_genai, openai
from costspan.adapters._adapter import Adapter, Operation, Seat, methods
from costspan.adapters._usage import UsageMap

CHAT = replace(
    openai.CHAT,
    usage=hooks.USAGE,
    hook=hooks.read_hidden,
    terms={"tier": "service_tier|usage.service_tier", "speed": "usage.speed", "geo": "usage.inference_geo"},
    asked={**openai.CHAT.asked, "speed": "speed", "geo": "inference_geo"},  # as 1.83's streams leave it out
)
COMPLETION = replace(openai.COMPLETION, usage=hooks.USAGE, hook=hooks.read_hidden)
EMBEDDING = replace(openai.EMBEDDINGS, hook=hooks.read_hidden)
RESPONSE = replace(openai.RESPONSE, hook=hooks.read_response)
RERANK = Operation(
    "rerank", usage=UsageMap(roots=("meta.billed_units",), search_units="search_units"), hook=hooks.read_hidden
)
OCR = Operation("ocr", usage=UsageMap(roots=("usage_info",), pages="pages_processed"), id="", hook=hooks.read_hidden)
SEARCH = Operation("search", model="", id="", hook=hooks.read_search)
VIDEO = Operation(
    "video_generation",
    usage=UsageMap(output_video_s="duration_seconds", cost="provider_reported_cost_usd"),
    terms={"size": "usage.video_resolution|size"},
    asked={"size": "resolution|size"},
    hook=hooks.read_video,
)
DECISION = Operation(
    "chat",
    usage=UsageMap(
        total_input="input_tokens",
        total_output="output_tokens",
        cache_read="input_tokens_details.cached_tokens|cached_tokens",
        cache_write="input_tokens_details.cache_write_tokens|cache_write_tokens",
        reasoning="output_tokens_details.reasoning_tokens",
    ),
    hook=hooks.read_hidden,
)
MESSAGE = replace(anthropic.MESSAGE, error="type=error.error.type", deliver=native.hear_message)
GENERATE = replace(google_genai.GENERATE, error="error.status|error.code", deliver=native.hear_generated)
INTERACTION = replace(google_genai.INTERACTION, deliver=native.hear_generated)
RETRIEVED = replace(google_genai.RETRIEVED, deliver=native.hear_generated)

_MODEL = ("model", "messages")
_PAIRS = (  # a function and its async twin; those in capitals are what the public ones look up
    ("litellm.main:", {"completion": CHAT}, _MODEL),
    ("litellm.main:", {"text_completion": COMPLETION}, ("prompt", "model")),
    ("litellm.main:", {"embedding": EMBEDDING}, ("model", "input")),
    ("litellm.main:", {"transcription": openai.TRANSCRIPTION}, ("model", "file")),
    ("litellm.main:", {"speech": openai.SPEECH}, ("model", "input")),
    ("litellm.images.main:", {"image_generation": openai.IMAGE}, ("prompt", "model")),
    ("litellm.rerank_api.main:", {"rerank": RERANK}, _MODEL),
    ("litellm.responses.main:", {"responses": RESPONSE, "compact_responses": RESPONSE}, ("input", "model")),
    ("litellm.ocr.main:", {"ocr": OCR}, ("model", "document")),
    ("litellm.ocr.dispatch:", {"ocr": OCR}, ("model", "document")),  # from 1.103 on
    ("litellm.search.main:", {"search": SEARCH}, ("query", "search_provider")),
    ("litellm.videos.main:", {"video_generation": VIDEO}, ("prompt", "model")),
    (
        "litellm.videos.main:",
        dict.fromkeys(("video_remix", "video_edit", "video_extension"), VIDEO),
        ("video_id", "prompt"),
    ),
    ("litellm.decisions.main:", {"decisions": DECISION}, ("model", "input")),
    ("litellm.systemone.main:", {"systemone": DECISION}, ("model", "state")),
    ("litellm.extraction.main:", {"extraction": DECISION}, ("model", "fields")),  # from 1.109 on
)
_LOOKED_UP = tuple(
    (f"litellm.{where}.dispatch:", {f"_PYTHON_{twin}{name}": operation}, bool(twin), arguments)
    for where, name, operation, arguments in (
        ("chat_completions", "COMPLETION", CHAT, _MODEL),
        ("embeddings", "EMBEDDING", EMBEDDING, ("model", "input")),
        ("responses", "RESPONSES", RESPONSE, ("input", "model")),
    )
    for twin in ("", "A")
)
_EDITS = (
    ({"image_edit": openai.IMAGE}, False, ("image", "prompt", "model")),
    ({"aimage_edit": openai.IMAGE}, True, ("image", "model", "prompt")),
)
_TRANSLATED = "litellm.responses.litellm_completion_transformation"
_STREAMS = (
    ("litellm.litellm_core_utils.streaming_handler", "CustomStreamWrapper"),
    ("litellm.utils", "TextCompletionStreamWrapper"),
    *(
        ("litellm.responses.streaming_iterator", f"{kind}ResponsesAPIStreamingIterator")
        for kind in ("", "Sync", "Mock", "Cached")
    ),
    (f"{_TRANSLATED}.streaming_iterator", "LiteLLMCompletionStreamingIterator"),
)
_HTTP, _OWN = "litellm.llms.custom_httpx.llm_http_handler", "BaseLLMHTTPHandler"

ADAPTER = Adapter(
    provider="litellm",
    package="litellm >= 1.83",
    seats=(
        *(
            replace(seat, also="litellm")
            for where, operations, arguments in _PAIRS
            for seat in methods(where, operations, opener=hooks.open_litellm, later="a{}", arguments=arguments)
        ),
        *(
            replace(seat, also="litellm")
            for operations, waits, arguments in _EDITS
            for seat in methods(
                "litellm.images.main:", operations, opener=hooks.open_litellm, waits=waits, arguments=arguments
            )
        ),
        *(
            seat
            for where, operations, waits, arguments in _LOOKED_UP
            for seat in methods(where, operations, opener=hooks.open_litellm, waits=waits, arguments=arguments)
        ),
        *(
            Seat(module, f"{name}.{method}", steps="next" in method, waits=method in {"__anext__", "aclose"})
            for module, name in _STREAMS
            for method in ("__next__", "__anext__", "close", "aclose")  # the third from 1.109 on
        ),
        Seat(
            f"{_TRANSLATED}.transformation",
            "LiteLLMCompletionResponsesConfig.transform_chat_completion_response_to_responses_api_response",
            notes=hooks.note_chat,
        ),
        Seat(
            _HTTP,
            f"{_OWN}._async_post_anthropic_messages_with_http_error_retry",
            native.open_message,
            MESSAGE,
            waits=True,
        ),
        Seat(_HTTP, f"{_OWN}.generate_content_handler", native.open_generate, GENERATE),
        *(
            Seat("litellm.interactions.http_handler", f"InteractionsHTTPHandler.{name}", native.open_interaction, each)
            for name, each in (("create_interaction", INTERACTION), ("get_interaction", RETRIEVED))
        ),
    ),
)
