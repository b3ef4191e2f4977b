"""`costspan doctor`: what is installed and instrumented, and why not; where telemetry goes, and whether it arrives."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNS = {"good": "[green]✓[/]", "note": "[dim]·[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]"}
_LEAST_NAME = 13
_SIGNALS = ("traces", "metrics", "logs")
_SPEAKS_GRPC = "opentelemetry-distro"  # unless a variable says otherwise, under `opentelemetry-instrument`
_PORTS = "(4317 is gRPC's port, 4318 is that of HTTP; OTEL_EXPORTER_OTLP_PROTOCOL says which is spoken)"
_BY_DISTRO = (
    "opentelemetry-distro makes gRPC the default of what `opentelemetry-instrument` starts: set "
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or an endpoint that speaks gRPC"
)
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # a client's of HTTP/2: RFC 9113, 3.4
_SETTINGS = b"\x04"  # the type of the frame that its server sends first
_TRY = "import os; from costspan.telemetry.setup import set_up; set_up(); os._exit(0)"
_PATIENCE = 60  # seconds
_REFUSED = 400  # HTTP statuses from here on say no


class Finding(NamedTuple):
    """One line: what was looked at, how it is, and what it means or how to mend it."""

    about: str
    level: str  # good, note, warning, bad
    text: str


class Target(NamedTuple):
    """Where a signal goes."""

    protocol: str
    endpoint: str
    own: bool  # the endpoint is of this signal alone: used as it is, without a path
    chosen: bool  # the protocol is what all programs take, not only those that `opentelemetry-instrument` starts


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(*, as_json: bool) -> None:
    """Look at this environment: installed SDKs and instrumentations, settings, prices, where telemetry goes.

    Exit code 1 if something is wrong.
    """
    findings = list(examine())
    if as_json:
        click.echo(json.dumps([each._asdict() for each in findings], indent=2))
    else:
        _print(findings)
    sys.exit(any(each.level == "bad" for each in findings))


def examine() -> Iterator[Finding]:
    """All findings, from what is installed to what is reached."""
    yield Finding("python", "good", f"{platform.python_version()} at {sys.prefix}")
    for name in ("costspan", "opentelemetry-sdk", "opentelemetry-instrumentation"):
        yield Finding(name, "good", metadata.version(name))
    yield from _settings()
    yield from _sdks()
    yield from _prices()
    yield from _own_files()
    yield from _set_up()
    yield from _endpoint()


def _settings() -> Iterator[Finding]:
    from costspan.config import PREFIX, SettingError, read_settings, unknown_variables

    try:
        read_settings()
    except SettingError as error:
        yield Finding("settings", "bad", f"{error}; an instrumented program uses the default instead")
        return
    unknown = unknown_variables(os.environ)
    for name, meant in unknown.items():
        cure = f"did you mean {meant}?" if meant else "see the table in the README"
        yield Finding("settings", "warning", f"{name} is no setting of costspan: {cure}")
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield Finding(
            "settings", "bad", "OTEL_SDK_DISABLED=true: costs are known in the program, but nothing is sent; unset it"
        )
    if not unknown:
        given = sorted(name for name in os.environ if name.startswith(PREFIX))
        yield Finding("settings", "good", ", ".join(given) or "all defaults")


def _sdks() -> Iterator[Finding]:
    """Each SDK that costspan knows and that is installed: priced, or why not."""
    from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

    from costspan.adapters._adapter import load
    from costspan.instrumentors import DISABLED_VARIABLE, adapter_names, switched_off

    disabled = switched_off()
    absent = []
    for name in adapter_names():
        adapter = load(name)
        installed = _version(adapter.distribution)
        if installed is None:
            absent.append(name)
        elif {name, "*"} & disabled:
            yield Finding(name, "warning", f"{installed}: switched off by {DISABLED_VARIABLE}")
        elif get_dependency_conflicts((adapter.package,)) is not None:
            yield Finding(name, "bad", f"{installed} is too old: pip install '{adapter.package.replace(' ', '')}'")
        else:
            yield Finding(name, "good", f"{installed}: every call gets its price{_shared_with(name)}")
    if absent:
        yield Finding("not installed", "note", ", ".join(absent))


def _shared_with(name: str) -> str:
    """Other tools that instrument the same SDK: costspan then prices their span and makes none."""
    points = metadata.entry_points(group="opentelemetry_instrumentor", name=name)
    others = sorted({point.dist.name for point in points if point.dist is not None} - {"costspan"})
    return f" (on the span of {', '.join(others)})" if others else ""


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _prices() -> Iterator[Finding]:
    from costspan.guard import Guard
    from costspan.pricing import Pricer
    from costspan.usage import Usage

    with Guard("read the price list"):
        price = Pricer().price(Usage(input=1000), provider="openai", model="gpt-4o")
        if price.entry is not None:
            yield Finding("prices", "good", f"from {price.entry.source}; `costspan prices check` tells its age")
            return
    yield Finding("prices", "bad", "the price list cannot be read: pip install --force-reinstall costspan")


def _own_files() -> Iterator[Finding]:
    """The user's price file and budget file: in a running program, one that cannot be used is only logged."""
    from costspan.config import SettingError, tolerant_settings
    from costspan.limits import read_quotas
    from costspan.pricing.document import PriceListError
    from costspan.pricing.pricefile import read_price_file

    settings = tolerant_settings()
    readers = {"own prices": (settings.prices, read_price_file), "budgets": (settings.budgets, read_quotas)}
    for about, (path, read) in readers.items():
        if not path:
            continue
        try:
            read(path)
            yield Finding(about, "good", path)
        except (PriceListError, SettingError) as error:
            yield Finding(about, "bad", f"{error}; an instrumented program does without this file")


