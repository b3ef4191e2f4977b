"""For the public functions: the process's Pricer, the provider of a model named alone, near names of unknown ones."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from costspan.config import tolerant_settings
from costspan.pricing.ids import candidates
from costspan.pricing.pricer import Pricer
from costspan.pricing.providers import MAKERS, canonical_provider
from costspan.pricing.registry import REGISTERED

if TYPE_CHECKING:
    from costspan.pricing.model import Model

_NEAR = 3


class UnknownModelError(LookupError):
    """No price list knows the model. Names the closest known ids, for the person who reads it; none is used."""


def own_pricer() -> Pricer:
    """The Pricer of this process for the public functions: the plugin's while it is on, else with COSTSPAN_PRICES."""
    return REGISTERED.pricer or pricer_of_environment()


@cache
def pricer_of_environment() -> Pricer:
    """A Pricer with the prices of COSTSPAN_PRICES, as it was when first asked."""
    return Pricer(tolerant_settings().prices)


def split_name(model: str, provider: str | None = None) -> tuple[str, str]:
    """Canonical provider and model: `bedrock/anthropic.claude-v2` names both, `gpt-4o` is found at its maker.

    Raises:
        UnknownModelError: No provider is named, and none of the makers or of the user's own has such a model.
    """
    named = _split_name(model, provider)
    if named is None:
        raise unknown_model(model)
    return named


def _split_name(model: str, provider: str | None) -> tuple[str, str] | None:
    if provider:
        return canonical_provider(provider), model
    head, slash, rest = model.partition("/")
    host = canonical_provider(head)
    resolver = own_pricer().resolver
    own = resolver.own_providers
    if slash and (host in resolver.catalog.snapshot.index["providers"] or host in own or host == "local"):
        known = (name for name in (rest, model) if resolver.find_named(host, name))
        return host, next(known, rest)  # ibm/granite-3 is IBM's own id, azure/gpt-4o is a gateway's name
    return next(((maker, model) for maker in (*MAKERS, *own) if resolver.find_named(maker, model)), None)


def find_model(model: str, provider: str | None = None) -> Model | None:
    """What the price list says of a model, None if it does not know it."""
    named = _split_name(model, provider)
    return named and own_pricer().resolver.find_named(*named)


def unknown_model(model: str, provider: str = "") -> UnknownModelError:
    """The error that a model is not known, with the ids that look most like it."""
    if not model:
        return UnknownModelError("no model is named, by the answer or by model=")
    hosts = (provider,) if provider else MAKERS
    snapshot = own_pricer().resolver.catalog.snapshot
    ids = {name for host in hosts for name in snapshot.section(host)}
    wanted = list(candidates(provider, model))[-1:] or [model.lower()]
    near = get_close_matches(wanted[0], ids, _NEAR) or get_close_matches(model.rpartition("/")[2], ids, _NEAR)
    hint = f"; closest known: {', '.join(near)}" if near else ""
    where = f" of {provider}" if provider else ""
    return UnknownModelError(f"no price for {model!r}{where}{hint}; register_model or COSTSPAN_PRICES can give one")
