"""Streams, watched from inside: the host keeps the SDK's own stream object, whose inner iterator we stand in for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

    from costspan.adapters._watch import Watch

_CLOSE = Guard("close a stream whose budget is spent")


class SyncStream:
    """The inner iterator of an SDK's stream: passes every chunk on, and lets the watch look at it."""

    def __init__(self, inner: Iterator[Any], watch: Watch) -> None:
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


class AsyncStream:
    """As SyncStream, for an async iterator. No generator of ours: the inner one keeps its own life and end."""

    def __init__(self, inner: AsyncIterator[Any], watch: Watch) -> None:
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


class Entry:
    """The generator behind a context manager, whose one item is the response that holds the stream."""

    def __init__(self, inner: Any, watch: Watch, deliver: Callable[[Any, Watch], Any]) -> None:
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

    def _end(self, error: BaseException) -> None:
        """The block is left, or was never entered."""
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self._watch.leave_early()
        else:
            self._watch.fail(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def watched_generator(inner: Generator[Any, Any, Any], watch: Watch) -> Generator[Any, Any, Any]:
    """A generator like the SDK's own; its end, however it comes, is the end of the call."""
    try:
        for chunk in inner:
            if watch.see(chunk):
                yield chunk
            if watch.call.metered and (refusal := watch.refusal()) is not None:
                inner.close()
                raise refusal  # noqa: TRY301 it ends the stream as any other error does
    except GeneratorExit:
        inner.close()
        watch.leave_early()
        raise
    except BaseException as error:
        watch.fail(error)
        raise
    watch.finish()


async def watched_async_generator(inner: AsyncGenerator[Any, Any], watch: Watch) -> AsyncGenerator[Any, Any]:
    """As `watched_generator`, for an async generator."""
    try:
        async for chunk in inner:
            if watch.see(chunk):
                yield chunk
            if watch.call.metered and (refusal := watch.refusal()) is not None:
                await inner.aclose()
                raise refusal  # noqa: TRY301 it ends the stream as any other error does
    except GeneratorExit:
        await inner.aclose()
        watch.leave_early()
        raise
    except BaseException as error:
        watch.fail(error)
        raise
    watch.finish()
