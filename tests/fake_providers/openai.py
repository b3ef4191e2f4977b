"""The OpenAI wire format, which Azure and many compatible hosts speak too (read from openai 3.54.0, 2026-11-22).

Each operation is a function: `chat(usage=CACHED)` makes an answer with that field changed, as one body or as a stream,
as the request asks for.
"""

from __future__ import annotations

import struct

from costspan.demo.server import reply
from fake_providers import Answer, Route, operation
from fake_providers import openai_streams as streams

CREATED = 1_790_000_000  # 2026-09-21
SNAPSHOTS = {  # what answers when a program asks for a family
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "o3": "o3-2025-04-16",
}
AZURE_MODEL = "gpt-4o-2024-08-06"  # behind every deployment, whatever it is called
TEXT = "Cats sleep most of the day, and hunt at dawn."

CHAT_USAGE = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
CACHED = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 0},
}
WRITTEN = CACHED | {"prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 300, "audio_tokens": 0}}
AUDIO = {
    "prompt_tokens": 100,
    "completion_tokens": 80,
    "total_tokens": 180,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 60, "text_tokens": 40, "image_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 50, "text_tokens": 30},
}
RESPONSE_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 0},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": 1200,
}
RESPONSE_WRITTEN = RESPONSE_USAGE | {
    "input_tokens_details": {
        "cached_tokens": 600,
        "cache_write_tokens": 300,
        "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 200},
    }
}
IMAGE_USAGE = {
    "input_tokens": 60,
    "input_tokens_details": {"image_tokens": 40, "text_tokens": 20},
    "output_tokens": 1056,
    "total_tokens": 1116,
}
TRANSCRIPTION_TOKENS = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"audio_tokens": 10, "text_tokens": 4},
    "output_tokens": 45,
    "total_tokens": 59,
}
TRANSCRIPTION_SECONDS = {"type": "duration", "seconds": 9}
TOOL_CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}},
]
MESSAGE = {"role": "assistant", "content": TEXT, "refusal": None}
REFUSED = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
SPOKEN = MESSAGE | {
    "content": None,
    "audio": {"id": "audio_1", "data": "UklGRg==", "expires_at": CREATED + 3600, "transcript": TEXT},
}


def model_of(asked):
    """The dated model that answers: Azure's is not the deployment's name."""
    if "/openai/deployments/" in asked.received.path:
        return AZURE_MODEL
    name = asked.fields.get("model", "")
    return SNAPSHOTS.get(name, name)


def choices(message, n=1, finish="stop"):
    return [{"index": i, "message": message, "logprobs": None, "finish_reason": finish} for i in range(n)]


def _chat(asked):
    message, finish = MESSAGE, "stop"
    if asked.fields.get("tools"):
        message, finish = MESSAGE | {"content": None, "tool_calls": TOOL_CALLS}, "tool_calls"
    if (asked.fields.get("response_format") or {}).get("type") == "json_schema":
        message = MESSAGE | {"content": '{"city": "Bern", "degrees": 21}'}
    return {
        "id": f"chatcmpl-{asked.number:029}",  # as long as OpenAI's
        "object": "chat.completion",
        "created": CREATED,
        "model": model_of(asked),
        "choices": choices(message, asked.fields.get("n") or 1, finish),
        "usage": CHAT_USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def _completion(asked):
    return {
        "id": f"cmpl-{asked.number}",
        "object": "text_completion",
        "created": CREATED,
        "model": model_of(asked),
        "choices": [{"text": TEXT, "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15},
    }


def output_message(text=TEXT):
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}


WEB_SEARCHES = [
    {
        "id": f"ws_{number}",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": kind, "query": "cats", "url": "https://example.org"},
    }
    for number, kind in enumerate(("search", "open_page", "search"))
]


def _response(asked):
    text = TEXT
    if ((asked.fields.get("text") or {}).get("format") or {}).get("type") == "json_schema":
        text = '{"city": "Bern", "degrees": 21}'
    output = [output_message(text)]
    kinds = {tool.get("type") for tool in asked.fields.get("tools") or []}
    if "function" in kinds:
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "status": "completed"}
        output = [call | {"arguments": '{"city": "Bern"}'}]
    if kinds & {"web_search", "web_search_preview"}:
        output = WEB_SEARCHES + output
    return {
        "id": f"resp_{asked.number}",
        "object": "response",
        "created_at": CREATED,
        "status": "queued" if asked.fields.get("background") else "completed",
        "background": bool(asked.fields.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model_of(asked),
        "output": [] if asked.fields.get("background") else output,
        "parallel_tool_calls": True,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": asked.fields.get("tools") or [],
        "top_p": 1.0,
        "usage": None if asked.fields.get("background") else RESPONSE_USAGE,
    }


def _retrieved(asked):
    made = _response(asked)
    return made | {"id": asked.received.path.rsplit("/", 1)[1], "model": "gpt-4o-2024-08-06"}


def _compacted(asked):
    return {
        "id": f"resp_{asked.number}",
        "object": "response.compaction",
        "created_at": CREATED,
        "output": [{"id": "cmp_1", "type": "compaction", "encrypted_content": "c2hvcnQ="}],
        "usage": RESPONSE_USAGE,
    }


def _embeddings(asked):
    texts = asked.fields.get("input")
    vectors = [[0.5, -0.25, 0.125]] * (len(texts) if isinstance(texts, list) else 1)
    if asked.fields.get("encoding_format") == "base64":
        vectors = [_base64(vector) for vector in vectors]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)],
        "model": model_of(asked),
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }


