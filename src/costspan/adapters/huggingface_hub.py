"""Hugging Face's InferenceClient. Source: huggingface_hub 1.0 to 2.4 as installed, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._huggingface_hooks import open_inference
from costspan.adapters._usage import UsageMap

CHAT = replace(openai.CHAT, asks_usage=False)
GENERATION = Operation(
    "text_completion",
    usage=UsageMap(roots=("details",), input="prefill.#", output="generated_tokens"),
    finish="details.finish_reason",
    text="token.text|",
    full_text="generated_text|",
)
EMBEDDING = Operation("embeddings")

_CLIENTS = (
    ("huggingface_hub.inference._client:InferenceClient", False),
    ("huggingface_hub.inference._generated._async_client:AsyncInferenceClient", True),
)
_METHODS = (
    ({"chat_completion": CHAT}, "messages"),
    ({"text_generation": GENERATION}, "prompt"),
    ({"feature_extraction": EMBEDDING}, "text"),
)

ADAPTER = Adapter(
    provider="hugging_face",
    package="huggingface_hub >= 1.0",
    home="https://router.huggingface.co",
    seats=tuple(
        seat
        for where, waits in _CLIENTS
        for operations, first in _METHODS
        for seat in methods(where, operations, opener=open_inference, waits=waits, arguments=(first,))
    ),
)
