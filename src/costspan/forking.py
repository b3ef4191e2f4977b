"""What must be made anew in a forked child, which has its parent's objects and none of its parent's threads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST = -1000  # of the finalizers, whose calls we want to tell


def in_children(renew: Callable[[], Any]) -> None:
    """Call this method of an object in every child that is forked from now on, as long as the object lives."""
    held = WeakMethod(renew)

    def after_fork() -> None:
        if (alive := held()) is not None:
            alive()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork)


def at_end_of_children(owner: object, end: Callable[[], Any]) -> None:
    """Call `end` at the end of every child that skips what `atexit` has, as long as the owner lives.

    Source: children of multiprocessing run its finalizers and `os._exit` (Python 3.10 to 3.13), Celery's send a signal
    and `os._exit` (billiard 4.3); read and run on 2026-11-22.
    """
    here = os.getpid()

    def of_multiprocessing(util: Any) -> None:
        def begun(_owner: object) -> None:
            if os.getpid() != here:  # else it was spawned, and ends as programs do
                util.Finalize(None, end, exitpriority=_LAST)

        util.register_after_fork(owner, begun)
        if util.process.current_process()._parent_pid is not None:
            util.Finalize(None, end, exitpriority=_LAST)

    def of_celery(signals: Any) -> None:
        signals.worker_process_shutdown.connect(lambda **_said: end(), weak=False)

    wrapt.register_post_import_hook(of_multiprocessing, "multiprocessing.util")
    wrapt.register_post_import_hook(of_celery, "celery.signals")
