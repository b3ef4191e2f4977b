"""Voyage's SDK. Source: voyageai 0.5 as installed, read 2026-11-22. Its answers name no model."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap
from costspan.adapters._voyage_hooks import add_videos

USAGE = UsageMap(roots=("",), total_input="total_tokens")
EMBED = Operation(
    "embeddings", usage=USAGE, model="", id="", parameters={"output_dimension": "embeddings.dimension.count"}
)
EMBED_ANY = replace(
    EMBED,
    usage=UsageMap(roots=("",), total_input="text_tokens|total_tokens", input_pixels="image_pixels"),
    hook=add_videos,
)
RERANK = Operation("rerank", usage=USAGE, model="", id="")

_METHODS = (
    ({"embed": EMBED}, ("texts", "model")),
    ({"contextualized_embed": EMBED, "multimodal_embed": EMBED_ANY}, ("inputs", "model")),
    ({"rerank": RERANK}, ("query", "documents", "model")),
)

ADAPTER = Adapter(
    provider="voyage_ai",
    package="voyageai >= 0.3",
    home="https://api.voyageai.com/v1",
    seats=tuple(
        seat
        for where, waits in (("voyageai.client:Client", False), ("voyageai.client_async:AsyncClient", True))
        for operations, arguments in _METHODS
        for seat in methods(where, operations, opener=open_keywords, waits=waits, arguments=arguments)
    ),
)
