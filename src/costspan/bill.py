"""What one call used and cost, for the program that made it: found again by the very response that it holds."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.pricing.price import Price
    from costspan.usage import Usage

_MOST_DICTS = 1024
_INNER = ("_raw_stream", "_response", "_stream")  # where helper streams of SDKs hold the stream that we have seen


class Bill:
    """What one call used and cost. A stream's is complete when the stream has ended; until then, None."""

    __slots__ = ("__weakref__", "model", "price", "provider", "usage")

    def __init__(self) -> None:
        self.provider = ""
        self.model = ""
        self.usage: Usage | None = None
        self.price: Price | None = None

    @property
    def cost(self) -> Decimal | None:
        """USD, exact; None if the price is not known (yet)."""
        return self.price.total if self.price is not None else None

    def __float__(self) -> float:
        """USD as the nearest double; NaN if the price is not known."""
        return float(self.price) if self.price is not None else float("nan")

    def __repr__(self) -> str:
        return f"Bill({self.provider}/{self.model}, {self.usage!r}, cost={self.cost})"


class Bills:
    """Bills by the response that the program holds, which is neither touched nor kept alive."""

    def __init__(self) -> None:
        self._weak: dict[int, tuple[weakref.ref[Any], Bill]] = {}
        self._dicts: OrderedDict[int, tuple[int, Bill]] = OrderedDict()
        self._last: ContextVar[Bill | None] = ContextVar("costspan-last-bill", default=None)

    def add(self, response: Any, bill: Bill) -> None:
        """From now on this object has this bill; it is also the last one of the current task."""
        self._last.set(bill)
        key = id(response)
        if isinstance(response, dict):  # cannot be referred to weakly: known again by where it and its first value are
            self._dicts[key] = _first_value(response), bill
            if len(self._dicts) > _MOST_DICTS:
                self._dicts.popitem(last=False)
            return
        try:
            found = weakref.ref(response, lambda _gone: self._weak.pop(key, None))
        except TypeError:  # text, bytes, None
            return
        self._weak[key] = found, bill

    def __contains__(self, response: Any) -> bool:
        """Whether an object may have a bill of its own; what it holds is not looked at."""
        return id(response) in self._weak or id(response) in self._dicts

    def find(self, response: Any) -> Bill | None:
        """The bill of a response or stream; None for an object that we have not seen."""
        if isinstance(response, dict):
            first, bill = self._dicts.get(id(response), (None, None))
            return bill if first == _first_value(response) else None
        found = self._weak.get(id(response))
        if found is not None:
            return found[1] if found[0]() is response else None
        inner = getattr(response, "__dict__", {})
        return next((bill for name in _INNER if name in inner and (bill := self.find(inner[name]))), None)

    @property
    def last(self) -> Bill | None:
        """The bill of the last call of this task or thread."""
        return self._last.get()


def _first_value(response: dict[Any, Any]) -> int:
    return id(next(iter(response.values()), None))
