"""The bundled price list: a zip with one JSON file per provider, so that a call reads only its own provider's."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX = "index.json"


class Snapshot:
    """A price list in memory: compressed, with the providers that were asked for unpacked.

    Reading twice from two threads does the work twice and harms nothing.
    """

    def __init__(self, data: bytes) -> None:
        self._zip = ZipFile(io.BytesIO(data))
        self.index: Mapping[str, Any] = json.loads(self._zip.read(INDEX))
        self._sections: dict[str, Mapping[str, Any]] = {}

    @property
    def providers(self) -> tuple[str, ...]:
        """All providers of the list."""
        return tuple(self.index["providers"])

    def section(self, provider: str) -> Mapping[str, Any]:
        """The packed models of a provider by id; empty for a provider that is not in the list."""
        section = self._sections.get(provider)
        if section is None:
            known = provider in self.index["providers"]
            section = self._sections[provider] = self._read(provider) if known else {}
        return section

    def _read(self, provider: str) -> Mapping[str, Any]:
        section: Mapping[str, Any] = json.loads(self._zip.read(f"{provider}.json"))
        return section
