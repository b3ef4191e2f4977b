"""Says when metrics did not arrive, so that the first zero of a new series is sent again.

Only for exporters that costspan has set up, and only where one of them alone is told values: a second one that did get
the zero, and then the value, would see another zero as a restart, and count the value twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def _exporters(provider: Any) -> Iterator[Any]:
    """The exporters to which a provider's metrics are pushed: those of the SDK's periodic readers."""
    older = getattr(getattr(provider, "_sdk_config", None), "metric_readers", ())
    for reader in getattr(provider, "_metric_readers", older):
        if (exporter := getattr(reader, "_exporter", None)) is not None:
            yield exporter


def watch(provider: Any) -> None:
    """Look at the only exporter of a provider that was just made."""
    found = list(_exporters(provider))
    if len(found) == 1:
        found[0].export = Delivery(found[0].export)


def tell_failures(provider: Any, failed: Callable[[], None]) -> None:
    """Call this method of an object, as long as it lives, after each export that failed; if the exporter is watched."""
    for exporter in _exporters(provider):
        if isinstance(exporter.export, Delivery):
            exporter.export.failed.append(WeakMethod(failed))
