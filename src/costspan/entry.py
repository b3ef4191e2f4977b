"""The instrumentor behind every entry point of `opentelemetry-instrument`: one class, made for each adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined] # untyped file

from costspan.adapters._adapter import load
from costspan.config import tolerant_settings
from costspan.instrumentors import PLUGIN, PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Collection


class SdkInstrumentor(BaseInstrumentor):  # type: ignore[misc] # as above
    """Instruments one SDK; `costspan.instrumentors` makes a subclass with its name."""

    name: str

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK and its lowest version; no highest, so a newer major is tried."""
        return (load(self.name).package,)

    @property
    def _is_instrumented_by_opentelemetry(self) -> bool:
        """The plugin alone knows: `costspan.instrument()` and this class switch the same thing."""
        return self.name in PLUGIN.active

    @_is_instrumented_by_opentelemetry.setter
    def _is_instrumented_by_opentelemetry(self, _said: bool) -> None: ...

    def _instrument(self, **kwargs: Any) -> None:
        providers = {key: kwargs.pop(key) for key in PROVIDERS if key in kwargs}
        PLUGIN.add(self.name, load(self.name), tolerant_settings(**kwargs), providers)

    def _uninstrument(self, **_kwargs: Any) -> None:
        PLUGIN.remove(self.name)
