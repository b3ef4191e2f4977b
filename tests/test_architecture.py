"""The rules that keep the parts apart: read from the source, not from imports that happen to run."""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "costspan"
FILES = sorted(path for path in SRC.rglob("*.py") if "data" not in path.relative_to(SRC).parts)
# from the bottom up: a part imports only parts that are named before it (or itself)
ORDER = (
    ("config", "forking", "guard", "usage"),
    ("bill",),
    ("call",),
    ("pricing",),
    ("tokens", "rollup"),
    ("scope", "outlook"),
    ("adapters", "attributing", "budgets"),
    ("limits", "replies"),
    ("telemetry",),
    ("instrumentors", "entry"),
    ("calculator", "costs", "middleware", "observing", "recording"),
    ("ledger",),
    ("reports",),
    ("api", "demo", "operations", "web"),
    ("cli",),
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
MAY_BE_BROAD = {
    "guard.py",
    "_wrap.py",
    "_streams.py",
    "scope.py",
}  # where the program's own exceptions pass by, or ours end
LINES_OF_A_FILE = 300
LINES_OF_A_FUNCTION = 60
LINES_OF_AN_ADAPTER = 150
LINES_OF_MOST_ADAPTERS = 40


def part_of(path):
    return path.relative_to(SRC).parts[0].removesuffix(".py")


@cache
def trees():
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


def imports(tree):
    """Modules of costspan that a file imports when it runs: not those only for type checkers."""
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("costspan."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (each.name.split(".")[1] for each in node.names if each.name.startswith("costspan."))


def test_imports_go_one_way():
    wrong = [
        f"{path.relative_to(SRC)} imports {imported}"
        for path, tree in trees()
        if (part := part_of(path)) != "__init__"
        for imported in imports(tree)
        if RANK[imported] > RANK[part]
    ]

    assert wrong == []


def test_every_part_has_its_place_in_the_order():
    assert {part_of(path) for path in FILES} - {"__init__"} <= set(RANK)


def test_a_newcomer_finds_every_part_on_the_map():
    told = SRC.parents[1].joinpath("CONTRIBUTING.md").read_text(encoding="utf-8")
    parts = {f"{path.name}/" if path.is_dir() else path.name for path in SRC.iterdir() if path.suffix in ("", ".py")}

    assert [part for part in sorted(parts - {"__init__.py", "__pycache__/"}) if f"`{part}`" not in told] == []


def test_no_broad_except_outside_the_guard():
    """Cleaning up and raising again is not catching."""

    def is_broad(handler):
        if isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
            return False
        names = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
        return handler.type is None or any(getattr(each, "id", "") in ("Exception", "BaseException") for each in names)

    wrong = [
        f"{path.relative_to(SRC)}:{node.lineno}"
        for path, tree in trees()
        if path.name not in MAY_BE_BROAD
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]

    assert wrong == []


def test_an_adapter_is_data():
    """No SDK import and no branch in an adapter's own file; what needs logic is a named hook beside it."""
    wrong = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees()
        if path.parent.name == "adapters" and not path.name.startswith("_")
        for node in ast.walk(tree)
        if isinstance(node, (ast.If, ast.For, ast.While, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef))
        or (
            isinstance(node, ast.ImportFrom)
            and not (node.module or "").startswith(("costspan", "__future__", "dataclasses"))
        )
    ]

    assert wrong == []


def test_an_adapter_stays_small():
    """None over 150 lines in all; of most, what is declared (no imports, no docstring) has under 40."""
    adapters = [(path, tree) for path, tree in trees() if path.parent.name == "adapters" and path.name[0] != "_"]
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path, _ in adapters}
    declared = [
        sum(node.end_lineno - node.lineno + 1 for node in tree.body if isinstance(node, ast.Assign))
        for _, tree in adapters
    ]

    assert {name: count for name, count in lines.items() if count > LINES_OF_AN_ADAPTER} == {}
    assert statistics.median(declared) < LINES_OF_MOST_ADAPTERS


def lines_of_text(function):
    """Lines that are one long text, such as a statement of SQL: there is nothing in them to follow."""
    texts = [node for node in ast.walk(function) if isinstance(node, (ast.JoinedStr, ast.Constant))]
    return max((node.end_lineno - node.lineno for node in texts), default=0)


def test_files_and_functions_stay_small():
    long_files = [path.name for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > LINES_OF_A_FILE]
    long_functions = [
        f"{path.name}:{node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno - node.lineno + 1 - lines_of_text(node) > LINES_OF_A_FUNCTION
    ]

    assert long_files == []
    assert long_functions == []


@pytest.mark.parametrize(
    "statement", ["import costspan", "import costspan; costspan.instrument; costspan.instrumentors.adapter_names()"]
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    heavy = "tiktoken pydantic httpx httpx2 requests google.protobuf grpc openai anthropic click rich starlette sqlite3"
    code = f"import sys; {statement}; print(*[name for name in {heavy.split()!r} if name in sys.modules])"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", code], env=unmeasured, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_files_of_tests_can_be_told_apart():
    """Outside packages their names are those of modules: two of one name cannot be collected together."""
    tests = [path for path in Path(__file__).parent.rglob("test_*.py") if not path.with_name("__init__.py").exists()]
    names = [path.name for path in tests]

    assert sorted(names) == sorted(set(names))
