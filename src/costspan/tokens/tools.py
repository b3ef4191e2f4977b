"""Tool declarations as OpenAI's models read them: TypeScript, one declaration per function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPTH = 8


def is_declared(tool: Any) -> bool:
    """Whether a tool is the program's own, with a declaration in the request; not one that the provider runs itself."""
    if not isinstance(tool, dict):
        return False
    if any(name in tool for name in ("toolSpec", "function_declarations", "functionDeclarations")):
        return True
    kind = tool.get("type", "function")
    return kind in ("function", "custom") and isinstance(_function(tool).get("name"), str)


def declare_tools(tools: Sequence[dict[str, Any]]) -> str:
    """The declarations of all functions, in the namespace that the models were trained on.

    Source: what OpenAI's models repeat when asked for their tools, with counts checked against provider-reported
    prompt tokens (benchmarks/tokens.py); the nine tokens around it are `Family.tools`.
    """
    lines = ["namespace functions {", ""]
    for tool in tools:
        lines += [*_declaration(_function(tool)), ""]
    return "\n".join([*lines, "} // namespace functions"])


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    inner = tool.get("function")
    return inner if isinstance(inner, dict) else tool


def _declaration(function: dict[str, Any]) -> Iterator[str]:
    yield from _comment(function)
    schema = function.get("parameters") or function.get("input_schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(schema, dict) and isinstance(properties, dict) and properties:
        yield f"type {function['name']} = (_: {{"
        yield from _fields(schema, 0)
        yield "}) => any;"
    else:
        yield f"type {function['name']} = () => any;"


def _comment(schema: dict[str, Any]) -> Iterator[str]:
    text = schema.get("description")
    if isinstance(text, str) and text:
        yield f"// {text}"


def _fields(schema: dict[str, Any], depth: int) -> Iterator[str]:
    required = schema.get("required")
    for name, kind in schema["properties"].items():
        field = kind if isinstance(kind, dict) else {}
        yield from _comment(field)
        optional = "" if isinstance(required, list) and name in required else "?"
        yield f"{name}{optional}: {_type(field, depth + 1)},"


def _type(schema: dict[str, Any], depth: int) -> str:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return " | ".join(json.dumps(each, ensure_ascii=False, default=str) for each in choices)
    for union in ("anyOf", "oneOf"):
        if isinstance(schema.get(union), list) and depth < DEPTH:
            return " | ".join(_type(each, depth + 1) for each in schema[union] if isinstance(each, dict))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(map(str, kind))
    if kind == "array" and depth < DEPTH:
        items = schema.get("items")
        return f"{_type(items, depth + 1)}[]" if isinstance(items, dict) and items else "any[]"
    if kind == "object" and depth < DEPTH and isinstance(schema.get("properties"), dict):
        return "\n".join(["{", *_fields(schema, depth), "}"])
    return {"integer": "number", None: "any"}.get(kind, str(kind))
