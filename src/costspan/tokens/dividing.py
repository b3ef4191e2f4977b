"""How the input that a provider reported divides over the parts of the prompt: an estimate, if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.tokens.reading import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.call import Call

HIDDEN = "hidden"  # what the provider reported beyond what can be counted here: its own prompts and framing


def divide_prompt(call: Call) -> None:
    """Set `reply.prompt`: tokens of system, tools, tool_results, history and newest, which sum to the reported input.

    Besides, `hidden` tells by how much the report exceeds the count before it was scaled (negative: falls short of it).
    """
    from costspan.tokens.counting import ask  # noqa: PLC0415 tokenizers, only where one must count

    request, reply = call.request, call.reply
    if reply.usage is None:
        return
    reported = reply.usage.total_input
    counted = ask(request.body, reply.model or request.model, request.operation).parts()
    total = sum(counted.values())
    if reported and total:
        reply.prompt = {**scaled(counted, reported), HIDDEN: reported - total}


def scaled(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """The counts in whole tokens that add up to `total` exactly; what rounding leaves goes to the largest part."""
    counted = sum(counts.values())
    shares = {part: counts[part] * total // counted for part in PARTS if counts.get(part)}
    shares[max(shares, key=shares.__getitem__)] += total - sum(shares.values())
    return shares
