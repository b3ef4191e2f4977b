"""OTLP over HTTP: /v1/traces, /v1/logs, /v1/metrics, in protobuf and JSON, plain or packed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from costspan.ledger.ingest import BusyError, Job, TooLargeError
from costspan.ledger.otlp import BadRequestError
from costspan.ledger.schema import LedgerError

if TYPE_CHECKING:
    from starlette.requests import Request

    from costspan.ledger.calls import Batch
    from costspan.ledger.ingest import Ingest

MOST_PACKED_BYTES = 16 * 2**20
MOST_ARRIVING = 128 * 2**20  # bytes of bodies that are not complete yet, of all clients together
_BODY_SECONDS = 30  # a client that sends slower than this hangs
_REFUSED = "refused requests"  # as counted: those that never became a job of the ingest, which counts its own
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
# per signal: the answer's type, and what its partial success calls what was refused
_ANSWERS: dict[str, tuple[Any, str, str]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
}


class Receiver:
    """The three OTLP endpoints. An answer of 200 means: durable."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._arriving = 0  # bytes

    def routes(self) -> list[Route]:
        return [Route(f"/v1/{signal}", self._receive, methods=["POST"]) for signal in _ANSWERS]

    async def _receive(self, request: Request) -> Response:
        signal = request.url.path.rpartition("/")[2]
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (_PROTOBUF, _JSON):
            self._ingest.counts[_REFUSED] += 1
            return _refusal(415, f"content type {kind or '(none)'} is not taken: {_PROTOBUF} or {_JSON}", _PROTOBUF)
        job = None
        try:
            body = await asyncio.wait_for(self._body(request), _BODY_SECONDS)
            encoding = request.headers.get("content-encoding", "").strip().lower()
            job = Job(signal, body, encoding, json=kind == _JSON)
            batch = await asyncio.wrap_future(self._ingest.submit(job))
        except (
            BadRequestError,
            TooLargeError,
            BusyError,
            LedgerError,
            asyncio.TimeoutError,
            ClientDisconnect,
        ) as error:
            self._ingest.counts[_REFUSED] += job is None
            return _refusal(_status(error), str(error) or "the body did not arrive in time", kind)
        return _answer(signal, batch, kind)

    async def _body(self, request: Request) -> bytes:
        """The packed body, as long as it is not too large; the rest is taken unkept, so that the client sees why."""
        parts: list[bytes] = []
        size = held = 0
        try:
            async for part in request.stream():
                size += len(part)
                if size <= MOST_PACKED_BYTES and self._arriving + len(part) <= MOST_ARRIVING:
                    self._arriving += len(part)
                    held += len(part)
                    parts.append(part)
        finally:
            self._arriving -= held
        if size > MOST_PACKED_BYTES:
            raise TooLargeError(f"a request may have {MOST_PACKED_BYTES} bytes")
        if held < size:
            raise BusyError("too much arrives at once: send again")
        return b"".join(parts)


def _status(error: BaseException) -> int:
    """HTTP status of a refusal. Exporters send again after 429 and 503, and never after the others."""
    for kind, status in ((BadRequestError, 400), (TooLargeError, 413), (BusyError, 429), (LedgerError, 503)):
        if isinstance(error, kind):
            return status
    return 408


def _refusal(status: int, why: str, kind: str) -> Response:
    headers = {"retry-after": "2"} if status in (429, 503) else {}
    if kind == _JSON:
        return Response(json.dumps({"code": status, "message": why}), status, headers, _JSON)
    return Response(Status(code=status, message=why).SerializeToString(), status, headers, _PROTOBUF)


def _answer(signal: str, batch: Batch, kind: str) -> Response:
    if kind == _JSON:
        partial = {_ANSWERS[signal][2]: str(batch.refused), "errorMessage": batch.refusal}
        return Response(json.dumps({"partialSuccess": partial} if batch.refused else {}), media_type=_JSON)
    return Response(answer(signal, batch), media_type=_PROTOBUF)


def answer(signal: str, batch: Batch) -> bytes:
    """The protobuf answer: empty if all was taken, else how many were refused and why."""
    message_type, counter, _ = _ANSWERS[signal]
    if not batch.refused:
        return b""
    partial = {counter: batch.refused, "error_message": batch.refusal}
    return bytes(message_type(partial_success=partial).SerializeToString())
