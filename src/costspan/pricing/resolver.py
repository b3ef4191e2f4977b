"""Which rate card prices a call, and until when: the part of pricing that runs once per model, not per call."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from costspan.pricing.card import NoCard, RateCard, Step
from costspan.pricing.catalog import Catalog
from costspan.pricing.compile import ALWAYS, FOREVER, compile_card, validity
from costspan.pricing.ids import is_provisioned
from costspan.pricing.price import Entry
from costspan.pricing.providers import canonical_provider, is_local
from costspan.pricing.snapshot import bundled
from costspan.usage import TOKENS

if TYPE_CHECKING:
    from costspan.pricing.model import Model
    from costspan.usage import Terms


class Slot(NamedTuple):
    """A card and the time for which it is right: from `start` on, before `end`."""

    card: RateCard | NoCard
    start: datetime
    end: datetime


class Resolver:
    """Finds rate cards in the price list in force."""

    def __init__(self) -> None:
        self._catalog = Catalog(bundled())

    def slot(self, provider: str, names: tuple[str, ...], terms: Terms, at: datetime) -> Slot:
        """The card of the first of `names` that has one."""
        at = at.astimezone(timezone.utc) if at.tzinfo else at.replace(tzinfo=timezone.utc)
        host = canonical_provider(provider)
        found = self._find(host, names, terms)
        if found is None:
            return Slot(_without_model(host, next((name for name in names if name), "")), ALWAYS, FOREVER)
        return Slot(compile_card(found, terms, at), *validity(found, at))

    def _find(self, provider: str, names: tuple[str, ...], terms: Terms) -> Model | None:
        for name in names:
            if name and (found := self._catalog.find(provider, name, terms.geo)):
                return found
        return None


def _without_model(provider: str, model: str) -> RateCard | NoCard:
    """What prices a model that no list has: an own server bills nothing, of all others the price is not known."""
    nothing = (Step(0, dict.fromkeys(TOKENS, 0)),)
    if is_local(provider):
        return RateCard(nothing, Entry(provider, model, "local"), reason="runs on the user's own server")
    if is_provisioned(model):
        return RateCard(nothing, Entry(provider, model, "provisioned"), reason="capacity that is billed by the hour")
    name = repr(model) if model else "a model without a name"
    return NoCard(
        f"no price for {name} of {provider or 'an unknown provider'}; register_model or COSTSPAN_PRICES can give one"
    )
