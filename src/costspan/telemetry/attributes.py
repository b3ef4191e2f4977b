"""The attributes of a call and its price, under the conventions' names. Plain dicts; no span here."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costspan.pricing.price import FEMTO, PriceStatus
from costspan.telemetry import names
from costspan.usage import STANDARD, Usage

if TYPE_CHECKING:
    from datetime import date

    from costspan.call import Call, Reply, Request
    from costspan.pricing.price import Entry, Price
    from costspan.usage import Terms

_USUAL = STANDARD[1:]  # all but the tier, which has an attribute of its own
_NAMED = {"input", "output", "cache_read", "cache_write", "reasoning"}  # the conventions' totals tell these
_BESIDE_REQUEST = ("embeddings.", "output.")
_PAYERS = {
    "user": names.USER,
    "session": names.SESSION,
    "conversation": names.CONVERSATION,
    "team": names.TEAM,
    "feature": names.FEATURE,
}


@lru_cache(maxsize=1024)
def payer(key: str) -> str:
    """The attribute of an attribution key: `user` is `user.id`, an unknown one is a tag."""
    return _PAYERS.get(key, names.TAG + key)


@lru_cache(maxsize=256)
def parameter(name: str) -> str:
    """The attribute of what was asked for: most are the request's, some the conventions put beside it."""
    return ("gen_ai." if name.startswith(_BESIDE_REQUEST) else "gen_ai.request.") + name


def request_attributes(request: Request) -> dict[str, Any]:
    """What is known when a call starts; samplers see these."""
    attributes: dict[str, Any] = {names.OPERATION: request.operation, names.PROVIDER: request.provider}
    if request.model:
        attributes[names.REQUEST_MODEL] = request.model
    if request.host:
        attributes[names.SERVER_ADDRESS] = request.host
        attributes[names.SERVER_PORT] = request.port
    if request.stream:
        attributes[names.REQUEST_STREAM] = True
    for name, value in request.parameters.items():
        attributes[parameter(name)] = value
    if request.attribution:
        attributes.update(payer_attributes(request))
    return attributes


def payer_attributes(request: Request) -> dict[str, Any]:
    """Who pays for a call."""
    return {payer(key): value for key, value in request.attribution.items()}


def reply_attributes(call: Call, price: Price | None) -> dict[str, Any]:
    """What is known when a call has ended: names, tokens, money, and how sure the numbers are."""
    reply = call.reply
    attributes = _served(call)
    if reply.partial:
        attributes[names.USAGE_PARTIAL] = True
    if reply.usage is not None:
        _add_usage(attributes, reply)
    if reply.prompt is not None or reply.saved is not None or reply.parts or reply.untold or call.request.prompt_hash:
        _add_rare(attributes, call)
    if price is not None:
        _add_price(attributes, price, reply)
    if call.error:
        attributes[names.ERROR_TYPE] = call.error
    return attributes


def _served(call: Call) -> dict[str, Any]:
    """Which answer it was, of which model, and how it was served."""
    reply = call.reply
    attributes: dict[str, Any] = {}
    if reply.model:
        attributes[names.RESPONSE_MODEL] = reply.model
    if reply.id:
        attributes[names.RESPONSE_ID] = reply.id
    if reply.finish_reasons:
        attributes[names.FINISH_REASONS] = reply.finish_reasons
    if call.first_chunk is not None:
        attributes[names.TIME_TO_FIRST_CHUNK] = call.first_chunk - call.begun
    if reply.terms is not STANDARD or call.request.biller != call.request.provider:
        _add_terms(attributes, call.request, reply.terms)
    return attributes


