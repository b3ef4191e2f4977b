"""How a Bedrock call is read: out of botocore's one method, a body that can be read once, and its event streams.

The host reads body and stream itself, whenever it wants; we look on. Both keep their type and identity.

Source: sdk-usage 4 and billing rules 25 to 28 of 2026-11-21; botocore 1.35 to 1.44 and aiobotocore 2.17 to 3.10.
"""

from __future__ import annotations

import json
from copy import copy, deepcopy
from functools import lru_cache, partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from wrapt import ObjectProxy

from costspan.adapters._adapter import Adapter, Opened, Operation, Seat
from costspan.adapters._anthropic_hooks import forget_placeholder, is_waived
from costspan.adapters._bedrock_profiles import PROFILE, PROFILES, read_profile
from costspan.adapters._paths import Read, member, path, text_of
from costspan.adapters._request import place, read_request
from costspan.adapters._streams import ParsedStream
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._watch import Watch
    from costspan.call import Reply, Request
    from costspan.config import Settings

_LOOK = Guard("look at what the program reads")
_EVENT = path(".")  # all of it
METRICS = "amazon-bedrock-invocationMetrics"  # as streams end with it; the headers of other answers say the same
_SERVICES = ("bedrock-runtime", "bedrock-agent-runtime")
_HEADERS = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}


def open_api_call(
    adapter: Adapter, _seat: Seat, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Settings
) -> Opened | None:
    """A call as `_make_api_call(operation_name, api_params)` shows it; None for other services of AWS."""
    meta = client.meta
    if meta.service_model.service_name not in _SERVICES:
        return None
    name, params = (*args, *kwargs.values())[:2]
    operation = _find(tuple(adapter.calls.items()), name, text_of(params.get("modelId")))
    if operation is None:
        return None
    request = read_request(operation, adapter.provider, params)
    request.stream = name.endswith(("Stream", "Agent"))
    request.geo = meta.region_name or ""
    place(request, meta.endpoint_url)
    if settings.bedrock_profiles == "lookup" and PROFILE in request.model:
        PROFILES.ask(request.model, client)
    return Opened(operation, request, args, kwargs)


@lru_cache(maxsize=512)
def _find(calls: tuple[tuple[str, Operation], ...], name: str, model: str) -> Operation | None:
    """The operation of a call: `InvokeModel:embed` is for models with that word in their id."""
    for key, operation in calls:
        call, _, word = key.partition(":")
        if call == name and word in model:
            return operation
    return None


def read_envelope(result: Any, watch: Watch) -> None:
    """What is told beside a body or a stream: the request's id, the tier, and counts in headers."""
    envelope = {name: value for name, value in result.items() if name not in ("body", "stream")}
    headers = member(result.get("ResponseMetadata"), "HTTPHeaders") or {}
    counts = {count: int(text) for name, count in _HEADERS.items() if (text := headers.get(name, "")).isdecimal()}
    if counts:
        envelope[METRICS] = counts
    watch.note(envelope)


def watch_body(result: Any, watch: Watch) -> None:
    """InvokeModel: the body is JSON that can be read once, by the host."""
    read_envelope(result, watch)
    body = result["body"]
    size = member(member(result.get("ResponseMetadata"), "HTTPHeaders"), "content-length")
    read = _Copy(watch, int(size) if text_of(size).isdecimal() else None)
    if not iscoroutinefunction(type(body).read):
        body._raw_stream = _Tee(body._raw_stream, read)
        return
    response = getattr(body, "_raw_stream", body)  # aiobotocore's body, up to 3.7, passes for the response itself
    if "content" in response.__dict__:
        response.content = _LaterTee(response.content, read)  # in aiohttp's: a body entered by `async with` reads there
    else:
        body.read = partial(_read_later, body, type(body).read, read)  # over httpx


class _Copy:
    """What the host has read of a body, until it is all there."""

    def __init__(self, watch: Watch, size: int | None) -> None:
        self._watch = watch
        self._size = size
        self._parts: list[bytes] = []
        self._seen = 0

    def see(self, part: bytes, amt: int | None) -> None:
        with _LOOK:
            self._parts.append(part)
            self._seen += len(part)
            if amt is None or amt < 0 or (amt and not part) or self._seen == self._size:
                parts, self._parts = self._parts, []
                if self._watch.call.open:
                    self._watch.complete(_parsed(b"".join(parts)))

    def __del__(self) -> None:
        """The host did not read the body, or not to its end: the headers' counts are all there is."""
        self._watch.finish()


class _Tee(ObjectProxy):  # type: ignore[type-arg] # generic in its stubs only
    """The HTTP response inside of a body; the body stays the program's own object."""

    def __init__(self, raw: Any, copy: _Copy) -> None:
        super().__init__(raw)
        self._self_copy = copy

    def read(self, amt: int | None = None, *args: Any, **kwargs: Any) -> Any:
        part = self.__wrapped__.read(amt, *args, **kwargs)
        self._self_copy.see(part, amt)
        return part

    # a stub's body can be copied: its copy is not watched, as it is read besides

    def __copy__(self) -> Any:
        return copy(self.__wrapped__)

    def __deepcopy__(self, memo: Any) -> Any:
        return deepcopy(self.__wrapped__, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)


class _LaterTee(_Tee):
    """As `_Tee`, inside of aiohttp's response."""

    async def read(self, amt: int | None = -1, *args: Any, **kwargs: Any) -> Any:
        part = await self.__wrapped__.read(amt, *args, **kwargs)
        self._self_copy.see(part, amt)
        return part


async def _read_later(body: Any, read: Any, copy: _Copy, amt: int | None = None) -> Any:
    part = await read(body, amt)
    copy.see(part, amt)
    return part


def watch_stream(name: str, result: Any, watch: Watch, read: Read = _EVENT) -> None:
    """One event after another; `read` finds in each what we look at."""
    read_envelope(result, watch)
    ParsedStream.sit(result[name], watch, "_event_generator", "_parse_event", read)


def watch_events(result: Any, watch: Watch) -> None:
    """ConverseStream, RetrieveAndGenerateStream: one event after another, each a dict."""
    watch_stream("stream", result, watch)


def watch_chunks(result: Any, watch: Watch) -> None:
    """InvokeModelWithResponseStream: each event holds a model's own JSON."""
    watch_stream("body", result, watch, _own_json)


def _own_json(event: Any) -> Any:
    return _parsed(member(member(event, "chunk"), "bytes"))


def _parsed(text: Any) -> Any:
    """JSON, or None for what is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def read_asked(request: Request, last: Any, reply: Reply) -> None:
    """If nobody told all of the usage, tokens are counted in the model's own request, which is JSON in `body`."""
    read_profile(request, last, reply)
    forget_placeholder(last, reply)
    reply.free = reply.usage is not None and is_waived(last, reply.usage)
    if reply.usage is None or reply.partial:
        asked = _parsed(member(request.body, "body"))
        request.body = asked if isinstance(asked, dict) else {}
