"""The price of one call: exact, with a breakdown that sums to it, and where the rates came from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FEMTO = 10**15  # femto-dollars in a dollar
EXACT = Context(prec=60)  # the program may have set another precision for its own decimals


def usd_of_femto(femto: int) -> Decimal:
    """USD, exact."""
    return EXACT.divide(femto, FEMTO)


def femto_of_usd(usd: Decimal) -> int:
    """Whole femto-dollars of USD, half to even."""
    return round(EXACT.multiply(usd, FEMTO))


class PriceStatus(str, Enum):
    """How much of a call its price covers."""

    PRICED = "priced"  # everything that was used has a rate
    PARTIAL = "partial"  # some bucket has a count and no rate; `missing` names it
    FREE = "free"  # known to cost nothing
    UNPRICED = "unpriced"  # no rate at all; `reason` says why

    __str__ = str.__str__  # `priced` in text: in an f-string Python 3.10 and 3.11 say so, 3.12 `PriceStatus.PRICED`


@dataclass(frozen=True, slots=True)
class Entry:
    """Which catalog entry priced a call, from which list, valid since when (None: always)."""

    provider: str
    model: str
    source: str
    effective_from: date | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None


class Price(NamedTuple):  # not a dataclass: a frozen one takes longer to make than a call takes to price
    """What a call costs, in whole femto-dollars (1e-15 USD); `breakdown` sums to `total_femto` exactly.

    An unpriced call has `total_femto` None, which is not 0: it is not known.
    """

    status: PriceStatus
    total_femto: int | None = None
    breakdown: Mapping[str, int] = MappingProxyType({})  # bucket (or `stated`) to femto-dollars
    entry: Entry | None = None
    missing: tuple[str, ...] = ()  # buckets that were used and have no rate
    reason: str = ""  # why unpriced or partial, and the way out
    stated: bool = False  # the provider itself said what it charges
    list_femto: int | None = None  # at list price, where a discount of the user's applies

    @property
    def total(self) -> Decimal | None:
        """USD, exact; None if the price is not known."""
        return None if self.total_femto is None else usd_of_femto(self.total_femto)

    def __float__(self) -> float:
        """USD as the nearest double; NaN if the price is not known."""
        return float("nan") if self.total_femto is None else self.total_femto / FEMTO
