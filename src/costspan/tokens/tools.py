"""Tool declarations as OpenAI's models read them: TypeScript, one declaration per function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPTH = 8
_PLAIN = (str, int, float, type(None))


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
    for function in (each for tool in tools for each in _functions(tool)):
        lines += [*_declaration(function), ""]
    return "\n".join([*lines, "} // namespace functions"])


def _functions(tool: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions of a tool, in OpenAI's form, Bedrock's, or Gemini's, which has several in one."""
    several = tool.get("function_declarations") or tool.get("functionDeclarations")
    return [each for each in several if isinstance(each, dict)] if isinstance(several, list) else [_function(tool)]


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    return next((tool[form] for form in ("function", "toolSpec") if isinstance(tool.get(form), dict)), tool)


def _declaration(function: dict[str, Any]) -> Iterator[str]:
    yield from _comment(function)
    schema = function.get("parameters") or function.get("input_schema") or function.get("inputSchema")
    if isinstance(schema, dict) and isinstance(schema.get("json"), dict):
        schema = schema["json"]  # Bedrock's
    name = function.get("name", "")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(schema, dict) and isinstance(properties, dict) and properties:
        yield f"type {name} = (_: {{"
        yield from _fields(schema, 0)
        yield "}) => any;"
    else:
        yield f"type {name} = () => any;"


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
        return " | ".join(
            json.dumps(each, ensure_ascii=False) if isinstance(each, _PLAIN) else str(each) for each in choices
        )
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
    return "number" if kind == "integer" else "any" if kind is None else str(kind)
