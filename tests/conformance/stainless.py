"""Call shapes of the SDKs that share one client base: openai, anthropic, groq, together, writer, cerebras …"""

from __future__ import annotations

from conformance.host import entered, items, settle
from conformance.suite import Shape


async def plain(host, call, arguments):
    host.see("value", await settle(call(**arguments)))


async def stream(host, call, arguments):
    opened = await settle(call(**arguments))
    host.see("stream", [type(opened).__mro__, dir(opened), hasattr(opened, "__next__"), type(opened.response)])
    await host.see_items(opened)
    host.see("closed", [opened.response.is_closed, opened.response.is_stream_consumed])


async def raw(host, call, arguments):
    response = await settle(call(**arguments))
    host.see("raw", response)
    host.see("text", response.http_response.text)
    value = await settle(response.parse())
    host.see("parsed", value)
    host.see("parsed once", await settle(response.parse()) is value)


async def raw_stream(host, call, arguments):
    response = await settle(call(**arguments))
    host.see("raw", response)
    opened = await settle(response.parse())
    host.see("stream", [type(opened), dir(opened), response.parse() is opened])
    await host.see_items(opened)
    host.see("raw", response)


async def streaming_parsed(host, call, arguments):
    async with entered(call(**arguments)) as response:
        host.see("unread", response)
        host.see("parsed", await settle(response.parse()))
        host.see("read", response)
    host.see("left", response)


async def streaming_read(host, call, arguments):
    async with entered(call(**arguments)) as response:
        host.see("unread", response)
        host.see("json", await settle(response.json()))
        host.see("body", await settle(response.read()))
        host.see("text", await settle(response.text()))


async def streaming_lines(host, call, arguments):
    async with entered(call(**arguments)) as response:
        async for line in items(response.iter_lines()):
            host.see("line", line)
        host.see("read", response)


async def streaming_bytes(host, call, arguments):
    async with entered(call(**arguments)) as response:
        async for part in items(response.iter_bytes()):
            host.see("bytes", part)


async def streaming_events(host, call, arguments):
    async with entered(call(**arguments)) as response:
        opened = await settle(response.parse())
        host.see("stream", [type(opened), dir(opened)])
        await host.see_items(opened)


async def streaming_unread(host, call, arguments):
    async with entered(call(**arguments)) as response:
        host.see("unread", response)
    host.see("left", response)


async def helper(host, call, arguments):
    """`.stream(...)`: a manager that gives events and, at the end, the whole."""
    async with entered(call(**arguments)) as opened:
        host.see("helper", [type(opened), dir(opened)])
        await host.see_items(opened)
        final = getattr(opened, "get_final_completion", None) or opened.get_final_response
        host.see("final", await settle(final()))


STREAM = {"stream": True}
PLAIN_SHAPES = (
    Shape("plain", plain),
    Shape("bound early", plain, early=True),
    Shape("raw", raw, via="with_raw_response"),
    Shape("raw bound early", raw, via="with_raw_response", early=True),
    Shape("streaming parsed", streaming_parsed, via="with_streaming_response"),
    Shape("streaming read", streaming_read, via="with_streaming_response"),
    Shape("streaming unread", streaming_unread, via="with_streaming_response"),
)
STREAM_SHAPES = (
    Shape("stream", stream, more=STREAM),
    Shape("stream bound early", stream, early=True, more=STREAM),
    Shape("raw stream", raw_stream, via="with_raw_response", more=STREAM),
    Shape("streaming lines", streaming_lines, via="with_streaming_response", more=STREAM),
    Shape("streaming bytes", streaming_bytes, via="with_streaming_response", more=STREAM),
    Shape("streaming events", streaming_events, via="with_streaming_response", more=STREAM),
)
HELPER = Shape("helper", helper)
EVERY_WAY = {shape.name: shape for shape in (*PLAIN_SHAPES, *STREAM_SHAPES, HELPER)}
