"""Which rate card prices a call, and until when: the part of pricing that runs once per model, not per call."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from costspan.pricing.card import DiscountedCard, NoCard, RateCard, Step
from costspan.pricing.catalog import Catalog
from costspan.pricing.compile import ALWAYS, FOREVER, compile_card, validity
from costspan.pricing.contracts import PriceFile
from costspan.pricing.ids import candidates, is_provisioned, without_gateway
from costspan.pricing.model import Period, override
from costspan.pricing.price import Entry
from costspan.pricing.providers import canonical_provider, is_local, route
from costspan.pricing.registry import REGISTERED, OwnModels
from costspan.usage import STANDARD, TOKENS, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costspan.pricing.contracts import Discount
    from costspan.pricing.model import Model
    from costspan.pricing.snapshot import Snapshot
    from costspan.usage import Terms

Card: TypeAlias = "RateCard | DiscountedCard | NoCard"
_DAY = timedelta(days=1)


class Slot(NamedTuple):
    """A card and the time for which it is right: from `start` on, before `end`."""

    card: Card
    start: datetime
    end: datetime


class Resolver:
    """Finds rate cards: the program's own prices first, then those of the user's file, then the price list."""

    def __init__(self, snapshot: Snapshot, file: PriceFile | None = None) -> None:
        self.catalog = Catalog(snapshot)
        self.file = file or PriceFile()
        self._own = OwnModels(self.file.models)

    def slot(self, provider: str, names: tuple[str, ...], terms: Terms, at: datetime) -> Slot:
        """The card of the first of `names` that has one."""
        at = at.astimezone(timezone.utc)
        host = canonical_provider(provider)
        names, terms = self._deployed(host, _billed_names(host, names), terms)
        found = self.find(host, names, terms)
        if found is None:
            return Slot(_without_model(host, next((name for name in names if name), "")), ALWAYS, FOREVER)
        discounts = [each for each in self.file.discounts if _concerns(each, host, found)]
        changes = [day for each in discounts for day in (each.since, each.until and each.until + _DAY)]
        return Slot(_make_card(found, terms, at, discounts), *validity(found, at, changes))

    def find(self, provider: str, names: tuple[str, ...], terms: Terms) -> Model | None:
        """The model of the first of `names` that is known; `provider` is canonical."""
        for name in names:
            if name and (found := self._find(*route(provider, name), terms.geo)):
                return found
        return None

    def knows(self, name: str) -> bool:
        """Whether it is a model at any provider, or the user says which one it is, or a rule prices it."""
        hosts = {*self.catalog.snapshot.providers, *self.own_providers}
        by_rule = isinstance(_without_model("openrouter", name), RateCard)  # there every rule holds that is not local
        return by_rule or any(self.find_named(host, name) for host in hosts)

    def find_named(self, provider: str, name: str) -> Model | None:
        """The model of that name, or that the user says is behind it; `provider` is canonical."""
        return self.find(provider, self._deployed(provider, (name,), STANDARD)[0], STANDARD)

    @property
    def own_providers(self) -> tuple[str, ...]:
        """The providers of the user's own models and deployments, which the list need not know."""
        deployed = dict.fromkeys(host for host, _ in self.file.deployments)
        return (*REGISTERED.providers, *self._own.providers, *deployed)

    def models(self, provider: str = "") -> Iterator[Model]:
        """All models as they are priced, the user's own first; of one provider (canonical) only, if it is given."""
        hosts = (provider,) if provider else self.catalog.snapshot.providers
        listed = [model for host in hosts for model in self.catalog.models(host)]
        known = {(model.provider, model.id.lower()) for model in listed}
        for own in self.file.models:
            if provider in ("", own.provider) and (own.provider, own.id.lower()) not in known:
                yield own
        yield from map(self.as_priced, listed)

    def as_priced(self, listed: Model) -> Model:
        """A model of the list, with the user's own prices for it over the list's."""
        own = self._own.find(listed.provider, listed.id.lower())
        return replace(override(own, listed), provider=listed.provider, id=listed.id) if own else listed

    def _find(self, provider: str, name: str, geo: str) -> Model | None:
        listed = self.catalog.find(provider, name, geo)
        others = _same_as(provider, listed.id.lower()) if listed else candidates(provider, name)
        names = (name.lower(), *others)
        for own in (REGISTERED, self._own):
            if found := next(filter(None, (own.find(provider, each) for each in names)), None):
                return override(found, listed) if listed else found
        return listed

    def _deployed(self, provider: str, names: tuple[str, ...], terms: Terms) -> tuple[tuple[str, ...], Terms]:
        """The models that the user says are behind the names, and of which kind the deployment is."""
        mapped = []
        for name in names:
            deployment = self.file.deployments.get((provider, name.lower()))
            if deployment is None:
                mapped.append(name)
            else:
                mapped.append(deployment.model)
                terms = terms._replace(deployment=deployment.kind or terms.deployment)
        return tuple(mapped), terms


def _billed_names(provider: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """At Bedrock the id that was asked for names region and model; an answer tells a model at most, or a router's."""
    if provider != "aws.bedrock" or names[0].startswith("arn:"):
        return names
    return names[1:] if any(names[1:]) else names


def _same_as(provider: str, listed: str) -> Iterator[str]:
    """A listed id, and what is left of it as a key of the user's: of `ibm/granite-3`, IBM's own id, `granite-3`."""
    yield listed
    yield from without_gateway(provider, listed)


def _concerns(discount: Discount, host: str, model: Model) -> bool:
    """Whether a discount is of who is paid, which need not be the maker, whose price it may be."""
    names = (model.id.lower(), *model.aliases)
    return discount.provider in ("*", host) and any(fnmatchcase(name, discount.model) for name in names)


def _make_card(model: Model, terms: Terms, at: datetime, discounts: list[Discount]) -> Card:
    if not any(period.rates for period in model.periods) and not model.variants:
        entry = Entry(model.provider, model.id, model.source, None, model.max_input, model.max_output)
        return NoCard(f"{model.id} is listed without a price; register_model or COSTSPAN_PRICES can give one", entry)
    listed = compile_card(model, terms, at)
    day = at.date()
    active = [each for each in discounts if (each.since or day) <= day <= (each.until or day)]
    if not active:
        return listed
    contract = active[-1]
    periods = tuple(Period({**each.rates, **contract.rates}, each.since, each.windows) for each in model.periods)
    return DiscountedCard(compile_card(replace(model, periods=periods), terms, at, contract.factor), listed)


def _without_model(provider: str, model: str) -> RateCard | NoCard:
    """What prices a model that no list has: an own server bills nothing, of all others the price is not known."""
    nothing = (Step(0, dict.fromkeys((*TOKENS, *UNITS), 0)),)
    if is_local(provider):
        return RateCard(nothing, Entry(provider, model, "local"), reason="runs on the user's own server")
    if is_provisioned(model):
        return RateCard(nothing, Entry(provider, model, "provisioned"), reason="capacity that is billed by the hour")
    if provider == "openrouter" and model.endswith(":free"):
        return RateCard(nothing, Entry(provider, model, "openrouter"), reason="a free variant")
    name = repr(model) if model else "a model without a name"
    return NoCard(
        f"no price for {name} of {provider or 'an unknown provider'}; register_model or COSTSPAN_PRICES can give one"
    )
