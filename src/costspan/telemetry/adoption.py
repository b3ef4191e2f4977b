"""One call, one span: finds the span that another tool has already started for the very call that begins."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from opentelemetry import trace

from costspan.telemetry import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_INFERENCE = frozenset(("chat", "text_completion", "generate_content", "embeddings", "completion", "rerank"))
_TOOLS = ("openlit",)  # scopes of tools that tell what a span is only when it ends; every span of theirs is a client's
# Scopes of tools that record the conventions' duration and token metrics for their spans: twice would add up
_COUNT_THEMSELVES = ("opentelemetry.instrumentation.", "opentelemetry.util.genai", "openlit")
_NO_METRICS = "opentelemetry.instrumentation.ag2"  # AG2 names its spans so, and records none: ag2 1.2, read 2026-11-23
# The newest span of another tool here: one that is for an inference is not made the current one by every tool
_PENDING: ContextVar[ref[Any] | None] = ContextVar("costspan-pending-span", default=None)


def current_llm_span(context: Context) -> Span | None:
    """The span that another tool has for the call that begins here: the current one, or a sibling not made current."""
    current = trace.get_current_span(context)
    if current.is_recording() and stands_for_inference(current):
        return current
    held = _PENDING.get()
    pending = held() if held is not None else None
    if pending is None or not pending.is_recording() or not _is_below(pending, current):
        return None
    if not stands_for_inference(pending):
        return None
    _PENDING.set(None)  # it stands for one call: the next one is another
    return pending  # type: ignore[no-any-return] # whatever the weak reference held


def note_pending(span: Span) -> None:
    """Another tool has started a span, which may turn out to be for an inference (some say so only later)."""
    _PENDING.set(ref(span))


def attributes_of(span: Any) -> Mapping[str, Any]:
    """A span's attributes. The SDK's own dict where it has one: asking its mapping for what it lacks is slow."""
    held = getattr(span, "_attributes", None)
    return getattr(held, "_dict", None) or getattr(span, "attributes", None) or {}


def scope_of(span: Any) -> str:
    """The name of the tool that made a span; empty if it tells none."""
    return getattr(getattr(span, "instrumentation_scope", None), "name", "")


def stands_for_inference(span: Any) -> bool:
    """Whether a span is one inference of a model (not an agent, a chain or a tool), as far as can be seen now."""
    attributes = attributes_of(span)
    scope = getattr(span, "instrumentation_scope", None)
    if scope is not None and scope.name.startswith(_TOOLS):
        return span.kind is trace.SpanKind.CLIENT
    if not attributes:
        return False
    return (
        attributes.get(names.OPERATION) in _INFERENCE  # official instrumentations, Logfire
        or attributes.get("llm.request.type") in _INFERENCE  # OpenLLMetry
        or attributes.get("openinference.span.kind") in names.CALL_KINDS
        or attributes.get("langfuse.observation.type") in names.CALL_KINDS
    )


def counts_itself(scope: str) -> bool:
    """Whether the tool of a scope records the conventions' metrics for its spans."""
    return scope.startswith(_COUNT_THEMSELVES) and scope != _NO_METRICS


def _is_below(pending: Any, current: Span) -> bool:
    """Whether a span was started right below what is current now: then it is for what happens here."""
    parent = getattr(pending, "parent", None)
    around = current.get_span_context()
    return (parent.span_id if parent is not None else 0) == around.span_id
