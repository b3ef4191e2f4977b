"""Puts wrappers into SDKs when the program imports them, and takes them out again. Imports nothing by itself."""

from __future__ import annotations

import logging
import sys
from copy import deepcopy
from types import MethodType
from typing import TYPE_CHECKING, Any

import wrapt

from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("costspan")
_PATCH = Guard("patch an SDK")


def _copied_deeply(placed: Any, memo: dict[int, Any]) -> Any:
    """A method is copied with what it is bound to; a function is itself."""
    original = placed.__wrapped__
    if isinstance(original, MethodType):
        return getattr(deepcopy(original.__self__, memo), original.__name__)
    return placed


def _reduced(placed: Any, protocol: Any) -> Any:
    """Functions are pickled by their names, so that they are found where costspan is not, too."""
    original = placed.__wrapped__
    if isinstance(original, MethodType):
        return original.__reduce_ex__(protocol)
    from pkgutil import resolve_name  # noqa: PLC0415 nothing that only pickling needs is imported before

    return resolve_name, (f"{original.__module__}:{original.__qualname__}",)


def _through(name: str) -> property:
    """An attribute that every class has of its own, which would hide the function's."""
    return property(
        lambda placed: getattr(placed.__wrapped__, name),
        lambda placed, value: setattr(placed.__wrapped__, name, value),
    )


# wrapt's own can be neither copied nor pickled, which would reach programs that hold an SDK's function in their data
_AS_THE_ORIGINAL = {
    "__copy__": lambda placed: placed,
    "__deepcopy__": _copied_deeply,
    "__reduce_ex__": _reduced,
    "__repr__": lambda placed: repr(placed.__wrapped__),
    "__module__": _through("__module__"),
    "__doc__": _through("__doc__"),
}
_Bound = type("_Bound", (wrapt.BoundFunctionWrapper,), _AS_THE_ORIGINAL)
_Placed = type("_Placed", (wrapt.FunctionWrapper,), {**_AS_THE_ORIGINAL, "__bound_function_wrapper__": _Bound})


class Patches:
    """The wrappers that one instrumentation has placed; `remove()` puts every original back, by identity."""

    def __init__(self) -> None:
        self._placed: list[tuple[Any, str, Any, Any, str]] = []  # owner, attribute, original, wrapper, also in
        self._on = True
        self.missing: list[str] = []  # seats that this version of the SDK does not have

    def place(self, module: str, name: str, wrapper: Callable[..., Any], also: str = "") -> None:
        """Wrap `name` (`Class.method` or a function) of a module: now if it is imported, else when it will be.

        `also`: another module that has the very same function, under the same name.
        """

        def imported(found: Any) -> None:
            with _PATCH:
                if self._on:
                    self._wrap(found, name, wrapper, also)

        wrapt.register_post_import_hook(imported, module)

    def _wrap(self, module: Any, name: str, wrapper: Callable[..., Any], also: str) -> None:
        *classes, attribute = name.split(".")
        owner = module
        for each in classes:
            owner = getattr(owner, each, None)
        original = getattr(owner, "__dict__", {}).get(attribute)
        if original is None and isinstance(owner, type) and hasattr(owner, attribute):
            return  # of a base class, where another seat is
        if original is None:
            self.missing.append(f"{module.__name__}.{name}")
            _log.info("%s.%s is not in this version of the SDK: not instrumented", module.__name__, name)
            return
        placed = _Placed(original, wrapper)
        setattr(owner, attribute, placed)
        _swap(sys.modules.get(also), attribute, original, placed)
        self._placed.append((owner, attribute, original, placed, also))

    @property
    def count(self) -> int:
        """How many wrappers are in place."""
        return len(self._placed)

    def remove(self) -> None:
        """Put the originals back. Where another tool has wrapped ours since, ours stays inside and passes through."""
        self._on = False
        while self._placed:
            owner, attribute, original, placed, also = self._placed.pop()
            for each in (owner, sys.modules.get(also)):
                _swap(each, attribute, placed, original)


def _swap(owner: Any, attribute: str, there: Any, other: Any) -> None:
    """Put another object in the place of the one that is expected there; leave any third one alone."""
    if owner is not None and owner.__dict__.get(attribute) is there:
        setattr(owner, attribute, other)