def _add_usage(attributes: dict[str, Any], reply: Reply) -> None:
    usage = total_usage(reply)
    counts = usage.counts
    attributes[names.INPUT_TOKENS] = usage.total_input
    attributes[names.OUTPUT_TOKENS] = usage.total_output
    if cache_read := usage.total_cache_read:
        attributes[names.CACHE_READ_TOKENS] = cache_read
    if cache_write := usage.total_cache_write:
        attributes[names.CACHE_WRITE_TOKENS] = cache_write
    if "reasoning" in counts:
        attributes[names.REASONING_TOKENS] = counts["reasoning"]
    for bucket, count in counts.items():
        if bucket not in _NAMED:
            attributes[names.USAGE_OF + bucket] = count
            for name in names.OF_MODALITY.get(bucket, ()):
                attributes[name] = attributes.get(name, 0) + count
    attributes[names.USAGE_SOURCE] = reply.source._value_  # `value` takes two calls
    if reply.clamped:
        attributes[names.USAGE_CLAMPED] = True


def _add_terms(attributes: dict[str, Any], request: Request, terms: Terms) -> None:
    """What a price depends on besides model and counts, for whoever prices the call again."""
    if terms.tier:
        attributes[names.SERVICE_TIER] = terms.tier
        if request.provider == "openai":
            attributes[names.OPENAI_TIER] = terms.tier
    if terms[1:] != _USUAL:
        said = zip(terms._fields[1:], terms[1:], strict=True)
        attributes |= {names.TERMS_OF + name: value for name, value in said if value}
    if request.biller not in ("", request.provider):
        attributes[names.TERMS_OF + "biller"] = request.biller


def _add_rare(attributes: dict[str, Any], call: Call) -> None:
    """How the input divides and its hash, where that was asked for; what a cached answer saved; others' work."""
    reply = call.reply
    if reply.parts or reply.untold:
        attributes[names.PRICE_FINAL] = True
    if call.request.prompt_hash:
        attributes[names.PROMPT_HASH] = call.request.prompt_hash
    if reply.prompt is not None:
        attributes[names.PROMPT_SOURCE] = "estimate"
        attributes |= {names.PROMPT_OF + part: tokens for part, tokens in reply.prompt.items()}
    if reply.saved is not None:
        attributes[names.SAVED_TOKENS] = reply.saved.total_input + reply.saved.total_output
    if reply.saved_femto is not None:
        attributes[names.SAVED_COST] = reply.saved_femto / FEMTO


def _add_price(attributes: dict[str, Any], price: Price, reply: Reply) -> None:
    attributes[names.PRICE_STATUS] = price.status._value_
    if price.total_femto is not None:
        attributes[names.COST] = price.total_femto / FEMTO
        attributes[names.CURRENCY] = "USD"
        attributes[names.COST_SOURCE] = "provider" if price.stated else "local"
        for bucket, femto in price.breakdown.items():
            if femto:
                attributes[names.COST_OF + bucket] = femto / FEMTO
        if price.list_femto is not None:
            attributes[names.LIST_COST] = price.list_femto / FEMTO
    if price.reason:
        attributes[names.PRICE_REASON] = price.reason
    if price.missing:
        attributes[names.PRICE_MISSING] = price.missing
    if price.entry is not None:
        _add_entry(attributes, price.entry, reply.usage)
    elif reply.unpriced or price.status is PriceStatus.FREE:
        attributes[names.PRICE_FINAL] = True


def _add_entry(attributes: dict[str, Any], entry: Entry, usage: Usage | None) -> None:
    """Which price it is."""
    attributes[names.PRICE_MODEL] = f"{entry.provider}/{entry.model}"
    attributes[names.PRICE_SOURCE] = entry.source
    if entry.effective_from is not None:
        attributes[names.PRICE_SINCE] = _written(entry.effective_from)
    if entry.max_input_tokens and usage is not None:
        answers = usage.counts.get("requests", 1)  # of a batch, or a turn of an agent: what each takes in the mean
        attributes[names.CONTEXT_UTILIZATION] = usage.total_input / answers / entry.max_input_tokens


@lru_cache(maxsize=1024)
def _written(day: date) -> str:
    return day.isoformat()


def total_usage(reply: Reply) -> Usage:
    """All that was used, sub-calls on other models included."""
    usage = reply.usage if reply.usage is not None else Usage.of({})
    for part in reply.parts:
        usage = usage + part.usage
    return usage
