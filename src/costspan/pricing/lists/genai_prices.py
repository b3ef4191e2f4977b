"""Models from the `genai-prices` package: curated prices with dates, volume tiers and service tiers. MIT licence."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costspan.pricing.model import Model, Period, Variant, windows_between
from costspan.pricing.providers import canonical_provider
from costspan.pricing.rates import per_hour, per_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import time

    from costspan.pricing.model import Rates, Steps

_MILLION = 1_000_000
_THOUSAND = 1_000
# price field: (bucket, for how many units the list gives the price); hours are kept by the hour
_FIELDS = {
    "input_mtok": ("input", _MILLION),
    "output_mtok": ("output", _MILLION),
    "cache_read_mtok": ("cache_read", _MILLION),
    "cache_write_mtok": ("cache_write", _MILLION),
    "cache_write_1h_mtok": ("cache_write_1h", _MILLION),
    "input_audio_mtok": ("input_audio", _MILLION),
    "input_image_mtok": ("input_image", _MILLION),
    "input_video_mtok": ("input_video", _MILLION),
    "cache_audio_read_mtok": ("cache_read_audio", _MILLION),
    "cache_image_read_mtok": ("cache_read_image", _MILLION),
    "output_audio_mtok": ("output_audio", _MILLION),
    "output_image_mtok": ("output_image", _MILLION),
    "output_video_mtok": ("output_video", _MILLION),
    "output_reasoning_mtok": ("reasoning", _MILLION),
    "output_citation_mtok": ("citation", _MILLION),
    "input_mchars": ("input_characters", _MILLION),
    "web_searches_kcount": ("web_searches", _THOUSAND),
    "storage_searches_kcount": ("file_searches", _THOUSAND),
    "requests_kcount": ("requests", _THOUSAND),
    "input_document_kpages": ("pages", _THOUSAND),
    "audio_hours": ("input_audio_ms", 1),
    "input_audio_hours": ("input_audio_ms", 1),
}
_TERMS = {"service_tier": "tier", "processing": "tier", "speed": "speed", "search_type": "search_tool"}
_FREE = re.compile(r"free of charge|included in the subscription", re.IGNORECASE)
_NOTHING: Rates = {"input": ((0, 0),), "output": ((0, 0),)}
# A served id that the list finds by a pattern: the literal part is an alias, dates are the catalog's own rule.
_REGEX_LITERAL = re.compile(r"^\^((?:[a-z0-9/_-]|\\\.|\\\[|\\\]|=)+)")


def read_models(providers: Any, source: str) -> Iterator[Model]:
    """Every model of the package's `providers`, under canonical provider names."""
    for provider in providers:
        yield from (_read_model(canonical_provider(provider.id), model, source) for model in provider.models)


def _read_model(provider: str, model: Any, source: str) -> Model:
    periods = model.prices if isinstance(model.prices, list) else [model]
    free = model.id.endswith(":free") or _FREE.search(getattr(model, "price_comments", None) or "")
    aliases = {literal.strip("/").lower() for literal in _literals(model.match)} - {model.id.lower()}
    return Model(
        provider=provider,
        id=model.id,
        source=source,
        periods=tuple(_read_period(period, _NOTHING if free else {}) for period in periods),
        variants=_read_variants(model, periods),
        aliases=tuple(sorted(aliases)),
        max_input=model.context_window,
    )


def _literals(clause: Any) -> Iterator[str]:
    """The names in a match clause; one in a regular expression as far as it is literal."""
    for part in getattr(clause, "or_", None) or getattr(clause, "and_", None) or ():
        yield from _literals(part)
    for kind in ("equals", "starts_with", "contains", "ends_with"):
        if text := getattr(clause, kind, ""):
            yield text
    if found := _REGEX_LITERAL.match(getattr(clause, "regex", "")):
        yield found[1].replace("\\", "").rstrip("-")


def _read_period(period: Any, default: Rates) -> Period:
    """A period; where the list gives no price, it is not known, unless the list says that it is free."""
    constraint: Any = getattr(period, "constraint", None)
    start = getattr(constraint, "start_time", None)
    windows = () if start is None else windows_between(_minute(start), _minute(constraint.end_time))
    return Period(_read_rates(period.prices) or default, getattr(constraint, "start_date", None), windows)


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _read_rates(prices: Any) -> Rates:
    fields = {name: value for name, value in vars(prices).items() if value is not None and name in _FIELDS}
    return {_FIELDS[name][0]: _read_steps(*_FIELDS[name], value) for name, value in fields.items()}


def _read_steps(bucket: str, units: int, value: Any) -> Steps:
    tiers = (
        [(0, value)]
        if isinstance(value, Decimal)
        else [(0, value.base), *((tier.start, tier.price) for tier in value.tiers)]
    )
    return tuple(
        (start, per_hour(price) if bucket.endswith("_ms") else per_unit(price, units)) for start, price in tiers
    )


def _read_variants(model: Any, periods: list[Any]) -> tuple[Variant, ...]:
    """The list dates a variant from when it was checked; it holds as long as the base price that it goes with."""
    starts = [getattr(getattr(period, "constraint", None), "start_date", None) for period in periods]
    variants = []
    for variant in model.price_variants or ():
        checked = getattr(variant.constraint, "start_date", None)
        base = [start for start in starts if start is None or checked is None or start <= checked]
        rates = _read_rates(variant.prices)
        when = {_TERMS[name]: value for name, value in variant.when.items() if name in _TERMS}
        if rates and when:
            variants.append(Variant(when, rates, since=base[-1]))
    return tuple(variants)
