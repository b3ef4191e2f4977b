"""Finds the model of a price list that a call names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.pricing.ids import candidates
from costspan.pricing.model import Model, unpack
from costspan.pricing.providers import FALLBACKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costspan.pricing.snapshot import Snapshot


class Catalog:
    """The models of a snapshot by provider and name; what was unpacked stays."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._names: dict[str, dict[str, str]] = {}

    def find(self, provider: str, model: str, geo: str = "") -> Model | None:
        """The model that `provider` (canonical) knows as `model`, or that it serves at the maker's price; else None."""
        for section in (provider, *FALLBACKS.get(provider, ())):
            names = self._names_of(section)
            for name in candidates(section, model, geo):
                if name in names:
                    return self._unpack(section, names[name])
        return None

    def by_id(self, provider: str, name: str) -> Model | None:
        """The model of that very id."""
        return self._unpack(provider, name) if name in self.snapshot.section(provider) else None

    def models(self, provider: str) -> Iterator[Model]:
        """All models of a provider."""
        for name in self.snapshot.section(provider):
            yield self._unpack(provider, name)

    def _unpack(self, provider: str, name: str) -> Model:
        packed: Mapping[str, Any] = self.snapshot.section(provider)[name]
        return unpack(provider, name, packed, self.snapshot.index["sources"][packed.get("f", 0)])

    def _names_of(self, provider: str) -> dict[str, str]:
        """Every lower-case id and alias of a provider, and the id that it stands for; an id wins over an alias."""
        names = self._names.get(provider)
        if names is None:
            section = self.snapshot.section(provider)
            names = {alias: name for name, packed in section.items() for alias in packed.get("a", ())}
            names.update((name.lower(), name) for name in section)
            self._names[provider] = names
        return names
