"""Counts the calls whose provider did not, so that the program never waits for it: bounded, fork-safe."""

from __future__ import annotations

import time
from copy import copy
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from costspan.guard import Guard
from costspan.tokens.dividing import divide_prompt
from costspan.tokens.missing import count_missing, estimate_missing, hold, is_countable, is_missing
from costspan.tokens.workers import PAUSE_SECONDS, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.call import Call

_ESTIMATE = Guard("estimate the tokens of a call")
_TELLING_SECONDS = 1.0  # at most, for another thread to tell what it has counted
WAITING = 1000  # calls that may wait to be counted; those beyond get the quick estimate at once


class _Count:
    """One call on its way: told once, by whichever comes first of its count and the end of the program."""

    def __init__(self, pool: CountingPool, call: Call, then: Callable[[Call], Any]) -> None:
        self._pool, self._call, self._then = pool, call, then
        self._taken = Lock()
        self.told = False

    def __call__(self) -> None:
        """Count on a copy, which the call takes over unless it has been told meanwhile."""
        twin = copy(self._call)
        twin.reply = replace(self._call.reply)
        try:
            self._pool.count(twin)
        finally:
            with _ESTIMATE:
                self._pool.estimate(twin)  # what could not be counted
            if self._taken.acquire(blocking=False):
                self._call.reply = twin.reply
                self._go_on()

    def hurry(self) -> None:
        """Tell the call now, with the quick estimate."""
        if self._taken.acquire(blocking=False):
            with _ESTIMATE:
                self._pool.estimate(self._call)
            self._go_on()

    def _go_on(self) -> None:
        try:
            self._then(self._call)
        finally:
            self.told = True


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
        self._workers.run(_Count(self, call, then))

    def wants(self, call: Call) -> bool:
        """Whether there is something to count for a finished call."""
        return (self._fills and is_missing(call)) or (
            self._divides and call.reply.usage is not None and is_countable(call)
        )

    def count(self, call: Call) -> None:
        """Count what is missing, and divide the prompt if that is wanted; takes as long as it takes."""
        if self._fills and is_missing(call):
            count_missing(call)
        if self._divides:
            divide_prompt(call)

    def estimate(self, call: Call) -> None:
        """The quick estimate, here and now, of what is missing."""
        if self._fills and is_missing(call):
            estimate_missing(call)

    def drain(self, seconds: float) -> bool:
        """Wait until all calls submitted so far have gone on; whether that was within `seconds`."""
        return self._workers.drain(seconds)

    def conclude(self, seconds: float) -> None:
        """As `drain`, but calls that are not counted by then go on with the quick estimate: the program ends.

        A call whose count is ready just then is told by the thread that has counted it; that is waited for.
        """
        self._most_waiting = 0
        if self.drain(seconds):
            return
        late = [job for job in self._workers.open if isinstance(job, _Count)]
        for job in late:
            job.hurry()
        end = time.monotonic() + _TELLING_SECONDS
        while not all(job.told for job in late) and time.monotonic() < end:
            time.sleep(PAUSE_SECONDS)
