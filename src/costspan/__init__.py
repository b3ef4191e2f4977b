"""The price of every LLM call, on its OpenTelemetry span."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costspan.instrumentors import instrument, uninstrument
    from costspan.usage import Usage

__version__ = "0.1.0"
__all__ = ["Usage", "instrument", "uninstrument"]

_HOMES = {  # loaded on first use: nothing is imported at start-up that the first call does not need
    "Usage": "costspan.usage",
    "instrument": "costspan.instrumentors",
    "uninstrument": "costspan.instrumentors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'costspan' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
