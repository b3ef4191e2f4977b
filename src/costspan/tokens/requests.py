"""Reads the arguments of one SDK call into what its model will see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costspan.tokens.reading import CONVERSATIONS, SYSTEM, TOOLS, Prompt, Reader, as_json, plain

if TYPE_CHECKING:
    from costspan.tokens.families import Family

SYSTEMS = ("system", "instructions", "preamble", "system_instruction", "systemInstruction", "system_prompt")
TOOL_LISTS = ("tools", "functions")
PROMPTS = ("prompt", "message", "texts", "text", "query", "documents", "inputText", "inputs", "suffix", "content")
WITHOUT_CHAT = frozenset(PROMPTS)
BESIDES = frozenset((*SYSTEMS, *TOOL_LISTS))
SETTINGS = frozenset(
    ("config", "toolConfig", "text", "response_format", "thinking", "reasoning", "previous_response_id", "conversation")
)
EMBEDS = frozenset(("embeddings", "moderation"))


def read_request(body: Any, family: Family, model: str, operation: str = "chat") -> Prompt:
    """The prompt in an SDK's arguments, of whichever SDK: chats, Responses, completions, texts to embed."""
    reader = Reader(family, model)
    body = _unwrapped(plain(body))
    if not isinstance(body, dict):
        reader.read_prompt(body)
        return reader.prompt
    if not BESIDES.isdisjoint(body):
        for name in SYSTEMS:
            if name in body:
                reader.read_system(body[name])
        for name in TOOL_LISTS:
            if name in body:
                reader.read_tools(body[name])
    if not SETTINGS.isdisjoint(body):
        _read_settings(reader, body)
    _read_said(reader, body, operation)
    if (
        family.tools_in_system
        and TOOLS in reader.prompt.fixed
        and any(part == SYSTEM for part, _ in reader.prompt.texts)
    ):
        reader.prompt.add(TOOLS, -family.tools_in_system)
    return reader.prompt


def _read_said(reader: Reader, body: dict[Any, Any], operation: str) -> None:
    for name in CONVERSATIONS:
        if name in body:
            if name == "input" and operation in EMBEDS:
                reader.read_prompt(body[name])
            else:
                reader.read_messages(body[name])
    for name in () if WITHOUT_CHAT.isdisjoint(body) else PROMPTS:
        if name in body and not isinstance(body[name], dict):
            reader.read_prompt(body[name])
        elif name in body and name != "text":  # Responses' `text` is a setting, its `prompt` is with the provider
            reader.prompt.guessed = True


def _unwrapped(body: Any) -> Any:
    """Bedrock's InvokeModel holds the request as JSON text in `body`."""
    inner = body.get("body") if isinstance(body, dict) else None
    if not isinstance(inner, (str, bytes, bytearray)):
        return body
    try:
        return json.loads(inner)
    except ValueError:
        return {"prompt": inner}


def _read_settings(reader: Reader, body: dict[Any, Any]) -> None:
    """Where else a prompt hides: Gemini's `config`, Bedrock's `toolConfig`, and schemas of structured output."""
    if _thinks(body):
        reader.prompt.add(SYSTEM, reader.family.thinking)
    if body.get("previous_response_id") or body.get("conversation"):
        reader.prompt.guessed = True  # the history is with the provider
    config = plain(body.get("config"))
    if isinstance(config, dict):
        reader.read_system(config.get("system_instruction") or config.get("systemInstruction"))
        reader.read_tools(config.get("tools"))
    tools = plain(body.get("toolConfig"))
    if isinstance(tools, dict):
        reader.read_tools(tools.get("tools"))
    text = plain(body.get("text"))
    for wanted in (body.get("response_format"), text.get("format") if isinstance(text, dict) else None):
        schema = _schema(wanted) if reader.family.schema else None
        if schema:
            reader.prompt.texts.append((SYSTEM, as_json(schema)))
            reader.prompt.add(SYSTEM, reader.family.schema)


def _thinks(body: dict[Any, Any]) -> bool:
    thinking = plain(body.get("thinking"))
    return (isinstance(thinking, dict) and thinking.get("type") != "disabled") or isinstance(
        body.get("reasoning"), dict
    )


def _schema(wanted: Any) -> Any:
    if isinstance(wanted, type):  # a pydantic class, as `.parse()` takes it
        describe = getattr(wanted, "model_json_schema", None)
        return describe() if callable(describe) else None
    wanted = plain(wanted)
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return None
    inner = wanted.get("json_schema")
    return (inner if isinstance(inner, dict) else wanted).get("schema")
