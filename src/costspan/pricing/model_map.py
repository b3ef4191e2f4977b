"""The price list under LiteLLM's names: `model_cost`, `model_list`, `register_model`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, overload

from costspan.pricing.compile import active_period
from costspan.pricing.document import Document, read_document
from costspan.pricing.litellm import FIELDS
from costspan.pricing.lookup import find_model, own_pricer
from costspan.pricing.model import HOUR_MS
from costspan.pricing.price import FEMTO
from costspan.pricing.pricefile import read_prices
from costspan.pricing.providers import canonical_provider
from costspan.pricing.registry import REGISTERED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costspan.pricing.model import Model, Rates

# LiteLLM's name of a provider, where it is not ours; the models of some bear no prefix.
_THEIRS = {
    "aws.bedrock": "bedrock",
    "azure.ai.inference": "azure_ai",
    "azure.ai.openai": "azure",
    "alibaba_cloud": "dashscope",
    "gcp.gemini": "gemini",
    "gcp.vertex_ai": "vertex_ai",
    "hugging_face": "huggingface",
    "ibm.watsonx.ai": "watsonx",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshot",
    "voyage_ai": "voyage",
    "x_ai": "xai",
}
_BARE = frozenset({"openai", "anthropic", "aws.bedrock", "cohere"})
_SUFFIX = {"batch": "_batches"}
_BY_BUCKET = {bucket: name for name, bucket in reversed(FIELDS.items())}


class ModelCost(Mapping[str, dict[str, Any]]):
    """Every model with its prices in dollars and limits, under LiteLLM's names and fields. Loaded when first asked."""

    def __getitem__(self, key: str) -> dict[str, Any]:
        model = find_model(key)
        if model is None:
            raise KeyError(key)
        return _as_entry(model)

    def __iter__(self) -> Iterator[str]:
        resolver = own_pricer().resolver
        snapshot = resolver.catalog.snapshot
        listed = (_key(provider, name) for provider in snapshot.providers for name in snapshot.section(provider))
        own = (_key(model.provider, model.id) for model in (*resolver.file.models, *REGISTERED))
        return iter(dict.fromkeys((*listed, *own)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


class ModelList(Sequence[str]):
    """The names of all models, as `model_cost` has them."""

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return list(model_cost)[index]

    def __iter__(self) -> Iterator[str]:
        return iter(model_cost)

    def __contains__(self, name: object) -> bool:
        return name in model_cost

    def __len__(self) -> int:
        return len(model_cost)

    def __repr__(self) -> str:
        return repr(list(model_cost))


model_cost = ModelCost()
model_list = ModelList()


def register_model(model_cost: str | Mapping[str, Mapping[str, Any]]) -> ModelCost:
    """Prices and limits of the program's own, over those of the list, from now on: all or nothing. The updated map.

    `model_cost` is a dict in LiteLLM's format (dollars per token), the path of a file with one, or its address:
    then it is fetched at once, as nothing here is fetched unless a program says so.

    Raises:
        PriceListError: Something in it is not allowed: which model and field, and why.
    """
    REGISTERED.register(read_prices(_document(model_cost)).models)
    return globals()["model_cost"]  # type: ignore[no-any-return] # the argument's name is LiteLLM's


def _document(given: str | Mapping[str, Any]) -> Document:
    if isinstance(given, Mapping):
        return Document("register_model", dict(given), dict)
    if given.startswith(("http://", "https://")):
        from costspan.pricing.lists.update import fetch_entries  # noqa: PLC0415 the network, by explicit act only

        return Document(given, fetch_entries(given), dict)
    return read_document(given)


def _key(provider: str, name: str) -> str:
    if not provider or provider in _BARE or (provider == "gcp.vertex_ai" and name.startswith("gemini")):
        return name
    prefix = _THEIRS.get(provider, provider)
    return name if canonical_provider(name.partition("/")[0]) == provider else f"{prefix}/{name}"


def _as_entry(model: Model) -> dict[str, Any]:
    period = active_period(model, datetime.now(timezone.utc))
    entry: dict[str, Any] = {
        "max_tokens": model.max_output or model.max_input,
        "max_input_tokens": model.max_input,
        "max_output_tokens": model.max_output,
        "litellm_provider": _THEIRS.get(model.provider, model.provider),
        "mode": model.mode,
        "source": model.url or model.source,
    }
    entry |= _as_fields(period.rates)
    for variant in model.variants:
        if set(variant.when) == {"tier"}:
            tier = variant.when["tier"]
            entry |= _as_fields(variant.rates, _SUFFIX.get(tier, f"_{tier}"))
    return {name: value for name, value in entry.items() if value is not None}


def _as_fields(rates: Rates, suffix: str = "") -> dict[str, float]:
    fields = {}
    for bucket, steps in rates.items():
        name = _BY_BUCKET.get(bucket)
        for above, rate in steps if name else ():
            per = HOUR_MS // 1000 if bucket.endswith("_ms") else 1
            fields[f"{name}_above_{round(above / 1000)}k_tokens{suffix}" if above else f"{name}{suffix}"] = (
                rate / per / FEMTO
            )
    return fields
