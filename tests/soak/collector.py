"""What stands between the programs and the ledger: passes every request on, or fails in the ways collectors fail."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress
from functools import partial

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

RETRY_AFTER = "1"
FAILURES = ("refuses", "hangs", "429", "503", "resets", "loses the answer")
REFUSALS = {"429": grpc.StatusCode.RESOURCE_EXHAUSTED, "503": grpc.StatusCode.UNAVAILABLE}
GRPC_BEGINS = b"PRI * HTTP/2.0\r\n\r\n"
GRPC_RETRY_AFTER = (  # under the name that OpenTelemetry's exporter for Python reads
    "google.rpc.retryinfo-bin",
    RetryInfo(retry_delay={"seconds": int(RETRY_AFTER)}).SerializeToString(),
)


class Collector(grpc.GenericRpcHandler):
    """Listens on a port of its own while it is not told to refuse; `mood` is one of FAILURES, or empty: all is well.

    HTTP and gRPC come to the same port. What is gRPC goes, byte by byte, through a server of gRPC's own, so that
    connections of both ways can be refused and reset, and answers of both can be lost.
    """

    def __init__(self, ledger_ports: tuple[int, int]) -> None:
        self._ledger_ports = ledger_ports  # HTTP, gRPC
        self._server: asyncio.Server | None = None
        self._grpc: grpc.aio.Server | None = None
        self._grpc_port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._peers: dict[str, asyncio.StreamWriter] = {}  # by what gRPC calls them
        self._well = asyncio.Event()
        self.port = 0
        self.mood = ""
        self.counts: Counter[str] = Counter()  # of requests, by what became of them
        self.metrics: dict[str, ExportMetricsServiceRequest] = {}  # by process: the last that the ledger acknowledged

    async def start(self) -> None:
        self._grpc = grpc.aio.server()
        self._grpc.add_generic_rpc_handlers((self,))
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        await self._grpc.start()
        await self._listen()

    async def _listen(self) -> None:
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
            await self._listen()
        self._well.clear() if mood == "hangs" else self._well.set()

    async def close(self) -> None:
        self._server.close()
        self._cut()
        await self._grpc.stop(None)

    def _cut(self) -> None:
        for each in tuple(self._open):
            each.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head == GRPC_BEGINS:
                    await self._lead_to_grpc(head, reader, writer)
                    break
                await self._answer(head, await reader.readexactly(_length(head)), writer)
        self._open.discard(writer)
        writer.close()

    async def _meet(self, way: str, writer: asyncio.StreamWriter) -> str:
        """The mood that a request meets. If it is to break the connection, it does."""
        mood = self.mood
        self.counts[f"{way} {mood or 'passed on'}"] += 1
        if mood == "resets":
            _reset(writer)
        if mood == "hangs":
            await self._well.wait()
            raise ConnectionAbortedError
        return mood

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        mood = await self._meet("HTTP", writer)
        if mood in REFUSALS:
            head = f"HTTP/1.1 {mood} Not now\r\nretry-after: {RETRY_AFTER}\r\ncontent-length: 0\r\n\r\n"
            writer.write(head.encode())
            return
        answer = await self._pass_on(head, body)
        if mood == "loses the answer":
            _reset(writer)
        writer.write(answer)
        await writer.drain()
        if answer.startswith(b"HTTP/1.1 200") and head.startswith(b"POST /v1/metrics"):
            self._keep(body)

    async def _pass_on(self, head: bytes, body: bytes) -> bytes:
        """The ledger's answer. Where there is no ledger, the connection is cut."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ledger_ports[0])
        try:
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            return answer + await reader.readexactly(_length(answer))
        finally:
            writer.close()

    async def _lead_to_grpc(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self._grpc_port)
        self._peers["ipv4:{}:{}".format(*to_server.get_extra_info("sockname"))] = writer
        to_server.write(head)
        await asyncio.gather(_pump(reader, to_server), _pump(server, writer), return_exceptions=True)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """As gRPC asks: what answers calls of a method."""
        return grpc.unary_unary_rpc_method_handler(partial(self._answer_grpc, call.method))

    async def _answer_grpc(self, method: str, body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        writer = self._peers[context.peer()]
        try:
            mood = await self._meet("gRPC", writer)
            if mood in REFUSALS:
                await context.abort(REFUSALS[mood], "not now", (GRPC_RETRY_AFTER,))
            async with grpc.aio.insecure_channel(f"127.0.0.1:{self._ledger_ports[1]}") as ledger:
                answer = await ledger.unary_unary(method)(body)
            if mood == "loses the answer":
                _reset(writer)
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details())
        except OSError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection is cut")
        if "MetricsService" in method:
            self._keep(body)
        return answer

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


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on, until a side ends; then the other ends too."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError
