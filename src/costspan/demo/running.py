"""Runs the demo's two programs, the sample program as a user would, and sees that their calls arrive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from costspan.ledger.book import open_ledger
from costspan.ledger.question import Filter, Question
from costspan.reports.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICE, HISTORY = "costspan-demo", "costspan-demo-history"
PROGRAM = Path(__file__).with_name("program.py")
HISTORIAN = Path(__file__).with_name("history.py")
_ARRIVAL_SECONDS = 10
_OTHERS = ("OTEL_", "COSTSPAN_", "OPENAI_", "AZURE_OPENAI_")


class DemoError(Exception):
    """The demo cannot go on; one line with what failed and what to do."""


def environment(provider_url: str, provider_host: str, ledger_url: str) -> dict[str, str]:
    """The environment of the sample program: this one, without its own settings for telemetry and OpenAI."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    return (
        kept
        | pointing(provider_url, provider_host, ledger_url)
        | {
            "OTEL_SERVICE_NAME": SERVICE,
            "OTEL_METRIC_EXPORT_INTERVAL": "2000",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
    )


def pointing(provider_url: str, provider_host: str, ledger_url: str) -> dict[str, str]:
    """The variables that send any program's calls to the simulated provider, and its telemetry to the ledger."""
    return {
        "OPENAI_BASE_URL": provider_url,
        "OPENAI_API_KEY": "no-key-needed",
        "COSTSPAN_HOSTS": f"{provider_host}=openai",  # the simulated provider stands for OpenAI, so its prices apply
        "OTEL_EXPORTER_OTLP_ENDPOINT": ledger_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",  # opentelemetry-distro's default is gRPC
    }


def instrumented(program: Path) -> list[str]:
    """The command that starts a program with costspan, as a user would.

    Raises:
        DemoError: OpenTelemetry's starter is not installed.
    """
    starter = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    if starter is None:
        raise DemoError(f"opentelemetry-instrument is not beside {sys.executable}: pip install 'costspan[demo]'")
    return [starter, sys.executable, str(program)]


def historian(days: int) -> list[str]:
    """The command that sends the calls of earlier days."""
    return [sys.executable, str(HISTORIAN), str(days)]


def run(command: list[str], environ: Mapping[str, str], longest_seconds: float = 90) -> Iterator[str]:
    """Runs a program, and yields its lines as it says them.

    Raises:
        DemoError: It fails, or takes too long; it is ended then.
    """
    last, deadline = "nothing", time.monotonic() + longest_seconds
    with subprocess.Popen(  # noqa: S603 our own programs
        command, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watch = Timer(longest_seconds, process.kill)
        watch.start()
        try:
            for line in process.stdout or ():
                last = line.rstrip()
                yield last
            process.wait()
        finally:
            watch.cancel()
            process.kill()
    name = Path(command[-1] if command[-1].endswith(".py") else command[-2]).name
    if time.monotonic() > deadline:
        raise DemoError(f"{name} was ended after {longest_seconds:g} seconds: is the machine very busy?")
    if process.returncode:
        raise DemoError(f"{name} failed with exit code {process.returncode}; it last said: {last}")


def wait_for_calls(db: Path, service: str, expected: int) -> None:
    """Returns when the ledger has that many calls of a service.

    Raises:
        DemoError: It has not, after ten seconds.
    """
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while (found := count_calls(db, service)) < expected:
        if time.monotonic() > deadline:
            raise DemoError(f"only {found} of the {expected} calls of {service} have arrived in the ledger {db}")
        time.sleep(0.1)


def count_calls(db: Path, service: str) -> int:
    """How many calls of a service the ledger has."""
    with open_ledger(str(db)) as book:
        return read_usage(book, Question(where=(Filter("service", (service,)),))).total.calls
