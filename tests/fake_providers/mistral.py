"""Mistral's wire format: OpenAI's chat and embeddings, and what is its own (read from mistralai 3.7.0, 2026-11-22)."""

from __future__ import annotations

from costspan.demo.server import events
from fake_providers import Route, openai, operation
from fake_providers.openai_streams import pieces

TEXT = openai.TEXT
USAGE = {"prompt_tokens": 24, "completion_tokens": 10, "total_tokens": 34}
CACHED = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600},
    "num_cached_tokens": 600,
    "service_tier": "priority",
}
CONNECTED = USAGE | {"connector_tokens": 500, "total_tokens": 534, "connectors": {"web_search": 2}}


def _chat(asked):
    message = {"role": "assistant", "content": TEXT, "tool_calls": None}
    return {
        "id": f"cmpl-{asked.number}",
        "object": "chat.completion",
        "created": openai.CREATED,
        "model": asked.fields.get("model") or "mistral-large-2512",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }


def _chunks(asked, payload):
    """The usage is in the last chunk, beside the reason, whether it was asked for or not."""
    head = {key: payload[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    said = [{"delta": {"content": each}, "finish_reason": None} for each in pieces(TEXT)]
    last = {"delta": {"content": ""}, "finish_reason": "stop"}
    chunks = [head | {"choices": [{"index": 0, **choice}]} for choice in (*said, last)]
    chunks[-1]["usage"] = payload["usage"]
    return events(chunks)


def _conversation(asked):
    entry = {"object": "entry", "type": "message.output", "role": "assistant", "content": TEXT, "model": "m", "id": "e"}
    return {
        "object": "conversation.response",
        "conversation_id": f"conv_{asked.number}",
        "outputs": [entry],
        "usage": CONNECTED,
    }


def _turns(asked, payload):
    started = {"type": "conversation.response.started", "conversation_id": payload["conversation_id"]}
    said = [{"type": "message.output.delta", "id": "e", "content": each, "role": "assistant"} for each in pieces(TEXT)]
    return events(
        [started, *said, {"type": "conversation.response.done", "usage": payload["usage"]}], named=True, done=False
    )


def _ocr(asked):
    pages = [{"index": 0, "markdown": "Cats", "images": [], "dimensions": None}] * 3
    return {"pages": pages, "model": "mistral-ocr-2512", "usage_info": {"pages_processed": 3, "doc_size_bytes": 9}}


def _classified(asked):
    return {"id": "c", "model": asked.fields["model"], "results": [], "usage": USAGE | {"completion_tokens": 0}}


def _transcription(asked):
    usage = {"prompt_audio_seconds": 7, "prompt_tokens": 4, "total_tokens": 400, "completion_tokens": 30}
    return {"model": "voxtral-mini-2507", "text": TEXT, "language": None, "segments": [], "usage": usage}


chat = operation(_chat, _chunks)
conversation = operation(_conversation, _turns)

ROUTES = (
    Route("POST", "/v1/chat/completions", chat()),
    Route("POST", "/v1/fim/completions", chat()),
    Route("POST", "/v1/agents/completions", chat()),
    Route("POST", "/v1/conversations.*", conversation()),
    Route("POST", "/v1/ocr", operation(_ocr)()),
    Route("POST", "/v1/(chat/)?(moderations|classifications)", operation(_classified)()),
    Route("POST", "/v1/audio/transcriptions", operation(_transcription)()),
    Route("POST", "/v1/embeddings", openai.embeddings(id="emb-1")),
)
