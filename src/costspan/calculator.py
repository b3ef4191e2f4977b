"""What things cost: `price` for any usage, and the functions that users of LiteLLM know, with its names and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.pricing.lookup import UnknownModelError, find_model, own_pricer, split_name, unknown_model
from costspan.pricing.price import FEMTO
from costspan.pricing.rates import dollars, per_unit
from costspan.usage import OUTPUT_TOKENS, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from costspan.call import Reply
    from costspan.pricing.price import Price

_OUTPUT_SIDE = frozenset({*OUTPUT_TOKENS, "output_characters", "output_audio_ms", "output_video_ms"})


def price(
    usage: Usage,
    *,
    model: str,
    provider: str = "",
    at: datetime | None = None,
    stated_cost: Decimal | float | None = None,
    **terms: Any,
) -> Price:
    """The exact price of a usage, at the time `at` (None: now), with a breakdown, and why, if it is not known.

    `terms` are those of `Terms`: tier, batch, speed, geo, size, quality, search_context, search_tool, deployment; None
    is the standard one. `stated_cost` is what the provider says it charges, in USD: it wins.
    Without a provider, the model's maker is taken, or the one that the name begins with (`bedrock/…`).

    Raises:
        UnknownModelError: No provider is given, and no maker has such a model.
        TypeError: A term is not one of those.
        ValueError: The stated cost is no number of dollars.
    """
    host, name = split_name(model, provider)
    stated = None if stated_cost is None else dollars(stated_cost)
    told = Terms(**{term: value for term, value in terms.items() if value is not None})
    return own_pricer().price(usage, provider=host, model=name, at=at, terms=told, stated_cost=stated)


def cost_per_token(  # noqa: PLR0913, PLR0917 LiteLLM's arguments, in its order
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    response_time_ms: float | None = 0.0,
    custom_llm_provider: str | None = None,
    region_name: str | None = None,
    prompt_characters: int | None = None,
    completion_characters: int | None = None,
    cache_creation_input_tokens: int | None = 0,
    cache_read_input_tokens: int | None = 0,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: float | None = None,
    number_of_queries: int | None = None,
    usage_object: Any = None,
    rerank_billed_units: Mapping[str, Any] | None = None,
    call_type: str = "completion",  # noqa: ARG001 the model tells
    audio_transcription_file_duration: float = 0.0,
    service_tier: str | None = None,
    data_residency: str | None = None,
    vertex_location: str | None = None,
) -> tuple[float, float]:
    """Dollars for the prompt and dollars for the completion. `prompt_tokens` holds the cached ones too.

    A `usage_object`, as an answer has it, stands for all counts.

    Raises:
        UnknownModelError: No price list knows the model.
    """
    read, written = cache_read_input_tokens or 0, cache_creation_input_tokens or 0
    counts = {
        "input": max(prompt_tokens - read - written, 0),
        "cache_read": read,
        "cache_write": written,
        "output": completion_tokens,
        "input_characters": prompt_characters or 0,
        "output_characters": completion_characters or 0,
        "search_units": number_of_queries or (rerank_billed_units or {}).get("search_units") or 0,
        "compute_ms": round(response_time_ms or 0),
        "input_audio_ms": round(audio_transcription_file_duration * 1000),
    }
    usage = Usage(**counts)
    if usage_object is not None:
        usage = _read({"usage": usage_object})[1].usage or usage
    custom = _custom(custom_cost_per_token, custom_cost_per_second, usage, counts["compute_ms"])
    if custom is not None:
        return custom
    terms = Terms(tier=service_tier or "", geo=data_residency or vertex_location or region_name or "")
    host, name = split_name(model or "", custom_llm_provider)
    return _sides(_known(_price(usage, name, host, terms), name, host))


def completion_cost(  # noqa: PLR0913, PLR0917 LiteLLM's arguments, in its order
    completion_response: Any = None,
    model: str | None = None,
    prompt: str = "",
    messages: Sequence[Any] = (),
    completion: str = "",
    total_time: float | None = 0.0,
    call_type: str | None = None,
    custom_llm_provider: str | None = None,
    region_name: str | None = None,
    size: str | None = None,
    quality: str | None = None,
    n: int | None = None,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: float | None = None,
    optional_params: Mapping[str, Any] | None = None,
    base_model: str | None = None,
    service_tier: str | None = None,
    data_residency: str | None = None,
    vertex_location: str | None = None,
) -> float:
    """Dollars for a call: of an answer of any supported SDK (object or dict), or of a prompt and a completion as text.

    What the provider says it charged wins; the model that answered is priced before the `model` that was asked for,
    unless a `base_model` is named. A text is counted with the model's tokenizer, or estimated without one.

    Raises:
        UnknownModelError: No price list knows the model, or none is named.
        ValueError: The answer tells no usage, and no text is given to count instead.
    """
    asked = {
        "tier": service_tier or (optional_params or {}).get("service_tier"),
        "geo": data_residency or vertex_location or region_name,
        "size": size,
        "quality": quality,
    }
    host, reply = _read(completion_response)
    is_picture = completion_response is None and bool(size or quality or "image" in str(call_type))
    pictures = (int(is_picture) if n is None else n) if reply.usage is None else 0  # its usage tells an answer's, too
    if reply.usage is None and (prompt or messages or completion or completion_response is None):
        reply.usage = _count(model or reply.model, prompt, messages, completion)
    terms = reply.terms._replace(**{field: value for field, value in asked.items() if value})  # type: ignore[arg-type] # text fields
    usage = (reply.usage or Usage()) + Usage(images=pictures, compute_ms=round(total_time or 0))
    if reply.free or reply.stated_cost is not None:
        return float(reply.stated_cost or 0)
    free, untold = False, reply.usage is None
    custom = _custom(custom_cost_per_token, custom_cost_per_second, usage, usage.compute_ms)
    if custom is not None:
        cost = sum(custom)
    else:
        answered = "" if base_model else reply.model
        host, name = _place(base_model or model or answered, custom_llm_provider or host, answered)
        found = _price(usage, answered or name, host, terms, request_model=name, parts=reply.parts)
        if is_picture and "images" in found.missing:
            raise UnknownModelError(found.reason)
        free = untold and _is_free(answered or name, host, terms, request_model=name)
        cost = 0.0 if untold and found.entry and found.missing else float(_known(found, name, host))
    if not cost and untold and not free:
        raise ValueError("the answer tells no usage: say messages= or prompt=, and completion=, to count them")
    return cost


def get_max_tokens(model: str) -> int | None:
    """The most tokens that a model can answer with, or take where no more is said; None if the list does not say.

    Raises:
        UnknownModelError: No price list knows the model.
    """
    found = find_model(model)
    if found is None:
        raise unknown_model(model)
    return found.max_output or found.max_input


def _read(response: Any) -> tuple[str, Reply]:
    from costspan.replies import read_reply  # noqa: PLC0415 only who has an answer needs to read one

    return read_reply(response)


def _place(model: str, provider: str | None, answered: str) -> tuple[str, str]:
    """Provider and model of what was asked for; of what answered, where that name says neither."""
    try:
        return split_name(model, provider)
    except UnknownModelError:
        return split_name(answered or model, provider)


def _price(usage: Usage, model: str, host: str, terms: Terms, **more: Any) -> Price:
    return own_pricer().price(usage, provider=host, model=model, terms=terms, **more)


def _known(found: Price, model: str, host: str) -> Price:
    if found.total_femto is None:
        raise UnknownModelError(found.reason) if found.entry else unknown_model(model, host)
    return found


def _is_free(model: str, host: str, terms: Terms, **more: Any) -> bool:
    """Whether the model costs nothing, whatever it has used."""
    found = _price(Usage(input=1, output=1), model, host, terms, **more)
    return found.total_femto == 0 and not found.missing


def _sides(found: Price) -> tuple[float, float]:
    output = sum(amount for bucket, amount in found.breakdown.items() if bucket in _OUTPUT_SIDE)
    return ((found.total_femto or 0) - output) / FEMTO, output / FEMTO


def _custom(
    per_token: Mapping[str, float] | None, per_second: float | None, usage: Usage, milliseconds: int
) -> tuple[float, float] | None:
    """Dollars for the prompt and for the completion by rates of the caller's own; None without any."""
    if per_token is not None:
        fresh = per_token.get("input_cost_per_token", 0)  # also for what the cache served or was given, without a rate
        read, written = usage.total_cache_read, usage.total_cache_write
        prompt = (
            (fresh, usage.total_input - read - written),
            (per_token.get("cache_read_input_token_cost", fresh), read),
            (per_token.get("cache_creation_input_token_cost", fresh), written),
        )
        completion = ((per_token.get("output_cost_per_token", 0), usage.total_output),)
        return _at(prompt), _at(completion)
    return None if per_second is None else (0.0, per_unit(dollars(per_second)) * milliseconds / 1000 / FEMTO)


def _at(rates: tuple[tuple[float, int], ...]) -> float:
    return sum(per_unit(dollars(rate)) * tokens for rate, tokens in rates) / FEMTO


def _count(model: str, prompt: str, messages: Sequence[Any], completion: str) -> Usage:
    from costspan.tokens.functions import token_counter  # noqa: PLC0415 vocabularies, only where a text is counted

    asked = token_counter(model, messages=list(messages)) if messages else token_counter(model, text=prompt)
    return Usage(input=int(asked), output=int(token_counter(model, text=completion)))
