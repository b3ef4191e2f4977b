"""What must be made anew in a forked child, which has its parent's objects and none of its parent's threads."""

from __future__ import annotations

import os
from signal import SIGTERM
from threading import RLock, local
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

import wrapt

from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

_HOST = Guard("follow how processes end")
_AIRFLOW = "airflow.sdk.execution_time.task_runner"
_LONGEST_IMPORT_SECONDS = 3  # on a machine that is busy; a fork waits no longer
_LAST = -1000  # of the finalizers, whose calls we want to tell


class Imports:
    """Held while something of ours is imported that others may ask for: a fork waits for that, and no longer than 3 s.

    What one thread has begun to import as another one forks stays half imported in the child, and whoever asks for it
    there waits for ever (Python 3.10 to 3.13).
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._forking = local()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._wait, after_in_parent=self._go_on, after_in_child=self._go_on_in_child)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *failure: object) -> None:
        self._lock.release()

    def _wait(self) -> None:
        self._forking.holds = self._lock.acquire(timeout=_LONGEST_IMPORT_SECONDS)

    def _go_on(self) -> None:
        if self._forking.holds:
            self._lock.release()

    def _go_on_in_child(self) -> None:
        if not self._forking.holds:
            self._lock = RLock()
        self._go_on()


def in_children(renew: Callable[[], Any]) -> None:
    """Call this method of an object in every child that is forked from now on, as long as the object lives."""
    held = WeakMethod(renew)

    def after_fork() -> None:
        if (alive := held()) is not None:
            alive()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork)


def at_sudden_end(owner: object, end: Callable[[], Any]) -> None:
    """Call `end` before a process ends without what `atexit` has, in hosts that do so by design; the owner must live.

    Source: children of multiprocessing run its finalizers and `os._exit` (Python 3.10 to 3.13), Celery's send a signal
    and `os._exit` (billiard 4.3), uvicorn raises the SIGTERM again that it was stopped by (0.54); read and run on
    2026-11-22. RQ's fork for every job, and `os._exit` after it (1.16, 2.0 and 3.0 read, 3.0 run on 2026-11-23);
    so do Airflow's for every task, and clear what `atexit` has before it (task SDK 1.3; read and run on 2026-11-23).
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

    def performed(wrapped: Any, worker: Any, args: Any, kwargs: Any) -> Any:
        try:
            return wrapped(*args, **kwargs)
        finally:
            if getattr(worker, "is_horse", True):  # Airflow's function has no worker, and runs in a fork only
                end()

    async def stopped(wrapped: Any, server: Any, args: Any, kwargs: Any) -> None:
        await wrapped(*args, **kwargs)
        if SIGTERM in getattr(server, "_captured_signals", ()):
            end()

    _follow("multiprocessing.util", of_multiprocessing)
    _follow("celery.signals", of_celery)
    _follow("rq.worker", lambda worker: wrapt.wrap_function_wrapper(worker, "Worker.perform_job", performed))
    _follow(_AIRFLOW, lambda runner: wrapt.wrap_function_wrapper(runner, "main", performed))
    _follow("uvicorn.server", lambda server: wrapt.wrap_function_wrapper(server, "Server.shutdown", stopped))


def _follow(module: str, hook: Callable[[Any], Any]) -> None:
    def imported(found: Any) -> None:
        with _HOST:
            hook(found)

    wrapt.register_post_import_hook(imported, module)
