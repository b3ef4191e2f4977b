"""The wire format of the Gemini API and of Vertex AI (read from google-genai 3.4.0, 2026-11-22)."""

from __future__ import annotations

import json

from costspan.demo.server import events, reply
from fake_providers import Answer, Route, operation

TEXT = "Cats sleep most of the day, and hunt at dawn."
USAGE = {"promptTokenCount": 19, "candidatesTokenCount": 10, "totalTokenCount": 29}
FULL = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 600,
    "toolUsePromptTokenCount": 50,
    "candidatesTokenCount": 150,
    "thoughtsTokenCount": 70,
    "totalTokenCount": 1270,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 700}, {"modality": "AUDIO", "tokenCount": 300}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 500}, {"modality": "AUDIO", "tokenCount": 100}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 100}, {"modality": "IMAGE", "tokenCount": 50}],
}
FUNCTION_CALL = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}
INTERACTION_USAGE = {
    "total_input_tokens": 100,
    "total_cached_tokens": 40,
    "total_output_tokens": 30,
    "total_thought_tokens": 20,
    "total_tool_use_tokens": 10,
    "total_tokens": 160,
    "input_tokens_by_modality": [{"modality": "text", "tokens": 70}, {"modality": "image", "tokens": 30}],
    "grounding_tool_count": [{"type": "google_search", "count": 3}],
}


def candidate(*parts, **more):
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", "index": 0, **more}


def _generated(asked):
    model = asked.received.path.rpartition("/")[2].partition(":")[0]
    return {
        "candidates": [candidate({"text": TEXT})],
        "usageMetadata": USAGE,
        "modelVersion": f"{model}-001",
        "responseId": f"r-{asked.number}",
    }


def cut(_asked, body):
    """Each chunk tells the sums so far: the first has no output yet, and the last has all but the prompt's details."""
    usage = body.get("usageMetadata") or {}
    if not isinstance(usage, dict):
        return events([body, body], done=False)
    first = {key: each for key, each in usage.items() if key.startswith(("prompt", "cache"))} | {"totalTokenCount": 1}
    last = {key: each for key, each in usage.items() if key != "promptTokensDetails"}
    head = {key: body[key] for key in ("modelVersion", "responseId") if key in body}
    words = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": w + " "}]}, "index": 0}]} for w in TEXT.split()
    ]
    words[0] |= {"usageMetadata": first}
    return events([*(head | each for each in words), {**head, **body, "usageMetadata": last}], done=False)


def as_array(answer):
    """What the older SDK asks for: one JSON array, sent bit by bit."""
    items = [part.removeprefix(b"data: ").strip() for part in answer.parts]
    parts = (b"[" + items[0], *(b"," + item for item in items[1:]), b"]")
    return Answer(parts, streamed=True)


_plain = operation(_generated)


def generated(**changes):
    """An answer, or a stream: the address says which is asked for."""
    whole = _plain(**changes)

    def answer(asked):
        if "streamGenerateContent" not in asked.received.path:
            return whole(asked)
        answered = cut(asked, {**_generated(asked), **changes})
        return answered if "alt=sse" in asked.received.query else as_array(answered)

    return answer


def _embedded(asked):
    return {"embeddings": [{"values": [0.5, 0.25]} for _ in asked.fields["requests"]]}


embedded = operation(_embedded)


def _predicted(asked):
    """Vertex's older endpoint: images, or embeddings with what they cost."""
    if ":predict" in asked.received.path and "imagen" in asked.received.path:
        count = (asked.fields.get("parameters") or {}).get("sampleCount") or 1
        return {"predictions": [{"bytesBase64Encoded": "UklGRg==", "mimeType": "image/png"}] * count}
    statistics = {"token_count": 4, "truncated": False}
    one = {"embeddings": {"values": [0.5], "statistics": statistics}}
    return {"predictions": [one] * len(asked.fields["instances"]), "metadata": {"billableCharacterCount": 20}}


predicted = operation(_predicted)


def _interaction(asked):
    return {
        "id": f"v1_{asked.number}",
        "object": "interaction",
        "model": asked.fields.get("model"),
        "status": "completed",
        "created": "2026-11-22T00:00:00Z",
        "updated": "2026-11-22T00:00:01Z",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": TEXT}]}],
        "usage": INTERACTION_USAGE,
    }


def _interaction_events(_asked, body):
    started = {key: body[key] for key in ("id", "object", "model")} | {"status": "in_progress"}
    steps = [
        {"event_type": "interaction.created", "interaction": started},
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
        *({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": w + " "}} for w in TEXT.split()),
        {"event_type": "step.stop", "index": 0},
        {
            "event_type": "interaction.completed",
            "interaction": {**started, "status": body["status"], "usage": body["usage"]},
        },
    ]
    return events(steps, done=True)


interaction = operation(_interaction, _interaction_events)


def _answers(model, usages):
    return [
        {"response": {"candidates": [candidate({"text": TEXT})], "modelVersion": model, "usageMetadata": usage}}
        for usage in usages
    ]


def batch(*usages, state="SUCCEEDED", **output):
    """A batch with its answers inside, or with the `output` that is given."""

    def answer(asked):
        inside = {"inlinedResponses": {"inlinedResponses": _answers("gemini-2.5-flash", usages)}}
        told = {"model": "models/gemini-2.5-flash", "state": f"BATCH_STATE_{state}", "output": output or inside}
        return reply({"name": "batches/" + asked.received.path.rpartition("/")[2], "metadata": told})

    return answer


def results(*usages):
    """The file of a batch's results; of a request that failed, the line has no answer."""
    lines = [*_answers("gemini-2.5-flash", usages), {"key": "3", "error": {"code": 13, "message": "No."}}]
    return Answer(("\n".join(map(json.dumps, lines)).encode(),))


def error(status, message="The request was refused."):
    return reply({"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}, status)


ROUTES = (
    Route("POST", ":(generateContent|streamGenerateContent)", generated()),
    Route("POST", ":batchEmbedContents", embedded()),
    Route("POST", ":predict", predicted()),
    Route("POST", ":predictLongRunning", lambda _asked: reply({"name": "operations/1", "done": False})),
    Route("POST", ":countTokens", lambda _asked: reply({"totalTokens": 42})),
    Route("POST", "/interactions", interaction()),
    Route("GET", "/interactions/[^/]+", interaction()),
)
