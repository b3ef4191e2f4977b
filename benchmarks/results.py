"""Runs all measures, each in the environment that it needs, and writes benchmarks/RESULTS.md and its chart.

    python benchmarks/results.py                   everything, an hour or two on two busy cores; `make bench`
    python benchmarks/results.py calls pricing     these only; the others stay as they were last measured
    python benchmarks/results.py --quick           costspan only, in a short form; writes nothing; `make bench-quick`

What was found is kept in build/benchmarks, by measure, with the time and the load of the machine. A measure whose
programs are missing says so in its place.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import calls
import growth
import sdks
from chart import draw
from peers import CACHE, PACKAGES, ROOT, ROWS, SDK_PACKAGES, environment, versions

HERE = Path(__file__).resolve().parent
FOUND = ROOT / "build" / "benchmarks"
VERSIONS = {"calls": PACKAGES, "sdks": SDK_PACKAGES}  # of what a measure compares
SUMMARY = ("<!-- summary -->", "<!-- /summary -->")


class Script(NamedTuple):
    """A measure that prints its results: its title, arguments, those of the quick form, what it needs."""

    title: str
    arguments: tuple[str, ...]
    quick: tuple[str, ...] | None = None
    environment: str = ""  # whose Python; of this one if empty
    needs: tuple[str, ...] = ()


def scripts(rows: int) -> dict[str, Script]:
    built = (CACHE.parent / "collector").glob("*/otelcol-costspan")  # by `make test-operations`
    collector = str(next(built, "otelcol-costspan"))
    return {
        "pricing": Script("Pricing a call", ("pricing.py",), ("pricing.py",), "litellm"),
        "attribution": Script(
            "Attribution, budgets, other tools' spans", ("attribution.py",), ("attribution.py", "--rounds", "8")
        ),
        "tokens": Script("Counting tokens", ("tokens.py", "--litellm", "{litellm}")),
        "ingest": Script("The ledger: ingest", ("ledger.py", "ingest", "--seconds", "10")),
        "crash": Script("The ledger: kill -9", ("ledger.py", "crash")),
        **{
            f"scale-{size}": Script(f"The ledger with {size:,} calls", ("ledger.py", "scale", "--rows", str(size)))
            for size in (2000, 20_000, 200_000, rows)
        },
        "dashboards": Script("Dashboards and rules", ("dashboards.py",), needs=("go", "prometheus")),
        "gateway": Script("The gateway", ("gateway.py", collector), needs=("prometheus", collector)),
    }


def run_script(script: Script, arguments: tuple[str, ...]) -> list[str]:
    """What it printed, as a block of Markdown; or why it was not run."""
    if missing := [each for each in script.needs if not shutil.which(each)]:
        return [f"Not run: it needs {', '.join(Path(each).name for each in missing)}."]
    python = environment(script.environment) if script.environment else sys.executable
    given = [each.format(litellm=environment("litellm")) if "{" in each else each for each in arguments]
    done = subprocess.run([python, *given], check=False, cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        return [f"Failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}", *block(done.stdout)]
    return block(done.stdout)


def block(text: str) -> list[str]:
    return ["```text", *text.rstrip().splitlines(), "```"] if text.strip() else []


def keep(name: str, title: str, lines: list[str], figures: dict, begun: dict) -> None:
    FOUND.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"title": title, "lines": lines, "figures": figures} | begun, indent=1)
    (FOUND / f"{name}.json").write_text(text, encoding="utf-8")


def now() -> dict:
    at = datetime.now(timezone.utc)
    return {"at": f"{at:%Y-%m-%d %H:%M} UTC", "load": round(os.getloadavg()[0], 1)}


def run(wanted: list[str], rows: int) -> None:
    """Run and keep what is wanted, and write the results after each measure."""
    for name in wanted:
        begun = now()
        print(f"{name}, from {begun['at']} at load {begun['load']}", flush=True)
        if name == "calls":
            keep(name, "A call, beside other tools", *calls.table(ROWS, calls.STARTS), begun)
        elif name == "sdks":
            keep(name, "A call through other SDKs", *sdks.report(sdks.STARTS), begun)
        elif name == "growth":
            keep(name, "As work grows", growth.report(quick=False), {}, begun)
        else:
            script = scripts(rows)[name]
            keep(name, script.title, run_script(script, script.arguments), {}, begun)
        write(rows)


def quick() -> None:
    calls.table(ROWS[:1], calls.QUICK_STARTS)
    for name, script in scripts(0).items():
        if script.quick:
            print(f"\n{name}", *run_script(script._replace(environment=""), script.quick)[1:-1], sep="\n", flush=True)


QUESTIONS = (
    ("a call, to the bare SDK's", "sync", "ratio", 2, "x"),
    ("added to a call, in floors", "sync", "units", 1, ""),
    ("added to an async call, in floors", "async", "units", 1, ""),
    ("a stream of 200 chunks, to the bare SDK's", "stream", "ratio", 3, "x"),
    ("added to a call that is not sampled, in floors", "unsampled", "units", 1, ""),
)


def summary(figures: dict) -> list[str]:
    """costspan beside the best and the worst of the other tools."""
    tools = {name: each for name, each in figures.items() if name in PACKAGES and "sync" in each}
    lines = ["| median (quartiles) | costspan | best other tool | worst |", "| --- | --- | --- | --- |"]
    for title, scenario, figure, digits, unit in QUESTIONS:
        found = sorted((each[scenario][figure][1], name) for name, each in tools.items() if name != "costspan")
        cells = [
            told(name, tools[name], calls.shown(tools[name][scenario][figure], digits, unit))
            for name in ("costspan", found[0][1], found[-1][1])
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def told(name: str, figures: dict, text: str) -> str:
    if name == "costspan":
        return text
    return f"{name}{'' if figures['metrics'] else ' (no metrics)'}: {text}"


def machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(": ")[2] if names else platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {model}, {platform.system()}, Python {platform.python_version()}"


def write(rows: int) -> None:
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOUND.glob("*.json")}
    lines = [
        "# Results",
        "",
        "Written by `make bench`; how each is measured is in the scripts beside.",
        "",
        machine(),
        "",
    ]
    if "calls" in found:
        figures = found["calls"]["figures"]
        lines += [SUMMARY[0], "", *summary(figures), "", SUMMARY[1], "", "![what a call costs](calls.svg)", ""]
        (HERE / "calls.svg").write_text(draw(figures), encoding="utf-8")
    for name in (*VERSIONS, "growth", *scripts(rows)):
        each = found.get(name, {"title": name, "lines": ["Not measured yet."]})
        when = f"{each['at']}, load average {each['load']} at the start" if "at" in each else ""
        lines += [f"## {each['title']}", "", *([when, ""] if when else []), *each["lines"], ""]
        if name in VERSIONS and name in found:
            lines += ["Versions:", "", *(f"- {tool}: {versions(tool)}" for tool in VERSIONS[name]), ""]
    (HERE / "RESULTS.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the largest ledger")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    known = [*VERSIONS, "growth", *scripts(asked.rows)]
    if unknown := set(asked.measures) - set(known):
        parser.error(f"no measure {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    if asked.quick:
        quick()
    else:
        run(asked.measures or known, asked.rows)


if __name__ == "__main__":
    main()
