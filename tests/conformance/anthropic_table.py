"""What the anthropic SDK can do, in every shape, and the odd answers it is put through."""

from __future__ import annotations

from itertools import product

from fake_providers import MISSING, anthropic

from conformance.stainless import EVERY_WAY, PLAIN_SHAPES, STREAM_SHAPES
from conformance.suite import Group, Operation


def _ask(**more):
    return lambda: {
        "model": "claude-sonnet-5",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Tell me about cats."}],
        **more,
    }


def _generated():
    """The prompt can be walked once: who walks it first takes it from the provider."""
    return _ask()() | {"messages": ({"role": "user", "content": text} for text in ("Cats?", "Dogs?"))}


def _count():
    return {key: value for key, value in _ask()().items() if key != "max_tokens"}


MESSAGES = Operation("messages", "messages.create", _ask())
BETA = Operation("beta messages", "beta.messages.create", _ask(betas=["b-1"]))
GENERATED = Operation("messages from generators", "messages.create", _generated)
COUNT = Operation("count", "messages.count_tokens", _count)
ODD_USAGE = {
    "missing": MISSING,
    "null": None,
    "a string": "29 tokens",
    "a list": [19, 10],
    "counts strings": {"input_tokens": "19", "output_tokens": "10"},
    "counts null": {"input_tokens": None, "output_tokens": None},
    "counts negative": {"input_tokens": -19, "output_tokens": -1},
    "counts huge": {"input_tokens": 10**30, "output_tokens": 10**30},
    "thoughts above output": anthropic.USAGE | {"output_tokens_details": {"thinking_tokens": 5000}},
    "details a list": anthropic.USAGE | {"cache_creation": [1], "server_tool_use": "two"},
    "iterations odd": anthropic.USAGE | {"iterations": [None, 3, {"type": "compaction"}]},
}
ODD = {f"usage: {name}": anthropic.message(usage=usage) for name, usage in ODD_USAGE.items()} | {
    "content null": anthropic.message(content=None),
    "ids null": anthropic.message(id=None, model=None, stop_reason=None),
    "an error in a 200": anthropic.error(200),
    "refused": anthropic.error(400),
    "server error": anthropic.error(500, "api_error"),
}


def _groups(operations, shapes, answers=None):
    for operation, shape, client in product(operations, shapes, ("sync", "async")):
        if (shape.name, client) == ("raw stream", "async"):  # that shape parses twice without waiting, as openai allows
            continue
        if answers is None:
            yield Group(operation, shape, client)
        else:
            yield Group(operation, shape, client, {name: (answer,) for name, answer in answers.items()})


GROUPS = [
    *_groups((MESSAGES,), (*PLAIN_SHAPES, *STREAM_SHAPES)),
    *_groups((BETA, GENERATED), [EVERY_WAY[name] for name in ("plain", "raw", "stream")]),
    *_groups((COUNT,), [EVERY_WAY[name] for name in ("plain", "raw")]),
    *_groups((MESSAGES,), [EVERY_WAY[name] for name in ("plain", "raw")], ODD),
]
