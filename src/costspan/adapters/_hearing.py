"""Answers that pass as bytes of HTTP: heard as the program, or the SDK for it, reads them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import ref

from costspan.adapters._streams import AsyncStream, SyncStream
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from costspan.adapters._watch import Watch

_HEAR = Guard("hear an answer")
_OWN = ("BoundSyncStream", "BoundAsyncStream")  # of httpx; what a program has put in its place may be anything
_LONGEST = 16 * 2**20  # bytes of a line that are held
_TOO_LONG = b"\0"  # stands for the beginning of a longer one


def hear_lines(
    response: Any,
    watch: Watch,
    words: Callable[[Any], Any] = dict,
    unframe: Callable[[bytes], Iterable[bytes]] | None = None,
) -> None:
    """Hear a response of httpx line by line, as its bytes come, or now if it was read before (by a hook).

    `words` as of `Whole`; `unframe` finds the lines in what has come, where they are not sent as such.

    Source: httpx 0.27 and 0.28, httpx2 2.16 as installed, read 2026-11-23: a client's response holds its stream as
    `stream._stream`, is pickled without it, and closes it as it is closed itself.
    """
    if hasattr(response, "_content"):
        read = Lines(watch, words, unframe or _as_it_is)
        for line in BytesIO(response.content):  # no second copy of it all
            read.see(line)
        read.finish()
        return
    if type(response.stream).__name__ not in _OWN:
        watch.call.reply.unpriced = "the answer passes through a stream of the program's own, and is not seen"
        watch.leave_early()
        return
    unpack = response._get_content_decoder().decode
    del response._decoder  # that one is ours: it makes itself another

    def decode(data: bytes) -> Iterable[bytes]:
        unpacked = unpack(data)
        pieces = (unpacked,) if isinstance(unpacked, bytes) else unpacked  # httpx2's come in pieces
        return pieces if unframe is None else chain.from_iterable(map(unframe, pieces))

    response.stream._stream = Heard(response.stream._stream, Lines(watch, words, decode))


def _as_it_is(data: bytes) -> Iterable[bytes]:
    return (data,)


class Heard:
    """In the place of what a response takes its bytes from; who reads them, once, is told when that is over.

    A response may be kept long after the program has let go of what it was reading.
    """

    def __init__(self, inner: Any, lines: Lines) -> None:
        self._inner, self._waiting, self._lines = inner, [lines], ref(lines)

    def __iter__(self) -> Any:
        given = iter(self._inner)
        return SyncStream(given, self._waiting.pop()) if self._waiting else given  # type: ignore[arg-type] # as ParsedStream

    def __aiter__(self) -> Any:
        given = aiter(self._inner)
        if not self._waiting:
            return given
        kind = _Generator if isinstance(given, AsyncGenerator) else AsyncStream
        return kind(given, self._waiting.pop())  # type: ignore[arg-type] # as above

    def close(self) -> None:
        """All that the program wants of it has come."""
        try:
            self._inner.close()
        finally:
            self._leave()

    async def aclose(self) -> None:
        """As above."""
        try:
            await self._inner.aclose()
        finally:
            self._leave()

    def _leave(self) -> None:
        if (lines := self._lines()) is not None:
            lines.leave_early()


class _Generator(AsyncStream):
    """In the place of an async generator, which httpx2 closes if it can see that it is one."""

    async def asend(self, value: Any) -> Any:
        return await self._inner.asend(value)  # type: ignore[attr-defined] # a generator

    async def athrow(self, *error: Any) -> Any:
        return await self._inner.athrow(*error)  # type: ignore[attr-defined] # as above

    async def aclose(self) -> None:
        await self._inner.aclose()  # type: ignore[attr-defined] # as above


class Whole:
    """An answer in pieces, read when all of it has come; `words` puts what it tells in those of the provider's SDK."""

    def __init__(self, watch: Watch, words: Callable[[Any], Any] = dict) -> None:
        self.call, self.fail = watch.call, watch.fail
        self._watch, self._words = watch, words
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

    def leave_early(self) -> None:
        """The program wants no more of it."""
        self._watch.leave_early()

    def _end(self) -> None:
        self._watch.complete(self._words(parsed(self._come)) or None)  # sound is no JSON


class Lines(Whole):
    """Events of a stream, or results of a batch: each on a line of its own, read when it has come.

    `decode` undoes the compression of what has come.
    """

    def __init__(
        self, watch: Watch, words: Callable[[Any], Any] = dict, decode: Callable[[bytes], Iterable[bytes]] = _as_it_is
    ) -> None:
        super().__init__(watch, words)
        self._decode = decode

    def refusal(self) -> Exception | None:
        """As of any stream: a budget may end it."""
        return self._watch.refusal()

    def see(self, data: bytes) -> bool:
        """As above."""
        with _HEAR:
            for piece in self._decode(data):
                self._come += piece
                if b"\n" in piece:
                    *lines, self._come = self._come.split(b"\n")
                    for line in lines:
                        self._look(line)
                if len(self._come) > _LONGEST:
                    self._come[:] = _TOO_LONG
        return True

    def leave_early(self) -> None:
        """As above; the last line may have come whole."""
        if self.call.open:
            with _HEAR:
                self._end()
        super().leave_early()

    def _end(self) -> None:
        self._look(self._come)

    def _look(self, line: bytearray) -> None:
        if line.startswith(_TOO_LONG) and self._watch.operation.tally is not None:
            self.call.chunk()
            self.call.reply.untold = "an answer in these results was too long to be read"
        if line.startswith((b"data:", b"{")) and (event := parsed(line.removeprefix(b"data:"))):
            self._watch.see(self._words(event))


def parsed(text: bytes | bytearray) -> dict[str, Any]:
    """A JSON object; empty for what is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
