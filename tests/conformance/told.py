"""What providers' answers say was used, in their words and in costspan's: by SDK (or wire format) and by ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from adapters import telling
from fake_providers import anthropic, bedrock, cohere, dashscope, gemini, mistral, openai

from costspan.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping


class Told(NamedTuple):
    payload: Any
    usage: Usage | None  # read by hand from the payload
    answer: Any = None  # what the fake plays; None: as it usually answers
    stream_arguments: Mapping[str, Any] = {}  # without which a stream tells nothing


CACHED = Usage(input=400, cache_read=600, output=150, reasoning=50)
_WRITER = {**openai.CACHED, "prompt_token_details": {"cached_tokens": 600}, "prompt_tokens_details": None}
# as the oldest botocore hands it over, which drops what it does not know
_CONVERSED = {name: count for name, count in bedrock.CACHED.items() if name != "cacheDetails"}
_WRITTEN = Usage(input=400, cache_read=600, cache_write=300, output=200)
_INVOKED = Usage(input=400, cache_read=600, cache_write_5m=100, cache_write_1h=200, output=150, reasoning=50)
_CLAUDE = _INVOKED + Usage(web_searches=2, web_fetches=1)  # Bedrock has no server tools to bill
_GEMINI = Usage(
    input=250, cache_read=500, input_audio=200, cache_read_audio=100, output=100, output_image=50, reasoning=70
)
_OLDER = {**gemini.FULL, "totalTokenCount": 1220}  # the older SDK's protobuf has no place for a tool's prompt
del _OLDER["toolUsePromptTokenCount"]
_GEMINI_OLDER = Usage(
    input=200, cache_read=500, input_audio=200, cache_read_audio=100, output=100, output_image=50, reasoning=70
)
_CHAT = Told(openai.CACHED, CACHED, telling(openai.chat(usage=openai.CACHED, model="m-1")))
TOLD = {
    "anthropic messages": Told(anthropic.CACHED, _CLAUDE, anthropic.message(usage=anthropic.CACHED)),
    "openai chat": _CHAT,
    "litellm chat": _CHAT._replace(stream_arguments={"stream_options": {"include_usage": True}}),
    "openai embed": Told({"prompt_tokens": 8, "total_tokens": 8}, Usage(input=8)),
    "writer chat": Told(_WRITER, CACHED, telling(openai.chat(usage=_WRITER))),
    "cohere chat": Told(cohere.USAGE, Usage(input=3, output=10)),
    "cohere rerank": Told({"billed_units": {"search_units": 2.0}}, Usage(search_units=2)),
    "mistral chat": Told(
        mistral.CACHED, Usage(input=400, cache_read=600, output=200), mistral.chat(usage=mistral.CACHED)
    ),
    "ollama chat": Told({"prompt_eval_count": 26, "eval_count": 10}, Usage(input=26, output=10)),
    "gemini generate": Told(gemini.FULL, _GEMINI, gemini.generated(usageMetadata=gemini.FULL)),
    "vertexai generate": Told(_OLDER, _GEMINI_OLDER, gemini.generated(usageMetadata=_OLDER)),
    "gemini embed": Told("nothing", None),
    "bedrock converse": Told(_CONVERSED, _WRITTEN, bedrock.converse(usage=_CONVERSED)),
    "bedrock converse stream": Told(_CONVERSED, _WRITTEN, bedrock.converse_stream(usage=_CONVERSED)),
    "bedrock invoke": Told(anthropic.CACHED, _INVOKED),
    "bedrock invoke stream": Told(anthropic.CACHED, _INVOKED),
    "bedrock agent": Told(
        bedrock.USAGE,
        Usage(input=19, output=10, requests=1),
        bedrock.completion(*bedrock.model_call("t1", bedrock.USAGE, "m-1")),
    ),
    "bedrock knowledge": Told({}, None),
    "replicate prediction": Told(
        {"predict_time": 1.5, "input_token_count": 9, "output_token_count": 4},
        Usage(input=9, output=4, compute_ms=1500),
    ),
    "dashscope chat": Told(dashscope.USAGE, CACHED),
    "watsonx chat": Told({"prompt_tokens": 19, "completion_tokens": 10}, Usage(input=19, output=10)),
    "watsonx text": Told({"input_token_count": 9, "generated_token_count": 4}, Usage(input=9, output=4)),
}
