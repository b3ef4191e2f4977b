"""Prices of images by size and quality, which LiteLLM's list has as keys: `hd/1024-x-1024/dall-e-3`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from costspan.pricing.litellm import split_key
from costspan.pricing.model import Model, Period, Variant
from costspan.pricing.price import FEMTO
from costspan.pricing.rates import dollars, per_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEY = re.compile(
    r"(?:(?P<host>[a-z_]+)/)?(?:(?P<quality>standard|hd|low|medium|high|auto)/)?"
    r"(?P<width>\d+)-x-(?P<height>\d+)/(?:\d+-steps/)?(?P<model>.+)$"
)
_HUNDREDTH_OF_A_CENT = 10**11  # femto-dollars: prices by the pixel are cut quotients of round ones


def is_image_key(key: str) -> bool:
    """Whether a key of the list is an image of one size."""
    return _KEY.match(key) is not None or "-x-max" in key


def read_image_models(entries: Mapping[str, Any], source: str) -> Iterator[Model]:
    """Models with nothing but the prices of their images, by size and quality."""
    variants: dict[tuple[str, str], list[Variant]] = {}
    for key, entry in entries.items():
        found = _KEY.match(key)
        price = found and _price(entry, int(found["width"]) * int(found["height"]))
        if found and price:
            name = "/".join(part for part in (found["host"], found["model"]) if part)
            when = {"size": f"{found['width']}x{found['height']}"}
            when |= {"quality": found["quality"]} if found["quality"] else {}
            model = split_key(name, str(entry["litellm_provider"]))
            variants.setdefault(model, []).append(Variant(when, {"images": ((0, price),)}))
    for (provider, name), own in variants.items():
        own.sort(key=lambda variant: -len(variant.when))
        yield Model(provider, name, source, (Period({}),), tuple(own), mode="image_generation")


def _price(entry: Mapping[str, Any], pixels: int) -> int:
    """Femto-dollars for one image; 0 if the list does not say."""
    for field in ("output_cost_per_image", "input_cost_per_image"):
        if entry.get(field):
            return per_unit(dollars(entry[field]))
    exact = dollars(entry.get("input_cost_per_pixel") or 0) * pixels * FEMTO
    return round(exact / _HUNDREDTH_OF_A_CENT) * _HUNDREDTH_OF_A_CENT
