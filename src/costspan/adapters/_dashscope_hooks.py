"""Where a call of Alibaba Cloud's SDK goes, which no client but the module itself holds."""

from __future__ import annotations

import sys
from typing import Any

from costspan.adapters._hosts import find_host
from costspan.adapters._request import open_keywords, place


def open_call(adapter: Any, seat: Any, instance: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call at the address that is given, or that the module holds: the host tells whether China's prices apply."""
    opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    request = opened.request
    place(request, str(kwargs.get("base_address") or sys.modules["dashscope"].base_http_api_url))
    if (host := find_host(request.host, request.port, "")) is not None:
        request.biller = host.biller
    return opened
