"""Groq's compound systems: the models inside are billed, each at its own price, not the name that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import member, path, text_of
from costspan.adapters.openai import CHAT_USAGE
from costspan.usage import ModelUsage, Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_MODELS = path("usage_breakdown.models|x_groq.usage_breakdown.models")


def read_breakdown(_request: Request, last: Any, reply: Reply) -> None:
    """The usage by model, if told; the sum is not billed then. A system that does not tell cannot be priced."""
    models = _MODELS(last)
    parts = []
    for entry in models if isinstance(models, list) else ():
        usage, cut = CHAT_USAGE.read([member(entry, "usage")])
        reply.clamped |= cut
        if usage is not None:
            parts.append(ModelUsage(text_of(member(entry, "model")), usage))
    if parts:
        reply.parts, reply.usage = tuple(parts), Usage()
    elif "compound" in reply.model:
        reply.unpriced = "a compound system bills the models inside it, and this answer does not name them"
