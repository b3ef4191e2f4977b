"""Ollama's wire format: JSON, or one JSON object in a line (read from ollama 0.6.3, 2026-11-22)."""

from __future__ import annotations

import json

from costspan.demo.server import Answer
from fake_providers import Route, openai, operation
from fake_providers.openai_streams import pieces

TEXT = openai.TEXT
COUNTS = {"prompt_eval_count": 26, "eval_count": 10, "total_duration": 5_000_000, "eval_duration": 3_000_000}


def _head(asked):
    return {"model": asked.fields["model"], "created_at": "2026-11-22T00:00:00Z", "done": True, "done_reason": "stop"}


def _chat(asked):
    return _head(asked) | {"message": {"role": "assistant", "content": TEXT}} | COUNTS


def _generated(asked):
    return _head(asked) | {"response": TEXT} | COUNTS


def _lines(said):
    def cut(asked, payload):
        going = {key: payload[key] for key in ("model", "created_at")} | {"done": False}
        steps = [going | said(each) for each in pieces(TEXT)] + [payload | said("")]
        lines = tuple(json.dumps(step).encode() + b"\n" for step in steps)
        return Answer(lines, content_type="application/x-ndjson", streamed=True)

    return cut


def _embedded(asked):
    return {"model": asked.fields["model"], "embeddings": [[0.5]], "prompt_eval_count": 4}


chat = operation(_chat, _lines(lambda text: {"message": {"role": "assistant", "content": text}}))
generated = operation(_generated, _lines(lambda text: {"response": text}))
system_one = operation(lambda asked: {"model": "m", "answers": {}, "usage": {"input_tokens": 9, "output_tokens": 2}})

ROUTES = (
    Route("POST", "/api/chat", chat()),
    Route("POST", "/api/generate", generated()),
    Route("POST", "/api/embed", operation(_embedded)()),
    Route("POST", "/api/embeddings", operation(lambda asked: {"embedding": [0.5]})()),
    Route("POST", "/v1/systemone", system_one()),
    Route("GET", "/api/tags", operation(lambda asked: {"models": []})()),
)
