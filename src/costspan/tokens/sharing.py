"""A long text counted part by part, by whichever threads have time, until it is done or it is late."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from costspan.tokens.cutting import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.tokens.workers import Workers


@dataclass(frozen=True, slots=True)
class Effort:
    """What a count may take: until when (of `time.monotonic`), and who helps with a long text."""

    deadline: float = inf
    helpers: Workers | None = None


ANY_EFFORT = Effort()


class SharedCount:
    """The tokens of the parts of one text; each part is taken once, by any thread that calls this."""

    def __init__(self, text: str, part: int, length: Callable[[str], int], effort: Effort) -> None:
        self._parts = cut(text, part)
        self._length = length
        self._deadline = effort.deadline
        self._lock = Lock()
        self._taken = 0
        self._counted: SimpleQueue[tuple[int, int | None]] = SimpleQueue()  # characters and tokens of a part
        if effort.helpers is not None:
            effort.helpers.help(self)

    def __call__(self) -> None:
        """Count parts until there are no more, or it is late."""
        while part := self._take():
            tokens = None
            try:
                tokens = self._length(part)
            finally:  # the thread that waits for this part must hear of it, whatever came of it
                self._counted.put((len(part), tokens))

    def _take(self) -> str:
        with self._lock:
            if self._taken and time.monotonic() > self._deadline:
                return ""
            part = next(self._parts, "")
            self._taken += bool(part)
            return part

    def totals(self) -> tuple[int, int]:
        """Characters counted, and their tokens; waits for the parts that helpers have taken.

        Raises:
            TypeError: A helper could not count its part.
        """
        self()
        counted = [self._counted.get() for _ in range(self._taken)]
        characters, tokens = zip(*counted, strict=True)
        return sum(characters), sum(tokens)
