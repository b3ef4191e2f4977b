"""Streams, watched from inside: the host keeps the SDK's own stream object, whose inner iterator we stand in for."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from weakref import ref

from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

    from costspan.adapters._sessions import Session
    from costspan.adapters._watch import Watch

_CLOSE = Guard("close a stream whose budget is spent")
_LOOK = Guard("look at a streamed event")


class SyncStream:
    """The inner iterator of an SDK's stream: passes every chunk on, and lets the watch look at it."""

    def __init__(self, inner: Iterator[Any], watch: Watch | ParsedStream) -> None:
        self._inner = inner
        self.watch = watch

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.watch.call.metered and (refusal := self.watch.refusal()) is not None:
            self.watch.fail(refusal)
            with _CLOSE:
                self._inner.close()  # type: ignore[attr-defined] # a generator in every SDK
            raise refusal
        while True:
            try:
                chunk = next(self._inner)
            except StopIteration:
                self.watch.finish()
                raise
            except BaseException as error:
                self.watch.fail(error)
                raise
            if self.watch.see(chunk):
                return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._inner.__reduce_ex__(protocol)  # copied and pickled as little as that


class AsyncStream:
    """As SyncStream, for an async iterator. No generator of ours: the inner one keeps its own life and end."""

    def __init__(self, inner: AsyncIterator[Any], watch: Watch | ParsedStream) -> None:
        self._inner = inner
        self.watch = watch

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self.watch.call.metered and (refusal := self.watch.refusal()) is not None:
            self.watch.fail(refusal)
            with _CLOSE:
                await self._inner.aclose()  # type: ignore[attr-defined] # as above
            raise refusal
        while True:
            try:
                chunk = await self._inner.__anext__()
            except StopAsyncIteration:
                self.watch.finish()
                raise
            except BaseException as error:
                self.watch.fail(error)
                raise
            if self.watch.see(chunk):
                return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._inner.__reduce_ex__(protocol)


def step(take: Callable[[], Any], stream: Any, watch: Watch | Session) -> Any:
    """The next item of a stream that is watched from outside, as nothing in it can be stood in for."""
    scope = watch.hold()
    try:
        chunk = take()
    except StopIteration:
        watch.pause(scope)
        watch.finish_with(stream)
        raise
    except BaseException as error:
        watch.pause(scope)
        watch.fail(error)
        raise
    watch.pause(scope)
    watch.see(chunk)
    return chunk


async def step_later(take: Callable[[], Any], stream: Any, watch: Watch | Session) -> Any:
    """As `step`, for an async stream."""
    scope = watch.hold()
    try:
        chunk = await take()
    except StopAsyncIteration:
        watch.pause(scope)
        watch.finish_with(stream)
        raise
    except BaseException as error:
        watch.pause(scope)
        watch.fail(error)
        raise
    watch.pause(scope)
    watch.see(chunk)
    return chunk


class Entry:
    """The generator behind a context manager, whose one item is the response that holds the stream."""

    def __init__(self, inner: Any, watch: Watch | Session, deliver: Callable[[Any, Any], Any]) -> None:
        self._inner = inner
        self._watch = watch
        self._deliver = deliver

    def __next__(self) -> Any:
        try:
            response = next(self._inner)
        except BaseException as error:
            self._end(error)
            raise
        return self._deliver(response, self._watch)

    async def __anext__(self) -> Any:
        try:
            response = await self._inner.__anext__()
        except BaseException as error:
            self._end(error)
            raise
        return self._deliver(response, self._watch)

    def throw(self, *error: Any) -> Any:
        """The block is left by an exception, or by a host that wants no more; a stream tells its own errors before."""
        try:
            return self._inner.throw(*error)
        finally:
            self._watch.leave_early()

    async def athrow(self, *error: Any) -> Any:
        """As `throw`."""
        try:
            return await self._inner.athrow(*error)
        finally:
            self._watch.leave_early()

    def _end(self, error: BaseException) -> None:
        """The block is left, or was never entered."""
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self._watch.leave_early()
        else:
            self._watch.fail(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class ParsedStream:
    """For a stream that parses what its inner iterator gives: we look behind its own `parse`, on that one object.

    Stands between the inner iterator, whose items say nothing yet, and the watch. Holds the stream weakly.
    """

    def __init__(self, stream: Any, watch: Watch, parse: str, read: Callable[[Any], Any]) -> None:
        self._stream = ref(stream)
        self._parse = getattr(type(stream), parse)
        self._watch = watch
        self._read = read
        self.call, self.refusal = watch.call, watch.refusal
        self.finish, self.fail, self.leave_early = watch.finish, watch.fail, watch.leave_early

    @classmethod
    def sit(cls, stream: Any, watch: Watch, inner: str, parse: str, read: Callable[[Any], Any]) -> None:
        """Take the seat: `inner` and `parse` name the stream's iterator and method; `read` finds what we look at."""
        seat, iterator = cls(stream, watch, parse, read), getattr(stream, inner)
        waits = hasattr(iterator, "__anext__")
        setattr(stream, inner, AsyncStream(iterator, seat) if waits else SyncStream(iterator, seat))
        setattr(stream, parse, seat.parse_later if iscoroutinefunction(getattr(type(stream), parse)) else seat.parse)

    def see(self, _raw: Any) -> bool:
        """What is not parsed yet goes on to the stream."""
        return True

    def parse(self, raw: Any) -> Any:
        try:
            item = self._parse(self._stream(), raw)
        except BaseException as error:
            self._watch.fail(error)
            raise
        with _LOOK:
            self._watch.see(self._read(item))
        return item

    async def parse_later(self, raw: Any) -> Any:
        try:
            item = await self._parse(self._stream(), raw)
        except BaseException as error:
            self._watch.fail(error)
            raise
        with _LOOK:
            self._watch.see(self._read(item))
        return item


def named_alike(ours: Any, theirs: Any) -> Any:
    """Ours, called as the generator or coroutine for which it stands in: as it is shown, and warned of."""
    ours.__name__, ours.__qualname__ = theirs.__name__, theirs.__qualname__
    return ours


def watched_generator(inner: Generator[Any, Any, Any], watch: Watch) -> Generator[Any, Any, Any]:
    """A generator like the SDK's own; its end, however it comes, is the end of the call."""
    try:
        return (yield from SyncStream(inner, watch))  # what is thrown or sent in reaches the SDK's own
    except GeneratorExit:
        watch.leave_early()
        raise
    except BaseException as error:
        watch.fail(error)
        raise


async def watched_async_generator(inner: AsyncGenerator[Any, Any], watch: Watch) -> AsyncGenerator[Any, Any]:
    """As `watched_generator`, for an async generator."""
    try:
        async for chunk in AsyncStream(inner, watch):
            yield chunk
    except GeneratorExit:
        watch.leave_early()
        raise
    except BaseException as error:
        watch.fail(error)
        raise
    finally:
        await inner.aclose()
