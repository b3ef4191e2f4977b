"""Adds up what several answers used, of one model or of several."""

from __future__ import annotations

from itertools import starmap
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
        sums = dict(reply.parts)  # one per model, however many answers there are
        sums[model] = sums.get(model, Usage()) + usage
        reply.parts = tuple(starmap(ModelUsage, sums.items()))
