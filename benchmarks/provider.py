"""A provider on loopback that answers chats from memory, in a process of its own that ends with its parent.

`max_tokens` of a streamed request, as each API spells it, says how many chunks come. They are sent at once: a client
that waits for nothing is the hardest to compare with.
"""

from __future__ import annotations

import asyncio
import functools
import re
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress

from wires import OPENAI, Wire, wire_of

CHUNKS = 200
STREAMED = re.compile(rb'"stream": ?true')
ASKED = re.compile(rb'"(?:max_tokens|maxTokens|maxOutputTokens)": ?(\d+)')
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)


def answer(body: bytes) -> tuple[bytes, bytes]:
    """(content type, content) for a request to OpenAI."""
    if not STREAMED.search(body):
        return b"application/json", OPENAI.reply
    return OPENAI.kind, b"".join(OPENAI.events(chunks_asked(body)))


def chunks_asked(body: bytes) -> int:
    asked = ASKED.search(body)
    return int(asked[1]) if asked else CHUNKS


@functools.lru_cache(maxsize=32)
def response(wire: Wire, streamed: bool, chunks: int) -> bytes:
    """A whole HTTP response; a stream has an HTTP chunk for each event."""
    if not streamed:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        return head % len(wire.reply) + wire.reply
    parts = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in wire.events(chunks))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n" % wire.kind
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
        wire, streamed = wire_of(head.split(b" ", 2)[1].partition(b"?")[0])
        streamed = streamed or bool(STREAMED.search(body))
        self._transport.write(response(wire, streamed, chunks_asked(body) if streamed else 0))


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
