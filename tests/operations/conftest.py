"""Fixtures of the tests on real components. What is missing fails with the command that installs it: nothing is skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import weeks
from components import ROOT, Collector, Prometheus, VictoriaMetrics
from sink import Sink


@pytest.fixture(scope="session")
def otelcol():
    """Path of the built Collector; the first run builds it."""
    given = os.environ.get("COSTSPAN_OTELCOL")
    return (
        given
        or subprocess.run(
            [ROOT / "collector-config/build.sh"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
    )


@pytest.fixture
def start(tmp_path):
    """Start a component; all are stopped when the test ends."""
    running = []

    def start(kind, *args, **kwargs):
        if kind is Sink:
            server = Sink(*args)
        elif kind is Collector:
            server = Collector(args[0], tmp_path / f"collector{len(running)}", *args[1:], **kwargs)
        elif "home" in kwargs:
            server = kind(kwargs.pop("home"), *args, **kwargs)
        else:
            server = kind(tmp_path / f"{kind.__name__}{len(running)}", *args, **kwargs)
        running.append(server)
        return server

    yield start
    for server in reversed(running):
        server.close() if isinstance(server, Sink) else server.stop()


@pytest.fixture
def run_program():
    """Start tests/operations/program.py; `send(calls)` makes calls, `end()` returns what it spent."""
    running = []

    class Running:
        def __init__(self, endpoint, service="shop", **env):
            given = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_SERVICE_NAME": service,
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
                "OTEL_METRIC_EXPORT_INTERVAL": "1000",
                **env,
            }
            self.process = subprocess.Popen(
                ["timeout", "300", sys.executable, Path(__file__).with_name("program.py")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **given}, text=True,
            )  # fmt: skip
            running.append(self)

        def send(self, *calls):
            print(json.dumps(calls), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline().strip()
            assert answer == "done", answer

        def end(self):
            self.process.stdin.close()
            spent = json.loads(self.process.stdout.readline())
            assert self.process.wait(60) == 0
            self.process.stdout.close()
            return spent

    yield Running
    for each in running:
        for pipe in (each.process.stdin, each.process.stdout):
            pipe.close()
        each.process.kill()
        each.process.wait()


@pytest.fixture
def prometheus(start):
    return lambda *args, **kwargs: start(Prometheus, *args, **kwargs)


@pytest.fixture
def victoria(start):
    return lambda: start(VictoriaMetrics)


@pytest.fixture(scope="session")
def weeks_home(tmp_path_factory):
    """The folder of a stopped Prometheus that holds the simulated weeks."""
    home = tmp_path_factory.mktemp("weeks")
    weeks.load(home).stop()
    return home


@pytest.fixture(scope="session")
def weeks_in_prometheus(weeks_home):
    server = Prometheus(weeks_home, None, "--query.lookback-delta=20m")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def weeks_in_victoria(weeks_home, tmp_path_factory):
    """The same blocks, taken over by VictoriaMetrics' own tool."""
    server = VictoriaMetrics(tmp_path_factory.mktemp("victoria"))
    try:
        tool = server.command[0].with_name("vmctl")
        taken = subprocess.run(
            [tool, "prometheus", "-s", "--disable-progress-bar", f"--prom-snapshot={weeks_home}/data", f"--vm-addr={server.url}"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert taken.returncode == 0, taken.stderr
        server.flush()
        yield server
    finally:
        server.stop()
