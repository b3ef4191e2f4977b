"""A call out of the span that another tool has made for it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costspan.adapters._usage import of_ticks
from costspan.call import Call, Reply, Request
from costspan.scope import ENDED
from costspan.telemetry import names
from costspan.telemetry.adoption import attributes_of, scope_of
from costspan.telemetry.reading import Reading, provider_name, read_call
from costspan.telemetry.spellings import FIELDS
from costspan.usage import STANDARD, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

_RETOLD = "langsmith"  # read 2026-11-23
_TICKS = "gen_ai.usage.cost_in_usd_ticks"  # xai-sdk 1.21, read 2026-11-22


def read_foreign(span: Any, attributes: Mapping[str, Any], payers: Mapping[str, str]) -> Call | None:
    """The finished call that a span of another tool is; None if it is none, or has a price."""
    reading = read_call(attributes) if names.PRICE_STATUS not in attributes else None
    if reading is None:
        return None
    outline = reading.outline
    request = Request(
        outline.operation,
        outline.provider or _provider_by_name(span),
        outline.request_model or outline.model,
        host=outline.host,
        port=outline.port,
        attribution={**_said_payers(reading), **payers},
    )
    call = Call(request, _NOBODY)
    call.span = span
    call.reply = _reply(reading, attributes)
    call.started_ns = span.start_time or call.started_ns
    ended = span.end_time or getattr(span, ENDED, call.started_ns)
    call.ended = call.begun + max(0, ended - call.started_ns) / 1e9
    call.error = reading.text("error") or _error_of(span)
    return call


def other_biller(call: Call) -> dict[str, str]:
    """Whose prices a call has, where its span names another provider: tools name an SDK's maker, whoever answers."""
    biller = call.request.biller or call.request.provider
    told = attributes_of(call.span)
    said = next((str(told[name]) for name in FIELDS["provider"] if told.get(name)), "")
    return {names.TERMS_OF + "biller": biller} if biller != provider_name(said) else {}


def _error_of(span: Any) -> str:
    """What a span has failed with: its status, or the exception that it tells of; empty if it has not."""
    if span.status.is_unset or span.status.is_ok:
        return ""
    told = (each.attributes.get("exception.type") for each in reversed(span.events) if each.attributes)
    return str(next(filter(None, told), "_OTHER"))  # as the conventions say where nothing better is known


def _reply(reading: Reading, attributes: Mapping[str, Any]) -> Reply:
    usage = Usage.of(dict(reading.counts)) if reading.counted else None
    stated = of_ticks(attributes.get(_TICKS))
    if stated is None and reading.text("cost_source") == "provider" and reading.cost is not None:
        stated = Decimal(str(reading.cost))
    return Reply(
        model=reading.outline.model,
        id=str(attributes.get(names.RESPONSE_ID, "")),
        usage=usage,
        terms=Terms(tier=tier.lower()) if (tier := reading.text("tier")) else STANDARD,
        stated_cost=stated,
    )


def _said_payers(reading: Reading) -> dict[str, str]:
    """Who pays, where the other tool says it."""
    return {key: said for key in ("user", "session", "team", "feature") if (said := reading.text(key))}


def is_repeat(span: Any, call: Call) -> bool:
    """Whether another span tells of this call.

    LangSmith makes its spans later, of calls that are over. Logfire has two for a stream: one when it begins, with
    nothing of the answer, and one when it has ended.
    """
    scope, attributes = scope_of(span), attributes_of(span)
    if scope == _RETOLD:
        return True
    if call.reply.usage is not None or call.error or names.RESPONSE_MODEL in attributes:
        return False
    return scope.startswith("logfire") and attributes.get("logfire.span_type") != "log"


def _provider_by_name(span: Any) -> str:
    """Langfuse's stand-in for OpenAI's SDK tells no provider but by the name of its spans."""
    return "openai" if span.name.startswith("OpenAI-") else ""


class _Nobody:
    """The observer of a call that is over already."""

    def finished(self, call: Call) -> None:
        """It is told by who has read it."""


_NOBODY: Any = _Nobody()
