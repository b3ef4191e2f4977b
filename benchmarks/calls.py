"""What a call costs with costspan and with other tools: each in an environment of its own, beside the bare SDK.

    python benchmarks/calls.py            all tools, all scenarios
    python benchmarks/calls.py --quick    costspan only

In each environment three processes run in turn, round by round: the bare SDK, the floor (one OpenTelemetry span of 15
attributes and four histogram records around the call), and the tool. Times are processor seconds of the process, so
that other programs on the machine count little; figures are medians over the rounds, with quartiles.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "costspan" / "benchmarks"
ROUNDS = 15
CALLS = {"sync": 100, "async": 100, "stream": 10, "unsampled": 100}
PEERS = {
    "costspan": ("openai==3.54.0",),
    "official": ("openai==3.54.0", "opentelemetry-instrumentation-genai-openai==1.3b0", "opentelemetry-sdk==1.45.2"),
    "openllmetry": ("openai==3.54.0", "opentelemetry-instrumentation-openai==0.62.4", "opentelemetry-sdk==1.45.2"),
    "openinference": ("openai==3.54.0", "openinference-instrumentation-openai==0.1.66", "opentelemetry-sdk==1.45.2"),
    "logfire": ("openai==3.54.0", "logfire==5.2.0"),
    "openlit": ("openai<3", "openlit==1.45.0"),  # it does not take a newer openai
}
IMPORT = """
import sys, time, resource
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
import openai
sys.path.insert(0, {here!r})
import worker
worker.providers()
before, start = rss(), time.process_time()
{body}
print(time.process_time() - start, rss() - before)
"""
IMPORT_OPENAI = "import time; start = time.process_time(); import openai; print(time.process_time() - start, 0)"


class Figures(NamedTuple):
    """Of one tool and scenario, against the bare SDK and the floor in the same environment."""

    ratio: float  # processor time of a call, to the bare SDK's
    ratio_quartiles: tuple[float, float]
    units: float  # what is added, in floors
    added_us: float
    floor_us: float


def environment(tool: str) -> Path:
    """The Python of a tool's environment, made if it is not there."""
    home = CACHE / tool
    python = home / "bin" / "python"
    if not python.exists():
        print(f"building {tool}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        packages = [*PEERS[tool], *(["-e", str(HERE.parent)] if tool == "costspan" else [])]
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
    return python


class Process:
    """A worker that runs rounds on demand."""

    def __init__(self, python: Path, tool: str, scenario: str) -> None:
        self._process = subprocess.Popen(
            [python, HERE / "worker.py", tool, scenario],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        while self._process.stdout.readline().strip() != "ready":
            if self._process.poll() is not None:
                raise RuntimeError(f"{tool} did not start")

    def run(self, calls: int) -> tuple[float, int]:
        """Seconds per call, and resident bytes after."""
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        seconds, rss = self._process.stdout.readline().split()
        return float(seconds) / calls, int(rss)

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def measure(tool: str, scenario: str, rounds: int) -> Figures:
    """The three processes in turn, `rounds` times."""
    python = environment(tool)
    processes = {each: Process(python, each, scenario) for each in ("bare", "floor", tool)}
    times: dict[str, list[float]] = {each: [] for each in processes}
    for _ in range(rounds):
        for each, process in processes.items():
            times[each].append(process.run(CALLS[scenario])[0])
    for process in processes.values():
        process.end()
    ratios = [ours / bare for ours, bare in zip(times[tool], times["bare"], strict=True)]
    middle = {each: statistics.median(values) for each, values in times.items()}
    added, floor = middle[tool] - middle["bare"], middle["floor"] - middle["bare"]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Figures(statistics.median(ratios), (low, high), added / floor, added * 1e6, floor * 1e6)


def growth(tool: str, scenario: str, rounds: int) -> float:
    """Megabytes that the resident memory grows over 10,000 calls, after a warm-up."""
    process = Process(environment(tool), tool, scenario)
    process.run(3000)
    _, before = process.run(1000)
    for _ in range(rounds):
        _, after = process.run(2000)
    process.end()
    return (after - before) / 1e6 / (rounds * 2000) * 10_000


def start_up(tool: str) -> tuple[float, float]:
    """Importing and switching on a tool: processor time to that of importing openai, and megabytes."""
    python = environment(tool)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    body = f"worker.switch_on({tool!r}, 'sync')"
    code = IMPORT.format(here=str(HERE), body=body)

    def run(text: str) -> tuple[float, float]:
        done = subprocess.run([python, "-c", text], capture_output=True, text=True, check=True, env=environ)
        seconds, held = done.stdout.split()[-2:]
        return float(seconds), float(held)

    run(code)  # writes the bytecode, as an installation does
    ours = [run(code) for _ in range(7)]
    openai = [run(IMPORT_OPENAI)[0] for _ in range(7)]
    share = statistics.median(seconds for seconds, _ in ours) / statistics.median(openai)
    return share, statistics.median(held for _, held in ours) / 1e6


def table(tools: list[str], rounds: int) -> list[str]:
    """The results as lines of Markdown."""
    lines = [
        "| tool | call | added, µs (floors) | stream | unsampled, floors | import, of openai's | MB |",
        "|" + " --- |" * 7,
    ]
    for tool in tools:
        figures = {scenario: measure(tool, scenario, rounds) for scenario in CALLS}
        share, megabytes = start_up(tool)
        sync, later, stream, unsampled = (figures[name] for name in CALLS)
        low, high = sync.ratio_quartiles
        lines.append(
            f"| {tool} | {sync.ratio:.2f}x ({low:.2f} to {high:.2f}), async {later.ratio:.2f}x "
            f"| {sync.added_us:.0f} ({sync.units:.1f}), async ({later.units:.1f}) "
            f"| {stream.ratio:.3f}x | {unsampled.added_us / sync.floor_us:.1f} | {share:.0%} | {megabytes:.1f} |"
        )
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="costspan only, fewer rounds")
    parser.add_argument("--memory", action="store_true", help="growth over 20,000 calls, too")
    asked = parser.parse_args()
    tools = ["costspan"] if asked.quick else list(PEERS)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print("\n".join(table(tools, 7 if asked.quick else ROUNDS)))
    if asked.memory:
        for scenario in ("sync", "abandoned"):
            print(f"growth, {scenario}: {growth('costspan', scenario, 10):.3f} MB per 10,000 calls")


if __name__ == "__main__":
    main()
