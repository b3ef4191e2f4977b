"""Models from a price list in LiteLLM's format (`model_prices_and_context_window.json`), bundled or the user's. MIT."""

from __future__ import annotations

import re
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any

from costspan.pricing.document import PriceListError
from costspan.pricing.model import ALL_WEEK, Model, Period, Variant, windows_between
from costspan.pricing.providers import canonical_provider
from costspan.pricing.rates import RateError, dollars, per_hour, per_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costspan.pricing.model import Rates, Steps, Window

# field of the list: bucket. Prices are dollars for one; those by the second are kept by the hour.
FIELDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost_above_12hr": "cache_write_12h",
    "input_cost_per_audio_token": "input_audio",
    "input_cost_per_image_token": "input_image",
    "input_cost_per_video_token": "input_video",
    "cache_read_input_audio_token_cost": "cache_read_audio",
    "cache_read_input_image_token_cost": "cache_read_image",
    "output_cost_per_audio_token": "output_audio",
    "output_cost_per_image_token": "output_image",
    "output_cost_per_video_token": "output_video",
    "output_cost_per_reasoning_token": "reasoning",
    "citation_cost_per_token": "citation",
    "input_cost_per_character": "input_characters",
    "output_cost_per_character": "output_characters",
    "input_cost_per_audio_per_second": "input_audio_ms",
    "input_cost_per_second": "input_audio_ms",
    "output_cost_per_video_per_second": "output_video_ms",
    "output_cost_per_image": "images",
    "input_cost_per_request": "requests",
    "ocr_cost_per_page": "pages",
    "google_maps_grounding_cost_per_query": "maps_searches",
    "code_interpreter_cost_per_session": "code_sessions",
}
# What a field means depends on what the model does.
_BY_MODE = {
    ("input_cost_per_second", "chat"): "compute_ms",
    ("output_cost_per_second", "video_generation"): "output_video_ms",
    ("output_cost_per_second", "audio_speech"): "output_audio_ms",
    ("output_cost_per_second", "chat"): "compute_ms",
    ("output_cost_per_second", "image_generation"): "compute_ms",
    ("input_cost_per_query", "rerank"): "search_units",
    ("input_cost_per_query", "search"): "requests",
    ("input_cost_per_image", "embedding"): "images",
    ("input_cost_per_image", "image_generation"): "images",
}
_TIERS = {"flex": "flex", "priority": "priority", "batches": "batch", "ultrafast": "ultrafast", "balanced": "balanced"}
_FIELD = re.compile(rf"(?P<field>.+?)(?:_above_(?P<thousands>\d+)k_tokens)?(?:_(?P<tier>{'|'.join(_TIERS)}))?$")
_SIZED = re.compile(r"(?P<field>output_cost_per_(?:second|image))_(?P<size>\d+p|[\d.]+[kK]|\d+)$")


def read_model(key: str, entry: Mapping[str, Any], source: str) -> Model:
    """A model from an entry of the list; one without any rate keeps its limits.

    Raises:
        PriceListError: A price is not a plain number of dollars from 0 up, or a limit is not a number. The message
            begins with the field's name.
    """
    provider, name = split_key(key, str(entry.get("litellm_provider") or ""))
    rates, variants = _read_prices(entry)
    limits = {side: _limit(entry, f"max_{side}_tokens") for side in ("input", "output")}
    return Model(
        provider=provider,
        id=name,
        source=source,
        periods=(Period(rates), *_off_peak(entry, rates)),
        variants=tuple(variants),
        max_input=limits["input"] or _limit(entry, "max_tokens"),
        max_output=limits["output"],
        mode=str(entry.get("mode") or "chat"),
        url=str(entry.get("source") or ""),
    )


def split_key(key: str, host: str) -> tuple[str, str]:
    """Canonical provider and model id of a key: `bedrock/eu.anthropic.claude-v2` is an id of aws.bedrock."""
    provider = canonical_provider(host.removeprefix("text-completion-"))
    head, slash, rest = key.partition("/")
    if slash and canonical_provider(head) == provider:
        return provider, rest
    if not host and slash:
        return canonical_provider(head), rest
    return provider, key


def _limit(entry: Mapping[str, Any], field: str) -> int | None:
    value = entry.get(field)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise PriceListError(f"{field} must be a number of tokens, not {value!r}") from None


