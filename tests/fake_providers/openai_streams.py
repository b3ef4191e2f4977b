"""OpenAI's streams: each is cut from the body that the plain call would have had, so that both say the same."""

from __future__ import annotations

from costspan.demo.server import events


def chat(asked, payload):
    """Deltas, a last one with the reason, and the usage in a chunk of its own if it was asked for."""
    base = {
        key: payload[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint") if key in payload
    }
    base["object"] = "chat.completion.chunk"
    usage_asked = (asked.fields.get("stream_options") or {}).get("include_usage")
    if usage_asked:
        base["usage"] = None
    chunks = [base | {"choices": [each]} for choice in payload.get("choices") or () for each in _choice_deltas(choice)]
    if usage_asked and "usage" in payload:
        chunks.append(base | {"choices": [], "usage": payload["usage"]})
    return events(chunks)


def _choice_deltas(choice):
    """The choices of the chunks that make up one choice."""
    message = choice["message"]
    deltas = [{"role": "assistant", "content": "" if message.get("content") else None}]
    deltas += [{"content": each} for each in pieces(message.get("content"))]
    deltas += [{"refusal": each} for each in pieces(message.get("refusal"))]
    deltas += [{"tool_calls": [part]} for part in _tool_parts(message.get("tool_calls") or ())]
    if message.get("audio"):
        deltas.append({"audio": message["audio"]})
    chunks = [{"index": choice["index"], "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    return [*chunks, chunks[0] | {"delta": {}, "finish_reason": choice["finish_reason"]}]


def _tool_parts(calls):
    """A call's name first, then its arguments in two halves."""
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        yield {"index": index, **call, "function": {"name": call["function"]["name"], "arguments": ""}}
        for part in (arguments[:5], arguments[5:]):
            yield {"index": index, "function": {"arguments": part}}


def pieces(text):
    """Words with the blanks that follow them."""
    return [word + " " for word in text.split(" ")[:-1]] + [text.split(" ")[-1]] if text else []


def completion(asked, payload):
    base = {key: payload[key] for key in ("id", "object", "created", "model")}
    chunks = [
        base | {"choices": [choice | {"text": part, "finish_reason": None}]}
        for choice in payload["choices"]
        for part in pieces(choice["text"])
    ]
    chunks.append(base | {"choices": [payload["choices"][0] | {"text": ""}]})
    if (asked.fields.get("stream_options") or {}).get("include_usage") and "usage" in payload:
        chunks.append(base | {"choices": [], "usage": payload["usage"]})
    return events(chunks)


def response(asked, payload):
    """Created, each output item, then `response.completed` (or .incomplete, .failed) with the whole response."""
    started = payload | {"status": "in_progress", "output": [], "usage": None}
    steps = [{"type": "response.created", "response": started}, {"type": "response.in_progress", "response": started}]
    for index, item in enumerate(payload.get("output") or ()):
        steps += _item_steps(index, item)
    steps.append({"type": f"response.{payload.get('status', 'completed')}", "response": payload})
    numbered = [{**step, "sequence_number": number} for number, step in enumerate(steps)]
    return events(numbered, named=True, done=False)


def _item_steps(index, item):
    at = {"output_index": index, "item_id": item.get("id", "")}
    yield {"type": "response.output_item.added", "output_index": index, "item": item | {"status": "in_progress"}}
    for number, part in enumerate(item.get("content") or ()):
        where = {**at, "content_index": number}
        yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
        for delta in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **where, "delta": delta, "logprobs": []}
        yield {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": part}
    if item.get("arguments"):
        yield {"type": "response.function_call_arguments.delta", **at, "delta": item["arguments"]}
        yield {
            "type": "response.function_call_arguments.done",
            **at,
            "arguments": item["arguments"],
            "name": item["name"],
        }
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def images(asked, payload):
    kind = "image_edit" if asked.received.path.endswith("edits") else "image_generation"
    made = {"b64_json": "UklGRg==", "created_at": payload["created"], "background": "opaque"}
    made |= {key: payload[key] for key in ("size", "quality", "output_format") if key in payload}
    done = made | ({"usage": payload["usage"]} if "usage" in payload else {})
    steps = [
        {"type": f"{kind}.partial_image", "partial_image_index": 0, **made},
        {"type": f"{kind}.completed", **done},
    ]
    return events(steps, named=True, done=False)


def transcription(asked, payload):
    deltas = [{"type": "transcript.text.delta", "delta": each} for each in pieces(payload["text"])]
    done = {key: payload[key] for key in ("text", "usage") if key in payload}
    return events([*deltas, {"type": "transcript.text.done", **done}], named=True, done=False)
