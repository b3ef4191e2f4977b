"""What stands between the programs and the ledger: passes every request on, or fails in the ways collectors fail."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

RETRY_AFTER = "1"
FAILURES = ("refuses", "hangs", "429", "503", "resets", "loses the answer")


class Collector:
    """Listens on a port of its own while it is not told to refuse; `mood` is one of FAILURES, or empty: all is well."""

    def __init__(self, ledger_port: int) -> None:
        self._ledger_port = ledger_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._well = asyncio.Event()
        self.port = 0
        self.mood = ""
        self.counts: Counter[str] = Counter()  # of requests, by what became of them
        self.metrics: dict[str, ExportMetricsServiceRequest] = {}  # by process: the last that the ledger acknowledged

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._well.set()

    async def feel(self, mood: str) -> None:
        """Begin to fail in a way, or to work again."""
        self.mood = mood
        if mood == "refuses":
            self._server.close()
            self._cut()
        elif not self._server.is_serving():
            await self.listen()
        self._well.clear() if mood == "hangs" else self._well.set()

    async def close(self) -> None:
        self._server.close()
        self._cut()

    def _cut(self) -> None:
        for each in tuple(self._open):
            each.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head, await reader.readexactly(_length(head)), writer)
        self._open.discard(writer)
        writer.close()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        mood = self.mood
        self.counts[mood or "passed on"] += 1
        if mood in ("429", "503"):
            head = f"HTTP/1.1 {mood} Not now\r\nretry-after: {RETRY_AFTER}\r\ncontent-length: 0\r\n\r\n"
            writer.write(head.encode())
            return
        if mood == "resets":
            _reset(writer)
        if mood == "hangs":
            await self._well.wait()
            raise ConnectionAbortedError
        answer = await self._pass_on(head, body)
        if mood == "loses the answer":
            _reset(writer)
        writer.write(answer)
        await writer.drain()
        if answer.startswith(b"HTTP/1.1 200") and head.startswith(b"POST /v1/metrics"):
            self._keep(body)

    async def _pass_on(self, head: bytes, body: bytes) -> bytes:
        """The ledger's answer. Where there is no ledger, the connection is cut."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ledger_port)
        try:
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            return answer + await reader.readexactly(_length(answer))
        finally:
            writer.close()

    def _keep(self, body: bytes) -> None:
        request = ExportMetricsServiceRequest.FromString(body)
        for resource in request.resource_metrics:
            attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.metrics[attributes["service.instance.id"]] = request


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError
