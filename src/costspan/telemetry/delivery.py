"""Says when metrics did not arrive, so that the first zero of a new series is sent again; lets forked children export.

Only for exporters that costspan has set up, and only where one of them alone is told values: a second one that did get
the zero, and then the value, would see another zero as a restart, and count the value twice.
"""

from __future__ import annotations

from threading import Lock
from types import MethodType
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from costspan.forking import in_children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Delivery:
    """In the place of an exporter's `export`: calls it, and tells whoever wants to know if nothing was delivered."""

    def __init__(self, export: Callable[..., Any]) -> None:
        self._export = export
        self.failed: list[WeakMethod[Callable[[], None]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = None
        try:
            result = self._export(*args, **kwargs)
        finally:
            if getattr(result, "name", "") != "SUCCESS":
                for each in self.failed:
                    if (tell := each()) is not None:
                        tell()
        return result


def _readers(provider: Any) -> Iterable[Any]:
    older = getattr(getattr(provider, "_sdk_config", None), "metric_readers", ())
    readers: Iterable[Any] = getattr(provider, "_metric_readers", older)
    return readers


def _exporters(provider: Any) -> Iterator[Any]:
    """The exporters to which a provider's metrics are pushed: those of the SDK's periodic readers."""
    for reader in _readers(provider):
        if (exporter := getattr(reader, "_exporter", None)) is not None:
            yield exporter


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
    found = list(_exporters(provider))
    if len(found) == 1:
        found[0].export = Delivery(found[0].export)


def tell_failures(provider: Any, failed: Callable[[], None]) -> None:
    """Call this method of an object, as long as it lives, after each export that failed; if the exporter is watched."""
    for exporter in _exporters(provider):
        if isinstance(exporter.export, Delivery):
            exporter.export.failed.append(WeakMethod(failed))