def _object(entry: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """A field that holds fields; empty where it is not there."""
    value = entry.get(field) or {}
    if not isinstance(value, dict):
        raise PriceListError(f"{field} must be an object, not {value!r}")
    return value


def _price(field: str, bucket: str, value: Any) -> int:
    try:
        amount = dollars(value)
    except RateError as error:
        raise PriceListError(f"{field} {error}") from None
    return per_hour(amount, 3600) if bucket.endswith("_ms") else per_unit(amount)


def _read_prices(entry: Mapping[str, Any]) -> tuple[Rates, list[Variant]]:
    mode = str(entry.get("mode") or "chat")
    steps: dict[str, dict[str, dict[int, int]]] = {}  # tier: bucket: above so many tokens: rate
    for name, value in entry.items():
        found = _FIELD.match(name)
        if found is None or value is None:
            continue
        bucket = _BY_MODE.get((found["field"], mode)) or FIELDS.get(found["field"])
        if bucket:
            tier = _TIERS.get(found["tier"] or "", "")
            above = int(found["thousands"] or 0) * 1000
            steps.setdefault(tier, {}).setdefault(bucket, {})[above] = _price(name, bucket, value)
    for above, tier_entry in _tier_ranges(entry):
        for bucket, rate in tier_entry.items():
            steps.setdefault("", {}).setdefault(bucket, {})[above] = rate
    standard = steps.pop("", {})
    if "output" in standard and standard.get("reasoning") == {0: standard["output"].get(0)}:
        del standard["reasoning"]  # the list repeats the price of output, but not for each tier and threshold
    variants = [Variant({"tier": tier}, _as_rates(own, standard)) for tier, own in steps.items()]
    rates = _as_rates(standard, {})
    variants += [*_searches(entry, rates), *_sizes(entry, mode), *_factors(entry)]
    return rates, variants


def _as_rates(steps: Mapping[str, dict[int, int]], standard: Mapping[str, dict[int, int]]) -> dict[str, Steps]:
    """Ascending steps; a bucket that has a price only above a threshold starts at the standard price."""
    rates: dict[str, Steps] = {}
    for bucket, by_start in steps.items():
        first = by_start.get(0, standard.get(bucket, {}).get(0))
        if first is not None:
            rates[bucket] = tuple(sorted(({0: first} | by_start).items()))
    return rates


def _tier_ranges(entry: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, int]]]:
    """`tiered_pricing`: the whole request is at the rates of the range that its input falls in."""
    tiers = entry.get("tiered_pricing") or []
    if not isinstance(tiers, list) or not all(isinstance(each, dict) for each in tiers):
        raise PriceListError(f"tiered_pricing must be a list of ranges with prices, not {tiers!r}")
    for tier in tiers:
        if "max_results_range" in tier:  # of a search: by how many results it may bring, which a call does not tell
            continue
        try:
            start = int(tier["range"][0])
        except (KeyError, TypeError, ValueError, IndexError, OverflowError):
            raise PriceListError(f"tiered_pricing must be a list of ranges with prices, not {tier!r}") from None
        yield start, {FIELDS[name]: _price(name, FIELDS[name], tier[name]) for name in tier if name in FIELDS}


def _searches(entry: Mapping[str, Any], rates: dict[str, Steps]) -> Iterator[Variant]:
    """Web searches by how much context they bring; Perplexity charges one with every request, the least if not told."""
    prices = _object(entry, "search_context_cost_per_query")
    sizes = {
        size: _price(name, "", prices[name])
        for size in ("low", "medium", "high")
        if (name := f"search_context_size_{size}") in prices
    }
    if not sizes:
        return
    bucket = "requests" if entry.get("litellm_provider") == "perplexity" else "web_searches"
    default = "low" if bucket == "requests" else "medium"
    rates[bucket] = ((0, sizes.get(default, max(sizes.values()))),)
    for size, rate in sizes.items():
        if ((0, rate),) != rates[bucket]:
            yield Variant({"search_context": size}, {bucket: ((0, rate),)})


def _sizes(entry: Mapping[str, Any], mode: str) -> Iterator[Variant]:
    for name, value in entry.items():
        if found := _SIZED.match(name):
            bucket = _BY_MODE.get((found["field"], mode)) or FIELDS.get(found["field"])
            if bucket:
                yield Variant({"size": found["size"].lower()}, {bucket: ((0, _price(name, bucket, value)),)})


def _factors(entry: Mapping[str, Any]) -> Iterator[Variant]:
    """Multipliers: where inference ran, and Anthropic's fast speed."""
    special = _object(entry, "provider_specific_entry")
    us, eu = (entry.get(f"regional_processing_uplift_multiplier_{zone}") for zone in ("us", "eu"))
    # OpenAI's holds for every data-residency endpoint; the list names two of them. Source:
    # developers.openai.com/api/docs/guides/data-residency, looked up 2026-11-22
    anywhere, us, eu = (us, None, None) if us == eu else (None, us, eu)
    conditions = {
        ("geo", "us"): us or special.get("us"),
        ("geo", "eu"): eu or special.get("eu"),
        ("geo", "*"): entry.get("regional_endpoint_uplift_multiplier") or anywhere,
        ("speed", "fast"): special.get("fast"),
    }
    for (name, value), factor in conditions.items():
        if isinstance(factor, (int, float)) and factor is not True and 0 < factor < inf:
            exact = Fraction(str(factor))
            yield Variant({name: value}, factor=(exact.numerator, exact.denominator))


def _off_peak(entry: Mapping[str, Any], rates: Rates) -> Iterator[Period]:
    """The cheaper hours of `off_peak_pricing`."""
    cheap = _object(entry, "off_peak_pricing")
    if not cheap:
        return
    own = {FIELDS[name]: ((0, _price(name, FIELDS[name], cheap[name])),) for name in cheap if name in FIELDS}
    try:
        windows = tuple(window for each in cheap["windows"] for window in _windows(each))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise PriceListError(f"off_peak_pricing must have windows of UTC hours, not {cheap!r}") from None
    yield Period({**rates, **own}, windows=windows)


def _windows(each: Mapping[str, Any]) -> Iterator[Window]:
    hours = each.get("hours_utc", "00:00-00:00")
    weekdays = tuple(each.get("weekdays") or ALL_WEEK)
    for span in [hours] if isinstance(hours, str) else hours:
        start, end = (int(clock[:2]) * 60 + int(clock[3:5]) for clock in span.split("-"))
        yield from windows_between(start, end, weekdays)
