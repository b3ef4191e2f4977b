"""`make fuzz`: the properties of this folder under atheris, which looks for inputs that go ways not gone before.

SECONDS (300) are shared by all of them. An input that breaks one is kept, and the exit code is 1; to see it again:
`python tests/fuzz test_prices:test_any_bytes_… FILE`. It then belongs into the property, as an `@example`.
"""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
KEPT = Path("build/fuzz")


def properties():
    """`module:test` of every property that hypothesis drives."""
    return [
        f"{path.stem}:{node.name}"
        for path in sorted(HERE.glob("test_*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and any(getattr(each, "id", "") == "fuzzed" for each in node.decorator_list)
    ]


def hunt(name, arguments):
    """Run one property in this process; libFuzzer ends it."""
    import atheris  # noqa: PLC0415 only in the environment of `make fuzz`

    sys.path[:0] = [str(HERE), str(HERE.parent)]
    module, _, test = name.partition(":")
    with atheris.instrument_imports(include=["costspan"]):
        found = getattr(importlib.import_module(module), test)
    atheris.Setup([name, *arguments], found.hypothesis.fuzz_one_input)
    atheris.Fuzz()


def hunt_in_child(name, seconds):
    """The last line that libFuzzer says of what it did, and whether the property held."""
    with tempfile.TemporaryDirectory() as folder:
        limits = [
            f"-max_total_time={seconds}",
            "-len_control=0",
            "-max_len=4096",
            "-rss_limit_mb=4096",
            "-timeout=180",
            f"-artifact_prefix={KEPT}/",
        ]
        done = subprocess.run(
            [sys.executable, HERE, name, *limits],
            env=os.environ | {"TMPDIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-6000:])
    said = [line for line in done.stderr.splitlines() if line.startswith(("Done", "==")) or "Test unit written" in line]
    return (said or ["it said nothing"])[-1], not done.returncode


def main():
    if len(sys.argv) > 1:
        hunt(sys.argv[1], sys.argv[2:])
    KEPT.mkdir(parents=True, exist_ok=True)
    names = properties()
    seconds = max(1, int(os.environ.get("SECONDS") or 300) // len(names))
    held = []
    for name in names:
        said, kept = hunt_in_child(name, seconds)
        held.append(kept)
        print(f"{'held  ' if kept else 'BROKEN'} {name}: {said}", flush=True)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
