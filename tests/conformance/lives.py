"""Ways in which a program goes through a stream, or leaves it. Each is told once, and frees what the bare SDK frees."""

from __future__ import annotations

import asyncio
import copy
import pickle
import weakref

from conformance.host import entered, items, next_item, settle


async def exhausted(host, opened):
    await host.see_items(opened)
    await host.see_items(opened)


async def asked_again_after_the_end(host, opened):
    await host.see_items(opened)
    await next_item(opened)


async def left_by_break(host, opened):
    async for item in items(opened):
        host.see("item", item)
        break


async def taken_one_by_one(host, opened):
    host.see("first", await next_item(opened))
    host.see("second", await next_item(opened))
    await host.see_items(opened)


async def never_iterated(host, opened):
    host.see("type", type(opened))


async def closed(host, opened):
    host.see("first", await next_item(opened))
    host.see("close", await settle(opened.close()))
    host.see("again", await settle(opened.close()))


async def closed_unread(host, opened):
    await settle(opened.close())


async def iterated_after_close(host, opened):
    host.see("first", await next_item(opened))
    await settle(opened.close())
    await host.see_items(opened)


async def with_statement(host, opened):
    async with entered(opened) as same:
        host.see("same", same is opened)
        await host.see_items(same)


async def left_inside_with(host, opened):
    async with entered(opened) as same:
        host.see("first", await next_item(same))


async def failed_inside_with(host, opened):
    async with entered(opened) as same:
        host.see("first", await next_item(same))
        raise LookupError("the program's own")


async def failed_inside_loop(host, opened):
    async for item in items(opened):
        raise LookupError(f"the program's own, at {item.id}")


async def two_loops(host, opened):
    one, other = items(opened), items(opened)
    host.see("one", await anext(one))
    host.see("other", await anext(other))
    await one.aclose()
    host.see("other", await anext(other))
    await other.aclose()


async def thrown_into(host, opened):
    """An error thrown into the SDK's own iterator comes out of it."""
    iterator = opened.__aiter__() if hasattr(opened, "__aiter__") else iter(opened)
    host.see("first", await (anext(iterator) if hasattr(iterator, "__anext__") else settle(next(iterator))))
    throw = getattr(iterator, "athrow", None) or iterator.throw
    await settle(throw(LookupError("the program's own")))


async def copied(host, opened):
    twin = copy.copy(opened)
    host.see("twin", [type(twin), twin.response is opened.response])
    await host.see_items(twin)


async def weakly_held(host, opened):
    host.see("weak", weakref.ref(opened)() is opened)
    await host.see_items(opened)


async def odd_questions(host, opened):
    """What is not there is missed in the same words; what the SDK keeps inside can be asked."""
    for question in (
        lambda: opened.no_such_thing,
        lambda: len(opened),
        lambda: pickle.dumps(opened),
        lambda: opened._iterator.gi_running,
        lambda: opened._iterator.ag_running,
        lambda: bool(opened),
        lambda: opened == opened.response,
    ):
        _ask(host, question)
    await host.see_items(opened)


def _ask(host, question):
    try:
        host.see("answer", question())
    except (AttributeError, TypeError) as error:
        host.see("refused", [type(error), str(error)])


async def response_kept(host, opened):
    """The stream is dropped, while the program holds its response."""
    response = opened.response
    host.see("first", await next_item(opened))
    del opened
    host.see("response", [response.status_code, response.num_bytes_downloaded > 0])


async def read_beside(host, opened):
    """The body is read under the stream's hands."""
    response = opened.response
    host.see("body", await settle(response.aread() if hasattr(opened, "__aiter__") else response.read()))
    await host.see_items(opened)


async def attribute_set(host, opened):
    opened.note = "mine"
    host.see("note", opened.note)
    await host.see_items(opened)


EVERY = (
    exhausted,
    asked_again_after_the_end,
    left_by_break,
    taken_one_by_one,
    never_iterated,
    closed,
    closed_unread,
    with_statement,
    left_inside_with,
    failed_inside_with,
    failed_inside_loop,
    two_loops,
    thrown_into,
    copied,
    weakly_held,
    odd_questions,
    response_kept,
    attribute_set,
)


# Only where usage is not asked for: the raw bytes show what was asked
UNASKED = (read_beside,)
# While the provider says nothing more: what the bare SDK does then must not depend on how fast chunks come
QUIET = (iterated_after_close,)


async def cancelled(host, opened):
    """The task is cancelled while it waits for the next chunk."""
    task = asyncio.ensure_future(host.see_items(opened))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    host.see("cancelled", task.cancelled())


async def timed_out(host, opened):
    try:
        await asyncio.wait_for(host.see_items(opened), 0.05)
    except asyncio.TimeoutError as error:
        host.see("timeout", type(error))


async def closed_by_another_task(host, opened):
    task = asyncio.ensure_future(host.see_items(opened))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    await opened.close()
    host.see("closed", opened.response.is_closed)


WAITING = (cancelled, timed_out, closed_by_another_task)  # as QUIET, in an event loop
