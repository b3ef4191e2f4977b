"""What a finished call costs, and all that decides it: who bills, on which terms, what the provider said itself."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from costspan.pricing.price import Price, PriceStatus
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Call
    from costspan.pricing import Pricer


class Till:
    """Prices calls by one price list."""

    def __init__(self, pricer: Pricer) -> None:
        self._pricer = pricer

    def price(self, call: Call) -> Price | None:
        """None for a call that failed before anything was used: errors bill nothing."""
        reply = call.reply
        if reply.cached:
            self._value_saving(call)
        if reply.free or reply.cached:
            return Price(PriceStatus.FREE, 0)
        if reply.usage is None and reply.stated_cost is None:
            if call.error:
                return None
            reason = reply.unpriced or reply.untold or "the provider reported no usage"
            return Price(PriceStatus.UNPRICED, reason=reason)
        if reply.unpriced and reply.stated_cost is None:
            return Price(PriceStatus.UNPRICED, reason=reply.unpriced)
        price = self._rate(call, reply.usage if reply.usage is not None else Usage())
        if price.status is PriceStatus.UNPRICED and reply.gateway_cost is not None:
            return self._pricer.price(Usage(), provider="", model="", stated_cost=reply.gateway_cost)._replace(
                stated=False
            )
        if reply.untold and price.total_femto is not None:
            price = price._replace(status=PriceStatus.PARTIAL, reason=reply.untold)
        return price

    def _value_saving(self, call: Call) -> None:
        """What a cached answer reports was used when it was made: now it is saved, at today's price."""
        reply = call.reply
        reply.saved, reply.usage = reply.saved or reply.usage, None
        if reply.saved is not None:
            reply.saved_femto = self._rate(call, reply.saved).total_femto

    def _rate(self, call: Call, usage: Usage) -> Price:
        request, reply = call.request, call.reply
        return self._pricer.price(
            usage,
            provider=request.biller or request.provider,
            model=reply.model,
            request_model=request.model,
            at=datetime.fromtimestamp(call.started_ns / 1e9, timezone.utc),
            terms=reply.terms,
            stated_cost=reply.stated_cost,
            parts=reply.parts,
            duration_seconds=call.duration_seconds,
        )
