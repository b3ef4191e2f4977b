"""The price list in force: the bundled one, or a newer one that the user fetched into the cache directory."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from pkgutil import get_data
from zipfile import BadZipFile

from costspan.config import SettingError, home
from costspan.guard import Guard
from costspan.pricing.document import PriceListError
from costspan.pricing.snapshot import Snapshot

_READ = Guard("read the updated price list; the bundled one is used")
_NAME = "prices.zip"
_PREVIOUS = "prices.previous.zip"


def cache_directory() -> Path:
    """Where this user's programs keep what can be fetched again."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "costspan"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home() / "AppData" / "Local")) / "costspan" / "cache"
    if sys.platform == "darwin":
        return home() / "Library" / "Caches" / "costspan"
    return home() / ".cache" / "costspan"


def bundled() -> Snapshot:
    """The price list that came with this package."""
    data = get_data("costspan.pricing", "data/prices.zip")
    assert data is not None  # noqa: S101 the loader of an installed package reads its data
    return Snapshot(data)


def current() -> Snapshot:
    """The price list in force: the newer of the bundled and the updated one."""
    own = bundled()
    with _READ, suppress(SettingError):  # who has no home has no list there
        updated = _read(cache_directory() / _NAME)
        if updated is not None and updated.index["built"] >= own.index["built"]:
            return updated
    return own


def save(data: bytes) -> None:
    """Put a price list in force for this user; the one before can be brought back.

    Raises:
        OSError: The cache directory cannot be written.
    """
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    fresh, kept = directory / f"{_NAME}.new", directory / _NAME
    fresh.write_bytes(data)
    if kept.exists():
        kept.replace(directory / _PREVIOUS)
    fresh.replace(kept)


def roll_back() -> bool:
    """Bring the price list before the last update back in force; False if there was no update."""
    kept, previous = cache_directory() / _NAME, cache_directory() / _PREVIOUS
    if not kept.exists():
        return False
    if previous.exists():
        previous.replace(kept)
    else:
        kept.unlink()
    return True


def _read(path: Path) -> Snapshot | None:
    try:
        return Snapshot(path.read_bytes())
    except FileNotFoundError:
        return None
    except (BadZipFile, KeyError, ValueError) as error:
        raise PriceListError(f"{path} is damaged ({error}); `costspan prices rollback` removes it") from error
