"""The span processor: sums spend up on requests and agents, and prices calls that other tools have put on spans.

A processor may not change a span in `on_end`. The SDK (1.40 and later) announces the end by `_on_ending`, when the
attributes are frozen but not yet handed on; before that, the span's own `end` is stood in for.
"""

from __future__ import annotations

import functools
import time
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind

from costspan.guard import Guard
from costspan.rollup import Account
from costspan.scope import ENDED, OUTSIDE, PLACE, REQUEST, Scope, scope_in
from costspan.telemetry import names
from costspan.telemetry.adoption import attributes_of, current_llm_span, note_pending, scope_of, stands_for_inference
from costspan.telemetry.attributes import payer
from costspan.telemetry.native import EXPECTED
from costspan.telemetry.spending import account_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

    from costspan.call import Call
    from costspan.pricing import Price
    from costspan.telemetry.native import Expected

    class Teller(Protocol):
        """What the recorder does for a call that another tool has seen."""

        def tell_foreign(self, call: Call, scope: str) -> Mapping[str, Any] | None: ...

        def price_foreign(self, call: Call) -> Price | None: ...

        def numbers_of(self, call: Call, price: Price | None) -> Mapping[str, Any]: ...

        def drain(self, seconds: float) -> bool: ...


_START = Guard("follow a span")
_END = Guard("price the span of another tool")
_OWN = "costspan"
# Where Logfire's newest span began: it tells the end of a stream in an empty context, by a "log" span of its own
_STREAM: ContextVar[Scope] = ContextVar("costspan-logfire-stream", default=OUTSIDE)
_SDKS_OWN = ("com.anthropic.sdk.python",)  # scopes of spans that SDKs make themselves, inside those of any tool
_ENTRANCES = (SpanKind.SERVER, SpanKind.CONSUMER)
_AGENTS = frozenset(("invoke_agent", "invoke_workflow", "execute_tool", "create_agent"))
_AGENT_KINDS = frozenset(("AGENT", "CHAIN", "TOOL", "agent", "workflow", "tool", "chain"))
_MARKS = frozenset(
    (  # one of these is on every span that any tool writes for a call
        names.OPERATION,
        names.REQUEST_MODEL,
        "gen_ai.system",
        "llm.request.type",
        "openinference.span.kind",
        "langfuse.observation.type",
        "ai.operationId",
        "ai.model.id",
    )
)
_ELSEWHERE: Any = object()  # instead of a call: another span has its numbers
_REPEAT = {names.KIND: "repeat"}
_NUMBERS = ("gen_ai.usage.", _OWN)  # names of attributes that begin so are ours to say
_ANNOUNCES_END = hasattr(SpanProcessor, "_on_ending")


class Place:
    """What is known of a span: who pays there, where spend is summed up, and whether a call of ours is on it."""

    __slots__ = ("account", "claimed", "owner", "payers")

    def __init__(self, payers: Mapping[str, str], account: Account | None, owner: int = 0) -> None:
        self.payers = payers
        self.account = account
        self.owner = owner  # id of the span whose own sum the account is; spans below share this object
        self.claimed: Call | bool = False  # a call of ours is told for it; the call itself, if its numbers belong on it


