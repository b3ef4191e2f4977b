"""Groq's compound systems: the models inside are billed, each at its own price, not the name that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._openai_fields import CHAT_USAGE
from costspan.adapters._paths import member, path, text_of
from costspan.usage import ModelUsage, Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_MODELS = path("usage_breakdown.models|x_groq.usage_breakdown.models")


def read_breakdown(_request: Request, last: Any, reply: Reply) -> None:
    """The usage by model, if told; the sum is not billed then.

    A system that does not tell cannot be priced, nor one whose parts contradict the sum: some answers repeat the sum
    for every model.
    """
    models = _MODELS(last)
    entries = models if isinstance(models, list) else []
    counted = [(text_of(member(entry, "model")), CHAT_USAGE.read([member(entry, "usage")]).usage) for entry in entries]
    parts = tuple(ModelUsage(model, usage) for model, usage in counted if usage is not None)
    if parts and reply.usage == sum((part.usage for part in parts), Usage()):
        reply.parts, reply.usage = parts, Usage()
    elif parts or "compound" in reply.model:
        reply.unpriced = "a compound system bills the models inside it, and this answer does not tell them apart"
