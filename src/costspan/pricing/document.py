"""JSON and YAML text with the line of every value, so that an error can say where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costspan.guard import ToldError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES = 32 * 1024 * 1024  # the largest public price list has 3 MB
_MOST_VALUES = 10**6
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\n')


class PriceListError(ToldError, ValueError):
    """A file of prices or budgets, or a price list, cannot be used. One line: where, what, what is allowed."""


class Document:
    """Parsed text: its data, and where in the text each part of it stands."""

    def __init__(self, name: str, data: Any, find_lines: Callable[[], Mapping[tuple[str | int, ...], int]]) -> None:
        self.name = name
        self.data = data
        self._find_lines = find_lines  # asked only for an error

    def fail(self, path: tuple[str | int, ...], problem: str) -> PriceListError:
        """The error that `problem` is at `path`: with file, line and field."""
        lines = self._find_lines()
        line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)
        where = f"{self.name}:{line}" if line else self.name
        field = ".".join(str(part) for part in path)
        return PriceListError(f"{where}: {field + ': ' if field else ''}{problem}")


def read_document(path: str | Path) -> Document:
    """The document in a file, by its ending: `.yaml` and `.yml` are YAML, all else is JSON.

    Raises:
        PriceListError: The file is missing, unreadable, too large, or not what its ending says.
    """
    file = Path(path).expanduser()
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise PriceListError(f"{file}: has {size >> 20} MB; at most {MOST_BYTES >> 20} MB are read")
        text = file.read_text(encoding="utf-8-sig")  # as Windows may write it
    except OSError as error:
        raise PriceListError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise PriceListError(f"{file}: is not UTF-8 text") from None
    return parse_yaml(text, str(file)) if file.suffix in (".yaml", ".yml") else parse_json(text, str(file))


def parse_json(text: str, name: str) -> Document:
    """A document from JSON text.

    Raises:
        PriceListError: Not JSON, or a key stands twice in one object.
    """

    def refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            places = [number for number, line in enumerate(text.splitlines(), 1) if json.dumps(twice) in line]
            raise PriceListError(f"{name}:{places[-1] if places else 1}: {twice} stands there twice")
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=refuse_twice)
    except PriceListError:
        raise
    except json.JSONDecodeError as error:
        raise PriceListError(f"{name}:{error.lineno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise PriceListError(f"{name}: nested too deeply") from None
    except ValueError:  # a whole number of more digits than Python reads
        raise PriceListError(f"{name}: a number is too long") from None
    return Document(name, data, lambda: _json_lines(text))


def _json_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """The line of every key and list item of valid JSON."""
    lines: dict[tuple[str | int, ...], int] = {}
    path: list[str | int] = []
    line, key = 1, ""
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark == "\n":
            line += 1
        elif mark == "{":
            path.append("")
        elif mark == "[":
            path.append(0)
            lines[tuple(path)] = line
        elif mark in "}]":
            path.pop()
        elif mark == ",":
            if isinstance(path[-1], int):
                path[-1] += 1
                lines[tuple(path)] = line
        elif mark == ":":
            path[-1] = json.loads(key)
            lines[tuple(path)] = line
        else:
            key = mark
    return lines


def parse_yaml(text: str, name: str) -> Document:
    """A document from YAML text.

    Raises:
        PriceListError: Not YAML, a key stands twice, or PyYAML is not installed.
    """
    try:
        import yaml  # noqa: PLC0415 an extra; JSON works without
    except ModuleNotFoundError:
        raise PriceListError(f"{name}: YAML needs PyYAML: pip install 'costspan[cli]', or write JSON") from None
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        _walk_yaml(yaml.compose(text, yaml.SafeLoader), (), lines, name)
        data = yaml.safe_load(text)
    except PriceListError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise PriceListError(f"{name}:{mark.line + 1 if mark else 1}: not YAML: {problem}") from None
    except RecursionError:
        raise PriceListError(f"{name}: nested too deeply") from None
    except (ValueError, TypeError, AttributeError, KeyError):  # what PyYAML's own readers of dates and numbers raise
        raise PriceListError(f"{name}: a date or a number that is none") from None
    return Document(name, data, lambda: lines)


def _walk_yaml(node: Any, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], name: str) -> None:
    kind = type(node).__name__
    if len(lines) > _MOST_VALUES:  # or would have, with all that its references stand for
        raise PriceListError(f"{name}: not a price list: it has more than a million values")
    if kind == "MappingNode":
        for key, value in node.value:
            inner = (*path, str(key.value))
            if inner in lines:
                raise PriceListError(f"{name}:{key.start_mark.line + 1}: {key.value} stands there twice")
            lines[inner] = key.start_mark.line + 1
            _walk_yaml(value, inner, lines, name)
    elif kind == "SequenceNode":
        for index, value in enumerate(node.value):
            inner = (*path, index)
            lines[inner] = value.start_mark.line + 1
            _walk_yaml(value, inner, lines, name)
