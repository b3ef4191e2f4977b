"""The demo's simulated provider: OpenAI's wire format on loopback. It thinks nothing; its counts are made up.

Counts follow the length of the text, and a long prompt that was sent before is partly read from the cache, so that the
bill looks like one. Every eleventh request is refused once, as by a rate limit; the SDK tries again.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from costspan.demo.server import Answer, LoopbackServer, Received, events, reply

SNAPSHOTS = {  # what answers when a program asks for a family, as OpenAI does it
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
}
EMBEDDERS = ("text-embedding-3-small",)
_TEXT = "This answer is simulated. No model has read the question, and nothing was spent on it."
_WORDS = _TEXT.split()
_CACHE_FROM, _CACHE_STEP = 1024, 128  # tokens: OpenAI caches prompts from the one, in steps of the other
_REFUSE_EVERY = 11
_LETTERS_PER_TOKEN = 4


class Provider:
    """Answers as OpenAI would, on a free port of this machine. It counts what it answered, and refused."""

    def __init__(self) -> None:
        self.answered = self.refused = 0
        self._seen: set[str] = set()
        self._lock = Lock()
        self._server = LoopbackServer(self._answer)
        self.url = f"{self._server.url}/v1"
        self.host = self._server.url.removeprefix("http://")

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def _answer(self, received: Received) -> Answer:
        with self._lock:
            if (self.answered + self.refused + 1) % _REFUSE_EVERY == 0:
                self.refused += 1
                return _error(429, "Rate limit reached (simulated).", "rate_limit_exceeded")
            self.answered += 1
        body, kind = received.json, received.path.removeprefix("/v1/")
        if body.get("model") not in (*SNAPSHOTS, *EMBEDDERS):
            return _error(404, f"The model {body.get('model')!r} does not exist (simulated).", "model_not_found")
        if kind == "embeddings":
            return _embeddings(body)
        answer = _response if kind == "responses" else _chat
        return answer(body, self._count_input(body), f"simulated-{self.answered}")

    def _count_input(self, body: dict[str, Any]) -> tuple[int, int]:
        """Tokens of the prompt, and how many of them are read from the cache."""
        prompt = body.get("messages") or [body.get("instructions", ""), body.get("input", "")]
        total, first = _count(prompt), str(prompt[0])
        with self._lock:
            known = first in self._seen
            self._seen.add(first)
        cacheable = _count(first) // _CACHE_STEP * _CACHE_STEP
        return total, cacheable if known and cacheable >= _CACHE_FROM else 0


def _count(text: object) -> int:
    return len(str(text)) // _LETTERS_PER_TOKEN + 1


def _error(status: int, message: str, code: str) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return reply({"error": error}, status, retry_after_ms="20")


def _embeddings(body: dict[str, Any]) -> Answer:
    data = [{"object": "embedding", "index": i, "embedding": [0.25, -0.5]} for i in range(len(body["input"]))]
    tokens = _count(body["input"])
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return reply({"object": "list", "data": data, "model": body["model"], "usage": usage})


def _chat(body: dict[str, Any], counted: tuple[int, int], call: str) -> Answer:
    about = {"id": f"chatcmpl-{call}", "created": 0, "model": SNAPSHOTS[body["model"]], "service_tier": "default"}
    output = len(_WORDS) + counted[0] // 8
    usage = {
        "prompt_tokens": counted[0],
        "completion_tokens": output,
        "total_tokens": counted[0] + output,
        "prompt_tokens_details": {"cached_tokens": counted[1]},
    }
    if body.get("stream"):
        return _chat_stream(body, {**about, "object": "chat.completion.chunk"}, usage)
    message: dict[str, Any] = {"role": "assistant", "content": _TEXT}
    if body.get("tools") and body["messages"][-1]["role"] == "user":
        function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"order": "A-17"}'}
        message = {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return reply({**about, "object": "chat.completion", "choices": [choice], "usage": usage})


def _chat_stream(body: dict[str, Any], about: dict[str, Any], usage: dict[str, Any]) -> Answer:
    chunks = [_chunk(about, {"content": f"{word} "}, None) for word in _WORDS]
    chunks.append(_chunk(about, {}, "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**about, "choices": [], "usage": usage})
    return events(chunks)


def _chunk(about: dict[str, Any], delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    return {**about, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _response(body: dict[str, Any], counted: tuple[int, int], call: str) -> Answer:
    part = {"type": "output_text", "text": _TEXT, "annotations": []}
    message = {"id": f"msg_{call}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    thoughts = counted[0] // 4
    response = {
        "id": f"resp_{call}",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": SNAPSHOTS[body["model"]],
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "usage": {
            "input_tokens": counted[0],
            "input_tokens_details": {"cached_tokens": counted[1], "cache_write_tokens": 0},
            "output_tokens": thoughts + len(_WORDS),
            "output_tokens_details": {"reasoning_tokens": thoughts},
            "total_tokens": counted[0] + thoughts + len(_WORDS),
        },
    }
    return reply(response)
