"""What of Portkey's SDK needs logic: a prompt that is stored at the gateway, which alone knows its model and its words.

Source: portkey-ai 2.3 as installed, read 2026-11-23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from costspan.adapters._hosts import resolve
from costspan.adapters._request import open_keywords, place

if TYPE_CHECKING:
    from costspan.config import Settings


def open_prompt(adapter: Any, seat: Any, prompts: Any, args: Any, kwargs: Any, settings: Settings) -> Any:
    """A call of a stored prompt, at the address of its client."""
    opened = open_keywords(adapter, seat, prompts, args, kwargs, settings)
    request, address = opened.request, str(prompts._client.base_url)
    request.body = {}
    place(request, address)
    host = resolve(request.host, request.port, urlsplit(address).path, adapter.provider, settings.hosts)
    request.provider, request.biller, request.geo = host.provider, host.biller, host.geo
    return opened
