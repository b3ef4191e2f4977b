"""How calls of Alibaba Cloud's SDK are read: of the older functions, and of the transport below the newer clients.

Source: dashscope 2.0 as installed, read 2026-11-23.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Opened
from costspan.adapters._hearing import hear_lines, parsed
from costspan.adapters._hosts import find_host
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._request import open_keywords, place, read_request
from costspan.adapters._stainless import find_route

if TYPE_CHECKING:
    from costspan.adapters._adapter import Adapter, Seat
    from costspan.adapters._watch import Watch
    from costspan.call import Request

_CODE = path("code|error.code|error.type")
LATER = "POST, later"  # in place of the method of a request that only starts a job, whose answer tells no usage
_ASKS_LATER = "X-DashScope-Async"
_FAILED = 400  # the lowest HTTP status that is an error


def open_call(adapter: Any, seat: Any, instance: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call at the address that is given, or that the module holds, as no client does."""
    opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    _place(opened.request, str(kwargs.get("base_address") or sys.modules["dashscope"].base_http_api_url))
    return opened


def open_transport(
    adapter: Adapter, seat: Seat, transport: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _settings: Any
) -> Opened | None:
    """A call of a client's transport, by its HTTP request; None for files and the like."""
    method, where = (*args, *(kwargs[name] for name in ("method", "path")[len(args) :]))
    found = find_route(adapter.routes, LATER if member(kwargs.get("headers"), _ASKS_LATER) else method, where)
    if found is None:
        return None
    operation, _ = found
    request = read_request(operation, adapter.provider, kwargs.get("json") or {})
    request.stream = seat.streams
    _place(request, kwargs.get("base_url") or str(transport.http_client.base_url))
    return Opened(operation, request, args, kwargs)


def _place(request: Request, address: str) -> None:
    """Put where it goes on a request: the host tells whether China's prices apply."""
    place(request, address)
    if (host := find_host(request.host, request.port, "")) is not None:
        request.biller = host.biller


def hear(response: Any, watch: Watch) -> None:
    """Read an answer that has come; a stream, as the SDK reads it, which knows that by no object of its own."""
    if watch.call.request.stream:
        hear_lines(response, watch)
        return
    told = parsed(response.content)
    if response.status_code >= _FAILED:
        watch.call.error = text_of(_CODE(told)) or str(response.status_code)
    watch.complete(told)
