"""How many calls a second a Collector with our gateway config takes on one core, with nothing dropped.

    python benchmarks/gateway.py PATH_OF_COLLECTOR [CALLS]

A call is its span, sent over OTLP/HTTP in batches as the SDK makes them. The Collector is pinned to one core, sender
and receivers to the other; what arrives at the ledger is counted, span by span.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/operations"))

from components import Collector, Prometheus
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

BATCH = 512  # spans of a request: the SDK's default


class Bodies:
    """A receiver that only keeps bodies; they are read when all is over."""

    def __init__(self):
        kept = self.kept = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                kept.append(
                    (self.headers.get("Content-Encoding"), self.rfile.read(int(self.headers["Content-Length"])))
                )
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self):
        import gzip

        ids = set()
        for encoding, body in self.kept:
            request = ExportTraceServiceRequest.FromString(gzip.decompress(body) if encoding == "gzip" else body)
            scopes = (scope for resource in request.resource_spans for scope in resource.scope_spans)
            ids.update(span.span_id for scope in scopes for span in scope.spans)
        return ids


def batches(calls):
    """Ready-made requests: the attributes that costspan writes, every span with ids of its own."""
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
        "costspan.price.status": "priced", "costspan.usage.source": "provider", "costspan.team": "search",
        "server.address": "api.openai.com",
        "gen_ai.response.id": "chatcmpl-123", "costspan.feature": "ranking", "user.id": "u-1",
        "costspan.price.model": "gpt-4o",
    }  # fmt: skip
    numbers = {"gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 300, "server.port": 443}
    for start in range(0, calls, BATCH):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "shop"
        scope = resource.scope_spans.add()
        scope.scope.name = "costspan"
        for number in range(start, min(start + BATCH, calls)):
            now = time.time_ns()
            span = scope.spans.add(name="chat gpt-4o", kind=3, start_time_unix_nano=now, end_time_unix_nano=now)
            span.trace_id, span.span_id = (number + 1).to_bytes(16, "big"), (number + 1).to_bytes(8, "big")
            for key, value in attributes.items():
                span.attributes.add(key=key).value.string_value = value
            for key, value in numbers.items():
                span.attributes.add(key=key).value.int_value = value
            span.attributes.add(key="gen_ai.usage.cost.amount").value.double_value = 0.006
        yield request.SerializeToString()


def post(url, body):
    """Send until it is taken, as the SDK's exporter does; how often it was refused."""
    refused = 0
    while not taken(url, body):
        refused += 1
        time.sleep(0.05)
    return refused


def taken(url, body):
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"})
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError:
        return False
    return True


def main(binary, calls=60_000):
    bodies = list(batches(calls))
    ledger, traces = Bodies(), Bodies()
    with tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {1})
        prometheus = Prometheus(f"{folder}/p")
        os.sched_setaffinity(0, {0})
        collector = Collector(
            binary, f"{folder}/c", "gateway.yaml", COSTSPAN_LEDGER_OTLP=ledger.url, COSTSPAN_TRACES=traces.url,
            COSTSPAN_REMOTE_WRITE=f"{prometheus.url}/api/v1/write", GOMAXPROCS="1",
        )  # fmt: skip
        os.sched_setaffinity(0, {1})
        cpu = collector.counted("otelcol_process_cpu_seconds")
        start = time.monotonic()
        refused = sum(post(f"{collector.endpoint}/v1/traces", body) for body in bodies)
        taken = time.monotonic() - start
        while sum(1 for _ in ledger.kept) == 0 or collector.counted("otelcol_exporter_sent_spans") < calls:
            time.sleep(0.2)
        time.sleep(2)
        used = collector.counted("otelcol_process_cpu_seconds") - cpu
        rss = collector.counted("otelcol_process_memory_rss") / 2**20
        collector.stop()
        prometheus.stop()
    arrived = len(ledger.spans())
    print(f"{calls} calls taken in {taken:.1f} s: {calls / taken:,.0f} calls/s; refused {refused} batches")
    print(f"Collector: {used:.1f} s of CPU, that is {calls / used:,.0f} calls per second of a core; {rss:.0f} MiB")
    print(f"at the ledger: {arrived} of {calls} calls; sampled traces: {len(traces.spans())}")
    return 0 if arrived == calls else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
