"""Prices calls: finds the rate card of a model, by exact rules, and applies it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.pricing.price import Price, PriceStatus
from costspan.usage import STANDARD, ModelUsage, Terms, Usage

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal


class Pricer:
    """Prices for calls. Loads the price list at the first price (or `load()`), never at import."""

    def __init__(self, prices: str = "") -> None:
        self._prices = prices

    def load(self) -> None:
        """Read the price list now, so that the first `price` does not have to. Safe from any thread."""

    def price(
        self,
        usage: Usage,
        *,
        provider: str,
        model: str,
        request_model: str = "",
        at: datetime | None = None,
        terms: Terms = STANDARD,
        stated_cost: Decimal | None = None,
        parts: tuple[ModelUsage, ...] = (),
    ) -> Price:
        """The price of `usage` on `model` (the one that answered; else `request_model`) at the time `at` (None: now)."""
        return Price(PriceStatus.UNPRICED, reason="no price list yet")
