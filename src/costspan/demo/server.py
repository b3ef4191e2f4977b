"""A small HTTP server on loopback that plays an LLM provider: answers as it is told, remembers what it was asked.

The demo's provider and the tests' fake providers both stand on it, so that what is shown and what is tested go the same
way: real HTTP, real sockets, the real SDK.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LONGEST_WAIT_SECONDS = 10  # for a gate that nobody opens, or a client that says nothing more


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire; header names are in lower case."""

    method: str
    path: str  # without the query
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed; an empty dict if it is not JSON (a GET, a multipart upload)."""
        if not self.body or not self.headers.get("content-type", "").startswith("application/json"):
            return {}
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, and how badly. A status of 0 hangs up without a word."""

    parts: tuple[bytes, ...] = ()
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False  # each part is a chunk of its own, sent when it is ready
    pause_seconds: float = 0  # before each part
    gate: threading.Event | None = None  # nothing after the first part is sent until it is set
    broken: bool = False  # the connection is cut after the last part, before the body is complete


def reply(payload: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON body; `retry_after_ms="1"` becomes the header `retry-after-ms`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer((json.dumps(payload).encode(),), status, headers=named)


def events(payloads: Iterable[Any], *, named: bool = False, done: bool = True) -> Answer:
    """Server-sent events, one chunk each; `named` writes an `event:` line from each payload's `type`."""
    parts = [_event(each, named=named) for each in payloads]
    if done:
        parts.append(b"data: [DONE]\n\n")
    return Answer(tuple(parts), content_type="text/event-stream; charset=utf-8", streamed=True)


def _event(payload: Any, *, named: bool) -> bytes:
    name = f"event: {payload['type']}\n" if named else ""
    return f"{name}data: {json.dumps(payload)}\n\n".encode()


class LoopbackServer:
    """Serves `answer(request)` on a free port of 127.0.0.1, each connection in a thread, until `close()`."""

    def __init__(self, answer: Callable[[Received], Answer]) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Stop listening and cut every open connection."""
        self._http.shutdown()
        self._thread.join()
        self._http.cut()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    request_queue_size = 128
    block_on_close = False  # a client that keeps its connection alive must not hold up the end

    def __init__(self, loopback: LoopbackServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.loopback = loopback
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """Wake the threads that wait for a next request; each closes its own socket."""
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = LONGEST_WAIT_SECONDS

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client has left, or `cut` was called: neither is news
            super().handle()

    def do_POST(self) -> None:
        received = self._receive()
        loopback = cast("_Http", self.server).loopback
        loopback.requests.append(received)
        answer = loopback.answer(received)
        self._send(answer)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 the names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Say nothing: the output belongs to the demo, or to the tests."""

    def _receive(self) -> Received:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Received(self.command, path, query, headers, self._read_body(headers))

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, answer: Answer) -> None:
        self.close_connection = self.close_connection or answer.broken or not answer.status
        if not answer.status:
            return
        self._send_head(answer)
        for number, part in enumerate(answer.parts):
            if answer.gate is not None and number == 1:
                answer.gate.wait(LONGEST_WAIT_SECONDS)
            time.sleep(answer.pause_seconds)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if answer.streamed else part)
        if answer.streamed and not answer.broken:
            self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.streamed:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(sum(map(len, answer.parts)) + answer.broken))
        self.end_headers()
