"""Adds up what several answers used, of one model or of several."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from costspan.usage import ModelUsage, Usage

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.call import Reply

_ONE = Usage(requests=1)
# What divides answers by their price: prompts above so many tokens are dearer, sound below so many ms is no cheaper.
# As in the bundled price list; a test compares.
STEPS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
LEAST_AUDIO_MS = 10_000


def add_usage(reply: Reply, model: str, usage: Usage, cost: Decimal | None = None) -> None:
    """Add an answer, counted as a request: to the usage of the reply if it is like the first, else to a part.

    Alike are answers of one model that lie on the same side of all steps of a price: their mean lies there too.
    `cost` is what the provider says it charges for it: all of them together are known if each is.
    """
    if reply.usage is None:
        reply.stated_cost = cost
    elif reply.stated_cost is not None:
        reply.stated_cost = None if cost is None else reply.stated_cost + cost
    usage += _ONE
    reply.model = reply.model or model
    kind = model, *_kind(usage)
    if kind == (reply.model, *_kind(reply.usage or usage)):
        reply.usage = usage + (reply.usage or Usage())
    else:
        sums = {(part.model, *_kind(part.usage)): part for part in reply.parts}  # few, however many answers there are
        before = sums.get(kind, ModelUsage(model, Usage()))
        sums[kind] = ModelUsage(model, before.usage + usage)
        reply.parts = tuple(sums.values())


def _kind(usage: Usage) -> tuple[int, int]:
    """Between which steps the prompts of some answers are, and whether their sound is none, short or long."""
    answers = usage.requests
    length = (usage.total_input - usage.input_grounding) / answers
    return bisect_left(STEPS, length), (usage.input_audio_ms > 0) + (usage.input_audio_ms >= LEAST_AUDIO_MS * answers)
