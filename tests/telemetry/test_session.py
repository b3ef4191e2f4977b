"""The session of exporters: connections belong to the process that opened them."""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from requests.adapters import HTTPAdapter

from costspan.telemetry import setup
from costspan.telemetry.session import ProcessSession


@pytest.fixture
def server():
    ports = []  # of the clients, in the order of their requests

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            ports.append(self.client_address[1])
            body = str(ports[-1]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args): ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    server.url, server.ports = f"http://127.0.0.1:{server.server_address[1]}", ports
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def session():
    made = ProcessSession()
    yield made
    made.close()
    for adapters in made._inherited:
        for adapter in adapters.values():
            adapter.close()


def test_a_process_keeps_its_connection_and_a_forked_child_opens_its_own(server, session, monkeypatch):
    session.mount("http://", HTTPAdapter(max_retries=3))
    parents = [session.post(server.url, b"x").text for _ in range(2)]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    childs = [session.post(server.url, b"x").text for _ in range(2)]
    monkeypatch.setattr(os, "getpid", lambda: -2)
    grandchild = session.post(server.url, b"x").text

    assert parents[0] == parents[1]
    assert childs[0] == childs[1]
    assert len({parents[0], childs[0], grandchild}) == 3
    assert session.get_adapter(server.url).max_retries.total == 3, "the settings go along"


FORKING = """
import os
from opentelemetry import metrics
from costspan.instrumentors import set_up_providers

set_up_providers()
counter = metrics.get_meter("m").create_counter("c")
for process in ("parent", "child", "parent"):
    if process == "parent" or not (child := os.fork()):
        counter.add(1)
        metrics.get_meter_provider().force_flush()
    if process == "child" and not child:
        os._exit(0)
    if process == "child":
        os.waitpid(child, 0)
"""


def test_a_forked_worker_of_a_real_program_sends_on_a_connection_of_its_own(server):
    none = {f"OTEL_{each}_EXPORTER": "none" for each in ("TRACES", "LOGS")}
    env = {**os.environ, **none, "OTEL_EXPORTER_OTLP_ENDPOINT": server.url, "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKING], env=env, check=True, timeout=180)
    parent, child, again, *_ = server.ports

    assert parent == again != child


def test_exporters_that_costspan_sets_up_take_it_unless_the_program_names_one(monkeypatch):
    seen = []
    names = [f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{each}_CREDENTIAL_PROVIDER" for each in ("TRACES", "METRICS", "LOGS")]
    monkeypatch.setattr(_OTelSDKConfigurator, "configure", lambda _: seen.append([os.environ[name] for name in names]))
    monkeypatch.setenv(names[1], "mine")
    setup._configure(setup.tolerant_settings())

    assert seen == [["costspan", "mine", "costspan"]]
    assert names[0] not in os.environ


def test_an_installation_that_has_no_such_entry_point_yet_goes_without(monkeypatch):
    class Old:
        class entry_points:  # noqa: N801
            select = staticmethod(lambda **_: ())

    seen = []
    monkeypatch.setattr(setup, "distribution", lambda _: Old)
    monkeypatch.setattr(_OTelSDKConfigurator, "configure", lambda _: seen.extend(os.environ))
    setup._configure(setup.tolerant_settings())

    assert not [name for name in seen if name.endswith("CREDENTIAL_PROVIDER")]
