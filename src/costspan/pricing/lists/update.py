"""A newer price list from the packages that are installed, or from LiteLLM's list at an address."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costspan.pricing.catalog import Catalog
from costspan.pricing.compile import active_period
from costspan.pricing.document import MOST_BYTES, PriceListError, parse_json
from costspan.pricing.lists.build import Change, build, changes, pack_snapshot, read_litellm
from costspan.pricing.lists.genai_prices import read_models
from costspan.pricing.lists.merge import differences
from costspan.pricing.model import complete
from costspan.pricing.store import bundled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costspan.pricing.lists.merge import Merged
    from costspan.pricing.model import Model
    from costspan.pricing.snapshot import Snapshot

GENAI = "genai-prices"
LITELLM = "litellm"
_LITELLM_FILE = "model_prices_and_context_window_backup.json"
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Update:
    """A price list that could be put in force."""

    data: bytes
    merged: Merged
    changes: list[Change]
    sources: tuple[str, ...]  # where what is new in it came from


def prepare_update(before: Snapshot, url: str = "") -> Update:
    """A newer list out of the one in force and what is installed, or is at `url`; nothing is put in force yet.

    Raises:
        PriceListError: There is nothing to update from, or what there is cannot be used.
    """
    found = (_installed_genai(), _fetched_litellm(url) if url else _installed_litellm())
    older = [each.source for each in found if each and _is_older(each.source, before)]
    first, second = (None if each is None or each.source in older else each for each in found)
    fresh = tuple(each.source for each in (first, second) if each is not None)
    if not fresh:
        what = f"{' and '.join(older)} is older than the list in force: upgrade it" if older else ""
        raise PriceListError(
            f"nothing to update from: {what or f'install {GENAI} or {LITELLM}'}, "
            "or name the address of a list in LiteLLM's format"
        )
    day = datetime.now(timezone.utc).date()
    if first and not second:
        first = _List(first.source, _completed(first.models, before))
    merged = build(
        first.models if first else _models_of(before, GENAI),
        second.models if second else _models_of(before, LITELLM),
        day,
        before,
    )
    return Update(pack_snapshot(merged), merged, changes(before, merged), fresh)


@dataclass(frozen=True, slots=True)
class _List:
    source: str
    models: Iterable[Model]


def _models_of(snapshot: Snapshot, package: str) -> list[Model]:
    catalog = Catalog(snapshot)
    models = (model for provider in snapshot.providers for model in catalog.models(provider))
    return [model for model in models if model.source.startswith(package)]


def _completed(models: Iterable[Model], before: Snapshot) -> Iterator[Model]:
    """With what the other list, which is not here, has added to models of the same price: buckets, terms, limits."""
    catalog, now = Catalog(before), datetime.now(timezone.utc)
    for model in models:
        old = catalog.by_id(model.provider, model.id)
        if old is None or differences(old, model, now):
            yield model
        else:
            yield complete(model, replace(old, periods=(active_period(old, now),)))


def _is_older(source: str, before: Snapshot) -> bool:
    """Whether the list in force, or the bundled one, is of a later version of that package: programs pin old ones."""
    package, number = source.split(" ", 1)
    known = (*before.index["sources"], *bundled().index["sources"])  # what is from an address has no version
    others = [each.removeprefix(f"{package} ") for each in known if each.startswith(f"{package} ")]
    return bool(_numbers(number)) and _numbers(number) < max(map(_numbers, others), default=())


def _numbers(version: str) -> tuple[int, ...]:
    """`1.109.1` as numbers that compare; none of an address."""
    return tuple(map(int, re.findall(r"\d+", version))) if re.fullmatch(r"\d[\w.+]*", version) else ()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _installed_genai() -> _List | None:
    number = _version(GENAI)
    if number is None:
        return None
    from genai_prices.data import providers  # noqa: PLC0415 only where it is installed

    source = f"{GENAI} {number}"
    return _List(source, read_models(providers, source))


def _installed_litellm() -> _List | None:
    """LiteLLM's list, without importing LiteLLM, which takes seconds and may fetch a list by itself."""
    number, spec = _version(LITELLM), find_spec(LITELLM)
    if number is None or spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0]) / _LITELLM_FILE
    source = f"{LITELLM} {number}"
    return _List(source, list(read_litellm(json.loads(file.read_text(encoding="utf-8")), source)))


def _fetched_litellm(url: str) -> _List:
    day = datetime.now(timezone.utc).date()
    source = f"{LITELLM} {url} {day}"
    return _List(source, list(read_litellm(fetch_entries(url), source)))


def fetch_entries(url: str) -> dict[str, Any]:
    """The entries of a LiteLLM-format list at an address.

    Raises:
        PriceListError: The address does not answer, or not with such a list.
    """
    from http.client import HTTPException  # noqa: PLC0415 only an explicit act brings the network in
    from urllib.error import URLError  # noqa: PLC0415 as above
    from urllib.request import urlopen  # noqa: PLC0415 as above

    if not url.startswith(("https://", "http://")):
        raise PriceListError(f"{url}: must be an http or https address")
    try:
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 checked above
            body = answer.read(MOST_BYTES + 1)
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise PriceListError(f"{url}: {getattr(reason, 'strerror', None) or reason}") from None
    except (ValueError, HTTPException) as error:
        raise PriceListError(f"{url}: is no address, or what answers there speaks no HTTP ({error})") from None
    if len(body) > MOST_BYTES:
        raise PriceListError(f"{url}: has more than {MOST_BYTES >> 20} MB; a price list has less")
    return entries_of(body.decode("utf-8", "replace"), url)


def entries_of(text: str, name: str) -> dict[str, Any]:
    """The entries of a LiteLLM-format list.

    Raises:
        PriceListError: Not JSON, or not an object of objects.
    """
    document = parse_json(text, name)
    if not isinstance(document.data, dict):
        raise document.fail((), "must be an object of models")
    for key, entry in document.data.items():
        if not isinstance(entry, dict):
            raise document.fail((key,), f"must be an object with prices, not {entry!r}")
    return document.data
