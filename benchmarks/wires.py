"""What providers send: an answer, and a stream of so many chunks, in four wire formats. `wire_of` tells which is asked.

The figures are the same in all: 1,000 tokens in, 600 of them cached, 200 out.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

SSE = b"text/event-stream"


class Wire(NamedTuple):
    """One format: the ends of the paths that ask in it, the answer, and the events of a stream of so many chunks."""

    plain: bytes  # of OpenAI and Anthropic the body asks for a stream, of the others the path
    streamed: bytes
    reply: bytes
    events: Callable[[int], tuple[bytes, ...]]
    kind: bytes = SSE  # content type of a stream


def dumped(value) -> bytes:
    return json.dumps(value).encode()


def words(chunks):
    return (f"word {n % 10} " for n in range(chunks))  # litellm refuses a hundred that are the same


OPENAI_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 50},
}
OPENAI_HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "gpt-4o-2024-08-06", "service_tier": "default"}


def openai_reply():
    message = {"role": "assistant", "content": "Hello!"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return OPENAI_HEAD | {"object": "chat.completion", "choices": [choice], "usage": OPENAI_USAGE}


def openai_events(chunks):
    head = OPENAI_HEAD | {"object": "chat.completion.chunk"}
    choices = ({"index": 0, "delta": {"content": word}, "finish_reason": None} for word in words(chunks))
    sent = [head | {"choices": [choice], "usage": None} for choice in choices]
    sent += [head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}]
    sent += [head | {"choices": [], "usage": OPENAI_USAGE}]
    return (*(b"data: " + dumped(each) + b"\n\n" for each in sent), b"data: [DONE]\n\n")


ANTHROPIC_USAGE = {
    "input_tokens": 400,
    "cache_read_input_tokens": 600,
    "cache_creation_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 200,
    "service_tier": "standard",
}


def anthropic_reply():
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Hello!"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }


def anthropic_events(chunks):
    first = anthropic_reply() | {"content": [], "stop_reason": None, "usage": ANTHROPIC_USAGE | {"output_tokens": 1}}
    deltas = ({"type": "text_delta", "text": word} for word in words(chunks))
    sent = [
        {"type": "message_start", "message": first},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 200},
        },
        {"type": "message_stop"},
    ]
    return tuple(b"event: %s\ndata: %s\n\n" % (each["type"].encode(), dumped(each)) for each in sent)


GEMINI_USAGE = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 600,
    "candidatesTokenCount": 150,
    "thoughtsTokenCount": 50,
    "totalTokenCount": 1200,
}


def gemini_chunk(text, **more):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}
    head = {"modelVersion": "gemini-2.5-flash", "responseId": "r-1"}
    return head | {"candidates": [candidate], "usageMetadata": GEMINI_USAGE}


def gemini_events(chunks):
    sent = [*(gemini_chunk(word) for word in words(chunks)), gemini_chunk("", finishReason="STOP")]
    return tuple(b"data: " + dumped(each) + b"\r\n\r\n" for each in sent)


BEDROCK_USAGE = {"inputTokens": 400, "outputTokens": 200, "totalTokens": 1200, "cacheReadInputTokens": 600}


def bedrock_reply():
    message = {"role": "assistant", "content": [{"text": "Hello!"}]}
    return {
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": BEDROCK_USAGE,
        "metrics": {"latencyMs": 5},
    }


def bedrock_events(chunks):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from fake_providers.bedrock import stream  # writes AWS's binary frames

    deltas = (("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}}) for word in words(chunks))
    return stream(
        ("messageStart", {"role": "assistant"}),
        *deltas,
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": BEDROCK_USAGE, "metrics": {"latencyMs": 5}}),
    ).parts


def made(plain, streamed, reply, events, kind=SSE):
    return Wire(plain, streamed, dumped(reply()), functools.cache(events), kind)


OPENAI = made(b"/chat/completions", b"", openai_reply, openai_events)
WIRES = (
    OPENAI,
    made(b"/v1/messages", b"", anthropic_reply, anthropic_events),
    made(
        b":generateContent",
        b":streamGenerateContent",
        lambda: gemini_chunk("Hello!", finishReason="STOP"),
        gemini_events,
    ),
    made(b"/converse", b"/converse-stream", bedrock_reply, bedrock_events, b"application/vnd.amazon.eventstream"),
)


@functools.cache
def wire_of(path: bytes) -> tuple[Wire, bool]:
    """The format that a path speaks, and whether the path itself asks for a stream; OpenAI's if it says nothing."""
    for wire in WIRES:
        if path.endswith((wire.plain, wire.streamed or wire.plain)):
            return wire, bool(wire.streamed) and path.endswith(wire.streamed)
    return OPENAI, False
