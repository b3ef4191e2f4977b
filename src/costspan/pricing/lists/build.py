"""Builds the price snapshot from the two lists, this project's additions, and its reviewed decisions."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from costspan.pricing.lists import genai_prices, litellm
from costspan.pricing.lists.merge import Merged, merge
from costspan.pricing.model import pack
from costspan.pricing.snapshot import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costspan.pricing.model import Model

_SKIPPED = frozenset({"sample_spec", "fallback_generalizations"})


def read_litellm(entries: Mapping[str, Any], source: str) -> Iterator[Model]:
    """Every model of a LiteLLM list that has a rate or a limit."""
    for key, entry in entries.items():
        if key in _SKIPPED or "commitment" in key or litellm.image_terms(key):
            continue
        model = litellm.read_model(key, entry, source)
        if model.periods[0].rates or model.max_input:
            yield model


def pack_snapshot(merged: Merged, sources: list[str], built: str) -> bytes:
    """The snapshot file: the same bytes for the same prices."""
    index = {
        "built": built,
        "sources": sources,
        "providers": {name: len(of) for name, of in sorted(merged.models.items())},
    }
    files = {INDEX: index} | {
        f"{provider}.json": {
            model.id: pack(model) | ({"f": sources.index(model.source)} if model.source != sources[0] else {})
            for model in models.values()
        }
        for provider, models in sorted(merged.models.items())
    }
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), json.dumps(content, separators=(",", ":")), ZIP_DEFLATED, 9)
    return buffer.getvalue()


def build(
    providers: Any, genai_source: str, entries: Mapping[str, Any], litellm_source: str, built: str
) -> tuple[bytes, Merged]:
    """The snapshot, and what the merge found."""
    merged = merge(genai_prices.read_models(providers, genai_source), read_litellm(entries, litellm_source))
    return pack_snapshot(merged, [genai_source, litellm_source], built), merged