def _base64(vector):
    import base64  # noqa: PLC0415 only here

    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _images(asked):
    made = {"created": CREATED, "data": [{"b64_json": "UklGRg=="}] * int(asked.fields.get("n") or 1)}
    if "dall-e" in asked.fields.get("model", "dall-e-2"):
        return made
    return made | {"usage": IMAGE_USAGE, "size": "1024x1024", "quality": "medium", "output_format": "png"}


def _transcription(asked):
    if asked.fields.get("model") == "whisper-1":
        return {"text": TEXT, "usage": TRANSCRIPTION_SECONDS}
    return {"text": TEXT, "usage": TRANSCRIPTION_TOKENS}


def _speech(asked):
    """Audio bytes, as they are made."""
    return Answer((b"RIFF", b"\0" * 64, b"end"), content_type="audio/mpeg", streamed=True)


def _moderation(asked):
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    return {"id": f"modr-{asked.number}", "model": model_of(asked), "results": [result]}


def _counted(asked):
    return {"object": "response.input_tokens", "input_tokens": 42}


def _batch(asked):
    """Just created; `batch(status="completed", usage=RESPONSE_USAGE)` is one that has finished."""
    tail = asked.received.path.rsplit("/", 1)[1]
    return {
        "id": "batch_1" if tail == "batches" else tail,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file-1",
        "completion_window": "24h",
        "status": "validating" if tail == "batches" else "completed",
        "created_at": CREATED,
        "model": "gpt-4o-2024-08-06",
        "request_counts": {"total": 2, "completed": 2, "failed": 0},
        "usage": None if tail == "batches" else RESPONSE_USAGE,
    }


def _models(asked):
    return {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": CREATED, "owned_by": "openai"}]}


def error(status, message="The request was refused.", code=None, **headers):
    """An error as OpenAI words it; `retry_after_ms="1"` makes the SDK's next attempt quick."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return reply({"error": {"message": message, "type": kind, "param": None, "code": code}}, status, **headers)


chat = operation(_chat, streams.chat)
completion = operation(_completion, streams.completion)
response = operation(_response, streams.response)
retrieved = operation(_retrieved, streams.response)
compacted = operation(_compacted)
embeddings = operation(_embeddings)
images = operation(_images, streams.images)
transcription = operation(_transcription, streams.transcription)
moderation = operation(_moderation)
counted = operation(_counted)
batch = operation(_batch)
models = operation(_models)

ROUTES = (
    Route("POST", "/chat/completions", chat()),
    Route("POST", "/responses", response()),
    Route("POST", "/responses/compact", compacted()),
    Route("POST", "/responses/input_tokens", counted()),
    Route("GET", "/responses/[^/]+", retrieved()),
    Route("POST", "/completions", completion()),
    Route("POST", "/embeddings", embeddings()),
    Route("POST", "/images/(generations|edits|variations)", images()),
    Route("POST", "/audio/speech", _speech),
    Route("POST", "/audio/(transcriptions|translations)", transcription()),
    Route("POST", "/moderations", moderation()),
    Route("POST", "/batches", batch()),
    Route("GET", "/batches/[^/]+", batch()),
    Route("GET", "/models", models()),
)
