"""A program in another language, with OpenTelemetry's official exporter, shows up priced. Needs node and npm."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = ("sdk-trace-base@2", "exporter-trace-otlp-proto@0", "exporter-trace-otlp-http@0", "resources@2", "api@1")
PROGRAM = Path(__file__).with_name("node_program.js")


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    names = [f"@opentelemetry/{name}" for name in PACKAGES]
    subprocess.run(
        [shutil.which("npm"), "install", "--silent", "--no-audit", "--no-fund", *names],
        cwd=folder,
        check=True,
        timeout=300,
    )
    return folder / "node_modules"


@pytest.mark.real
@pytest.mark.parametrize("exporter", ["proto", "http"])  # protobuf and JSON
def test_a_node_program_is_priced_and_its_trace_shown(served, modules, exporter):
    program = [str(PROGRAM), served.running.url, exporter]
    environment = os.environ | {"NODE_PATH": str(modules)}
    ran = subprocess.run(
        [shutil.which("node"), *program], capture_output=True, text=True, check=True, env=environment, timeout=180
    )
    [row] = served.report("model,status", f"service=node-{exporter}")
    _, trace = served.get(f"/api/traces/{ran.stdout.strip()}")

    assert (row.model, row.status, row.calls, str(row.cost.normalize())) == ("gpt-4o", "priced", 1, "0.0035")
    assert [(each["name"], each["depth"]) for each in trace["spans"]] == [("GET /answer", 0), ("chat gpt-4o", 1)]
