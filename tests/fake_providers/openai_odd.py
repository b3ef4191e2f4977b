"""Odd answers that OpenAI and compatible hosts have given, or could: what the SDK makes of them is its own affair.

Each table is name to what `play` takes. `PLAIN_*` are whole bodies, `STREAM_*` are streams.
"""

from __future__ import annotations

import json

from costspan.demo.server import events, reply
from fake_providers import MISSING, Answer, openai

HTML = Answer((b"<html><body>Sign in to the network</body></html>",), content_type="text/html")
CUT_OFF = Answer((b'{"id": "chatcmpl-1", "choi',), broken=True)

ODD_USAGE = {  # for any operation that reports usage in OpenAI's chat shape
    "usage missing": MISSING,
    "usage null": None,
    "usage empty": {},
    "usage a string": "29 tokens",
    "usage a list": [19, 10],
    "usage a number": 29,
    "usage true": True,
    "counts null": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "counts strings": {"prompt_tokens": "19", "completion_tokens": "10", "total_tokens": "29"},
    "counts words": {"prompt_tokens": "many", "completion_tokens": "few", "total_tokens": "lots"},
    "counts lists": {"prompt_tokens": [19], "completion_tokens": [10], "total_tokens": [29]},
    "counts objects": {"prompt_tokens": {"n": 19}, "completion_tokens": {}, "total_tokens": {}},
    "counts negative": {"prompt_tokens": -19, "completion_tokens": -1, "total_tokens": -20},
    "counts fractions": {"prompt_tokens": 19.5, "completion_tokens": 1e300, "total_tokens": 29.0},
    "counts huge": {"prompt_tokens": 10**30, "completion_tokens": 10**30, "total_tokens": 10**31},
    "cached above input": openai.CACHED | {"prompt_tokens_details": {"cached_tokens": 5000}},
    "reasoning above output": openai.CACHED | {"completion_tokens_details": {"reasoning_tokens": 5000}},
    "details null": openai.CACHED | {"prompt_tokens_details": None, "completion_tokens_details": None},
    "details a list": openai.CACHED | {"prompt_tokens_details": [600], "completion_tokens_details": "50"},
    "details strings": openai.CACHED | {"prompt_tokens_details": {"cached_tokens": "600"}},
    "unknown details": openai.CACHED | {"prompt_tokens_details": {"cached_tokens": 1, "smell_tokens": 7}},
    "total contradicts": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 7},
}
ODD_CHAT_FIELDS = {
    "choices null": {"choices": None},
    "choices missing": {"choices": MISSING},
    "choices empty": {"choices": []},
    "choices a string": {"choices": "none"},
    "choices hold null": {"choices": [None]},
    "choices hold numbers": {"choices": [1, 2]},
    "message null": {"choices": [{"index": 0, "message": None, "finish_reason": "stop"}]},
    "message missing": {"choices": [{"index": 0, "finish_reason": "stop"}]},
    "content a number": {"choices": openai.choices({"role": "assistant", "content": 7})},
    "content a list": {"choices": openai.choices({"role": "assistant", "content": [{"type": "text", "text": "hi"}]})},
    "content missing": {"choices": openai.choices({"role": "assistant"})},
    "tool calls odd": {"choices": openai.choices({"role": "assistant", "tool_calls": [None, {"function": None}, 3]})},
    "reason null": {"choices": openai.choices(openai.MESSAGE, finish=None)},
    "reason unknown": {"choices": openai.choices(openai.MESSAGE, finish="bored")},
    "reason a list": {"choices": openai.choices(openai.MESSAGE, finish=["stop"])},
    "refused": {"choices": openai.choices(openai.REFUSED)},
    "spoken": {"choices": openai.choices(openai.SPOKEN), "usage": openai.AUDIO},
    "id null": {"id": None},
    "id missing": {"id": MISSING},
    "id a number": {"id": 7},
    "id an object": {"id": {"n": 7}},
    "model null": {"model": None},
    "model missing": {"model": MISSING},
    "model a number": {"model": 4},
    "model a list": {"model": ["gpt-4o"]},
    "model unknown": {"model": "nobody/knows-this:free"},
    "tier a number": {"service_tier": 3},
    "tier an object": {"service_tier": {"name": "flex"}},
    "created null": {"created": None},
    "a second usage": {"x_groq": {"usage": {"prompt_tokens": 1}}, "cost": "free"},
}
PLAIN_BODIES = {
    "html with 200": HTML,
    "cut off": CUT_OFF,
    "hangs up": Answer(status=0),
    "no body": Answer((b"",)),
    "not json": Answer((b'{"id": ',)),
    "json called text": Answer((b'{"id": "x"}',), content_type="text/plain"),
    "a list": reply([]),
    "a list of answers": reply([{"id": "x"}, None]),
    "a string": reply("done"),
    "a number": reply(7),
    "null": reply(None),
    "true": reply(True),
    "empty object": reply({}),
    "error with 200": reply({"error": {"message": "no capacity", "type": "server_error"}}),
    "error a string": reply({"error": "no capacity"}),
    "deep": reply({"id": "x", "choices": [], "extra": json.loads("[" * 60 + "]" * 60)}),
    "204": Answer(status=204),
}
ERRORS = {
    "400": openai.error(400, code="invalid_value"),
    "400 too long": openai.error(
        400, "This model's maximum context length is 128000 tokens.", "context_length_exceeded"
    ),
    "401": openai.error(401, "Incorrect API key provided.", "invalid_api_key"),
    "403": openai.error(403),
    "404": openai.error(404, code="model_not_found"),
    "409": openai.error(409),
    "422": openai.error(422),
    "429": openai.error(429, code="insufficient_quota", retry_after="1"),
    "500": openai.error(500),
    "529": openai.error(529),
    "error without body": Answer(status=500),
    "error in html": Answer((b"<h1>Bad gateway</h1>",), 502, "text/html"),
    "error a list": reply(["no"], 400),
    "redirect to nowhere": Answer(status=302),
}
PLAIN_CHAT = {
    **{name: openai.chat(usage=usage) for name, usage in ODD_USAGE.items()},
    **{name: openai.chat(**changes) for name, changes in ODD_CHAT_FIELDS.items()},
    **PLAIN_BODIES,
}


