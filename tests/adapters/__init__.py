"""One test file per adapter: the real SDK against a fake provider, and what costspan makes of it.

seen = watch("groq")  # the adapter is on, alone
Client(lambda: Groq(...), lambda: AsyncGroq(...)).ask(shape, "chat.completions.create", model=...)
assert seen.usage == Usage(input=19, output=10)
"""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES = ("sync", "async", "stream", "async stream")
PLAIN = SHAPES[:2]
STREAMS = SHAPES[2:]


class Watched:
    """One adapter, switched on: the calls it saw, and the spans that came of them."""

    def __init__(self, recorder, exporter, tracer_provider):
        self.tracer_provider = tracer_provider  # for tools that make spans of their own
        self.calls = []
        self._recorder = recorder
        self._exporter = exporter
        self._tell, recorder.finished = recorder.finished, self._finished

    def _finished(self, call):
        self.calls.append(call)
        self._tell(call)

    @property
    def spans(self):
        """Those that have ended; calls whose tokens are being counted are waited for."""
        assert self._recorder.drain(10)
        return self._exporter.get_finished_spans()

    @property
    def call(self):
        """The only call."""
        (call,) = self.calls
        return call

    @property
    def reply(self):
        return self.call.reply

    @property
    def usage(self):
        return self.reply.usage

    @property
    def attributes(self):
        """Of the only span."""
        (span,) = self.spans
        return dict(span.attributes)


class Client:
    """An SDK's two clients, made when they are asked for: the same call can be made in every shape."""

    def __init__(
        self,
        sync: Callable[[], Any],
        later: Callable[[], Any] | None = None,
        named: Callable[[str, str], str] | None = None,
    ):
        """`named(shape, path)`: what the method is called, where a stream is not asked for by `stream=True`."""
        self._sync = sync
        self._later = later
        self._named = named

    def ask(self, shape, path, *args, **arguments):
        """What the host gets: the answer, or the list of a stream's chunks."""
        return asyncio.run(self._ask(shape, path, args, arguments, _all))

    def leave(self, shape, path, *args, **arguments):
        """Take one chunk of a stream, and close it."""
        return asyncio.run(self._ask(shape, path, args, arguments, _first))

    async def _ask(self, shape, path, args, arguments, take):
        later = shape.startswith("async")
        if self._named:
            path = self._named(shape, path)
        elif "stream" in shape:
            arguments = {"stream": True, **arguments}
        client = self._later() if later else self._sync()
        try:
            answer = _method(client, path)(*args, **arguments)
            answer = await answer if inspect.isawaitable(answer) else answer
            return await take(answer) if "stream" in shape else answer
        finally:
            await close(client)


class Closing:
    """A client whose HTTP client nobody else closes; `http` is the path to it."""

    def __init__(self, client, http):
        self._client = client
        self._http = http

    def __getattr__(self, name):
        return getattr(self._client, name)

    def close(self):
        return close(_method(self._client, self._http))


def telling(answer):
    """An answer of a provider that ends its streams with the usage, unasked."""

    def told(asked):
        body = json.dumps(asked.received.json | {"stream_options": {"include_usage": True}}).encode()
        return answer(asked._replace(received=replace(asked.received, body=body)))

    return told


async def _all(stream):
    if hasattr(stream, "__aiter__"):
        return [chunk async for chunk in stream]
    return list(stream)


async def _first(stream):
    chunk = await anext(aiter(stream)) if hasattr(stream, "__aiter__") else next(iter(stream))
    await close(stream)
    return chunk


async def close(what):
    """Close a client or a stream, by whatever name and kind of method it has for that."""
    for name in ("aclose", "close"):
        if hasattr(what, name):
            waiting = getattr(what, name)()
            return await waiting if inspect.isawaitable(waiting) else waiting
    return None


def with_stream(shape, path):
    """The name of a method that streams, for SDKs that have two: `chat_stream`."""
    return f"{path}_stream" if "stream" in shape else path


def _method(client, path):
    for name in path.split("."):
        client = getattr(client, name)
    return client
