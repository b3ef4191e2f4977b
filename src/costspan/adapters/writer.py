"""Writer's SDK. Source: writer-sdk 1.0 to 3.0 as installed, read 2026-11-22.

Only chat reports usage: for the rest, tokens are counted from what was sent and what came back, and marked as such.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Operation, Route
from costspan.adapters._stainless import stainless
from costspan.adapters._usage import UsageMap

CHAT = replace(
    openai.CHAT,
    usage=UsageMap(
        total_input="prompt_tokens",
        total_output="completion_tokens",
        total="total_tokens",
        cache_read="prompt_token_details.cached_tokens",  # singular, unlike OpenAI's
        reasoning="completion_tokens_details.reasoning_tokens",
    ),
)
COMPLETION = replace(openai.COMPLETION, usage=None, text="value", asks_usage=False)
APPLICATION = Operation("generate_content", text="delta.content", full_text="suggestion", request_model="")
QUESTION = Operation("chat", text="data.answer", full_text="answer", request_model="")
TRANSLATION = Operation("chat", full_text="data")
VISION = Operation("chat", full_text="data")

ADAPTER = Adapter(
    provider="writer",
    package="writer-sdk >= 1.0",
    seats=stainless("writerai"),
    routes=(
        Route("POST", "v1/chat", CHAT),
        Route("POST", "v1/completions", COMPLETION),
        Route("POST", "v1/applications/{id}", APPLICATION),
        Route("POST", "v1/graphs/question", QUESTION),
        Route("POST", "v1/translation", TRANSLATION),
        Route("POST", "v1/vision", VISION),
    ),
)