def _set_up() -> Iterator[Finding]:
    """What in its variables keeps OpenTelemetry from a set-up: tried in a process of its own, that sends nothing."""
    environ = {name: value for name, value in os.environ.items() if name != "COSTSPAN_PROMETHEUS"}  # a port in use
    try:
        tried = subprocess.run(  # noqa: S603 our own
            [sys.executable, "-c", _TRY], env=environ, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:  # a resource detector that asks a network
        yield Finding("OpenTelemetry", "bad", f"its set-up takes over {_PATIENCE} s with these OTEL_ variables")
        return
    if said := re.search(r"could not set up OpenTelemetry \((.*)\);", tried.stderr):
        yield Finding(
            "OpenTelemetry", "bad", f"{said[1]}: a program sends nothing, or not all, with these OTEL_ variables"
        )


def _endpoint() -> Iterator[Finding]:
    """Where telemetry goes, and whether somebody answers there."""
    targets: dict[Target, list[str]] = {}
    sent = [signal for signal in _SIGNALS if "otlp" in (os.environ.get(f"OTEL_{signal.upper()}_EXPORTER") or "otlp")]
    for signal in sent:
        targets.setdefault(_target(signal), []).append(signal)
    for target, signals in targets.items():
        about = "telemetry" if signals == sent else ", ".join(signals)
        where = f"{re.sub('//[^/@]*@', '//', target.endpoint)} ({target.protocol})"  # without its password
        if target.protocol == "grpc":
            problem = _grpc_problem(target.endpoint, insecure=_said("INSECURE", signals[0]).lower() == "true")
        else:
            problem = http_problem(target.endpoint, "" if target.own else f"/v1/{signals[0]}", signals[0])
        if problem is None:
            yield Finding(about, "good", f"{where} answers")
        elif not target.chosen:
            yield Finding(about, "warning", f"{where}: {problem}; {_BY_DISTRO}")
        else:
            cure = "start a collector there, or `costspan up`, use `costspan run`, or set OTEL_EXPORTER_OTLP_ENDPOINT"
            yield Finding(about, "bad", f"{where}: {problem}; {cure}")


def _target(signal: str) -> Target:
    """By OpenTelemetry's variables, or its defaults."""
    exporter = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").partition("otlp_proto_")[2]
    said = _said("PROTOCOL", signal) or {"grpc": "grpc", "http": "http/protobuf"}.get(exporter, "")
    chosen = bool(said) or _version(_SPEAKS_GRPC) is None
    protocol = said or ("http/protobuf" if chosen else "grpc")
    default = f"http://localhost:{4317 if protocol == 'grpc' else 4318}"
    own = bool(os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"))
    return Target(protocol, _said("ENDPOINT", signal) or default, own, chosen)


def _said(what: str, signal: str) -> str:
    """What OpenTelemetry's variables say for a signal: its own variable, else that for all."""
    names = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}", f"OTEL_EXPORTER_OTLP_{what}")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def http_problem(endpoint: str, path: str = "/v1/traces", signal: str = "traces") -> str | None:
    """None if an empty export is accepted."""
    from http.client import HTTPException, InvalidURL
    from urllib.request import Request, urlopen

    if not endpoint.startswith(("http://", "https://")):
        return "is no http:// or https:// address"
    headers = {"content-type": "application/x-protobuf", **_headers(signal)}
    url = endpoint.rstrip("/") + path if path else endpoint
    try:
        with urlopen(Request(url, b"", headers), timeout=3):  # noqa: S310 checked above
            return None
    except HTTPError as error:
        return f"answers {error.code} {error.reason}" if error.code >= _REFUSED else None
    except (URLError, OSError) as error:
        return f"does not answer ({_cause(getattr(error, 'reason', error))})"
    except (InvalidURL, ValueError):  # whose text may be that of a key
        return "is no address, or OTEL_EXPORTER_OTLP_HEADERS has what no header can"
    except HTTPException:
        return f"answers, but not in HTTP/1.1 {_PORTS}"


def _headers(signal: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in _said("HEADERS", signal).split(","))
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs if name.strip()}


def _grpc_problem(endpoint: str, *, insecure: bool) -> str | None:
    """None if HTTP/2 is spoken there, or what may be TLS; what is spoken in that, only a call would tell.

    `insecure`: an address without http:// is asked for without TLS, as a variable says.
    """
    import socket

    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    try:
        with socket.create_connection((parts.hostname or "localhost", parts.port or 4317), timeout=3) as connection:
            if parts.scheme == "https":
                return None
            connection.sendall(_HELLO)
            answers = connection.recv(len(_HELLO))[3:4] == _SETTINGS
    except (OSError, ValueError) as error:
        return f"does not answer ({_cause(error)})"
    if parts.scheme == "http" or insecure:
        return None if answers else f"answers, but not in HTTP/2 {_PORTS}"
    return f"is asked for by TLS, which it does not speak: write http://{endpoint}" if answers else None


def _cause(error: object) -> object:
    """In words, without the number of the system's error."""
    return getattr(error, "strerror", None) or error


def _print(findings: list[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from costspan.cli.tables import terminal

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", overflow="fold", min_width=_LEAST_NAME)
    table.add_column(overflow="fold")
    for each in findings:
        table.add_row(_SIGNS[each.level], each.about, escape(each.text))
    terminal().print(table)
