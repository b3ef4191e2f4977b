"""Counts the calls whose provider did not, so that the program never waits for it: bounded, fork-safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.tokens.dividing import divide_prompt
from costspan.tokens.missing import count_missing, estimate_missing, hold, is_countable, is_missing
from costspan.tokens.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.call import Call

WAITING = 1000  # calls that may wait to be counted; those beyond get the quick estimate at once


class CountingPool:
    """Counts the tokens of calls whose provider did not, then goes on with them, off the caller's thread."""

    def __init__(self, *, workers: int = 2, waiting: int = WAITING, fills: bool = True, divides: bool = False) -> None:
        self._workers = Workers(workers)
        self._most_waiting = waiting
        self._fills = fills
        self._divides = divides

    def submit(self, call: Call, then: Callable[[Call], Any]) -> None:
        """Count what a finished call's provider did not, divide its prompt if wanted, and call `then` from there.

        Where too many calls wait already, the call gets the quick estimate, marked heuristic, and `then` at once.
        """
        if self._workers.waiting >= self._most_waiting:
            self.estimate(call)
            then(call)
            return
        hold(call)

        def job() -> None:
            try:
                if self._fills and is_missing(call):
                    count_missing(call)
                if self._divides:
                    divide_prompt(call)
            finally:
                then(call)

        self._workers.run(job)

    def wants(self, call: Call) -> bool:
        """Whether there is something to count for a finished call."""
        return (self._fills and is_missing(call)) or (
            self._divides and call.reply.usage is not None and is_countable(call)
        )

    def estimate(self, call: Call) -> None:
        """The quick estimate, here and now, of what is missing."""
        if self._fills and is_missing(call):
            estimate_missing(call)

    def drain(self, seconds: float) -> bool:
        """Wait until all calls submitted so far have gone on; whether that was within `seconds`."""
        return self._workers.drain(seconds)