def chunk(delta=None, *, finish=None, **changes):
    """One chunk of a chat stream."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return {key: value for key, value in (body | changes).items() if value is not MISSING}


FIRST, LAST = chunk({"role": "assistant", "content": "Hi"}), chunk(finish="stop")
USAGE = chunk(choices=[], usage=openai.CHAT_USAGE)


def told(*chunks):
    """A stream of these; as providers do, a chunk of usage alone comes only to who has asked for it."""

    def answer(asked):
        wanted = (asked.fields.get("stream_options") or {}).get("include_usage")
        return events([each for each in chunks if wanted or each.get("choices") or each.get("usage") is None])

    return answer


def between(*odd):
    """A good stream with odd chunks in its middle."""
    return told(FIRST, *odd, LAST, USAGE)


def raw(*parts, **how):
    """A stream of these very bytes."""
    return Answer(parts, content_type="text/event-stream", streamed=True, **how)


def _line(payload, name=""):
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(payload).encode() + b"\n\n"


STREAM_LIFE = {  # how a stream may go, whatever it carries
    "empty": raw(),
    "only done": raw(b"data: [DONE]\n\n"),
    "only comments": raw(b": keep-alive\n\n", b": keep-alive\n\n"),
    "html with 200": HTML,
    "no content type": Answer((b"data: {}\n\n",), content_type=""),
    "hangs up": Answer(status=0),
    "cut at once": raw(broken=True),
    "not json": raw(b"data: {oops\n\n"),
    "a list": raw(b"data: []\n\n"),
    "a string": raw(b'data: "hello"\n\n'),
    "a number": raw(b"data: 7\n\n"),
    "null": raw(b"data: null\n\n"),
    "empty object": raw(b"data: {}\n\n"),
    "empty data": raw(b"data:\n\n"),
    "error first": raw(b'event: error\ndata: {"error": {"message": "no capacity", "code": "x"}}\n\n'),
    "error a string": raw(b'data: {"error": "no capacity"}\n\n'),
    "error without message": raw(b'data: {"error": {"message": null}}\n\n'),
}
STREAM_CHAT = {
    **STREAM_LIFE,
    **{f"last: {name}": told(FIRST, LAST, chunk(choices=[], usage=usage)) for name, usage in ODD_USAGE.items()},
    "usage on every chunk": told(FIRST | {"usage": openai.CHAT_USAGE}, LAST | {"usage": openai.CHAT_USAGE}),
    "usage with the reason": told(FIRST, LAST | {"usage": openai.CHAT_USAGE}),
    "usage twice": told(FIRST, LAST, USAGE, USAGE),
    "usage first": told(USAGE, FIRST, LAST),
    "usage chunk without choices": told(FIRST, LAST, chunk(choices=MISSING, usage=openai.CHAT_USAGE)),
    "usage chunk with choices null": told(FIRST, LAST, chunk(choices=None, usage=openai.CHAT_USAGE)),
    "choices null": between(chunk(choices=None)),
    "choices missing": between(chunk(choices=MISSING)),
    "choices empty": between(chunk(choices=[])),
    "choices a string": between(chunk(choices="x")),
    "choices hold null": between(chunk(choices=[None])),
    "index null": between(chunk(choices=[{"index": None, "delta": {"content": "x"}}])),
    "index missing": between(chunk(choices=[{"delta": {"content": "x"}}])),
    "index far": between(chunk(choices=[{"index": 99, "delta": {"content": "x"}}])),
    "delta null": between(chunk(choices=[{"index": 0, "delta": None}])),
    "delta missing": between(chunk(choices=[{"index": 0}])),
    "content a number": between(chunk({"content": 7})),
    "content a list": between(chunk({"content": ["x"]})),
    "tool calls null": between(chunk({"tool_calls": None})),
    "tool calls odd": between(chunk({"tool_calls": [None, {"index": None}, {"index": 0, "function": None}]})),
    "reason a number": told(FIRST, chunk(finish=3), USAGE),
    "id null": told(chunk({"content": "x"}, id=None), LAST, USAGE),
    "id missing": told(chunk({"content": "x"}, id=MISSING), LAST, USAGE),
    "id a list": told(chunk({"content": "x"}, id=["x"]), LAST, USAGE),
    "model null": told(chunk({"content": "x"}, model=None), chunk(finish="stop", model=None)),
    "model an object": told(chunk({"content": "x"}, model={"name": "gpt"}), LAST),
    "unknown object": between({"object": "chat.completion.rumour", "whisper": 1}),
    "unknown event": raw(_line(FIRST, "rumour"), _line({"a": 1}, "thread.rumour"), _line(LAST), b"data: [DONE]\n\n"),
    "azure's first chunk": told(chunk(choices=[], id="", model="", prompt_filter_results=[]), FIRST, LAST, USAGE),
    "error in the middle": raw(_line(FIRST), _line({"error": {"message": "overloaded", "code": 529}}), _line(LAST)),
    "cut in the middle": raw(_line(FIRST), _line(chunk({"content": " there"})), broken=True),
    "cut in a chunk": raw(_line(FIRST), _line(LAST)[:40], broken=True),
    "no done": raw(_line(FIRST), _line(LAST)),
    "more after done": raw(_line(FIRST), b"data: [DONE]\n\n", _line(LAST)),
    "not json in the middle": raw(_line(FIRST), b"data: {oops\n\n", _line(LAST)),
    "500 chunks": told(*[chunk({"content": "x"})] * 500, LAST, USAGE),
    "slow": Answer((_line(FIRST), _line(LAST)), content_type="text/event-stream", streamed=True, pause_seconds=0.01),
    "all at once": raw(_line(FIRST) + _line(LAST) + b"data: [DONE]\n\n"),
    "byte by byte": raw(*(bytes([each]) for each in _line(chunk({"content": "né"})) + b"data: [DONE]\n\n")),
    "carriage returns": raw(_line(FIRST).replace(b"\n", b"\r\n"), b"data: [DONE]\r\n\r\n"),
    "plain json": openai.reply({"id": "chatcmpl-1", "object": "chat.completion", "choices": []}),
    "refused": told(chunk({"role": "assistant", "refusal": "no"}), LAST),
}


def _response_event(kind, response=MISSING, **more):
    body = {"type": kind, "sequence_number": 1, "response": response, **more}
    return {key: value for key, value in body.items() if value is not MISSING}


CREATED_RESPONSE = {"id": "resp_1", "object": "response", "model": "gpt-5", "status": "in_progress", "output": []}
DONE_RESPONSE = CREATED_RESPONSE | {"status": "completed", "usage": openai.RESPONSE_USAGE}


def _responses(*odd, end=DONE_RESPONSE):
    """A stream of the responses API with odd events in its middle."""
    last = [_response_event("response.completed", end)]
    return events([_response_event("response.created", CREATED_RESPONSE), *odd, *last], named=True, done=False)


STREAM_RESPONSES = {
    **STREAM_LIFE,
    **{
        f"last: {name}": _responses(end=DONE_RESPONSE | {"usage": usage})
        for name, usage in ODD_USAGE.items()
        if usage is not MISSING
    },
    "incomplete": events(
        [_response_event("response.incomplete", DONE_RESPONSE | {"status": "incomplete"})], named=True
    ),
    "failed": events([_response_event("response.failed", DONE_RESPONSE | {"status": "failed"})], named=True),
    "response null": _responses(end=None),
    "response missing": _responses(end=MISSING),
    "response a list": _responses(end=[]),
    "response empty": _responses(end={}),
    "completed twice": _responses(_response_event("response.completed", DONE_RESPONSE)),
    "unknown event": _responses({"type": "response.rumour", "whisper": 1}),
    "type a number": events([{"type": 7}, {"type": None}]),
    "text a number": _responses({"type": "response.output_text.delta", "delta": 7}),
    "error event": _responses({"type": "error", "message": "overloaded", "code": "server_error", "param": None}),
    "error named": raw(b'event: error\ndata: {"type": "error", "error": {"message": "overloaded"}}\n\n'),
    "cut in the middle": raw(
        _line(_response_event("response.created", CREATED_RESPONSE), "response.created"), broken=True
    ),
    "500 events": _responses(*[{"type": "response.output_text.delta", "delta": "x"}] * 500),
}
