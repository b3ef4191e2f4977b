"""Regolo's SDK, below its methods, static ones and the names that they have on the module.

Source: regolo 1.5 to 1.12 as installed, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Operation, Route, Seat, methods, some
from costspan.adapters._regolo_hooks import open_post, open_stream
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap

# a pair of role and content by default; of a completion the text itself
CHAT = replace(openai.CHAT, text="choices.*.delta.content|1", lazy=True)
COMPLETION = replace(openai.COMPLETION, text="choices.*.text|", lazy=True)
RERANK = Operation(
    "rerank",
    usage=UsageMap(roots=("usage", "meta.billed_units"), total_input="prompt_tokens", search_units="search_units"),
)

_CLIENT = "regolo.client.regolo_client"
_TRANSCRIPTION = {"static_audio_transcription": openai.TRANSCRIPTION}

ADAPTER = Adapter(
    provider="regolo",
    package="regolo >= 1.5",
    seats=(
        Seat(_CLIENT, "safe_post", open=open_post),
        Seat(_CLIENT, "RegoloClient.create_stream_generator", open=open_stream),
        # these alone post by themselves
        *(
            seat
            for where in (f"{_CLIENT}:RegoloClient", "regolo:")
            for seat in methods(where, _TRANSCRIPTION, opener=open_keywords, arguments=("file", "model"))
        ),
    ),
    routes=(
        Route("POST", "chat/completions", CHAT),
        Route("POST", "completions", COMPLETION),
        Route("POST", "rerank", RERANK),
        *some(openai.ROUTES, "embeddings", "images/generations", "audio/transcriptions"),
    ),
)
