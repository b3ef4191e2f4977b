"""How DSPy's transport is read: bytes of HTTP, whose answers are heard as they pass.

Source: dspy 3.4 as installed, read 2026-11-23; it asks for bodies that are not compressed, and what comes so all the
same (gzip, deflate) is decoded below `_chunks`, where we listen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from costspan.adapters._adapter import Adapter, Opened, Seat
from costspan.adapters._google import snake
from costspan.adapters._hearing import Lines, Whole, parsed
from costspan.adapters._hosts import resolve
from costspan.adapters._request import place, read_request
from costspan.adapters._stainless import find_route
from costspan.adapters._streams import AsyncStream, SyncStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._watch import Watch
    from costspan.config import Settings

_FLAVOURS = {  # by the last word of an address: whose API it is; the rest is as OpenAI's
    "messages": "anthropic",
    "rawPredict": "anthropic",
    "streamRawPredict": "anthropic",
    "generateContent": "gcp.gemini",
    "streamGenerateContent": "gcp.gemini",
}
_FIELD = re.compile(
    rb'(--[^\r\n]+)\r\nContent-Disposition: form-data; name="([^"]+)"\r\n\r\n(.*?)\r\n(?=\1)', re.DOTALL
)
_FAILED = 400  # the lowest HTTP status that is an error


def open_transport(
    adapter: Adapter, _seat: Seat, _transport: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Settings
) -> Opened | None:
    """A call by its HTTP request; Google's addresses name the model, and what is asked of it behind a colon."""
    sent = kwargs["request"] if "request" in kwargs else args[0]
    where = "/".join(urlsplit(sent.url).path.rsplit(":", 1))
    found = find_route(adapter.routes, sent.method, where)
    if found is None:
        return None
    operation, resource = found
    verb, body = where.rpartition("/")[2], parsed(sent.body) or _fields(sent.body)
    if "contents" in body:
        body = snake(body)
        body["config"] = {**body, **(body.get("generation_config") or {})}
    request = read_request(operation, adapter.provider, body)
    request.stream, request.resource = body.get("stream") is True or verb.startswith("stream"), resource
    if verb in _FLAVOURS:
        request.model = request.model or unquote(resource)
    place(request, sent.url)
    flavour = _FLAVOURS.get(verb, adapter.provider)
    host = resolve(request.host, request.port, where, flavour, settings.hosts)
    request.provider, request.biller, request.geo = host.provider, host.biller, host.geo
    return Opened(operation, request, args, kwargs)


def hear(response: Any, watch: Watch) -> None:
    """Sit between the connection and who reads the answer; an error is raised only by the layer above."""
    if response.status >= _FAILED:
        watch.call.error = str(response.status)
        watch.finish()
        return
    several = watch.call.request.stream or watch.operation.tally is not None
    words = snake if watch.operation.name == "generate_content" else dict  # Gemini's are not the SDK's
    body, chunks = (Lines if several else Whole)(watch, words), response._chunks
    waits = hasattr(chunks, "__aiter__")
    response._chunks = AsyncStream(aiter(chunks), body) if waits else SyncStream(iter(chunks), body)  # type: ignore[arg-type] # as ParsedStream


def _fields(form: bytes) -> dict[str, Any]:
    """What a multipart form says before its first file."""
    found, at = {}, 0
    while field := _FIELD.match(form, at):
        name, value = (each.decode(errors="replace") for each in field.groups()[1:])
        found[name], at = value, field.end()
    return found
