"""Call shapes that any SDK has, and what a program may do with a stream that has no more than an iterator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.host import items, iterates_later, next_item, settle
from conformance.stainless import EVERY_WAY, plain
from conformance.suite import Group, Operation, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CLIENTS = ("sync", "async")


async def streamed(host, call, arguments):
    opened = await settle(call(**arguments))
    host.see("stream", [type(opened).__mro__, sorted(set(dir(opened)))])
    await host.see_items(opened)
    await host.see_items(opened)


async def left(host, call, arguments):
    opened = await settle(call(**arguments))
    async for item in items(opened):
        host.see("item", item)
        break


async def closed(host, call, arguments):
    opened = await settle(call(**arguments))
    later = iterates_later(opened)
    host.see("first", await next_item(aiter(opened) if later else iter(opened)))
    for name in ("aclose", "close") if later else ("close",):
        if hasattr(opened, name):
            host.see("close", await settle(getattr(opened, name)()))
            break


async def dropped(host, call, arguments):
    host.see("type", type(await settle(call(**arguments))))


async def failed_inside(host, call, arguments):
    opened = await settle(call(**arguments))
    async for item in items(opened):
        host.see("item", item)
        raise LookupError("the program's own")


LIVES = tuple(Shape(each.__name__, each) for each in (streamed, left, closed, dropped, failed_inside))
PLAIN = (Shape("plain", plain), Shape("bound early", plain, early=True))


class Ask(NamedTuple):
    """One thing that an SDK can do; the methods are by kind of client, where they are not called alike."""

    name: str
    arguments: Callable[[], dict]
    plain: str | Mapping[str, str] = ""
    stream: str | Mapping[str, str] = ""  # a method of its own, or the same with `stream_arguments`
    stream_arguments: Mapping[str, Any] = {}
    answers: Mapping[str, tuple] = {}  # odd ones, by name: what the fake plays
    early: int | None = 1  # spans of a method that was taken before costspan was on


class Sdk(NamedTuple):
    """An SDK as a program uses it; nothing of it is imported before `clients(url)` makes them."""

    name: str
    wire: Any
    clients: Callable[[str], Mapping[str, Any]]  # sync, async: where the SDK has it
    asks: tuple[Ask, ...]
    kinds: tuple[str, ...] = CLIENTS
    stainless: bool = False  # has raw and streaming responses

    def groups(self):
        """Every ask in every shape on every client: as usual, and through odd answers."""
        for ask in self.asks:
            for kind in self.kinds:
                yield from _groups(self, ask, kind)


def _groups(sdk, ask, kind):
    for path, stream, shapes in ((ask.plain, False, PLAIN), (ask.stream, True, LIVES)):
        if not path:
            continue
        name = path if isinstance(path, str) else path[kind]
        operation = Operation(f"{sdk.name} {ask.name}", name, ask.arguments)
        more = ask.stream_arguments if stream else {}
        for shape in (*shapes, *_raw_ways(sdk, kind, stream=stream)):
            yield Group(operation._replace(spans=ask.early if shape.early else 1), shape._replace(more=more), kind)
        if ask.answers:
            yield Group(operation, shapes[0]._replace(more=more), kind, ask.answers)


def _raw_ways(sdk, kind, *, stream):
    """What the SDKs of one family have besides."""
    names = ("raw", "streaming parsed", "streaming read", "streaming unread")
    if stream:
        names = ("streaming events", "streaming lines", *(("raw stream",) if kind == "sync" else ()))
    return [EVERY_WAY[name] for name in names] if sdk.stainless else []
