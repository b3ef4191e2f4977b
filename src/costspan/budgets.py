"""Limits on what a scope may spend: `with costspan.budget(usd=0.50):` stops a runaway agent before its next call."""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel

from costspan.guard import Guard
from costspan.pricing.price import femto_of_usd, usd_of_femto
from costspan.rollup import Account
from costspan.scope import Run, Scoped, scope_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from costspan.rollup import Spend

_ASK = Guard("ask on_exceed of a budget")
ON_EXCEED = ("raise", "warn")
# Inside a function that is asked: its own calls are not asked about again, or it would be asked without end
_ASKING: ContextVar[bool] = ContextVar("costspan-asking", default=False)


class BudgetExceededError(Exception):
    """A call was refused: the budget of its scope is spent. The SDK was not called (or its stream was closed).

    `scope` names the budget, `limit` and `spent` are in its `unit` ("USD" or "tokens"), `call` says what was refused.
    """

    def __init__(self, limit: Limit, spent: Decimal | int, call: str) -> None:
        self.scope = limit.name
        self.limit = limit.amount
        self.spent = spent
        self.unit = limit.unit
        self.call = call
        super().__init__(
            f"budget {self.scope!r} is spent: {_shown(spent, self.unit)} of {_shown(self.limit, self.unit)}; "
            f"refused: {call}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.scope, self.limit, self.unit, self.spent, self.call)


class Limit:
    """An amount that may be spent, of money or tokens, and what happens past it. Amounts are exact.

    Raises:
        ValueError: Not one of `usd` and `tokens`, or an amount that is negative or no number; an unknown `on_exceed`.
    """

    __slots__ = ("amount", "most", "name", "on_exceed", "strict", "unit")

    def __init__(
        self, name: str, *, usd: Any = None, tokens: Any = None, on_exceed: Any = "raise", strict: bool = False
    ) -> None:
        if (usd is None) == (tokens is None):
            raise ValueError("a budget is either usd=… or tokens=…")
        if on_exceed not in ON_EXCEED and (not callable(on_exceed) or iscoroutinefunction(on_exceed)):
            raise ValueError(f"on_exceed must be {' or '.join(ON_EXCEED)} or a plain function, not {on_exceed!r}")
        self.name = name
        self.unit = "USD" if tokens is None else "tokens"
        self.amount = _amount(usd if tokens is None else tokens, self.unit)
        self.most = femto_of_usd(self.amount) if tokens is None else int(self.amount)  # in femto-dollars, or tokens
        self.on_exceed = on_exceed
        self.strict = strict

    def __repr__(self) -> str:
        return f"{self.name!r}, {_shown(self.amount, self.unit)}"

    def used(self, spend: Spend) -> int:
        """Femto-dollars or tokens, as this limit counts."""
        return spend.femto if self.unit == "USD" else spend.tokens

    def spent(self, spend: Spend) -> Decimal | int:
        """The same in the unit of this limit."""
        return spend.cost if self.unit == "USD" else spend.tokens

    def refuses(self, spend: Spend, call: str) -> BudgetExceededError | None:
        """What to raise instead of another call, after this much was spent; None: the call may begin."""
        if self.used(spend) < self.most and not (self.strict and spend.unpriced and self.unit == "USD"):
            return None
        return self._decide(BudgetExceededError(self, self.spent(spend), call))

    def _decide(self, exceeded: BudgetExceededError) -> BudgetExceededError | None:
        if self.on_exceed == "raise":
            return exceeded
        if self.on_exceed == "warn" or _ASKING.get():
            return None
        asking = _ASKING.set(True)
        with _ASK:
            try:
                self.on_exceed(exceeded)
            except BudgetExceededError as refused:
                return refused
            finally:
                _ASKING.reset(asking)
            return None
        return exceeded if self.strict else None  # the function itself has failed


class budget(Scoped["BudgetRun"]):  # noqa: N801 reads as the statement that it is: `with budget(usd=…)`
    """A limit on all calls inside: `with costspan.budget(usd=0.50) as left:`; also async, and a decorator.

    Blocks nest, and each limit holds. It is checked before every call, so the call that crosses it is still made; with
    `streams=True` also while a stream runs, on an estimate. Past it `on_exceed` says what happens: "raise" gives the
    program BudgetExceededError, "warn" logs once, and a function gets the error and decides by raising it or not.
    Calls with no known price count as nothing in USD, unless `strict=True` refuses more of them.

    Raises:
        ValueError: Not one of `usd` and `tokens`, an amount that is negative or no number, or an unknown `on_exceed`.
    """

    def __init__(
        self,
        *,
        usd: float | Decimal | None = None,
        tokens: int | None = None,
        on_exceed: str | Callable[[BudgetExceededError], object] = "raise",
        name: str = "budget",
        streams: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__()
        self.limit = Limit(name, usd=usd, tokens=tokens, on_exceed=on_exceed, strict=strict)
        self._streams = streams

    def __repr__(self) -> str:
        return f"budget({self.limit!r})"

    def open(self) -> BudgetRun:
        """A new budget of this size; what is spent goes to the budgets around, too."""
        around = scope_in(otel.get_current())
        return BudgetRun(around.payers, Account(around.account), self.limit, streams=self._streams)


class BudgetRun(Run):
    """One scope with a budget: what `with costspan.budget(…) as left:` gives."""

    def __init__(self, payers: Mapping[str, str], account: Account, limit: Limit, *, streams: bool) -> None:
        super().__init__(payers, account)
        self.limit = limit
        self.streams = streams
        self._warned = False
        account.budgets += (self,)

    def __repr__(self) -> str:
        return f"BudgetRun({self.limit!r}, spent {_shown(self.limit.spent(self.spent), self.limit.unit)})"

    @property
    def remaining(self) -> Decimal | int:
        """What is left, in USD or tokens; below 0 where the last call crossed the limit."""
        left = self.limit.most - self.limit.used(self.spent)
        return usd_of_femto(left) if self.limit.unit == "USD" else left

    @property
    def in_doubt(self) -> bool:
        """Whether a call must be looked at more closely: a few integers compared, for every call there is."""
        femto, tokens, _, unpriced = self.account._spent
        used = femto if self.limit.unit == "USD" else tokens
        return used >= self.limit.most or (self.limit.strict and unpriced > 0)

    def refuses(self, running: Spend, call: str) -> BudgetExceededError | None:
        """What to raise instead of the call; `running` is what the call itself is estimated to have spent by now."""
        return self.limit.refuses(self.spent.plus(running), call)

    def crossed(self) -> bool:
        """Whether the limit was reached; True only once."""
        if self._warned or not self.in_doubt or self.limit.used(self.spent) < self.limit.most:
            return False
        self._warned = True
        return True


def _amount(value: Any, unit: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"a budget must be a number of {unit} of 0 or more, not {value!r}")
    return amount


def _shown(amount: Decimal | int, unit: str) -> str:
    return f"${amount:.6f}" if unit == "USD" else f"{amount} tokens"


def _rebuilt(scope: str, amount: Decimal, unit: str, spent: Any, call: str) -> BudgetExceededError:
    limit = Limit(scope, usd=amount) if unit == "USD" else Limit(scope, tokens=amount)
    return BudgetExceededError(limit, spent, call)
