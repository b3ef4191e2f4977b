"""Spans that an SDK makes by itself: the call that is running takes the SDK's span, and its numbers go onto that one.

The SDK ends its span when it has an answer, which may be before we have read it; so the end of a taken span waits for
ours. It happens at the time that the SDK said.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

EXPECTED = otel.create_key("costspan-expected-span")


class Expected:
    """The span that an SDK's tracer is about to start for a running call, and then that span."""

    __slots__ = ("_ended_ns", "_parent", "_scope", "_span", "_told")

    def __init__(self, scope: Any, parent: trace.Span, span: trace.Span | None = None) -> None:
        self._scope = scope  # instrumentation scope of the SDK's tracer
        self._parent = parent
        self._span: Any = span
        self._ended_ns: int | None = None
        self._told = False

    @property
    def span(self) -> trace.Span:
        """The SDK's span. If none has come, a sampler has left it out: one in its place that records nothing."""
        return self._span or trace.NonRecordingSpan(self._parent.get_span_context())

    def offer(self, span: Span) -> bool:
        """Take the first span of the SDK's tracer, and hold its end until `release`; whether a span is one of them."""
        if span.instrumentation_scope != self._scope:
            return False
        if self._span is None:
            self._span = span
            span.end = self._end  # type: ignore[method-assign] # on this one span, until `release`
        return True

    def _end(self, end_time: int | None = None) -> None:
        if self._told:
            type(self._span).end(self._span, end_time)
        else:
            self._ended_ns = end_time or time.time_ns()

    def release(self) -> None:
        """Our numbers are on the span: it ends when the SDK ends it, or has."""
        self._told = True
        if self._span is not None:
            self._span.__dict__.pop("end", None)
            if self._ended_ns is not None:
                self._span.end(self._ended_ns)


def expect(tracer: Any, ours: Any, context: Context, span: trace.Span | None = None) -> Expected | None:
    """What waits for a span of `tracer` that starts inside `context`; None if our span processor will not see it.

    Where the call is on another tool's `span` already, that of the SDK is only kept from being counted besides.
    """
    told, own = _processors(tracer), _processors(ours)
    if told is None or told is not own:
        return None
    if not any(getattr(each, "hands_over", False) for each in told._span_processors):
        return None
    return Expected(_real(tracer)._instrumentation_scope, trace.get_current_span(context), span)


def _processors(tracer: Any) -> Any:
    """The SDK's processors behind a tracer, the same object for all tracers of one provider; None without an SDK."""
    return getattr(_real(tracer), "span_processor", None)


def _real(tracer: Any) -> Any:
    """A tracer that was got before there was a provider stands for the one of the provider that came."""
    return tracer._tracer if isinstance(tracer, trace.ProxyTracer) else tracer
