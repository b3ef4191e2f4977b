"""Answers that pass as bytes of HTTP: heard as the program, or the SDK for it, reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costspan.adapters._google import snake
from costspan.adapters._streams import AsyncStream, SyncStream
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.adapters._watch import Watch

_HEAR = Guard("hear an answer")
_GEMINIS = frozenset({"contents", "candidates", "usageMetadata"})


def hear_lines(response: Any, watch: Watch) -> None:
    """Hear a response of httpx that is not read yet, line by line."""
    if hasattr(response.stream, "__aiter__"):
        response.aiter_bytes = Heard(response.aiter_bytes, AsyncStream, watch)
    else:
        response.iter_bytes = Heard(response.iter_bytes, SyncStream, watch)


class Heard:
    """In the place of a response's method that gives its bytes; lets go of the watch when they are asked for."""

    def __init__(self, give: Callable[..., Any], stream: Any, watch: Watch) -> None:
        self._give, self._stream = give, stream
        self._lines: Lines | None = Lines(watch)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given, lines = self._give(*args, **kwargs), self._lines
        self._lines = None
        return given if lines is None else self._stream(given, lines)


class Whole:
    """An answer in pieces, read when all of it has come."""

    def __init__(self, watch: Watch) -> None:
        self.call, self.fail, self.leave_early = watch.call, watch.fail, watch.leave_early
        self._watch = watch
        self._come = bytearray()

    def refusal(self) -> Exception | None:
        """What is paid for is not held back."""
        return None

    def see(self, data: bytes) -> bool:
        """All of it is the program's; kept only where it tells usage, as sound does not."""
        if self._watch.operation.usage is not None:
            self._come += data
        return True

    def finish(self) -> None:
        """All of it has come."""
        with _HEAR:
            self._end()
        self._watch.finish()

    def _end(self) -> None:
        self._watch.complete(parsed(self._come) or None)  # sound is no JSON


class Lines(Whole):
    """Events of a stream, or results of a batch: each on a line of its own, read when it has come."""

    def refusal(self) -> Exception | None:
        """As of any stream: a budget may end it."""
        return self._watch.refusal()

    def see(self, data: bytes) -> bool:
        """As above."""
        with _HEAR:
            self._come += data
            if b"\n" in data:
                *lines, self._come = self._come.split(b"\n")
                for line in lines:
                    self._look(line)
        return True

    def _end(self) -> None:
        self._look(self._come)

    def _look(self, line: bytearray) -> None:
        if line.startswith((b"data:", b"{")) and (event := parsed(line.removeprefix(b"data:"))):
            self._watch.see(event)


def parsed(text: bytes | bytearray) -> dict[str, Any]:
    """A JSON object in the words of the provider's SDK; empty for what is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return snake(found) if _GEMINIS.intersection(found) else found
