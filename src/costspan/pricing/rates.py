"""Dollars as price lists write them, to whole femto-dollars (1e-15 USD)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from costspan.pricing.price import FEMTO

_NANO_DOLLAR = 10**6  # femto-dollars: the lists' prices by the second are cut quotients of prices by the hour
_DEAREST = Decimal(10**6)  # dollars for one unit: above it a price is a mistake


class RateError(ValueError):
    """A price is not a plain number of dollars from 0 up."""


def dollars(value: Any) -> Decimal:
    """A price as a Decimal, a float through its shortest text, so that `3e-06` is exactly 0.000003.

    Raises:
        RateError: Not a number, negative, not finite, or beyond any price.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise RateError(f"must be a number of dollars, not {value!r}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise RateError(f"must be a number of dollars, not {value!r}") from None
    if not amount.is_finite() or not 0 <= amount <= _DEAREST:
        raise RateError(f"must be from 0 to {_DEAREST} dollars, not {value!r}")
    return amount


def per_unit(price: Decimal, units: int = 1) -> int:
    """Femto-dollars for one unit of a price that is given for `units`, to the nearest whole one."""
    return round(Fraction(price) * FEMTO / units)


def per_hour(price: Decimal, times: int = 1) -> int:
    """Femto-dollars for an hour that has the time of a price so many times, to the nearest nano-dollar."""
    return round(Fraction(price) * times * FEMTO / _NANO_DOLLAR) * _NANO_DOLLAR
