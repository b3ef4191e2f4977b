"""The one wrapper that serves sync, async and streams of every SDK. The host's call stands alone in its `try`."""

from __future__ import annotations

from contextlib import _AsyncGeneratorContextManager, _GeneratorContextManager
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from costspan.adapters._paths import path
from costspan.adapters._streams import (
    AsyncStream,
    Entry,
    SyncStream,
    named_alike,
    step,
    step_later,
    watched_async_generator,
    watched_generator,
)
from costspan.adapters._watch import Watch
from costspan.call import Call
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from costspan.adapters._adapter import Adapter, Seat
    from costspan.adapters._sessions import Session
    from costspan.call import Observer
    from costspan.config import Settings

_BEGIN = Guard("read the request")
_DELIVER = Guard("watch the response")
_END = Guard("see the end of a stream")
_NO_FIELDS: dict[str, Any] = {}
_ENTRIES = (_GeneratorContextManager, _AsyncGeneratorContextManager)


class Wrapping:
    """Makes the wrappers for an adapter's seats; when `on` is False they pass everything straight through."""

    def __init__(self, adapter: Adapter, observer: Observer, settings: Settings) -> None:
        self.on = True
        self._adapter = adapter
        self._observer = observer
        self._settings = settings
        self._steps = any(seat.steps for seat in adapter.seats)
        self._stepped: WeakKeyDictionary[Any, Watch | Session] = WeakKeyDictionary()  # watched from outside
        self._keyed = any(seat.rereads or seat.closes == "response" for seat in adapter.seats)
        self._streamed: WeakKeyDictionary[Any, ref[Watch]] = WeakKeyDictionary()  # by the response behind a stream
        self._unread: WeakKeyDictionary[Any, Watch] = WeakKeyDictionary()  # raw responses not yet parsed by the host
        self._streams: WeakSet[Watch | Session] = WeakSet()  # those that the program still holds

    def wrapper(self, seat: Seat) -> Callable[..., Any]:
        """The wrapt-style wrapper for a seat."""
        if seat.steps or seat.receives:
            return self._stepping_later if seat.waits else self._stepping
        if seat.rereads:
            return self._rereading(seat.rereads)
        if seat.parses:
            return self._parsing_later if seat.waits else self._parsing
        if seat.open is None:
            return self._closing(seat) if seat.notes is None else seat.notes
        return self._measured_later(seat) if seat.waits else self._measured(seat)

    def _begin(self, seat: Seat, instance: Any, args: Any, kwargs: Any) -> tuple[Watch, Any, Any] | None:
        """A watch, and the arguments to go on with; None if this is not a call for us to see."""
        if not self.on:
            return None
        with _BEGIN:
            if seat.open is None or not self._observer.watching():
                return None
            opened = seat.open(self._adapter, seat, instance, args, kwargs, self._settings)
            if opened is None:
                return None
            native = self._adapter.native_tracer
            if native is not None and not opened.operation.lookup:
                opened.request.native_tracer = native(instance, args, kwargs)
            call = Call(opened.request, self._observer)
            if opened.operation.session is not None:
                call.forget()
            return Watch(call, opened.operation, self._observer, hidden=opened.hidden), opened.args, opened.kwargs
        return None

    def _measured(self, seat: Seat) -> Callable[..., Any]:
        def measured(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            begun = self._begin(seat, instance, args, kwargs)
            if begun is None:
                return wrapped(*args, **kwargs)
            watch, args, kwargs = begun
            watch.admit()
            scope = watch.begin()
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                watch.pause(scope)
                watch.fail(error)
                raise
            watch.pause(scope)
            if isinstance(result, CoroutineType):  # look at the result: decorators hide async functions from `inspect`
                return named_alike(self._awaited(result, watch), result)
            return self._deliver(result, watch)

        return measured

    def _measured_later(self, seat: Seat) -> Callable[..., Any]:
        async def begin_when_awaited(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            begun = self._begin(seat, instance, args, kwargs)
            if begun is None:
                return await wrapped(*args, **kwargs)
            watch, args, kwargs = begun
            watch.admit()
            return await self._awaited(wrapped(*args, **kwargs), watch)

        begin_when_awaited.__qualname__ = seat.name  # as Python calls a coroutine in its warnings and tasks
        begin_when_awaited.__name__ = seat.name.rpartition(".")[2]
        return begin_when_awaited

    async def _awaited(self, waiting: Any, watch: Watch) -> Any:
        scope = watch.begin()
        try:
            result = await waiting
        except BaseException as error:
            watch.pause(scope)
            watch.fail(error)
            raise
        watch.pause(scope)
        return self._deliver(result, watch)

    def _deliver(self, result: Any, watch: Watch) -> Any:
        """The host's result itself, watched if it is a stream or a response that is not read yet."""
        with _DELIVER:
            if watch.operation.session is not None:
                return self._join(result, watch.operation.session(watch))
            attach = watch.operation.deliver
            if attach is None:
                attach, result = self._attach, _generated(result, watch)
            self._observer.bills.add(result, watch.call.bill)
            stand_in = attach(result, watch)
            result = result if stand_in is None else stand_in
            if watch.call.open:
                self._streams.add(watch)
        return result

    def _join(self, connected: Any, session: Session) -> Any:
        """The connection itself; from now on its session sees what it receives."""
        with _DELIVER:
            if type(connected) in _ENTRIES:  # made when the block is entered
                connected.gen = Entry(connected.gen, session, self._join)
            else:
                self._stepped[connected] = session
                self._streams.add(session)
        return connected

    def _attach(self, result: Any, watch: Watch) -> None:
        fields = getattr(result, "__dict__", _NO_FIELDS)  # asking a pydantic model for what it lacks is slow
        inner: Any = fields.get(self._adapter.iterator)
        if inner is None and watch.call.request.stream:  # made when it is first asked for
            inner = getattr(result, self._adapter.iterator, None)
        if self._keyed and inner is not None and "response" in fields:
            self._streamed[fields["response"]] = ref(watch)
        if inner is not None and hasattr(inner, "__next__"):
            setattr(result, self._adapter.iterator, SyncStream(inner, watch))
        elif inner is not None and hasattr(inner, "__anext__"):
            setattr(result, self._adapter.iterator, AsyncStream(inner, watch))
        elif type(result) in _ENTRIES:
            result.gen = Entry(result.gen, watch, self._deliver)
        elif self._steps and (hasattr(result, "__next__") or hasattr(result, "__anext__")):
            self._stepped[result] = watch
        elif fields or not isinstance(result, (GeneratorType, AsyncGeneratorType)):  # they have no fields
            self._read(result, watch, fields)

    def _read(self, result: Any, watch: Watch, fields: Mapping[str, Any]) -> None:
        """A complete answer; or a response that is not read yet."""
        if "http_response" in fields:
            self._deliver_raw(result, watch)
        elif "_content" in fields:  # the HTTP response itself, read
            watch.complete(_json(result))
        else:
            watch.complete(result)

    def leave_streams(self) -> None:
        """At the end of the program: tell the calls whose streams it still holds."""
        for watch in tuple(self._streams):
            watch.leave_early()

    def _deliver_raw(self, response: Any, watch: Watch) -> None:
        """A raw response: read if its body is in memory; else when the host reads it, and never ahead of the host."""
        http = response.http_response
        if watch.call.request.stream or not http.is_closed:
            self._unread[response] = watch
        else:  # not parsed: that is the program's, whose own models may do things when they are made
            watch.complete(_json(http))

    def _parsing(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return self._hand_over(instance, wrapped(*args, **kwargs))

    async def _parsing_later(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return self._hand_over(instance, await wrapped(*args, **kwargs))

    def _hand_over(self, raw: Any, result: Any) -> Any:
        """What a raw response held: watched if that was not read yet, else under the bill of the response."""
        bills = self._observer.bills
        if raw not in bills:  # the SDK itself reads the answer of a call that is not delivered yet
            return result
        watch = self._unread.pop(raw, None)
        if watch is not None:
            return self._deliver(result, watch)
        with _DELIVER:
            bill = bills.find(raw)
            if bill is not None:
                bills.add(result, bill)
        return result

    def _rereading(self, where: str) -> Callable[..., Any]:
        """The stream that was watched is let go for one of the SDK's own making, of the same response."""
        stream_in = path(where)

        def make(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> None:
            wrapped(*args, **kwargs)
            with _DELIVER:
                stream = stream_in(instance)
                found = self._streamed.pop(stream.response, None)
                watch = found and found()
                if watch and not isinstance(getattr(stream, self._adapter.iterator), (SyncStream, AsyncStream)):
                    self._attach(stream, watch)

        return make

    def _stepping(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        watch = self._stepped.get(instance) if self._stepped else None
        return wrapped(*args, **kwargs) if watch is None else step(wrapped, instance, watch)

    async def _stepping_later(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        watch = self._stepped.get(instance) if self._stepped else None
        return await (wrapped(*args, **kwargs) if watch is None else step_later(wrapped, instance, watch))

    def _closing(self, seat: Seat) -> Callable[..., Any]:
        def end(instance: Any) -> None:
            with _END:
                if self._stepped and (stepped := self._stepped.pop(instance, None)) is not None and not stepped.taking:
                    stepped.leave_early()
                    return
                watch = self._unread.pop(instance, None) if self._unread else None
                if watch is not None:
                    _complete_from_body(instance.http_response, watch)
                    return
                if seat.closes == "response" and (left := self._streamed.pop(instance.response, lambda: None)()):
                    left.leave_early()
                for stream in _streams_of(instance, seat.closes):
                    stream.watch.leave_early()

        async def close_later(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            try:
                return await wrapped(*args, **kwargs)
            finally:
                end(instance)

        def close(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            try:
                return wrapped(*args, **kwargs)
            finally:
                end(instance)

        return close_later if seat.waits else close


def _generated(result: Any, watch: Watch) -> Any:
    """A generator is stood in for by one of ours, as nothing can be put into it; anything else is itself."""
    if isinstance(result, GeneratorType):
        return named_alike(watched_generator(result, watch), result)
    if isinstance(result, AsyncGeneratorType):
        return named_alike(watched_async_generator(result, watch), result)
    return result


def _streams_of(instance: Any, where: str) -> list[SyncStream | AsyncStream]:
    """The watched iterators behind an object that is being closed; a raw response may hold several parsed streams."""
    found = path(where)(instance)
    if isinstance(found, dict):
        found = [getattr(each, "_iterator", None) for each in found.values()]
    found = found if isinstance(found, list) else [found]
    return [each for each in found if isinstance(each, (SyncStream, AsyncStream))]


def _json(http: Any) -> Any:
    """A body in memory; None if it is not JSON."""
    try:
        return http.json()
    except ValueError:
        return None


def _complete_from_body(http: Any, watch: Watch) -> None:
    """The host has read a raw response by itself (`.json()`, `.read()`), so its body is in memory; or it has not."""
    if hasattr(http, "_content") and not watch.call.request.stream:
        watch.complete(_json(http))
    else:
        watch.leave_early()
