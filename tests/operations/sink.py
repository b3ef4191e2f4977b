"""An OTLP/HTTP endpoint that keeps what it gets, as a ledger would: the last hop of the chains under test."""

from __future__ import annotations

import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


def attributes_of(item):
    """Attributes as a dict of plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in item.attributes}


class Sink:
    """Spans by id, log records, and the newest value of each series of `costspan.cost`, of everything that was posted."""

    def __init__(self, port=0):
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                sink.take(REQUESTS[self.path].FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.spans, self.logs, self.counted, self.posts = {}, [], {}, 0
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request):
        self.posts += 1
        for resource in getattr(request, "resource_spans", ()):
            for scope in resource.scope_spans:
                self.spans.update({span.span_id: span for span in scope.spans})
        for resource in getattr(request, "resource_logs", ()):
            for scope in resource.scope_logs:
                self.logs.extend(scope.log_records)
        for resource in getattr(request, "resource_metrics", ()):
            found = [metric for scope in resource.scope_metrics for metric in scope.metrics]
            for point in (
                point for metric in found if metric.name == "costspan.cost" for point in metric.sum.data_points
            ):
                self.counted[frozenset(attributes_of(point).items())] = point.as_double

    @property
    def cost(self):
        """USD on all spans."""
        return sum(attributes_of(span).get("gen_ai.usage.cost.amount", 0) for span in self.spans.values())

    def close(self):
        self.server.shutdown()
        self.server.server_close()
