"""An endpoint for a Prometheus that pulls: `/metrics` on a port of the program.

Take it with `COSTSPAN_PROMETHEUS=9464` (or `host:port`), or as a metric reader of a provider of your own. Each scraper
is shown a new series as 0 first and with its value from then on, so that `increase()` misses nothing, with two
Prometheus replicas too. A program of several processes pushes OTLP instead: only one of them can have the port.
"""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry import context as otel
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter, ObservableUpDownCounter, UpDownCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader

from costspan.telemetry.counters import COLLECTION, OWN_ZEROS
from costspan.telemetry.openmetrics import OPENMETRICS, PLAIN, OpenMetrics

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

_log = logging.getLogger("costspan")
SCRAPERS = 16  # that are told apart; beyond, the memory of the oldest is given up
DEFAULT_PORT = 9464  # of OpenTelemetry's Prometheus exporters
_SECONDS = 10  # a scraper that sends or takes slower than this hangs
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_KINDS = (Counter, Histogram, ObservableCounter, ObservableUpDownCounter, UpDownCounter)


class ScrapeReader(MetricReader):
    """A metric reader that answers scrapes. The address is OpenTelemetry's own variables', if none is given."""

    def __init__(self, host: str = "", port: int | None = None) -> None:
        super().__init__(preferred_temporality=dict.fromkeys(_KINDS, AggregationTemporality.CUMULATIVE))
        self._lock = Lock()
        self._data: MetricsData | None = None
        self._seen: defaultdict[str, set[tuple[Any, ...]]] = defaultdict(set)
        host = host or os.environ.get("OTEL_EXPORTER_PROMETHEUS_HOST", "") or "localhost"
        if port is None:
            port = int(os.environ.get("OTEL_EXPORTER_PROMETHEUS_PORT", "") or DEFAULT_PORT)
        self._server = self._listen(host, port)

    def _listen(self, host: str, port: int) -> ThreadingHTTPServer | None:
        try:
            server = _Server((host, port), _handler(self, local=host in _LOOPBACK))
        except OSError as error:
            _log.warning("costspan cannot answer scrapes on %s:%s: %s", host, port, error)
            return None
        Thread(target=server.serve_forever, name="costspan-scrape", daemon=True).start()
        return server

    @property
    def port(self) -> int | None:
        """Where it listens; None if the address was taken."""
        return None if self._server is None else self._server.server_address[1]

    def answer(self, scraper: str, *, plain: bool) -> str:
        """All metrics as text, for the scraper of this address."""
        with self._lock:
            self._read()
            while len(self._seen) > SCRAPERS:
                del self._seen[next(iter(self._seen))]
            return "" if self._data is None else OpenMetrics(self._seen[scraper], plain=plain).render(self._data)

    def _read(self) -> None:
        """Collect everything as it is: scrapers are shown zeros of their own, and what is pushed keeps its zeros."""
        token = otel.attach(otel.set_value(COLLECTION, OWN_ZEROS))
        try:
            self.collect()
        finally:
            otel.detach(token)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 the SDK's signature
        """Nothing is held back: whoever wants to know asks."""
        return True

    def _receive_metrics(self, metrics_data: MetricsData, *_args: Any, **_kwargs: Any) -> None:
        self._data = metrics_data

    def shutdown(self, *_args: Any, **_kwargs: Any) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Answers as many at once as there may be scrapers; others are closed, so that threads stay few."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._free = BoundedSemaphore(SCRAPERS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


def _handler(reader: ScrapeReader, *, local: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS

        def do_GET(self) -> None:
            if local and urlsplit(f"//{self.headers.get('Host', '')}").hostname not in _LOOPBACK:
                self.send_error(403, "these metrics are for localhost only")  # a web site that calls itself 127.0.0.1
                return
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404, "metrics are at /metrics")
                return
            plain = "application/openmetrics-text" not in self.headers.get("Accept", "")
            body = reader.answer(f"{self.client_address[0]} {self.headers.get('User-Agent', '')}", plain=plain).encode()
            self.send_response(200)
            self.send_header("Content-Type", PLAIN if plain else OPENMETRICS)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Scrapes are no news."""

    return Handler
