"""Who serves behind Hugging Face's router: the client's provider, or the one that the model's name ends with."""

from __future__ import annotations

from typing import Any

from costspan.adapters._paths import text_of
from costspan.adapters._request import open_keywords, place


def open_inference(adapter: Any, seat: Any, instance: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call of a task; the model may be the client's, and may be a URL: the client's own goes first."""
    opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    request, own = opened.request, text_of(getattr(instance, "model", ""))
    asked = request.model or own
    if url := next((each for each in (own, asked) if "://" in each), ""):
        place(request, url)
    model, _, served = ("" if "://" in asked else asked).partition(":")
    request.model = model
    served = served or text_of(getattr(instance, "provider", ""))
    if served not in ("", "auto"):
        request.biller = f"huggingface_{served}"
    return opened
