"""Cohere's wire formats, v1 and v2 (read from cohere 7.3.1, 2026-11-22)."""

from __future__ import annotations

import json

from costspan.demo.server import Answer, events
from fake_providers import Route, openai, operation
from fake_providers.openai_streams import pieces

TEXT = openai.TEXT
BILLED = {"input_tokens": 3.0, "output_tokens": 10.0}
COUNTED = {"input_tokens": 70.0, "output_tokens": 11.0}  # with the template, which is not billed
USAGE = {"billed_units": BILLED, "tokens": COUNTED, "cached_tokens": 16.0}


def _chat(asked):
    message = {"role": "assistant", "content": [{"type": "text", "text": TEXT}]}
    return {"id": f"c-{asked.number}", "finish_reason": "COMPLETE", "message": message, "usage": USAGE}


def _steps(asked, payload):
    start = {"type": "message-start", "id": payload["id"], "delta": {"message": {"role": "assistant"}}}
    said = [
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": each}}}}
        for each in pieces(TEXT)
    ]
    end = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": payload["usage"]}}
    return events([start, *said, end], named=True)


def _legacy(asked):
    meta = {"api_version": {"version": "1"}, **USAGE}
    return {
        "response_id": "r",
        "generation_id": f"g-{asked.number}",
        "text": TEXT,
        "finish_reason": "COMPLETE",
        "meta": meta,
    }


def _lines(asked, payload):
    """One JSON object in a line."""
    steps = [{"event_type": "stream-start", "is_finished": False, "generation_id": payload["generation_id"]}]
    steps += [{"event_type": "text-generation", "is_finished": False, "text": each} for each in pieces(TEXT)]
    steps += [{"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": payload}]
    lines = tuple(json.dumps(step).encode() + b"\n" for step in steps)
    return Answer(lines, content_type="application/stream+json", streamed=True)


def _embeddings(asked):
    texts = asked.fields.get("texts") or [""]
    billed = {"input_tokens": 2.0 * len(texts)} if asked.fields.get("texts") else {"image_tokens": 900.0, "images": 1.0}
    kinds = asked.fields.get("embedding_types")
    floats = [[0.5, 0.25]] * len(texts)
    return {
        "id": f"e-{asked.number}",
        "response_type": "embeddings_by_type" if kinds else "embeddings_floats",
        "embeddings": {"float": floats} if kinds else floats,
        "texts": texts,
        "meta": {"api_version": {"version": "2"}, "billed_units": billed},
    }


def _reranked(asked):
    results = [{"index": 0, "relevance_score": 0.9}]
    return {"id": "r", "results": results, "meta": {"billed_units": {"search_units": 2.0}}}


def _classified(asked):
    return {"id": "c", "classifications": [], "meta": {"billed_units": {"classifications": 5.0}}}


chat = operation(_chat, _steps)
legacy = operation(_legacy, _lines)
embeddings = operation(_embeddings)

ROUTES = (
    Route("POST", "/v2/chat", chat()),
    Route("POST", "/v1/chat", legacy()),
    Route("POST", "/v[12]/embed", embeddings()),
    Route("POST", "/v[12]/rerank", operation(_reranked)()),
    Route("POST", "/v1/classify", operation(_classified)()),
)
