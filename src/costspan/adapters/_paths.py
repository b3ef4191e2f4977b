"""Reads values out of other people's objects by a written path: dicts, pydantic models, dataclasses, protobuf alike.

A path is names joined by dots: `usage.prompt_tokens_details.cached_tokens`. `*` goes through a list and gives a list,
`name=VALUE` picks the list entries whose `name` is VALUE (or goes on only from an object that is so), `#` is the length
of a list, `?` ends where the value is false; `.` alone is the object itself. Nothing is iterated that is not a list: an
iterator belongs to the host. Reading never raises for a missing or odd value; it gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

Read = Callable[[Any], Any]
_MISSING = object()
_SENTINELS = ("NotGiven", "Omit", "Unset")  # SDKs' own words for a value that was not given


@cache
def path(text: str) -> Read:
    """A function that reads the value at a path, or None; `a.b|c` takes the first that is there."""
    if text in ("", "."):
        return _itself
    if "|" in text:
        return _alternatives(text.split("|"))
    return _walk(tuple(text.split(".")))


def member(value: Any, name: str) -> Any:
    """One named member of an object of any kind, or None."""
    if type(value) is dict:
        return value.get(name)
    try:
        fields = value.__dict__
    except AttributeError:
        return _member_without_dict(value, name)
    found = fields.get(name, _MISSING)
    return found if found is not _MISSING else _beside_fields(value, name)


def _beside_fields(value: Any, name: str) -> Any:
    try:
        extra = value.__pydantic_extra__  # asking pydantic for what it lacks by getattr is slow
    except AttributeError:
        return _member_without_dict(value, name)
    return extra.get(name) if type(extra) is dict else None  # of a model's class (an answer's shape), a descriptor


def members(value: Any) -> Mapping[str, Any] | None:
    """All named members of a dict or a pydantic model or another plain object; None if they cannot be listed."""
    if type(value) is dict:
        return value
    try:
        fields: dict[str, Any] = value.__dict__
    except AttributeError:
        return None
    try:
        extra = value.__pydantic_extra__
    except AttributeError:
        # protobuf shows its class, its wrapper keeps the fields elsewhere
        return None if isinstance(value, Mapping) or "DESCRIPTOR" in fields or "_pb" in fields else fields
    return {**fields, **extra} if type(extra) is dict and extra else fields


def _member_without_dict(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    return None if value is None else getattr(value, name, None)


def _then(name: str, after: Read | None) -> Read:
    """As `member`, and what `after` reads there; the common case in place, as every chunk of a stream comes by here."""

    def read(value: Any) -> Any:
        if type(value) is dict:
            found = value.get(name)
        else:
            try:
                fields = value.__dict__
            except AttributeError:
                found = _member_without_dict(value, name)
            else:
                found = fields.get(name, _MISSING)
                if found is _MISSING:
                    found = _beside_fields(value, name)
        return found if after is None or found is None else after(found)

    return read


def _alternatives(texts: list[str]) -> Read:
    """The first that is there; a step that some in a row begin with is taken once."""
    reads = []
    for step, group in groupby(texts, lambda text: text.partition(".")[0]):
        alike = list(group)
        if len(alike) > 1 and (step.isidentifier() or "=" in step):
            after = _alternatives([text.partition(".")[2] for text in alike])
            reads.append(_picking(step, after) if "=" in step else _then(step, after))
        else:
            reads += map(path, alike)
    return reads[0] if len(reads) == 1 else _first_of(tuple(reads))


def _first_of(reads: tuple[Read, ...]) -> Read:
    def read(value: Any) -> Any:
        for each in reads:
            found = each(value)
            if found is not None:
                return found
        return None

    return read


def _walk(steps: tuple[str, ...]) -> Read:
    step, rest = steps[0], steps[1:]
    after = _walk(rest) if rest else _itself
    if step == "*":
        return _through(after)
    if step == "#":
        return lambda value: len(value) if is_list(value) else None
    if step == "?":
        return lambda value: after(value) if value else None
    if "=" in step:
        return _picking(step, after)
    if step.lstrip("-").isdigit():
        return lambda value: after(_entry(value, int(step)))
    return _then(step, after if rest else None)


def _through(after: Read) -> Read:
    """What all entries of a list hold; None if none holds anything. Mostly there is one."""

    def read(value: Any) -> list[Any] | None:
        if type(value) is list and len(value) == 1:
            only = after(value[0])
            return None if only is None else [only]
        if not is_list(value):
            return None
        return [each for entry in value if (each := after(entry)) is not None] or None

    return read


def _itself(value: Any) -> Any:
    return value


def _entry(value: Any, index: int) -> Any:
    if is_list(value) and -len(value) <= index < len(value):
        return value[index]
    return None


def _picking(step: str, after: Read) -> Read:
    name, _, wanted = step.partition("=")

    def read(value: Any) -> Any:
        if is_list(value):
            return _picked(value, name, wanted, after)
        return after(value) if text_of(member(value, name)) == wanted else None

    return read


def _picked(value: Any, name: str, wanted: str, after: Read) -> Any:
    """The value behind the entries picked; several counts of the same kind are one sum."""
    found = [after(each) for each in value if text_of(member(each, name)) == wanted]
    if len(found) == 1:
        return found[0]
    counts = [each for each in found if type(each) is int]
    return sum(counts) if counts else None


def is_list(value: Any) -> bool:
    """Whether a value is a list of any kind (protobuf has its own): looking at it does not use it up."""
    return type(value) is list or _is_list_like(value.__class__)


@lru_cache(maxsize=512)
def _is_list_like(kind: type) -> bool:
    return issubclass(kind, Sequence) and not issubclass(kind, (str, bytes))


def text_of(value: Any) -> str:
    """A string, the value of a string enum or the name of one that is counted; anything else is empty."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str) else value.name
    return value if isinstance(value, str) else ""


def is_given(value: Any) -> bool:
    """Whether there is a value, and not an SDK's sentinel for its absence."""
    return value is not None and type(value).__name__ not in _SENTINELS
