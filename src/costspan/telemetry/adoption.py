"""One call, one span: finds the span that another tool has already started for the very call that begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace

from costspan.telemetry import names

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_INFERENCE = frozenset(("chat", "text_completion", "generate_content", "embeddings", "completion", "rerank"))


def current_llm_span(context: Context) -> Span | None:
    """The current span, if it stands for one inference of a model (not for an agent, a chain or a tool)."""
    span = trace.get_current_span(context)
    if not span.is_recording():
        return None
    attributes = getattr(span, "attributes", None)
    if not attributes:
        return None
    if attributes.get(names.OPERATION) in _INFERENCE:  # official instrumentations, OpenLIT, Logfire
        return span
    if attributes.get("llm.request.type") in _INFERENCE:  # OpenLLMetry
        return span
    if attributes.get("openinference.span.kind") in ("LLM", "EMBEDDING", "RERANKER"):
        return span
    return None
