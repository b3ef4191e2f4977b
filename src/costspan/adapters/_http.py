"""SDKs whose every call goes through one method that is given an HTTP verb, a path and a JSON body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Adapter, Opened, Seat
from costspan.adapters._request import locate, read_request
from costspan.adapters._stainless import find_route

if TYPE_CHECKING:
    from collections.abc import Mapping


def open_http(
    adapter: Adapter, seat: Seat, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Opened | None:
    """A call by its arguments `method`, `url`, `json`, `stream`; None for what is not on the adapter's routes."""
    given = {**dict(zip(seat.arguments, args, strict=False)), **kwargs}
    found = find_route(adapter.routes, str(given.get("method")).upper(), str(given.get("url")))
    if found is None:
        return None
    operation, resource = found
    body = given.get("json")
    request = read_request(operation, adapter.provider, body if isinstance(body, dict) else {})
    request.stream, request.resource = bool(given.get("stream")), resource
    locate(request, adapter, instance)
    return Opened(operation, request, args, kwargs)
