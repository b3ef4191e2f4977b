"""Daemon threads for counting: started when needed, at most so many, and none of the parent's in a forked child."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread, get_native_id
from typing import TYPE_CHECKING

from costspan.forking import Imports, in_children
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    Job = Callable[[], object]

_RUN = Guard("count tokens")
_IMPORTS = Imports()
PAUSE_SECONDS = 0.005  # between looks while draining
NICENESS = 5  # below the program's own threads: an event loop that wakes up beside a busy counter runs at once


class Workers:
    """Runs jobs on at most `most` daemon threads, started when they are needed; a job that fails is noted, no more."""

    def __init__(self, most: int, name: str = "costspan-tokens") -> None:
        self._most = most
        self._name = name
        self._reset()
        in_children(self._reset)

    def _reset(self) -> None:
        """A forked child has none of its parent's threads, and the parent does the parent's jobs."""
        self._jobs: SimpleQueue[tuple[object, Job]] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._open: dict[object, Job] = {}  # the jobs given and not yet done, by a ticket

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return self._jobs.qsize()

    @property
    def open(self) -> tuple[Job, ...]:
        """Jobs given and not yet done, those under way included."""
        return tuple(self._open.values())

    def run(self, job: Job) -> None:
        """Queue a job. Safe from any thread and from a finalizer: takes no lock that could be held below it."""
        ticket = object()
        self._open[ticket] = job
        self._jobs.put((ticket, job))
        if self._threads < min(self._most, len(self._open)) and self._lock.acquire(blocking=False):
            try:
                self._start()
            finally:
                self._lock.release()

    def help(self, job: Job) -> None:
        """Let each of the other threads do its part of a job, once it has done what was queued before."""
        for _ in range(self._most - 1):
            self.run(job)

    def _start(self) -> None:
        if self._threads < self._most:
            with suppress(RuntimeError):  # the system gives none: the next job tries again
                Thread(target=self._work, args=(self._jobs, self._open), name=self._name, daemon=True).start()
                self._threads += 1

    @staticmethod
    def _work(jobs: SimpleQueue[tuple[object, Job]], still_open: dict[object, Job]) -> None:
        _stand_back()
        with _RUN, _IMPORTS:
            _prepare()
        while True:
            ticket, job = jobs.get()
            with _RUN:
                job()
            still_open.pop(ticket, None)
            del job

    def drain(self, seconds: float) -> bool:
        """Wait until every job given so far is done; whether that was within `seconds`."""
        end = time.monotonic() + seconds
        while self._open:
            if time.monotonic() >= end:
                return False
            time.sleep(PAUSE_SECONDS)
        return True


def _prepare() -> None:
    """Import what counting does, before any of it is asked for."""
    import tiktoken_ext.openai_public  # noqa: F401, PLC0415 as above

    import costspan.tokens.counting  # noqa: F401, PLC0415 in the thread that needs it

    with suppress(ModuleNotFoundError):
        import splintr  # noqa: F401, PLC0415 an extra


def _stand_back() -> None:
    """Let the program's threads go first. Only on Linux: elsewhere the priority is one of the whole process."""
    if sys.platform == "linux":
        with suppress(OSError):
            lowered = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS  # 0: of this thread
            os.setpriority(os.PRIO_PROCESS, get_native_id(), lowered)
