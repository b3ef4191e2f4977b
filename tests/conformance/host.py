"""What a host program can see of its calls, written down so that two runs can be compared."""

from __future__ import annotations

import inspect
import json
import re
from asyncio import _get_running_loop
from contextlib import asynccontextmanager

from opentelemetry import context

_PASSING = re.compile(  # where an object lies in memory, when it came, and numbers that an SDK draws itself
    r" at 0x[0-9a-f]+|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
    r"|created=\d{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_BOUNDARY = re.compile(rb"boundary=(\S+)")
# `traceparent`: anthropic's SDK sends on whatever span is current
_VARYING = {"date", "user-agent", "host", "traceparent", "x-stainless-read-timeout"}
# signed by the time of day, or numbered
_PER_REQUEST = {"authorization", "x-amz-date", "amz-sdk-invocation-id", "x-ms-client-request-id", "x-amzn-trace-id"}
_ERROR_FACTS = ("body", "status_code", "code", "param", "type", "request_id", "message", "args", "doc", "pos")


class Host:
    """A program's diary: `see(what, value)` as it goes."""

    def __init__(self):
        self.diary = []

    def see(self, what, value=None):
        self.diary.append((what, describe(value), f"{len(context.get_current())} context keys"))

    async def see_items(self, stream):
        """Consume all, one entry each."""
        async for item in items(stream):
            self.see("item", item)

    def see_wire(self, requests, *, usage_may_be_asked=True):
        """What the provider received. A stream may ask for usage more than the program did, nothing else."""
        for received in requests:
            headers = {name: value for name, value in received.headers.items() if name not in _VARYING | _PER_REQUEST}
            self.see("sent", [received.method, received.path, received.query, *_body(received, headers)])


def _body(received, headers):
    boundary = _BOUNDARY.search(headers.get("content-type", "").encode())
    if boundary:
        headers["content-type"] = "multipart/form-data"
        return headers, received.body.replace(boundary[1], b"")
    if not received.json:
        return headers, received.body
    headers.pop("content-length", None)
    body = received.json
    if body.get("stream") is True:
        body.pop("stream_options", None)  # asking for usage is the one thing that may be added
    return headers, json.dumps(body)


def describe(value):
    """A value as plain data: the very type, and everything that its representation shows."""
    if isinstance(value, BaseException):
        return _describe_error(value)
    if hasattr(value, "http_response"):  # a raw or streaming response
        return _describe_raw(value)
    if isinstance(value, (list, tuple)):
        return [describe(each) for each in value]
    return type(value), _PASSING.sub("", repr(value)), getattr(value, "_request_id", None)


def _describe_error(error, depth=3):
    facts = {name: repr(getattr(error, name)) for name in _ERROR_FACTS if hasattr(error, name)}
    facts = {name: _PASSING.sub("", text) for name, text in facts.items()}
    causes = [
        _describe_error(each, depth - 1) if each is not None and depth else None
        for each in (error.__cause__, error.__context__)
    ]
    return type(error), _PASSING.sub("", str(error)), facts, causes


def _describe_raw(response):
    http = response.http_response
    state = (http.is_closed, http.is_stream_consumed, response.retries_taken)
    headers = [(name, value) for name, value in response.headers.items() if name != "date"]
    return type(response), dir(response), response.status_code, headers, state


async def settle(value):
    """The value, awaited if it has to be: the same steps drive sync and async clients."""
    return await value if inspect.isawaitable(value) else value


def iterates_later(stream):
    """Whether it is for an `async for`; one that takes both is for that only in an event loop."""
    return hasattr(stream, "__aiter__") and not (hasattr(stream, "__iter__") and _get_running_loop() is None)


async def items(stream):
    """What a `for` or an `async for` gives."""
    if iterates_later(stream):
        async for item in stream:
            yield item
    else:
        for item in stream:
            yield item


@asynccontextmanager
async def entered(manager):
    """`with` or `async with`."""
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


async def next_item(stream):
    later = hasattr(stream, "__anext__") and not (hasattr(stream, "__next__") and _get_running_loop() is None)
    return await (anext(stream) if later else settle(next(stream)))


def finish(steps):
    """Run async steps in which nothing really waits (a sync client): no event loop is there to be seen."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a sync client made its program wait for an event loop")
