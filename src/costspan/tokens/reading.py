"""Finds what a model will read in a request, of any SDK's shape, without changing or exhausting anything."""

from __future__ import annotations

import json
import reprlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costspan.tokens.media import MEDIA_ERROR, read_media
from costspan.tokens.tools import declare_tools, is_declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costspan.tokens.families import Family

PLAIN = frozenset((type(None), str, dict, list, tuple, bytes, bytearray, int, float, bool))
TELLING = frozenset(  # an object with one of these fields is an SDK's message, a part of one, or a tool
    ("role", "content", "type", "text", "parts", "function", "arguments", "parameters", "system_instruction",
     "function_declarations", "function_call", "function_response", "inline_data", "file_data")
)  # fmt: skip
DEPTH = 12  # nested content deeper than this is left out: a list that holds itself must end
SYSTEM, TOOLS, TOOL_RESULTS, HISTORY, NEWEST = PARTS = ("system", "tools", "tool_results", "history", "newest")

ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))  # one token each
CONVERSATIONS = ("messages", "contents", "chat_history", "input")  # the arguments that hold what was said

# Fields that steer and are never shown to the model as text, or whose text is read elsewhere.
SILENT = frozenset(
    (
         "type", "id", "call_id", "tool_call_id", "tool_use_id", "toolUseId", "cache_control", "cachePoint",
         "signature", "thoughtSignature", "thought_signature", "status", "annotations", "detail",
         "encrypted_content", "index", "phase", "media_type", "mimeType", "mime_type", "logprobs", "is_error",
         "isError", "reasoning", "reasoning_content", "thinking", "data",
    )
)  # fmt: skip
AS_JSON = frozenset(("input", "args", "json", "response"))  # objects that are written to the model as JSON
TOOL_RESULT_TYPES = frozenset(("tool_result", "function_call_output", "custom_tool_call_output"))


@dataclass(slots=True)
class Prompt:
    """What a request shows the model: texts to tokenize and tokens that are known without, both by part."""

    texts: list[tuple[str, str]] = field(default_factory=list)  # (part, text)
    fixed: dict[str, int] = field(default_factory=dict)  # part: tokens
    ids: int = 0  # tokens that came as token ids
    error: float = 0.0  # relative, of what tools and pictures add by their rules
    guessed: bool = False  # an image or file whose size is not known here is in it

    def add(self, part: str, tokens: int) -> None:
        self.fixed[part] = self.fixed.get(part, 0) + tokens


