"""The wire format of Anthropic's Messages API and its batches (read from anthropic 2.12.0, 2026-11-22)."""

from __future__ import annotations

import json

from costspan.demo.server import events, reply
from fake_providers import Answer, Route, operation

TEXT = "Cats sleep most of the day, and hunt at dawn."
USAGE = {"input_tokens": 19, "output_tokens": 10, "service_tier": "standard", "inference_geo": "global"}
CACHED = USAGE | {
    "input_tokens": 400,
    "cache_read_input_tokens": 600,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 200,
    "output_tokens_details": {"thinking_tokens": 50},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
}
# What a stream's last event does not say again: it stays as the first event had it
ONCE = ("cache_creation", "service_tier", "inference_geo", "speed")


def _message(asked):
    return {
        "id": f"msg_{asked.number}",
        "type": "message",
        "role": "assistant",
        "model": asked.fields.get("model", "claude-sonnet-4-5-20250929"),
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def cut(_asked, body):
    """The first event has the input and a placeholder for the output; the last but one has the sums."""
    usage = body.get("usage") or {}
    first = {**{key: value for key, value in usage.items() if key != "iterations"}, "output_tokens": 1}
    last = {key: value for key, value in usage.items() if key not in ONCE}
    why = {key: body[key] for key in ("stop_reason", "stop_details") if key in body}
    steps = [
        {"type": "message_start", "message": body | {"content": [], "stop_reason": None, "usage": first}},
        *_block(body["content"]),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None} | why, "usage": last},
        {"type": "message_stop"},
    ]
    return events(steps, named=True, done=False)


def _block(content):
    """A text, word by word, or a call of a tool."""
    (block,) = [each for each in content if each["type"] == "tool_use"] or [{"type": "text", "text": ""}]
    if block["type"] == "tool_use":
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        block |= {"input": {}}
    else:
        deltas = [{"type": "text_delta", "text": word + " "} for word in TEXT.split()]
    return (
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
    )


message = operation(_message, cut)


def batch(asked):
    """One that has ended, with the place of its results."""
    number = asked.received.path.rsplit("/", 1)[1]
    where = f"http://{asked.received.headers['host']}/v1/messages/batches/{number}/results"
    return reply(
        {
            "id": number,
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 0, "expired": 0},
            "created_at": "2026-11-22T00:00:00Z",
            "expires_at": "2026-11-23T00:00:00Z",
            "results_url": where,
        }
    )


def result(number, usage, model="claude-sonnet-4-5-20250929"):
    """One line of a batch's results."""
    body = {"id": f"msg_b{number}", "type": "message", "role": "assistant", "model": model, "content": []}
    body |= {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage | {"service_tier": "batch"}}
    return {"custom_id": f"r{number}", "result": {"type": "succeeded", "message": body}}


ERRORED = {"custom_id": "r9", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "api_error"}}}}


def results(*lines):
    parts = tuple(json.dumps(line).encode() + b"\n" for line in lines)
    return Answer(parts, content_type="application/x-jsonl", streamed=True)


def error(status, kind="invalid_request_error", message="The request was refused.", **headers):
    return reply({"type": "error", "error": {"type": kind, "message": message}}, status, **headers)


def completion(_asked):
    body = {"id": "compl_1", "type": "completion", "completion": TEXT, "stop_reason": "stop_sequence", "model": "c-2"}
    return reply(body)


ROUTES = (
    Route("POST", "/v1/messages", message()),
    Route("POST", "/v1/messages/count_tokens", lambda _asked: reply({"input_tokens": 42})),
    Route("GET", "/v1/messages/batches/[^/]+", batch),
    Route(
        "GET",
        "/v1/messages/batches/[^/]+/results",
        lambda _asked: results(result(1, USAGE), ERRORED, result(2, CACHED), result(3, USAGE, "claude-haiku-4-5")),
    ),
    Route("POST", "/v1/complete", completion),
    Route("POST", "/model/[^/]+/invoke", message()),
    Route("POST", ":rawPredict", message()),
)
