"""Who serves: the client's provider, the one that the model's name ends with, or whose address it is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from costspan.adapters._hosts import find_host
from costspan.adapters._paths import text_of
from costspan.adapters._request import open_keywords, place


def open_inference(adapter: Any, seat: Any, instance: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call of a task; the model may be the client's, and may be a URL: the client's own goes first."""
    opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    request, own = opened.request, text_of(getattr(instance, "model", ""))
    asked = request.model or own
    if url := next((each for each in (own, asked) if "://" in each), ""):
        place(request, url)
        if (host := find_host(request.host, request.port, urlsplit(url).path)) is not None:
            request.biller = host.biller
    model, _, served = ("" if "://" in asked else asked).partition(":")
    request.model = model
    served = served or text_of(getattr(instance, "provider", ""))
    if served not in ("", "auto"):
        request.biller = f"huggingface_{served}"
    return opened
