"""Answers that pass as bytes of HTTP: heard as the program, or the SDK for it, reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costspan.adapters._streams import AsyncStream, SyncStream
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.adapters._watch import Watch

_HEAR = Guard("hear an answer")


def hear_lines(response: Any, watch: Watch) -> None:
    """Hear a response of httpx line by line, as its bytes come, or now if it was read before (by a hook).

    Source: httpx 0.27 and 0.28, httpx2 2.16 as installed, read 2026-11-23: a client's response holds its stream as
    `stream._stream`, is pickled without it, and closes it as it is closed itself.
    """
    if hasattr(response, "_content"):
        read = Lines(watch)
        read.see(response.content)
        read.finish()
        return
    unpack = response._get_content_decoder().decode
    del response._decoder  # that one is ours: it makes itself another

    def decode(piece: bytes) -> bytes:
        unpacked = unpack(piece)
        return unpacked if isinstance(unpacked, bytes) else b"".join(unpacked)  # httpx2's come in pieces, too

    response.stream._stream = Heard(response.stream._stream, Lines(watch, decode=decode))


class Heard:
    """In the place of what a response takes its bytes from."""

    def __init__(self, inner: Any, lines: Lines) -> None:
        self._inner, self._lines = inner, lines

    def __iter__(self) -> SyncStream:
        return SyncStream(iter(self._inner), self._lines)  # type: ignore[arg-type] # as ParsedStream

    def __aiter__(self) -> AsyncStream:
        return AsyncStream(aiter(self._inner), self._lines)  # type: ignore[arg-type] # as above

    def close(self) -> None:
        """All that the program wants of it has come."""
        try:
            self._inner.close()
        finally:
            self._lines.leave_early()

    async def aclose(self) -> None:
        """As above."""
        try:
            await self._inner.aclose()
        finally:
            self._lines.leave_early()


class Whole:
    """An answer in pieces, read when all of it has come.

    `words` puts what it tells in those of the provider's SDK; `decode` undoes the compression of a piece.
    """

    def __init__(
        self, watch: Watch, words: Callable[[Any], Any] = dict, decode: Callable[[Any], bytes] = bytes
    ) -> None:
        self.call, self.fail, self.leave_early = watch.call, watch.fail, watch.leave_early
        self._watch, self._words, self._decode = watch, words, decode
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
        self._watch.complete(self._words(parsed(self._come)) or None)  # sound is no JSON


class Lines(Whole):
    """Events of a stream, or results of a batch: each on a line of its own, read when it has come."""

    def refusal(self) -> Exception | None:
        """As of any stream: a budget may end it."""
        return self._watch.refusal()

    def see(self, data: bytes) -> bool:
        """As above."""
        with _HEAR:
            come = self._decode(data)
            self._come += come
            if b"\n" in come:
                *lines, self._come = self._come.split(b"\n")
                for line in lines:
                    self._look(line)
        return True

    def _end(self) -> None:
        self._look(self._come)

    def _look(self, line: bytearray) -> None:
        if line.startswith((b"data:", b"{")) and (event := parsed(line.removeprefix(b"data:"))):
            self._watch.see(self._words(event))


def parsed(text: bytes | bytearray) -> dict[str, Any]:
    """A JSON object; empty for what is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
