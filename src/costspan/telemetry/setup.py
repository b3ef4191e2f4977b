"""Providers and OTLP exporters for a program that has none, from OpenTelemetry's own variables; a bounded end."""

from __future__ import annotations

import atexit
import os
import sys
import time
from contextlib import suppress
from functools import partial
from importlib.metadata import distribution
from threading import Thread
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, trace

from costspan.config import tolerant_settings
from costspan.guard import Guard, ToldError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from costspan.config import Settings

_SET_UP = Guard("set up OpenTelemetry")
_SHUT_DOWN = Guard("shut OpenTelemetry down")
_DEFAULTS = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",  # the specification's default; gRPC would cost 20 MB
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "false",  # the program's own log lines are not ours to send
}
# where the HTTP exporters take their session from, if the program names none: telemetry/session.py says why
_SESSION_GROUP = "opentelemetry_otlp_credential_provider"
_SESSIONS = {
    f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{each}_CREDENTIAL_PROVIDER": "costspan" for each in ("TRACES", "METRICS", "LOGS")
}


def has_providers() -> bool:
    """Whether the program, or a distribution of OpenTelemetry, has set up tracing."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def set_up(settings: Settings | None = None) -> None:
    """Make and register the providers, once; nothing happens if there are some or OTEL_SDK_DISABLED is true."""
    if has_providers() or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    with _SET_UP:
        settings = settings or tolerant_settings()
        _configure(settings)
        _bound_the_end(settings)


def _configure(settings: Settings) -> None:
    """The SDK's own reading of its variables; its entry class is what every distribution builds on.

    Raises:
        ToldError: A variable of OpenTelemetry's says what cannot be.
    """
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # noqa: PLC0415 heavy

    from costspan.telemetry.delivery import watch  # noqa: PLC0415 as above

    defaults = _DEFAULTS | (_SESSIONS if distribution("costspan").entry_points.select(group=_SESSION_GROUP) else {})
    added = {name: value for name, value in defaults.items() if name not in os.environ}
    added |= _scrape(settings.prometheus) | _instance()
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        _OTelSDKConfigurator().configure()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:  # of a variable: an exporter that is not there, 0 seconds
        raise ToldError(str(error)) from error
    finally:  # what the program starts from here gets the environment that the program was given
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    watch(metrics.get_meter_provider())


def _scrape(address: str) -> dict[str, str]:
    """OpenTelemetry's variables for an endpoint that answers scrapes there; none without an address."""
    if not address:
        return {}
    others = [each for each in os.environ.get("OTEL_METRICS_EXPORTER", "otlp").split(",") if each not in ("", "none")]
    host, _, port = address.rpartition(":")
    return {
        "OTEL_METRICS_EXPORTER": ",".join([*others, "costspan_prometheus"]),
        "OTEL_EXPORTER_PROMETHEUS_HOST": host,
        "OTEL_EXPORTER_PROMETHEUS_PORT": port,
    }


def _instance() -> dict[str, str]:
    """An id of this process among the resource's attributes: without one, sums of all workers and pods are one series.

    Source: opentelemetry-sdk gives one by itself in 1.44, and none in 1.42; read on 2026-11-23.
    """
    from uuid import uuid4  # noqa: PLC0415 as the next

    from opentelemetry.sdk import resources  # noqa: PLC0415 imported with what calls this

    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if "service.instance.id" in given or hasattr(resources, "ServiceInstanceIdResourceDetector"):
        return {}
    return {"OTEL_RESOURCE_ATTRIBUTES": f"{given},service.instance.id={uuid4()}".lstrip(",")}


def _bound_the_end(settings: Settings) -> None:
    """Replace the SDK's unbounded shutdowns at exit by one that gives up: a dead collector must not hold a program."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider())
    for provider in providers:
        if hasattr(provider, "shutdown"):
            atexit.unregister(provider.shutdown)
    atexit.register(shut_down, providers, settings.exit_timeout / 2)


def shut_down(providers: tuple[Any, ...], timeout_seconds: float, how: str = "shutdown") -> None:
    """Flush and shut down all providers side by side, waiting for no longer than the time given in all."""

    def end(provider: Any) -> None:
        with _SHUT_DOWN:
            getattr(provider, how)()

    latest = time.monotonic() + timeout_seconds
    ending = [_beside(partial(end, each)) for each in providers if hasattr(each, how)]
    for wait in ending:
        wait(max(0, latest - time.monotonic()))


def flush(given: Mapping[str, Any], timeout_seconds: float) -> None:
    """Let the providers send what they have, those that were given or else the process's own, side by side."""
    own = {
        "tracer_provider": trace.get_tracer_provider,
        "meter_provider": metrics.get_meter_provider,
        "logger_provider": _logs.get_logger_provider,
    }
    shut_down(tuple(given.get(name) or get() for name, get in own.items()), timeout_seconds, "force_flush")


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do some work, waiting for it no longer than that; it goes on in a thread that ends with the program."""
    _beside(work)(seconds)


def _beside(work: Callable[[], None]) -> Callable[[float], None]:
    """Begins the work in a thread; what waits for it. Python 3.12.0 and 3.12.1 start none at exit: it is done here."""
    thread = Thread(target=work, name="costspan-end", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        work()
        return lambda _seconds: None
    return thread.join


def stay_interrupted() -> None:
    """Let a program that Ctrl-C ends show it by its exit code, though text was compiled since, as our imports do.

    Source: `unhandled_keyboard_interrupt` in CPython's pythonrun.c; run with 3.10 to 3.13 on 2026-11-22.
    """
    if getattr(sys, "last_type", None) is KeyboardInterrupt and not hasattr(sys, "ps1"):  # not long ago at a prompt
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 only compiled text is noted
