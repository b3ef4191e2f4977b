"""The one place that keeps our own failures away from the host program."""

from __future__ import annotations

import logging
import os
import traceback
from collections import Counter
from inspect import CO_VARARGS
from types import NoneType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType, TracebackType

_log = logging.getLogger("costspan")
_FRAMES = 4  # of a failure that the log names


class ToldError(Exception):
    """An error whose message is for the user: it names a file, field or setting, and nothing asked or answered."""


class Failures:
    """How often each kind of our own failures happened in this process; the first of a kind is logged.

    Its place is logged, not its message: `invalid literal for int(): '…'` would quote what somebody asked or answered.
    Only a `ToldError` says what it has to say.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, step: str, error: BaseException) -> None:
        """Count a failure; the first of its kind goes to the log at WARNING."""
        kind = (step, type(error).__name__)
        self._counts[kind] += 1
        if self._counts[kind] == 1:
            _log.warning(
                "costspan could not %s (%s); the program is not affected, this is logged once",
                step,
                error if isinstance(error, ToldError) else f"{kind[1]} at {_place(error)}",
            )

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Failures by (step, exception class name)."""
        return dict(self._counts)

    def clear(self) -> None:
        """Forget all; the next failure of each kind is logged again."""
        self._counts.clear()


def _place(error: BaseException) -> str:
    """`_usage.py:123`, of each function on the way, the last one last; nothing of the values in them."""
    frames = traceback.extract_tb(error.__traceback__, -_FRAMES)
    return " > ".join(f"{frame.filename.replace(os.sep, '/').rpartition('/')[2]}:{frame.lineno}" for frame in frames)


FAILURES = Failures()


class Guard:
    """Keep our own failure out of the host program. Ctrl-C, task cancellation and what interrupts us pass through.

    Stateless, so one guard per step serves every thread: `READ = Guard("read the response")`, `with READ: ...`
    """

    __slots__ = ("_step",)

    def __init__(self, step: str) -> None:
        self._step = step

    __enter__: staticmethod[[], None] = staticmethod(NoneType)  # None, sooner than of ours; no `ExitStack` takes it

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception) and not _is_panic(error):
            return False
        if _interrupts(error):
            return False
        try:
            FAILURES.note(self._step, error)
        except Exception as unsaid:  # the program's own log handler fails, or its stack is full
            if _interrupts(unsaid):
                raise
        return True


def _interrupts(error: BaseException) -> bool:
    """Whether the program's own raised it amid our code: the handler of a signal (a time limit), or a debugger.

    Such a function is given the frame of whom it interrupts; no other gets that of its caller as an argument.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        if any(given is trace.tb_frame for given in _arguments(trace.tb_next.tb_frame)):
            return True
        trace = trace.tb_next
    return False


def _arguments(frame: FrameType) -> Iterable[object]:
    """What a function was called with by position, as far as it still has it."""
    code, values = frame.f_code, frame.f_locals
    for name in code.co_varnames[: code.co_argcount]:
        yield values.get(name)
    if code.co_flags & CO_VARARGS:
        yield from values.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], ())


def _is_panic(error: BaseException) -> bool:
    """A Rust extension (a tokenizer) that panics raises a BaseException of this name."""
    return type(error).__name__ == "PanicException"
