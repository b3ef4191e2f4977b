"""watsonx.ai's wire format: OpenAI's chat with the stream at a path of its own, and IBM's text generation.

Read from ibm-watsonx-ai 1.8.1, 2026-11-22. It speaks https only, so tests give it a client that takes the s away.
"""

from __future__ import annotations

import json

from costspan.demo.server import Answer, reply
from fake_providers import Route, openai
from fake_providers.openai_streams import pieces

TEXT = openai.TEXT
MODEL = "ibm/granite-3-8b-instruct"


def result(text=TEXT, read=9, written=4, reason="eos_token"):
    return {
        "generated_text": text,
        "input_token_count": read,
        "generated_token_count": written,
        "stop_reason": reason,
    }


def text(**changes):
    return reply({"model_id": MODEL, "created_at": "2026-11-22T00:00:00Z", "results": [result() | changes]})


def error(status=400):
    return reply({"errors": [{"code": "invalid_request", "message": "no"}], "trace": "t"}, status)


def text_stream(*results):
    """The input is told once and is 0 from then on; the output is a running total."""
    parts = pieces(TEXT)
    steps = [result(each, read=0, written=1 + place, reason="not_finished") for place, each in enumerate(parts)]
    steps = list(results) or [{**steps[0], "input_token_count": 9}, *steps[1:], result("", read=0, written=4)]
    return _events({"model_id": MODEL, "results": [each]} for each in steps)


def _events(payloads):
    lines = [f"id: 1\nevent: message\ndata: {json.dumps(each)}\n\n".encode() for each in payloads]
    return Answer(tuple(lines), content_type="text/event-stream", streamed=True)


def broken_stream():
    """An error comes as an event, in a 200."""
    body = b'id: 1\nevent: error\ndata: {"errors": [{"code": "downstream_request_failed"}]}\n\n'
    return Answer((body,), content_type="text/event-stream", streamed=True)


def _chat(asked):
    body = {"model_id": MODEL, "model": MODEL, "id": "chat-1", "choices": openai.choices({"content": TEXT})}
    return body | {"usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29}}


def _chat_stream(asked):
    head = {"model_id": MODEL, "model": MODEL, "id": "chat-1"}
    chunks = [head | {"choices": [{"index": 0, "delta": {"content": each}}]} for each in pieces(TEXT)]
    return _events([*chunks, head | {"choices": [], "usage": _chat(asked)["usage"]}])


def _embedded(asked):
    inputs = asked.received.json["inputs"]
    results = [{"embedding": [0.5]} for _ in inputs]
    return reply({"model_id": MODEL, "results": results, "input_token_count": 4 * len(inputs)})


def _ranked(asked):
    return reply({"model_id": MODEL, "results": [{"index": 0, "score": 0.5}], "input_token_count": 17})


ROUTES = (
    Route("GET", "/version", lambda asked: reply({"version": "5.1"})),
    Route("POST", "/text/chat", lambda asked: reply(_chat(asked))),
    Route("POST", "/text/chat_stream", _chat_stream),
    Route("POST", "/text/generation", lambda asked: text()),
    Route("POST", "/text/generation_stream", lambda asked: text_stream()),
    Route("POST", "/text/embeddings", _embedded),
    Route("POST", "/text/rerank", _ranked),
)
