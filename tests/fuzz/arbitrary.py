"""Values that no provider, sender or user should give: trees as JSON has them, and objects that answer anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from types import SimpleNamespace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
fuzzed = settings(  # the same few examples in `make test`; EXAMPLES=5000 tries others
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

NUMBERS = st.one_of(
    st.integers(-5, 5000),
    st.sampled_from([2**31, 2**53 + 1, 2**63, 10**12, 10**30, -(2**63) - 1, 10**400]),
    st.floats(),
)
WORDS = st.sampled_from(
    ["", "0", "12", "-3", "1e400", "NaN", "stop", "tool_calls", "gpt-4o", "\ud800", "é\0\n", "x" * 300]
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, st.text(max_size=8), st.binary(max_size=4))


def trees(names):
    """JSON, with these names among its keys."""
    keys = st.one_of(st.sampled_from(sorted(names)), st.text(max_size=4))
    return st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5), max_leaves=12
    )


class Kind(str, Enum):
    STOP = "stop"


class Number(Enum):
    ONE = 1


_MOST_DRAWN = 60


class Answering(Mapping):
    """A mapping, drawn as it is read: whatever path is read, there may be something; the same each time."""

    def __init__(self, data, left=None) -> None:
        self._data = data
        self._left = left if left is not None else [_MOST_DRAWN]
        self._drawn = {}

    def __getitem__(self, name):
        if name not in self._drawn:
            self._left[0] -= 1
            self._drawn[name] = self._draw(name) if self._left[0] > 0 else None
        return self._drawn[name]

    def get(self, name, default=None):
        return self[name]

    def _draw(self, name):
        shape = self._data.draw(
            st.sampled_from(["object", "scalar", "count", "list", "other", "dict"]), label=str(name)
        )
        if shape == "object":
            return type(self)(self._data, self._left)
        if shape == "list":
            return [self._draw(name) for _ in range(self._data.draw(st.integers(0, 2)))] if self._left[0] > 0 else []
        if shape == "count":
            return self._data.draw(st.integers(0, 3000))
        if shape == "other":
            return self._data.draw(st.sampled_from([Kind.STOP, Number.ONE, object(), SimpleNamespace(a=1), (1, None)]))
        return self._data.draw(SCALARS if shape == "scalar" else st.dictionaries(WORDS, SCALARS, max_size=2))

    def __iter__(self):
        return iter(self._drawn)

    def __len__(self):
        return len(self._drawn)


class AnsweringObject(Answering):
    """The same as an object with attributes, as SDKs' own are."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]
