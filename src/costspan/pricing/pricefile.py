"""The user's own prices: models, discounts, deployments and flat fees, from a JSON or YAML file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from costspan.pricing.compile import read_terms
from costspan.pricing.contracts import Deployment, Discount, Fee, PriceFile
from costspan.pricing.document import Document, PriceListError, read_document
from costspan.pricing.fields import PERIOD_FIELDS, PRICE_FIELDS, Fields
from costspan.pricing.litellm import read_model as read_litellm_model
from costspan.pricing.model import DIMENSIONS, FREE, Model, Period, Variant, share_cached
from costspan.pricing.providers import canonical_provider
from costspan.pricing.rates import per_unit
from costspan.usage import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from costspan.pricing.model import Rates

_SECTIONS = ("models", "discounts", "deployments", "fees")
_PERIOD = PERIOD_FIELDS | PRICE_FIELDS.keys()
_TERMS = PRICE_FIELDS.keys() | {"when", "factor", "since"}
_LIMITS = {"max_input_tokens", "max_output_tokens", "minimum_audio_ms"}
_MODEL = (
    _PERIOD
    | _LIMITS
    | {"provider", "model", "aliases", "source", "mode", "free", "marginal", "periods", "terms", "cache_read_share"}
)
_TOLD = PRICE_FIELDS.keys() | _LIMITS | {"free", "periods", "terms"}  # a model without any is a slip
_DISCOUNT = {"provider", "model", "percent", "rates", "since", "until"}
_DEPLOYMENT = {"provider", "deployment", "model", "kind"}
_KINDS = ("global", "data_zone", "regional", "provisioned")
_FEE = {"name", "provider", "model", "usd", "per", "since", "until"}


def read_price_file(path: str | Path) -> PriceFile:
    """The prices in a file, of this project's own form or of LiteLLM's.

    Raises:
        PriceListError: Something in it is not allowed: file, line, field and reason in one line. Nothing is loaded.
    """
    return read_prices(read_document(path))


def read_prices(document: Document) -> PriceFile:
    """The prices in a document; as `read_price_file`."""
    if not isinstance(document.data, dict):
        raise document.fail((), f"must be an object of models, or have {', '.join(_SECTIONS)}")
    if not document.data.keys() & set(_SECTIONS):
        return PriceFile(tuple(_litellm_models(document)))
    top = Fields(document, document.data, (), _SECTIONS)
    return PriceFile(
        models=tuple(_models(top.objects("models", _MODEL), document.name)),
        discounts=tuple(_discount(each) for each in top.objects("discounts", _DISCOUNT)),
        deployments=_deployments(top.objects("deployments", _DEPLOYMENT)),
        fees=tuple(_fee(each) for each in top.objects("fees", _FEE)),
    )


def _litellm_models(document: Document) -> Iterator[Model]:
    for key, entry in document.data.items():
        if not isinstance(key, str) or not key:
            raise document.fail((str(key),), f"must be a model's name as text, not {key!r}")
        if not isinstance(entry, dict) or not all(isinstance(name, str) for name in entry):
            raise document.fail((key,), f"must be an object with prices, not {entry!r}")
        if key != "sample_spec":
            try:
                yield replace(read_litellm_model(key, entry, document.name), own=True)
            except PriceListError as error:
                name, _, problem = str(error).partition(" ")
                raise document.fail((key, name), problem) from None


def _models(entries: list[Fields], source: str) -> Iterator[Model]:
    seen: set[tuple[str, str]] = set()
    for fields in entries:
        model = _model(fields, source)
        names = {(model.provider, name) for name in (model.id.lower(), *model.aliases)}
        if names & seen:
            raise fields.fail("stands there twice; one entry may have several periods", "model")
        seen |= names
        yield model


def _model(fields: Fields, source: str) -> Model:
    if not fields.entry.keys() & _TOLD:
        raise fields.fail("has no price and no limit")
    share = Fraction(fields.number("cache_read_share")).as_integer_ratio() if fields.has("cache_read_share") else None
    rates = FREE if fields.flag("free") else share_cached(fields.rates(), share)
    own = Period(rates, fields.day("since"), fields.windows())
    periods = [own] if own.rates else []
    periods += [
        Period(share_cached(each.rates(), share), each.day("since"), each.windows())
        for each in fields.objects("periods", _PERIOD)
    ]
    periods.sort(key=lambda each: (each.since or date.min, bool(each.windows)))
    if rates is FREE and fields.has("terms"):
        raise fields.fail("are not for what is free on all terms", "terms")
    return Model(
        provider=canonical_provider(fields.text("provider", "")),
        id=fields.text("model"),
        source=source,
        periods=tuple(periods or [own]),
        variants=tuple(_variant(each) for each in fields.objects("terms", _TERMS)),
        aliases=tuple(alias.lower() for alias in fields.texts("aliases")),
        max_input=fields.limit("max_input_tokens"),
        max_output=fields.limit("max_output_tokens"),
        mode=fields.text("mode", "chat"),
        url=fields.text("source", ""),
        minimum_audio_ms=fields.limit("minimum_audio_ms") or 0,
        cache_share=share,
        own=True,
        marginal=fields.flag("marginal"),
    )


def _variant(fields: Fields) -> Variant:
    when = fields.entry.get("when")
    if not isinstance(when, dict) or not when or when.keys() - DIMENSIONS:
        raise fields.fail(f"must name some of {', '.join(sorted(DIMENSIONS))}", "when")
    if not all(isinstance(value, bool if name == "batch" else (str, int)) for name, value in when.items()):
        raise fields.fail(f"must name each by a word, batch by true or false, not {when!r}", "when")
    factor = Fraction(fields.number("factor") if fields.has("factor") else 1)
    said = {name: value if name == "batch" else str(value) for name, value in when.items()}
    conditions = read_terms(Terms(**said))  # type: ignore[arg-type] # only batch is a flag
    if not conditions:
        raise fields.fail("says only what is standard: that is the price itself", "when")
    return Variant(conditions, fields.rates(), (factor.numerator, factor.denominator), fields.day("since"))


def _discount(fields: Fields) -> Discount:
    if fields.has("percent") == fields.has("rates"):
        raise fields.fail("must have either percent or rates")
    factor = Fraction(1)
    rates: Rates = {}
    if fields.has("percent"):
        factor = 1 - Fraction(fields.number("percent")) / 100
        if factor < 0:
            raise fields.fail(f"must be from 0 to 100, not {fields.entry['percent']!r}", "percent")
    else:
        rates = fields.inner("rates", PRICE_FIELDS).rates()
    return Discount(
        provider=canonical_provider(fields.text("provider", "*")),
        model=fields.text("model", "*").lower(),
        factor=factor,
        rates=rates,
        since=fields.day("since"),
        until=fields.until(),
    )


def _deployments(entries: list[Fields]) -> dict[tuple[str, str], Deployment]:
    found: dict[tuple[str, str], Deployment] = {}
    for fields in entries:
        key, deployment = _deployment(fields)
        if key in found:
            raise fields.fail("stands there twice", "deployment")
        found[key] = deployment
    return found


def _deployment(fields: Fields) -> tuple[tuple[str, str], Deployment]:
    provider = canonical_provider(fields.text("provider", "azure.ai.openai"))
    kind = fields.text("kind", "")
    if kind not in ("", *_KINDS):
        raise fields.fail(f"must be one of {', '.join(_KINDS)}, not {kind!r}", "kind")
    return (provider, fields.text("deployment").lower()), Deployment(fields.text("model"), kind)


def _fee(fields: Fields) -> Fee:
    per = fields.text("per", "month")
    if per not in ("month", "day", "hour"):
        raise fields.fail(f"must be month, day or hour, not {per!r}", "per")
    return Fee(
        name=fields.text("name"),
        femto=per_unit(fields.number("usd")),
        per=per,
        provider=canonical_provider(fields.text("provider", "")),
        model=fields.text("model", ""),
        since=fields.day("since"),
        until=fields.until(),
    )
