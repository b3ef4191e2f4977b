"""What programs may rely on: every public name with its parameters and members. A change is one for the changelog."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import costspan

PINNED = Path(__file__).with_name("public_api.txt")
PLAIN = (int, str, float, bool, type(None))


def shown(name):
    """`name(parameters)`, and a line for each member of a class."""
    value = getattr(costspan, name)
    if not callable(value):
        return [f"{name}: {type(value).__name__}"]
    members = []
    if inspect.isclass(value):
        own = {each for base in value.__mro__ if base.__module__.startswith("costspan.") for each in vars(base)}
        members = [f"    {each}{parameters(getattr(value, each))}" for each in sorted(own) if not each.startswith("_")]
    return [name + parameters(value), *members]


def parameters(value):
    """In brackets, with defaults; nothing for what cannot be called."""
    if not callable(value):
        return ""
    try:
        found = inspect.signature(value).parameters.values()
    except ValueError:  # an exception without arguments of its own
        return "(*args)"
    return f"({', '.join(parameter(each) for each in found)})"


def parameter(each):
    sign = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
    only = "keyword " if each.kind is each.KEYWORD_ONLY else ""
    if each.default is each.empty:
        return only + sign + each.name
    return (
        f"{only}{each.name}={each.default!r}" if isinstance(each.default, (*PLAIN, tuple)) else f"{only}{each.name}=…"
    )


def public_api():
    return "\n".join(line for name in costspan.__all__ for line in shown(name)) + "\n"


def test_the_public_api_is_as_pinned():
    """If this fails and is meant: say it in the changelog, keep what was there for two minor versions with a
    DeprecationWarning, then `python tests/test_public_api.py`."""
    assert public_api() == PINNED.read_text(encoding="utf-8")


def test_everything_public_says_what_it_is():
    silent = [name for name in costspan.__all__ if callable(found := getattr(costspan, name)) and not found.__doc__]

    assert silent == []
    assert (Path(costspan.__file__).with_name("py.typed")).exists()


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = costspan.nonsense


def test_a_star_import_brings_what_is_public():
    code = "from costspan import *; import costspan; print(sorted(set(costspan.__all__) - set(dir())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


if __name__ == "__main__":
    PINNED.write_text(public_api(), encoding="utf-8")
