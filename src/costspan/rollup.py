"""What the calls below a scope or span spent: running sums, from the call up to the outermost scope."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.pricing.price import FEMTO, usd_of_femto

if TYPE_CHECKING:
    from decimal import Decimal

_LOCK = Lock()  # held for a few additions, never across anything that waits
if hasattr(os, "register_at_fork"):  # a child must not inherit it held by a thread that it does not have
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


class Spend(NamedTuple):
    """What some calls spent together; `unpriced` of the `calls` had no known price, and are in `femto` with nothing."""

    femto: int = 0  # femto-dollars
    tokens: int = 0
    calls: int = 0
    unpriced: int = 0

    @property
    def cost(self) -> Decimal:
        """USD, exact, of the calls whose price is known."""
        return usd_of_femto(self.femto)

    def __float__(self) -> float:
        """USD as the nearest double."""
        return self.femto / FEMTO

    def __repr__(self) -> str:
        return f"Spend(cost={self.cost:f}, tokens={self.tokens}, calls={self.calls}, unpriced={self.unpriced})"

    def plus(self, other: Spend) -> Spend:
        """Both together."""
        return Spend(*map(sum, zip(self, other, strict=True))) if any(other) else self


class Account:
    """The running sum of one scope or span. Spend is added here and in every account above."""

    __slots__ = ("_spent", "budgets", "closed", "depth", "noted", "parent", "span")

    def __init__(self, parent: Account | None = None, span: Any = None) -> None:
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.budgets: tuple[Any, ...] = parent.budgets if parent is not None else ()  # that hold here, outermost first
        self.span = span  # context of the span that shows the sum; None if none does
        self.closed = False
        self.noted: dict[str, str | None] = {}  # who pays below, as far as all below agree; None where they do not
        self._spent = (0, 0, 0, 0)

    @property
    def spent(self) -> Spend:
        """All that was added so far."""
        return Spend(*self._spent)

    def add(self, femto: int | None, tokens: int) -> None:
        """One call more, here and above; its cost in femto-dollars, None if it is not known."""
        known, unknown = (femto, 0) if femto is not None else (0, 1)
        account: Account | None = self
        with _LOCK:
            while account is not None:
                money, count, calls, unpriced = account._spent
                account._spent = (money + known, count + tokens, calls + 1, unpriced + unknown)
                account = account.parent

    def note(self, payers: dict[str, str]) -> None:
        """Someone below said who pays; where two say different things, neither is right for the whole."""
        for key, value in payers.items():
            self.noted[key] = value if self.noted.get(key, value) == value else None

    @property
    def late_for(self) -> Account | None:
        """The nearest account whose span has ended already, so that it cannot show what is added now."""
        account: Account | None = self
        while account is not None and not (account.closed and account.span is not None):
            account = account.parent
        return account


def deeper(one: Account | None, other: Account) -> Account:
    """The nearer of two accounts in whose reach something happens: the one opened further in."""
    return other if one is None or other.depth >= one.depth else one
