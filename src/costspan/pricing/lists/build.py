"""Builds a price snapshot from two lists, this project's additions, its reviewed decisions, and the snapshot before."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from costspan.pricing.catalog import Catalog
from costspan.pricing.compile import active_period
from costspan.pricing.document import PriceListError
from costspan.pricing.lists.images import is_image_key, read_image_models
from costspan.pricing.lists.merge import Decision, Merged, apply_patches, differences
from costspan.pricing.lists.tiers import complete_tiers
from costspan.pricing.litellm import read_model
from costspan.pricing.model import pack
from costspan.pricing.pricefile import read_price_file
from costspan.pricing.snapshot import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costspan.pricing.model import Model
    from costspan.pricing.snapshot import Snapshot

OWN = "costspan"
_HERE = Path(__file__).parent
_SKIPPED = frozenset({"sample_spec", "fallback_generalizations"})
_LEAP = 3  # a price that moves by more than this is a mistake until a person has looked at it


@dataclass(frozen=True, slots=True)
class Change:
    """A price that is not what it was in the snapshot before: rates in femto-dollars, None for what is not there."""

    provider: str
    model: str
    bucket: str
    before: int | None
    after: int | None


def read_litellm(entries: Mapping[str, Any], source: str) -> Iterator[Model]:
    """Every model of a LiteLLM list that has a rate or a limit, and its images by size.

    Raises:
        PriceListError: A price or a limit of it is none: which list, model and field.
    """
    for key, entry in entries.items():
        if key in _SKIPPED or "commitment" in key or is_image_key(key):
            continue
        try:
            model = read_model(key, entry, source)
        except PriceListError as error:
            raise PriceListError(f"{source}: {key}.{error}") from None
        if model.periods[0].rates or model.max_input:
            yield model
    yield from read_image_models(entries, source)


def build(first: Iterable[Model], second: Iterable[Model], day: date, before: Snapshot | None = None) -> Merged:
    """All models as of `day`. What only the snapshot `before` has stays: retired models, and prices until `day`.

    Of our own additions nothing stays that is not in own.json any more: it was withdrawn.
    """
    merged = Merged(datetime.combine(day, time(12), timezone.utc), read_decisions())
    for model in first:
        merged.add(model)
    for model in second:
        merged.take(model)
    apply_patches(merged, _own_models("patches.json"))
    for model in [model for models in merged.models.values() for model in models.values()]:
        merged.add(complete_tiers(model, day))
    for model in _own_models("own.json"):
        merged.add(model)
    if before is not None:
        _keep_history(merged, before, day)
    return merged


def _keep_history(merged: Merged, before: Snapshot, day: date) -> None:
    catalog = Catalog(before)
    for old in (model for provider in before.providers for model in catalog.models(provider)):
        new = merged.models.get(old.provider, {}).get(old.id)
        if new is None:
            if old.source != OWN:
                merged.add(old)
        elif len(new.periods) == 1 and differences(old, new, merged.at):
            merged.add(replace(new, periods=(*old.periods, replace(new.periods[0], since=day))))


def read_decisions() -> list[Decision]:
    """The reviewed decisions on what the lists disagree about."""
    return [Decision(**entry) for entry in _decisions()["decisions"]]


def reviewed_leaps() -> frozenset[tuple[str, str]]:
    """Provider and id of models whose price moved a lot, as a person has confirmed."""
    return frozenset((entry["provider"], entry["model"]) for entry in _decisions()["moved"])


def _decisions() -> dict[str, Any]:
    decisions: dict[str, Any] = json.loads((_HERE / "decisions.json").read_text(encoding="utf-8"))
    return decisions


def _own_models(name: str) -> tuple[Model, ...]:
    return tuple(replace(model, source=OWN) for model in read_price_file(_HERE / name).models)


def changes(before: Snapshot, merged: Merged) -> list[Change]:
    """Every base price that differs, at the day of the merge, from the snapshot before."""
    found = []
    catalog = Catalog(before)
    for provider, models in merged.models.items():
        for model in models.values():
            old = catalog.by_id(provider, model.id)
            for bucket in ("input", "output", "cache_read", "cache_write"):
                one, other = (_base_rate(each, bucket, merged.at) if each else None for each in (old, model))
                if one != other:
                    found.append(Change(provider, model.id, bucket, one, other))
    return found


def _base_rate(model: Model, bucket: str, at: datetime) -> int | None:
    steps = active_period(model, at).rates.get(bucket)
    return steps[0][1] if steps else None


def leaps(found: Iterable[Change]) -> list[Change]:
    """The changes of known prices by more than a factor of 3 that nobody has reviewed."""
    reviewed = reviewed_leaps()
    return [
        change
        for change in found
        if change.before and change.after and (change.provider, change.model) not in reviewed
        if not change.before / _LEAP <= change.after <= change.before * _LEAP
    ]


def pack_snapshot(merged: Merged) -> bytes:
    """The snapshot file: the same bytes for the same prices."""
    providers = {name: len(models) for name, models in sorted(merged.models.items())}
    every = [model.source for models in merged.models.values() for model in models.values()]
    sources = sorted(set(every), key=every.count, reverse=True)
    index = {"built": merged.at.date().isoformat(), "sources": sources, "providers": providers}
    files: dict[str, Any] = {INDEX: index}
    for provider in providers:
        files[f"{provider}.json"] = {
            model.id: pack(model) | ({"f": number} if (number := sources.index(model.source)) else {})
            for model in merged.models[provider].values()
        }
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), json.dumps(content, separators=(",", ":")), ZIP_DEFLATED, 9)
    return buffer.getvalue()