def plain(value: Any) -> Any:
    """A dict, list, tuple, str, number or None as it is; an SDK's message object as its fields; all else as None.

    Nothing is ever iterated that could be used up by it: a generator of messages belongs to the SDK.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, (str, dict, list, tuple, bytes, bytearray, int, float)):
        return value
    fields = getattr(value, "__dict__", None)
    return fields if isinstance(fields, dict) and not TELLING.isdisjoint(fields) else None


class Reader:
    """Reads one request for one family of models."""

    def __init__(self, family: Family, model: str) -> None:
        self.family = family
        self.model = model
        self.prompt = Prompt()

    def read_messages(self, messages: Any) -> None:
        """All messages of a conversation; the last one that a person wrote is `newest`, those before are `history`."""
        given, messages = messages, plain(messages)
        if isinstance(messages, (str, bytes, bytearray, dict)):
            messages = [messages]
        if not isinstance(messages, (list, tuple)):
            self.prompt.guessed |= given is not None
            return
        found = [plain(each) for each in messages]
        end = len(found) - 1
        last = next((index for index in range(end, -1, -1) if _is_users(found[index])), end)
        for index, each in enumerate(found):
            self._message(each, NEWEST if index == last else HISTORY)
        self.prompt.add(SYSTEM, self.family.priming)

    def _message(self, message: Any, part: str) -> None:
        part = _part_of(message, part)
        self.prompt.add(part, self.family.per_message)
        if not isinstance(message, dict):
            if self.family.says_role:
                self.prompt.add(part, 1)
            self.read_text(message, part)
            return
        if self.family.says_role and not message.get("role") and "content" not in message:
            self.prompt.add(part, 1)
        for key, value in message.items():
            if key == "role":
                if not self.family.says_role:
                    continue
                if isinstance(value, str) and value in ROLES:
                    self.prompt.add(part, 1)
                else:
                    self.read_text(value, part)
                continue
            if key == "name" and value:
                self.prompt.add(part, self.family.per_name)
            self.read_value(key, value, part)

    def read_system(self, system: Any) -> None:
        """Instructions that are given apart from the messages."""
        if plain(system) in (None, "", [], ()):
            return
        self.prompt.add(SYSTEM, self.family.per_message + self.family.says_role)
        self.read_text(system, SYSTEM)

    def read_tools(self, tools: Any) -> None:
        """Declarations of tools, as the family shows them to its models."""
        tools = plain(tools)
        if not isinstance(tools, (list, tuple)) or not tools:
            return
        declared = [each for each in map(plain, tools) if is_declared(each)]
        self.prompt.guessed |= len(declared) < len(tools)  # a provider's own tool has a prompt that is not public
        if self.family.typescript and declared:
            self.prompt.texts.append((TOOLS, declare_tools(declared)))
        else:
            self.prompt.texts.extend((TOOLS, as_json(tool)) for tool in declared)
        self.prompt.error = max(self.prompt.error, self.family.tools_error)
        self.prompt.add(TOOLS, self.family.tools + self.family.per_tool * len(declared))

    def read_text(self, value: Any, part: str, depth: int = 0) -> None:
        """Every text in a value of any shape, and the tokens of images and other media in it."""
        given, value = value, plain(value)
        if depth > DEPTH or value is None:
            self.prompt.guessed |= given is not None
            return
        if isinstance(value, (bytes, bytearray)):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str):
            self.prompt.texts.append((part, value))
        elif isinstance(value, (list, tuple)):
            for each in value:
                self.read_text(each, part, depth + 1)
        elif isinstance(value, dict):
            self._fields(value, part, depth)
        elif not isinstance(value, bool):
            self.prompt.texts.append((part, str(value)))

    def _fields(self, block: dict[Any, Any], part: str, depth: int) -> None:
        media = read_media(block, self.family, self.model)
        if media is not None:
            self.prompt.add(part, media.tokens)
            self.prompt.guessed |= media.guessed
            self.prompt.error = max(self.prompt.error, MEDIA_ERROR)
            return
        if _is_tool_result(block):
            part = TOOL_RESULTS
        for key, value in tuple(block.items()):
            self.read_value(key, value, part, depth + 1)

    def read_value(self, key: Any, value: Any, part: str, depth: int = 0) -> None:
        """One field of a message or block."""
        if key in SILENT:
            return
        value = plain(value)
        if key in AS_JSON and isinstance(value, (dict, list, tuple)):
            self.prompt.texts.append((part, as_json(value)))
        else:
            self.read_text(value, part, depth)

    def read_prompt(self, value: Any) -> None:
        """Text without a chat around it: a completion's prompt, texts to embed; token ids count as they are."""
        known = plain(value)
        self.prompt.guessed |= known is None and value is not None
        for each in _flat(known):
            if isinstance(each, int) and not isinstance(each, bool):
                self.prompt.ids += 1
            else:
                self.read_text(each, NEWEST)


def _flat(value: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(value, (list, tuple)) and depth < DEPTH:
        for each in value:
            yield from _flat(plain(each), depth + 1)
    else:
        yield value


def _is_users(message: Any) -> bool:
    return not isinstance(message, dict) or (message.get("role", "user") == "user" and not _is_tool_result(message))


def _is_tool_result(block: dict[Any, Any]) -> bool:
    kind = block.get("type")
    if (isinstance(kind, str) and kind in TOOL_RESULT_TYPES) or "toolResult" in block or "functionResponse" in block:
        return True
    content = block.get("content") or block.get("parts")
    return isinstance(content, (list, tuple)) and any(
        isinstance(each, dict) and _is_tool_result(each) for each in content[:8]
    )


def _part_of(message: Any, part: str) -> str:
    if not isinstance(message, dict):
        return part
    role = message.get("role")
    if role in ("system", "developer"):
        return SYSTEM
    return TOOL_RESULTS if role in ("tool", "function") or _is_tool_result(message) else part


def as_json(value: Any) -> str:
    """Compact JSON as providers write it into a prompt; what JSON cannot say appears as its text."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_fields_or_text, skipkeys=True)
    except (ValueError, RecursionError):  # it holds itself, or is nested without end: no SDK can send it
        return reprlib.repr(value)


def _fields_or_text(value: Any) -> Any:
    found = plain(value)
    return found if isinstance(found, dict) else type(value).__name__
