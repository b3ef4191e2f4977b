"""OTLP over gRPC: the same three signals; messages pass through as bytes, so there is one decoder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc

from costspan.ledger.gate import bears
from costspan.ledger.ingest import BusyError, Job, TooLargeError
from costspan.ledger.otlp import BadRequestError
from costspan.ledger.receiver import MOST_PACKED_BYTES, answer
from costspan.ledger.schema import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.ledger.ingest import Ingest

_SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_CODES = {
    BadRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    TooLargeError: grpc.StatusCode.INVALID_ARGUMENT,
    BusyError: grpc.StatusCode.UNAVAILABLE,  # exporters send again after it
    LedgerError: grpc.StatusCode.UNAVAILABLE,
}
_THREADS = 16  # each waits for its request to be durable; requests then share one transaction
_MOST_AT_ONCE = 64  # requests; what comes then is told that resources are exhausted, and exporters send again


def start_grpc(
    ingest: Ingest, address: str, token: str = "", tls: tuple[bytes, bytes] | None = None
) -> tuple[Any, int]:
    """The running server and its port. `tls` is a key and its certificates, as PEM.

    Raises:
        LedgerError: The address is taken.
    """
    server = grpc.server(
        ThreadPoolExecutor(_THREADS, thread_name_prefix="costspan-grpc"),
        options=[("grpc.max_receive_message_length", MOST_PACKED_BYTES), ("grpc.so_reuseport", 0)],
        maximum_concurrent_rpcs=_MOST_AT_ONCE,
    )
    for signal, service in _SERVICES.items():
        handler = grpc.unary_unary_rpc_method_handler(_receiver(ingest, signal, token))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
    try:
        if tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, grpc.ssl_server_credentials([tls]))
    except RuntimeError as error:
        raise LedgerError(f"the gRPC address {address} is in use: choose another with --grpc-port") from error
    server.start()
    return server, int(port)


def _receiver(ingest: Ingest, signal: str, token: str) -> Callable[[bytes, Any], bytes]:
    def receive(body: bytes, context: Any) -> bytes:
        given = dict(context.invocation_metadata()).get("authorization", "")
        if token and not bears(given, token):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or wrong")
        try:
            return answer(signal, ingest.submit(Job(signal, body)).result())
        except tuple(_CODES) as error:
            return bytes(context.abort(_CODES[type(error)], str(error)))

    return receive
