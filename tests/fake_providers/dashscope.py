"""Alibaba Cloud's wire format (read from dashscope 2.0.2, 2026-11-22): a stream's counts are running totals."""

from __future__ import annotations

from costspan.demo.server import events, reply
from fake_providers import Route, anthropic, openai

USAGE = {
    "input_tokens": 1000,
    "output_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600},
    "output_tokens_details": {"reasoning_tokens": 50},
}
FIRST = USAGE | {"output_tokens": 90}


def _answer(usage):
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": "Cats."}}
    return {"request_id": "r-1", "output": {"text": None, "choices": [choice]}, "usage": usage}


def chat(usage=USAGE):
    """One answer, or a stream, which is asked for by a header."""

    def answer(asked):
        if asked.received.headers.get("x-dashscope-sse") == "enable":
            return events([_answer(FIRST), _answer(usage)], done=False)
        return reply(_answer(usage))

    return answer


def started(task):
    """A job, just begun."""
    return reply({"request_id": "r-1", "output": {"task_id": task, "task_status": "PENDING"}})


def polled(task, usage=None, status="SUCCEEDED", **output):
    """A job as it is when it is asked for."""
    told = {"request_id": "r-2", "output": {"task_id": task, "task_status": status, **output}}
    return reply(told if usage is None else told | {"usage": usage})


VECTORS = {"output": {"embeddings": [{"text_index": 0, "embedding": [0.5]}]}, "usage": {"total_tokens": 12}}
RANKED = {"output": {"results": [{"index": 0, "relevance_score": 0.5}]}, "usage": {"total_tokens": 12}}
ROUTES = (
    Route("POST", "/generation", chat()),
    Route("POST", "/text-embedding", lambda _asked: reply(VECTORS | {"request_id": "r-1"})),
    Route("POST", "/(multimodal-embedding|image-synthesis|video-synthesis)", lambda _asked: started("t-1")),
    Route("GET", "/tasks/[^/]+", lambda _asked: polled("t-1")),
    Route("POST", "/text-rerank", lambda _asked: reply(RANKED | {"request_id": "r-1"})),
    *openai.ROUTES,
    *anthropic.ROUTES,
)
