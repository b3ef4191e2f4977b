"""Who pays, from the headers of an HTTP request: a small middleware for ASGI and one for WSGI programs.

    app = costspan.AsgiAttribution(app, headers={"x-user-id": "user", "x-team": "team"})

Name only headers that a proxy of your own sets: whoever may set them decides who pays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace

from costspan.attributing import attribution
from costspan.guard import Guard
from costspan.scope import OUTSIDE, PLACE, REQUEST, scope_in
from costspan.telemetry.attributes import payer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
    from types import TracebackType

    from costspan.scope import Run

_READ = Guard("read who pays from a request")
_HTTP = ("http", "websocket")


class AsgiAttribution:
    """An ASGI program whose requests are paid for by whom their headers say."""

    def __init__(self, app: Callable[..., Awaitable[None]], headers: Mapping[str, str]) -> None:
        self.app = app
        self._keys = {name.lower().encode("latin-1"): key for name, key in headers.items()}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope.get("type") not in _HTTP:
            await self.app(scope, receive, send)
            return
        said = {}
        with _READ:
            given = scope.get("headers", ())
            said = {self._keys[name]: _text(value) for name, value in given if name in self._keys}
        with _Request(said):
            await self.app(scope, receive, send)


class WsgiAttribution:
    """A WSGI program whose requests are paid for by whom their headers say, while their answers are sent too."""

    def __init__(self, app: Callable[..., Iterable[bytes]], headers: Mapping[str, str]) -> None:
        self.app = app
        self._keys = {"HTTP_" + name.upper().replace("-", "_"): key for name, key in headers.items()}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said = {}
        with _READ:
            given = ((key, environ.get(name)) for name, key in self._keys.items())
            said = {key: _text(value.encode("latin-1", "replace")) for key, value in given if isinstance(value, str)}
        with _Request(said) as request:
            body = self.app(environ, start_response)
        return body if isinstance(body, (list, tuple)) else _Body(body, request.block(_chunks)(body), request.run)


def _text(value: bytes) -> str:
    """What a header says: UTF-8, as proxies send it today; else each byte is a character, as it once was."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class _Body:
    """The answer of a program that makes it bit by bit: each bit is made inside the scope."""

    def __init__(self, body: Any, chunks: Generator[bytes, None, None], run: Run) -> None:
        self._body = body
        self._chunks = chunks
        self._run = run

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """What WSGI asks for when the answer is no longer wanted."""
        try:
            self._chunks.close()
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._run.leave()  # OpenTelemetry's middleware goes back to the context in which it began: inside of it


def _chunks(body: Iterable[bytes]) -> Generator[bytes, None, None]:
    yield from body


class _Request:
    """The scope of a request; its server span says who pays too, be it current already or begun inside."""

    def __init__(self, said: dict[str, str]) -> None:
        self.block = attribution(**said)
        span = trace.get_current_span()
        if getattr(span, PLACE, None) is not None:
            span.set_attributes({payer(key): value for key, value in self.block.payers.items()})

    def __enter__(self) -> _Request:  # noqa: PYI034 typing.Self needs Python 3.11
        self.run = self.block.__enter__()
        REQUEST.set(scope_in(otel.get_current()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        REQUEST.set(OUTSIDE)
        self.block.__exit__(kind, error, trace)
