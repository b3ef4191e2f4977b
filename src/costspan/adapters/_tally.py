"""Adds up what several answers used, of one model or of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.usage import ModelUsage, Usage

if TYPE_CHECKING:
    from costspan.call import Reply

_ONE = Usage(requests=1)


def add_usage(reply: Reply, model: str, usage: Usage) -> None:
    """Add an answer, counted as a request: the first model's to the usage of the reply, another's to its own part."""
    usage += _ONE
    reply.model = reply.model or model
    if model == reply.model:
        reply.usage = usage + (reply.usage or Usage())
    else:
        reply.parts = _added(reply.parts, ModelUsage(model, usage))


def _added(parts: tuple[ModelUsage, ...], more: ModelUsage) -> tuple[ModelUsage, ...]:
    """One part per model, however many answers there are."""
    sums = dict(parts)
    sums[more.model] = sums.get(more.model, Usage()) + more.usage
    return tuple(ModelUsage(model, usage) for model, usage in sums.items())
