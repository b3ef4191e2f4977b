"""Prices and limits of every model that a price list knows, for the API."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Context
from typing import TYPE_CHECKING, Any

from costspan.pricing.compile import active_period
from costspan.pricing.lookup import own_pricer
from costspan.pricing.model import HOUR_MS
from costspan.pricing.price import usd_of_femto
from costspan.pricing.providers import canonical_provider
from costspan.reports.usage import text

if TYPE_CHECKING:
    from costspan.pricing.model import Model, Rates

_FINE = Context(prec=12)  # a price by the hour may be no whole number by the millisecond


def prices_of(name: str, provider: str = "") -> list[dict[str, Any]]:
    """The entries of that model id, at every provider that sells it, or at one."""
    resolver, wanted = own_pricer().resolver, canonical_provider(provider)
    hosts = [wanted] if wanted else resolver.catalog.snapshot.providers
    own = [model for model in resolver.file.models if model.id.lower() == name.lower()]
    listed = [resolver.as_priced(model) for host in hosts if (model := resolver.catalog.find(host, name))]
    found = {(model.provider, model.id.lower()): model for model in (*own, *listed)}
    return [_entry(model) for model in found.values() if wanted in ("", model.provider)]


def every_price(search: str = "", provider: str = "") -> list[dict[str, Any]]:
    """All entries whose id has `search` in it."""
    models = own_pricer().resolver.models(canonical_provider(provider))
    return [_entry(model) for model in models if search.lower() in model.id.lower()]


def list_date() -> str:
    """The day the price list was built."""
    return str(own_pricer().resolver.catalog.snapshot.index["built"])


def _entry(model: Model) -> dict[str, Any]:
    period = active_period(model, datetime.now(timezone.utc))
    return {
        "provider": model.provider,
        "model": model.id,
        "currency": "USD",
        "prices": by_bucket(period.rates),
        "max_input_tokens": model.max_input,
        "max_output_tokens": model.max_output,
        "since": period.since.isoformat() if period.since else None,
        "source": model.source,
    }


def by_bucket(rates: Rates) -> dict[str, list[dict[str, Any]]]:
    """USD for one token, millisecond or other unit, above so many input tokens."""
    units = {bucket: HOUR_MS if bucket.endswith("_ms") else 1 for bucket in rates}
    return {
        bucket: [
            {"above_input_tokens": above, "usd": text(_FINE.divide(usd_of_femto(femto), units[bucket]))}
            for above, femto in steps
        ]
        for bucket, steps in rates.items()
    }