class Enrichment(SpanProcessor):
    """Follows every span of a provider. Without a teller (costspan is off) it does nothing."""

    hands_over = True  # a span that an SDK starts by itself goes to the running call that expects it

    def __init__(self, provider: Any = None) -> None:
        self._provider = provider
        self.teller: Teller | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Give the span its place."""
        if self.teller is None or _is_ours(span):
            return
        with _START:
            context = otel.get_current() if parent_context is None else parent_context
            self._place(span, context)
            expected: Expected | None = context.get(EXPECTED)  # type: ignore[assignment] # only `expect` sets it
            if (expected is not None and expected.offer(span)) or context.get(_SUPPRESS_INSTRUMENTATION_KEY):
                claim(span, None if expected is not None and expected.span is span else _ELSEWHERE)
            if not _ANNOUNCES_END:
                _stand_in_for_end(span, self._on_ending)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait for the spans of calls whose tokens are still being counted; exporters were asked before: ask again."""
        if self.teller is None or self.teller.drain(0):
            return True
        end = time.monotonic() + timeout_millis / 1000
        if not self.teller.drain(timeout_millis / 1000):
            return False
        processors = getattr(getattr(self._provider, "_active_span_processor", None), "_span_processors", ())
        others = [each for each in processors if each is not self]
        return all(each.force_flush(max(0, int((end - time.monotonic()) * 1000))) is not False for each in others)

    def _place(self, span: Any, context: Context) -> None:
        if span.instrumentation_scope.name in _SDKS_OWN and (around := current_llm_span(context)) is not None:
            context = trace.set_span_in_context(around, context)  # a tool's that it has not made the current one
        inherited = scope_in(context)
        if inherited is OUTSIDE and span.kind in _ENTRANCES:  # begun in a context made of the request's headers alone
            inherited = scope_in(otel.get_current())
            if inherited is OUTSIDE:
                inherited = REQUEST.get()
        if inherited is OUTSIDE and span.attributes and span.attributes.get("logfire.span_type") == "log":
            inherited = _STREAM.get()
        elif span.instrumentation_scope.name.startswith("logfire"):
            _STREAM.set(inherited)
        if EXPECTED not in context:
            note_pending(span)
        if stands_for_inference(span) or span.kind is not SpanKind.INTERNAL or _is_agent(span):
            account = Account(inherited.account, span.context)
            setattr(span, PLACE, Place(inherited.payers, account, span.context.span_id))
        elif inherited.account is not None or inherited.payers:
            setattr(span, PLACE, Place(inherited.payers, inherited.account))

    def _on_ending(self, span: Span) -> None:
        """Write what calls below have cost, or the price of the call that this span itself is."""
        if self.teller is None or _is_ours(span):
            return
        with _END:
            place: Place | None = getattr(span, PLACE, None)
            below = place.account if place is not None and place.owner == span.context.span_id else None
            if below is not None:
                below.closed = True
            if place is not None and place.claimed:
                call, place.claimed = place.claimed, True
                if call is _ELSEWHERE:
                    _mark_repeat(span)
                elif call is not True:
                    _repeat(self.teller, span, call)
                return
            if below is not None and below.spent.calls:  # counted already: if this is a call, it is a layer above
                if span.kind in _ENTRANCES or _is_agent(span):
                    payers = {payer(key): value for key, value in place.payers.items()} if place is not None else {}
                    write(span, {**payers, **account_attributes(below)})
                elif below.spent.tokens or below.spent.femto:  # else all failed: another may have answered, unseen
                    _mark_repeat(span)
                return
            self._price(span, place, below)

    def _price(self, span: Any, place: Place | None, own: Account | None) -> None:
        seen = attributes_of(span)
        if self.teller is None or _MARKS.isdisjoint(seen):
            return
        from costspan.telemetry.foreign import is_repeat, read_foreign  # noqa: PLC0415 only where others make spans

        call = read_foreign(span, seen, place.payers if place is not None else {})
        if call is None:
            return
        account = own.parent if own is not None else place.account if place is not None else None
        call.scope = Scope(call.request.attribution, account)
        more = None if is_repeat(span, call) else self.teller.tell_foreign(call, scope_of(span))
        write(span, _REPEAT if more is None else {name: value for name, value in more.items() if name not in seen})


def _mark_repeat(span: Any) -> None:
    """Say that other spans have the numbers of what this one tells of, if it is one of a tool for a call."""
    if not _MARKS.isdisjoint(attributes_of(span)):
        write(span, _REPEAT)


def _repeat(teller: Teller, span: Any, call: Any) -> None:
    """Put the numbers of our call onto the tool's span: it may have written counts of its own over them at the end.

    If the tool ends its span before the program has read the stream to its end, the price is that of its own counts.
    """
    seen = attributes_of(span)
    if call.open:
        from costspan.telemetry.foreign import read_foreign  # noqa: PLC0415 only where other tools make spans

        read = read_foreign(span, seen, {})
        if read is None or read.reply.usage is None:
            return
        read.request, call = copy(call.request), read  # who answers is known, whomever the tool names
        price = teller.price_foreign(call)
    else:
        price = call.bill.price
    numbers = teller.numbers_of(call, price)
    write(
        span,
        {name: number for name, number in numbers.items() if name.startswith(_NUMBERS) and seen.get(name) != number},
    )


def provider_of(given: Any) -> Any:
    """The tracer provider that spans come from (the global one where none is given); None if it takes no processor."""
    provider = trace.get_tracer_provider() if given is None else given
    return provider if hasattr(provider, "add_span_processor") else None


def write(span: Any, attributes: Mapping[str, Any]) -> None:
    """Put attributes on a span that is about to end; in `_on_ending` the SDK has frozen them, its specification not."""
    if span.is_recording():
        span.set_attributes(attributes)
        return
    held = span._attributes
    frozen, held._immutable = held._immutable, False
    try:
        if hasattr(held, "_set_items"):  # all at once
            held._set_items(attributes)
        else:
            held.update(attributes)
    finally:
        held._immutable = frozen


def claim(span: Any, call: Call | None = None) -> None:
    """A call of ours is told for this span of another tool: its price is not to be counted again.

    The `call` itself is given if its numbers belong on this span.
    """
    place = getattr(span, PLACE, None)
    if place is None or place.owner != span.get_span_context().span_id:
        place = Place({}, None)
        setattr(span, PLACE, place)
    place.claimed = call or True


def _is_ours(span: Any) -> bool:
    scope = span.instrumentation_scope
    return scope is not None and scope.name == _OWN


def _is_agent(span: Any) -> bool:
    attributes = attributes_of(span)
    return bool(attributes) and (
        attributes.get(names.OPERATION) in _AGENTS
        or attributes.get("openinference.span.kind") in _AGENT_KINDS
        or attributes.get("traceloop.span.kind") in _AGENT_KINDS
        or attributes.get("langfuse.observation.type") in _AGENT_KINDS
    )


def _stand_in_for_end(span: Any, ending: Any) -> None:
    original = span.end

    @functools.wraps(original)
    def end(end_time: int | None = None) -> None:
        del span.end  # the class's own again: the span is not kept alive by a cycle
        ended = time.time_ns() if end_time is None else end_time
        setattr(span, ENDED, ended)
        ending(span)
        original(ended)

    span.end = end
