"""Counts the calls whose provider did not, so that the program never waits for it: bounded, fork-safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.tokens.missing import count_missing, estimate_missing, hold
from costspan.tokens.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.call import Call

WAITING = 1000  # calls that may wait to be counted; those beyond get the quick estimate at once


class CountingPool:
    """Counts the tokens of calls whose provider did not, then goes on with them, off the caller's thread."""

    def __init__(self, *, workers: int = 2, waiting: int = WAITING) -> None:
        self._workers = Workers(workers)
        self._most_waiting = waiting

    def submit(self, call: Call, then: Callable[[Call], Any]) -> None:
        """Count a finished call's tokens on the pool, and call `then` from there.

        Where too many calls wait already, the call gets the quick estimate, marked heuristic, and `then` at once.
        """
        if self._workers.waiting >= self._most_waiting:
            estimate_missing(call)
            then(call)
            return
        hold(call)

        def job() -> None:
            try:
                count_missing(call)
            finally:
                then(call)

        self._workers.run(job)

    def drain(self, seconds: float) -> bool:
        """Wait until all calls submitted so far have gone on; whether that was within `seconds`."""
        return self._workers.drain(seconds)
