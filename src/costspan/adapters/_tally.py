"""Adds up what several answers used, of one model or of several."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from costspan.usage import ModelUsage, Usage

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.call import Reply

_ONE = Usage(requests=1)


def add_usage(reply: Reply, model: str, usage: Usage, cost: Decimal | None = None) -> None:
    """Add an answer, counted as a request: the first model's to the usage of the reply, another's to its own part.

    `cost` is what the provider says it charges for it: all of them together are known if each is.
    """
    if reply.usage is None:
        reply.stated_cost = cost
    elif reply.stated_cost is not None:
        reply.stated_cost = None if cost is None else reply.stated_cost + cost
    usage += _ONE
    reply.model = reply.model or model
    if model == reply.model:
        reply.usage = usage + (reply.usage or Usage())
    else:
        sums = dict(reply.parts)  # one per model, however many answers there are
        sums[model] = sums.get(model, Usage()) + usage
        reply.parts = tuple(starmap(ModelUsage, sums.items()))
