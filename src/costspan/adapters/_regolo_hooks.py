"""How Regolo's SDK is read: it gives the program a text or a pair, and drops the usage.

Source: regolo 1.12 as installed, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Adapter, Opened, Seat
from costspan.adapters._paths import member, text_of
from costspan.adapters._request import place, read_request
from costspan.adapters._stainless import find_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from costspan.adapters._usage import UsageMap
    from costspan.call import Reply, Request


class _Listening:
    """Regolo's own reader of a chunk, which is shown all of it: hears the usage, and gives what it gave."""

    def __init__(self, read: Callable[[Any], Any], usage: UsageMap) -> None:
        self._read = read
        self._usage = usage
        self._told: Any = None
        self._model = ""

    def __call__(self, chunk: Any) -> Any:
        self._told = member(chunk, "usage") or self._told
        self._model = text_of(member(chunk, "model")) or self._model
        return self._read(chunk)

    def tell(self, _request: Request, _last: Any, reply: Reply) -> None:
        """What was heard; nothing if the program takes the whole chunks, which are read as they pass."""
        if self._told is not None:
            reply.usage, reply.clamped, _ = self._usage.read([self._told])
            reply.model = self._model


def open_post(
    adapter: Adapter, _seat: Seat, _instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Opened | None:
    """A call of `safe_post`, below all that is not streamed."""
    return _open(adapter, kwargs.get("url_to_query", ""), kwargs.get("json_to_query"), (args, kwargs))


def open_stream(
    adapter: Adapter, _seat: Seat, _instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Opened | None:
    """A call of `create_stream_generator`. It is never asked for a usage chunk: the SDK itself breaks on that."""
    url = f"{kwargs.get('base_url')}{kwargs.get('search_url')}"
    opened = _open(adapter, url, kwargs.get("payload") or kwargs.get("data"), (args, kwargs))
    if opened is None or opened.operation.usage is None:
        return opened
    opened.request.stream = True
    read = kwargs.get("output_handler")
    if callable(read):
        listening = _Listening(read, opened.operation.usage)
        opened.operation = replace(opened.operation, hook=listening.tell)
        opened.kwargs = {**kwargs, "output_handler": listening}
    return opened


def _open(adapter: Adapter, url: str, body: Any, given: tuple[Any, Mapping[str, Any]]) -> Opened | None:
    found = find_route(adapter.routes, "POST", url)
    if found is None:
        return None
    operation, _ = found
    request = read_request(operation, adapter.provider, body if isinstance(body, dict) else {})
    place(request, url)
    return Opened(operation, request, *given)
