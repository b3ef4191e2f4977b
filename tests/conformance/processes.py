"""Whole programs under `opentelemetry-instrument`: what they print and how they end, with any collector or none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from costspan.demo.server import Answer, LoopbackServer

STARTER = Path(sys.executable).with_name("opentelemetry-instrument")
CALLING = """
import os, sys, openai
client = openai.OpenAI()
ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Cats?"}]}
def call():
    return client.chat.completions.create(**ask)
def stream():
    return client.chat.completions.create(**ask, stream=True)
"""


class Ended(NamedTuple):
    """How a program ended, and after how many seconds."""

    code: int
    output: str
    errors: str
    seconds: float


def start(program, url, *, bare=False, **environ):
    """Starts the program's text, calling a provider at `url`; a collector is only where `environ` says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    ours = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "k", "NO_PROXY": "127.0.0.1", **environ}
    return subprocess.Popen(
        [*([] if bare else [str(STARTER)]), sys.executable, "-c", CALLING + program],
        env=kept | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process, begun, longest_seconds=60):
    """Waits for its end, which is to be bounded."""
    try:
        output, errors = process.communicate(timeout=longest_seconds)
    finally:
        process.kill()
    return Ended(process.returncode, output, errors, time.monotonic() - begun)


def run(program, url, **environ):
    return end(start(program, url, **environ), time.monotonic())


class Collector:
    """Takes OTLP over HTTP, and knows what it got."""

    def __init__(self):
        self._server = LoopbackServer(lambda received: Answer(content_type="application/x-protobuf"))
        self.url = self._server.url

    def _bodies(self, path, kind):
        for received in list(self._server.requests):
            if received.path == path:
                body = kind()
                body.ParseFromString(received.body)
                yield body

    @property
    def spans(self):
        return [
            span
            for body in self._bodies("/v1/traces", ExportTraceServiceRequest)
            for resource in body.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def last_sums(self, name):
        """The last value of a counter by process: each process has a resource of its own."""
        found = {}
        for body in self._bodies("/v1/metrics", ExportMetricsServiceRequest):
            for resource in body.resource_metrics:
                who = str(sorted(str(each) for each in resource.resource.attributes))
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == name:
                            found[who] = sum(point.as_int or point.as_double for point in metric.sum.data_points)
        return sorted(found.values())

    def close(self):
        self._server.close()


@contextmanager
def silent_collector():
    """Accepts connections and says nothing, ever."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def no_collector():
    """An address at which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
