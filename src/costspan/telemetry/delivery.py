"""Gets the first zero of a new series across: at once, and again if it did not arrive. Lets forked children export.

Only for exporters that costspan has set up, and only where one of them alone is told values: a second one that did get
the zero, and then the value, would see another zero as a restart, and count the value twice.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock, Thread
from types import MethodType
from typing import TYPE_CHECKING, Any
from weakref import ref

from opentelemetry import context as otel

from costspan.forking import in_children
from costspan.telemetry.counters import COLLECTION, EARLY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costspan.telemetry.metrics import Metrics

MOMENT_SECONDS = 0.2  # after a new series: others of the same call and of its neighbours go along
PAUSE_SECONDS = 5.0  # between such exports, however many series are new


class Delivery:
    """In the place of an exporter's `export`: calls it, and sees to it that new series get their first zero across."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._export = reader._exporter.export
        self._delivered = True
        self._thread: Thread | None = None
        self.followed: list[ref[Metrics]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = None
        try:
            result = self._export(*args, **kwargs)
        finally:
            self._delivered = getattr(result, "name", "") == "SUCCESS"
            if not self._delivered:
                for metrics in self._alive():
                    metrics.take_back()
        return result

    def _alive(self) -> list[Metrics]:
        return [metrics for each in self.followed if (metrics := each()) is not None]

    def soon(self) -> None:
        """Export in a moment: a job may end before the next regular export, and its zero must be seen by then."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = Thread(target=self._send_zeros, name="costspan-zeros", daemon=True)
        with suppress(RuntimeError):  # the program is ending: the last flush shows what is new
            self._thread.start()

    def _send_zeros(self) -> None:
        time.sleep(MOMENT_SECONDS)
        self._delivered = True
        otel.attach(otel.set_value(COLLECTION, EARLY))  # of this thread
        while self._delivered and any(metrics.unsettled for metrics in self._alive()):
            self._reader.collect()
            time.sleep(PAUSE_SECONDS)


def _readers(provider: Any) -> Iterable[Any]:
    older = getattr(getattr(provider, "_sdk_config", None), "metric_readers", ())
    readers: Iterable[Any] = getattr(provider, "_metric_readers", older)
    return readers


def _free(reader: Any) -> None:
    """A new export lock for a reader: one that its parent held at the fork would stay held in the child for ever.

    Source: opentelemetry-sdk 1.45.2, `PeriodicExportingMetricReader._at_fork_reinit` starts a thread and leaves the
    lock; read and run on 2026-11-22.
    """
    reader._export_lock = Lock()


def watch(provider: Any) -> None:
    """Look at the only exporter of a provider that was just made; let all readers export in forked children too."""
    for reader in _readers(provider):
        if hasattr(reader, "_export_lock"):
            in_children(MethodType(_free, reader))
    pushing = [reader for reader in _readers(provider) if getattr(reader, "_exporter", None) is not None]
    if len(pushing) == 1:
        pushing[0]._exporter.export = Delivery(pushing[0])


def follow(provider: Any, metrics: Metrics) -> None:
    """Get the first zeros of these metrics across, as long as they live, if their provider's exporter is watched."""
    for reader in _readers(provider):
        delivery = getattr(getattr(reader, "_exporter", None), "export", None)
        if isinstance(delivery, Delivery):
            delivery.followed.append(ref(metrics))
            metrics.at_new_series = delivery.soon
