"""Prices that the program itself registers (`register_model`): of this process, over all other prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costspan.pricing.model import Model
    from costspan.pricing.pricer import Pricer


class OwnModels:
    """Models of the user's own by provider and name. A model without a provider is one of every provider."""

    def __init__(self, models: Iterable[Model] = ()) -> None:
        self.version = 0  # of the prices: what was made with another one is out of date
        self._models: dict[tuple[str, str], Model] = {}
        self.providers: dict[str, None] = {}  # in the order in which they came
        self.register(models)

    def register(self, models: Iterable[Model]) -> None:
        """Add models; one of the same provider and name takes the place of the older."""
        for model in models:
            self.providers[model.provider] = None
            for name in (model.id.lower(), *model.aliases):
                self._models[model.provider, name] = model
        self.version += 1

    def clear(self) -> None:
        """Forget all models."""
        self._models.clear()
        self.providers.clear()
        self.version += 1

    def find(self, provider: str, name: str) -> Model | None:
        """The model of that very name, at that provider or at any."""
        return self._models.get((provider, name)) or self._models.get(("", name))

    def __iter__(self) -> Iterator[Model]:
        return iter({id(model): model for model in self._models.values()}.values())


class Registered(OwnModels):
    """What the program itself has set: models of its own, and while the plugin is on, the Pricer with its prices."""

    pricer: Pricer | None = None


REGISTERED = Registered()
