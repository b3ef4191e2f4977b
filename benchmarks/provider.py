"""A provider on loopback that answers chat completions from memory, in a process of its own that ends with its parent.

`max_tokens` of a streamed request says how many chunks come. They are sent at once: a client that waits for nothing is
the hardest to compare with.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress

CHUNKS = 200
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 50},
}
HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "gpt-4o-2024-08-06", "service_tier": "default"}
MESSAGE = {"role": "assistant", "content": "Hello!"}
REPLY = json.dumps(
    {
        **HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
        "usage": USAGE,
    }
).encode()
STREAMED = re.compile(rb'"stream": ?true')
ASKED = re.compile(rb'"max_tokens": ?(\d+)')
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)


@functools.cache
def stream_events(chunks: int) -> tuple[bytes, ...]:
    """The server-sent events of an answer."""
    head = HEAD | {"object": "chat.completion.chunk"}
    deltas = ({"content": f"word {n % 10} "} for n in range(chunks))  # litellm refuses a hundred that are the same
    choices = ({"index": 0, "delta": delta, "finish_reason": None} for delta in deltas)
    sent = [head | {"choices": [choice], "usage": None} for choice in choices]
    sent += [head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}]
    sent += [head | {"choices": [], "usage": USAGE}]
    return (*(b"data: " + json.dumps(each).encode() + b"\n\n" for each in sent), b"data: [DONE]\n\n")


def answer(body: bytes) -> tuple[bytes, bytes]:
    """(content type, content) for a request."""
    if not STREAMED.search(body):
        return b"application/json", REPLY
    asked = ASKED.search(body)
    return b"text/event-stream", b"".join(stream_events(int(asked[1]) if asked else CHUNKS))


@functools.lru_cache(maxsize=32)
def response(streamed: bool, chunks: int) -> bytes:
    """A whole HTTP response; a stream has an HTTP chunk for each event."""
    if not streamed:
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(REPLY) + REPLY
    parts = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in stream_events(chunks))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + parts + b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(LENGTH.search(head)[1]):
            return
        self._received = b""
        asked = ASKED.search(body)
        self._transport.write(response(bool(STREAMED.search(body)), int(asked[1]) if asked else CHUNKS))


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=2000)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    ended = loop.create_future()
    loop.add_reader(sys.stdin, ended.cancel)  # our parent closes it, or ends
    with suppress(asyncio.CancelledError):
        await ended


@contextmanager
def provider():
    """The base URL of a provider that runs meanwhile."""
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        yield run.stdout.readline().strip()
        run.stdin.close()


def more_files() -> None:
    """As many open files as are allowed: a connection is one, on both sides."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 10_000), most))


if __name__ == "__main__":
    more_files()
    asyncio.run(serve())
