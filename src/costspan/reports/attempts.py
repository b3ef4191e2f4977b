"""Calls that say the same again: tried again after an error, or the same prompt once more. Nobody marks them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import usd_of_pico
from costspan.reports.usage import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costspan.ledger.listing import ListedCall

LOOKED_AT = 10_000  # latest calls: enough to see a habit, in a part of a second
_SOON = timedelta(minutes=1)  # after an error; who waits longer asks anew


@dataclass
class TriedAgain:
    """Failed calls of one model and error that the program repeated."""

    provider: str
    model: str
    error: str
    calls: int = 0  # that failed and were tried again
    cost: Decimal = Decimal(0)  # USD that these were billed
    again_cost: Decimal = Decimal(0)  # USD of the calls that tried again
    succeeded: int = 0  # of those

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "cost": text(self.cost), "again_cost": text(self.again_cost)}


def tried_again(calls: Iterable[ListedCall]) -> list[TriedAgain]:
    """By provider, model and error, the most frequent first. What an SDK repeats inside of one call is one call."""
    found: dict[tuple[str, str, str], TriedAgain] = {}
    for failed, again in _pairs(calls):
        key = failed.dims["provider"], failed.dims["model"], failed.dims["error"]
        row = found.setdefault(key, TriedAgain(*key))
        row.calls += 1
        row.cost += usd_of_pico(failed.cost or 0)
        row.again_cost += usd_of_pico(again.cost or 0)
        row.succeeded += not again.dims["error"]
    return sorted(found.values(), key=lambda row: -row.calls)


def _pairs(calls: Iterable[ListedCall]) -> Iterator[tuple[ListedCall, ListedCall]]:
    """Each failed call with the one that tried it again: of the same trace, model and prompt, soon after it."""
    traces: dict[str, list[ListedCall]] = defaultdict(list)
    for call in calls:
        traces[call.trace_id].append(call)
    for trace in traces.values():
        waiting: list[ListedCall] = []
        for call in sorted(trace, key=lambda call: call.start):
            failed = next((each for each in waiting if _repeats(call, each)), None)
            if failed is not None:
                waiting.remove(failed)
                yield failed, call
            if call.dims["error"]:
                waiting.append(call)


def _repeats(call: ListedCall, failed: ListedCall) -> bool:
    """A failed call often knows the model by its asked name only, which the one that answers begins with."""
    ended = failed.start + timedelta(milliseconds=failed.duration_ms)
    same = all(call.dims[name] == failed.dims[name] for name in ("provider", "operation", "service"))
    model = call.dims["model"].startswith(failed.dims["model"])
    prompt = call.extra.get("prompt_hash") == failed.extra.get("prompt_hash")
    return same and model and prompt and ended <= call.start <= ended + _SOON


def repeated_prompts(calls: Iterable[ListedCall]) -> dict[tuple[str, str], list[ListedCall]]:
    """By provider and model the calls whose prompt, by its keyed hash, an earlier one had that did not fail."""
    seen: set[str] = set()
    repeats: dict[tuple[str, str], list[ListedCall]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.start):
        prompt = call.extra.get("prompt_hash")
        if prompt is None or call.dims["error"]:
            continue
        if prompt in seen:
            repeats[call.dims["provider"], call.dims["model"]].append(call)
        seen.add(prompt)
    return repeats
