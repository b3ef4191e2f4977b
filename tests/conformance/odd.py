"""Odd answers for any SDK: OpenAI's shapes, and usage objects of providers that name their counts otherwise."""

from __future__ import annotations

from adapters import telling
from fake_providers import openai, openai_odd

BODIES = {name: (openai_odd.PLAIN_BODIES[name],) for name in ("html with 200", "cut off", "not json", "empty object")}
WRONG = {"error with 200": (openai_odd.PLAIN_BODIES["error with 200"],), "400": (openai.error(400),)}
_FIELDS = ("choices null", "choices empty", "message null", "id null", "model null", "tool calls odd")
_CHANGES = {name: {"usage": usage} for name, usage in openai_odd.ODD_USAGE.items()} | {
    name: openai_odd.ODD_CHAT_FIELDS[name] for name in _FIELDS
}
_TOTALS = (openai.CHAT_USAGE | {"completion_tokens": count} for count in (1, 5, 10, 10))
REPEATED = {  # a count in every chunk, in running totals: the last is what is billed
    "usage repeated": (
        openai_odd.raw(
            *(openai_odd._line(openai_odd.chunk({"content": "Hi"}, usage=usage)) for usage in _TOTALS),
            b"data: [DONE]\n\n",
        ),
    )
}
_NO_OBJECT = {"missing": None, "a string": "29 tokens", "a list": [19, 10], "empty": {}}
COUNTS = {"strings": "19", "null": None, "negative": -19, "huge": 10**30, "fractions": 19.5, "a list": [1]}


def shaped_like_openai(tells=telling):
    """Answers in OpenAI's shape; most providers tell the usage at a stream's end without being asked.

    Where we ask for it, a server that then sends its usage chunk without usage shows the program one empty chunk.
    """
    changes = {name: each for name, each in _CHANGES.items() if tells is telling or name != "usage null"}
    return {name: (tells(openai.chat(**each)),) for name, each in changes.items()} | BODIES | WRONG


def usages(*names):
    """Usage objects whose counts, called so, are all odd in one way."""
    return _NO_OBJECT | {f"counts {kind}": dict.fromkeys(names, count) for kind, count in COUNTS.items()}


def changed(make, values, key="usage"):
    """Answers of a provider with one field changed: `make(usage=...)`."""
    return {name: (make(**{key: value}),) for name, value in values.items()} | BODIES
