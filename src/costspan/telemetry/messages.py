"""Requests and answers of any SDK as the conventions' messages: role and parts. Nothing is iterated but lists.

Source: GenAI semantic conventions, input and output messages JSON schema, read 2026-11-22.
"""

from __future__ import annotations

from typing import Any

from costspan.adapters._paths import member, path, text_of

_ASKED = ("messages", "input", "contents", "prompt", "message", "inputs", "texts", "query")
_SYSTEM = path("system|instructions|config.system_instruction")
_ANSWERS = tuple(
    path(each) for each in ("choices.*.message", "candidates.*.content", "output.message", "output", "message")
)
_TEXTS = ("text", "input_text", "output_text", "refusal", "")
_CALLS = ("tool_use", "function_call", "tool_call", "function")
_RESULTS = ("tool_result", "function_call_output", "tool_call_response")
_ROLES = {"model": "assistant", "chatbot": "assistant", "developer": "system"}
Message = dict[str, Any]


def asked(body: Any) -> list[Message]:
    """What the program sent; empty where it cannot be read without using it up."""
    for name in _ASKED:
        value = member(body, name)
        if value is not None:
            return _messages(value, "user")
    return []


def instructions(body: Any) -> list[Message]:
    """The system text, where it is an argument of its own: as parts."""
    return _parts(_SYSTEM(body))


def answered(answer: Any, text: str, reasons: tuple[str, ...]) -> list[Message]:
    """What came back: from the answer itself, or from the text that was streamed."""
    found: list[Message] = []
    for read in _ANSWERS:
        value = read(answer)
        if value is not None:
            found = _messages(value, "assistant")
            break
    else:
        if member(answer, "content") is not None:
            found = _messages([answer], "assistant")
    if not found and text:
        found = _messages(text, "assistant")
    for index, message in enumerate(found):
        message["finish_reason"] = reasons[min(index, len(reasons) - 1)] if reasons else ""
    return found


def _messages(value: Any, role: str) -> list[Message]:
    given = value if isinstance(value, (list, tuple)) else [value]
    messages = [_message(each, role) for each in given]
    return [each for each in messages if each["parts"]]


def _message(value: Any, role: str) -> Message:
    if isinstance(value, str):
        return {"role": role, "parts": [_text(value)]}
    said = text_of(member(value, "role")).lower() or role
    kind = text_of(member(value, "type"))
    if kind in _CALLS or kind in _RESULTS:
        parts = [_part(value)]
    else:
        parts = _parts(next((found for name in _BODIES if (found := member(value, name)) is not None), None))
        parts += [_part(each, "tool_call") for each in member(value, "tool_calls") or ()]
        if said == "tool" and parts:
            parts = [{"type": "tool_call_response", "id": text_of(member(value, "tool_call_id")), "response": parts}]
    return {"role": _ROLES.get(said, said), "parts": parts}


_BODIES = ("content", "parts", "text")


def _parts(value: Any) -> list[Message]:
    if value is None:
        return []
    given = value if isinstance(value, (list, tuple)) else [value]
    return [_part(each) for each in given]


def _part(value: Any, kind: str = "") -> Message:
    if isinstance(value, str):
        return _text(value)
    kind = kind or text_of(member(value, "type"))
    if kind in _RESULTS:
        response = _first(value, ("content", "output", "response"))
        return {"type": "tool_call_response", "id": _id(value), "response": _plain(response)}
    if kind in _CALLS:
        call = member(value, "function") or value
        arguments = _first(call, ("arguments", "input", "args"))
        return {
            "type": "tool_call",
            "id": _id(value),
            "name": text_of(member(call, "name")),
            "arguments": _plain(arguments),
        }
    text = _first(value, ("text", "refusal"))
    if kind in _TEXTS and isinstance(text, str):
        return _text(text)
    if isinstance(text, str) and kind in ("thinking", "reasoning"):
        return {"type": "reasoning", "content": text}
    return {"type": kind or type(value).__name__}  # an image or a sound: that it was there, not what it was


def _text(text: str) -> Message:
    return {"type": "text", "content": text}


def _id(value: Any) -> str:
    return text_of(_first(value, ("tool_use_id", "call_id", "tool_call_id", "id")))


def _first(value: Any, names: tuple[str, ...]) -> Any:
    return next((found for name in names if (found := member(value, name)) is not None), None)


def _plain(value: Any) -> Any:
    """Arguments and results as JSON can hold them."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    text = member(value, "text")
    return text if isinstance(text, str) else type(value).__name__
