"""Prices calls: finds the rate card of a model, by exact rules, and applies it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from costspan.forking import Imports
from costspan.guard import Guard
from costspan.pricing.price import Entry, Price, PriceStatus, femto_of_usd
from costspan.pricing.registry import REGISTERED
from costspan.usage import STANDARD, ModelUsage, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from costspan.pricing.resolver import Resolver, Slot

_MOST_SLOTS = 4096  # models on distinct terms that are kept; a program that makes up names must not fill the memory
_FILE = Guard("use the price file of COSTSPAN_PRICES; the other prices stay in force")
_IMPORTS = Imports()
_COSTS = frozenset({PriceStatus.PRICED, PriceStatus.FREE})


class Pricer:
    """Prices for calls. Loads the price list at the first price (or `load()`), never at import.

    `prices` is the path of the user's own price file; if it cannot be used, that is logged, and the others stay.
    `hosts` are gateways of the user's and whose prices theirs are, for calls that are billed by an address.
    """

    def __init__(self, prices: str = "", hosts: Mapping[str, str] | None = None) -> None:
        self._prices = prices
        self.hosts = hosts or {}
        self._version = REGISTERED.version
        self._resolver: Resolver | None = None
        self._slots: dict[tuple[str, str, str, Terms], Slot] = {}

    def load(self) -> None:
        """Read the price list now, so that the first `price` does not have to. Safe from any thread."""
        with _IMPORTS:
            from costspan.pricing.resolver import Resolver  # noqa: PLC0415 a program that prices nothing loads nothing
            from costspan.pricing.store import current  # noqa: PLC0415 as above

            file = None
            if self._prices:
                from costspan.pricing.pricefile import read_price_file  # noqa: PLC0415 as above

                with _FILE:
                    file = read_price_file(self._prices)
            self._resolver = Resolver(current(), file)

    @property
    def resolver(self) -> Resolver:
        """What finds the rate cards, loaded."""
        if self._resolver is None:
            self.load()
        assert self._resolver is not None  # noqa: S101 loaded just now
        return self._resolver

    def price(  # noqa: PLR0913 what a call's price depends on; all but the usage by name
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
        duration_seconds: float = 0,
    ) -> Price:
        """The price of `usage` on `model` (the one that answered; else `request_model`) at the time `at` (None: now).

        `parts` are billed besides, at the prices of their own models. A `stated_cost` (USD, the provider's own) wins.
        `duration_seconds` is what an own server costs by the time, where the user's prices say so.
        """
        if self._version != REGISTERED.version:
            self._version = REGISTERED.version
            self._slots.clear()
        key = (provider, model, request_model, terms)
        slot = self._slots.get(key)
        if at is None:
            at = datetime.now(timezone.utc)
        elif at.tzinfo is None:
            at = at.replace(tzinfo=timezone.utc)
        if slot is None or not slot[1] <= at < slot[2]:
            slot = self._find(key, at)
        card = slot[0]
        if stated_cost is not None and stated_cost.is_finite() and stated_cost >= 0:
            return _stated(stated_cost, card.entry)
        if card.timed and duration_seconds and not usage.compute_ms:
            usage += Usage(compute_ms=round(duration_seconds * 1000))
        price = card.price(usage)
        for part in parts:
            name, asked = (model, request_model) if part.model in {"", model} else (part.model, "")
            own = self.price(part.usage, provider=provider, model=name, request_model=asked, at=at, terms=terms)
            price = _add(price, own, part.model)
        return price

    def _find(self, key: tuple[str, str, str, Terms], at: datetime) -> Slot:
        provider, model, request_model, terms = key
        slot = self.resolver.slot(self.hosts.get(provider, provider), (model, request_model), terms, at)
        if len(self._slots) >= _MOST_SLOTS:
            self._slots.clear()
        self._slots[key] = slot
        return slot


def _stated(cost: Decimal, entry: Entry | None) -> Price:
    femto = femto_of_usd(cost)
    return Price(PriceStatus.PRICED, femto, {"stated": femto} if femto else {}, entry, stated=True)


def _add(price: Price, part: Price, model: str) -> Price:
    """Both together; what is not known of either makes the sum partial."""
    if price.total_femto is None and part.total_femto is None:
        return price
    breakdown = dict(price.breakdown)
    for bucket, amount in part.breakdown.items():
        breakdown[bucket] = breakdown.get(bucket, 0) + amount
    if {price.status, part.status} <= _COSTS:
        status = price.status if price.status is part.status else PriceStatus.PRICED
    else:
        status = PriceStatus.PARTIAL
    unknown = (model or "*",) if part.total_femto is None else part.missing
    return price._replace(
        status=status,
        total_femto=(price.total_femto or 0) + (part.total_femto or 0),
        breakdown=breakdown,
        missing=price.missing + unknown,
        reason=price.reason or part.reason,
        list_femto=None if price.list_femto is None is part.list_femto else _listed(price) + _listed(part),
    )


def _listed(price: Price) -> int:
    """Femto-dollars at list price, which is the price itself where no discount applies."""
    return (price.total_femto if price.list_femto is None else price.list_femto) or 0
