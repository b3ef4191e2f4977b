"""What a call costs with costspan and with other tools, paired with the bare SDK over real HTTP on loopback.

    python benchmarks/calls.py            all tools
    python benchmarks/calls.py --quick    costspan only, fewer starts
    python benchmarks/calls.py --collected --only costspan

In each tool's environment three processes run, round by round in an order by chance: the bare SDK, the floor (one
OpenTelemetry span of 15 attributes and four histogram records around the call), and the tool. The provider is a process
of its own. Times are processor seconds of the calling process, its threads included, so that other programs on the
machine count little. What else runs can only add to a time, so that of many short rounds the lower quartile is
compared. A process may be lucky or not with its memory's layout, by as much as a floor: all are started anew again and
again, and what is shown is the median (quartiles) of comparisons of such starts, drawn by chance.

costspan's histograms take in values when metrics are collected; without a collection every sixteenth call records those
of sixteen earlier ones, as many as a round has. So is the table. With `--collected` metrics are collected before every
round, outside of what is measured, as in a program with fewer than some 256 calls between two collections.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from peers import ROWS, Row, environment
from provider import CHUNKS, provider

if TYPE_CHECKING:
    from collections.abc import Iterator

Times = dict[str, list[float]]
HERE = Path(__file__).resolve().parent
STARTS, QUICK_STARTS = 6, 4
ROUNDS = 16  # of each start
CALLS = {"sync": 16, "async": 16, "stream": 1}  # costspan records metrics once in 16 calls
DRAWS = 200
COLUMNS = (
    "| tool | a call, to bare | added, µs | in floors | async, to bare | in floors | stream, to bare "
    "| unsampled, in floors | metrics |"
)
HEAD = f"{COLUMNS} import, of openai's | MB |"
IMPORT = """
import sys, time
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
import {client}
sys.path.insert(0, {here!r})
import switches
switches.providers()
before, start = rss(), time.process_time()
switches.switch_on({tool!r}, {client!r}, sampled=True)
print(time.process_time() - start, rss() - before)
"""
IMPORT_OPENAI = "import time; start = time.process_time(); import openai; print(time.process_time() - start, 0)"


class Process:
    """A worker that runs rounds on demand.

    Raises:
        RuntimeError: It does not start, or ended; with the last line of what it said.
    """

    collects = False  # metrics before each round

    def __init__(self, row: Row, url: str, *, sampled: bool = True) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed by `end`
        self._process = subprocess.Popen(
            [
                *(environment(row.environment), HERE / "worker.py", row.tool, row.client),
                *("sampled" if sampled else "unsampled", url),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
        self._answer()

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise RuntimeError((self._said.read().strip().splitlines() or ["it ended"])[-1])
        return line.strip()

    def ask(self, line: str) -> str:
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def run(self, scenario: str, calls: int, size: int = 1) -> tuple[float, int]:
        """Seconds per call, and resident bytes after."""
        if Process.collects:
            self.ask("signals")
        seconds, rss = self.ask(f"{scenario} {calls} {size}").split()
        return float(seconds) / calls, int(rss)

    def end(self) -> None:
        self._process.kill()  # exporters of some tools wait for a server at exit
        self._process.communicate()
        self._said.close()


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def shown(three: tuple[float, float, float], digits: int = 2, unit: str = "") -> str:
    low, middle, high = (f"{each:.{digits}f}" for each in three)
    return f"{middle}{unit} ({low} to {high})"


def interleaved(processes: dict[str, Process], scenario: str, rounds: int, calls: int, size: int = 1) -> Times:
    """Seconds per call of each, round by round in an order by chance."""
    times: Times = {each: [] for each in processes}
    for _ in range(rounds):
        for each in random.sample(list(processes), len(processes)):
            times[each].append(processes[each].run(scenario, calls, size)[0])
    return times


def by_round(times: Times) -> list[Times]:
    """Each round as if it were a start of its own, where there was one start only."""
    return [dict(zip(times, ([each] for each in column), strict=True)) for column in zip(*times.values(), strict=True)]


@contextmanager
def started(row: Row, url: str, *tools: str) -> Iterator[dict[str, Process]]:
    """Processes by name: the bare client, the floor around it, and the row, once more with nothing sampled."""
    bare = row._replace(tool="bare", client=row.bare)
    rows = {"bare": bare, "floor": bare._replace(tool="floor"), "tool": row, "unsampled": row}
    with ExitStack() as stack:
        processes = {}
        for name in tools or rows:
            processes[name] = Process(rows[name], url, sampled=name != "unsampled")
            stack.callback(processes[name].end)
        yield processes


def drawn(starts: list[Times]) -> Iterator[dict[str, float]]:
    """The lower quartile of each one's rounds, of as many starts drawn by chance, again and again."""
    for _ in range(DRAWS):
        chosen = random.choices(starts, k=len(starts))
        yield {name: quartiles([each for times in chosen for each in times[name]])[0] for name in starts[0]}


def measure(row: Row, url: str, starts: int) -> dict:
    """{scenario: {ratio, units: (lower quartile, median, upper quartile), added_us}}, and the number of metrics."""
    times: dict[str, list[Times]] = {shape: [] for shape in row.shapes}
    for _ in range(starts):
        with started(row, url) as processes:
            paired = {name: each for name, each in processes.items() if name != "unsampled"}
            for scenario in row.shapes:
                asked = processes if scenario == "sync" else paired
                size = CHUNKS if scenario == "stream" else 1
                times[scenario].append(interleaved(asked, scenario, ROUNDS, CALLS[scenario], size))
            recorded = processes["tool"].ask("signals").split(",")
    found = {scenario: against(each, "tool") | in_floors(each, "tool") for scenario, each in times.items()}
    unsampled = against(times["sync"], "unsampled") | in_floors(times["sync"], "unsampled")
    return found | {"unsampled": unsampled, "metrics": len([each for each in recorded if each])}


def against(starts: list[Times], tool: str) -> dict:
    """{ratio: (lower quartile, median, upper quartile), added_us} of a tool, to the bare SDK."""
    draws = list(drawn(starts))
    return {
        "ratio": quartiles([each[tool] / each["bare"] for each in draws]),
        "added_us": statistics.median((each[tool] - each["bare"]) * 1e6 for each in draws),
    }


def in_floors(starts: list[Times], tool: str) -> dict:
    """{units: (lower quartile, median, upper quartile)}: what a tool adds, in what the floor adds."""
    return {
        "units": quartiles([(each[tool] - each["bare"]) / (each["floor"] - each["bare"]) for each in drawn(starts)])
    }


def start_up(row: Row, times: int) -> tuple[float, float]:
    """Importing and switching on a tool: processor time to that of importing openai, and megabytes."""
    python = environment(row.environment)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = IMPORT.format(here=str(HERE), tool=row.tool, client=row.client)

    def run(text: str) -> tuple[float, float]:
        done = subprocess.run([python, "-c", text], capture_output=True, text=True, check=True, env=environ)
        seconds, held = done.stdout.split()[-2:]
        return float(seconds), float(held)

    run(code)  # writes the bytecode, as an installation does
    pairs = [(run(code), run(IMPORT_OPENAI)) for _ in range(times)]
    share = statistics.median(ours[0] / openai[0] for ours, openai in pairs)
    return share, statistics.median(ours[1] for ours, _ in pairs) / 1e6


def reason(error: Exception) -> str:
    """The last line of what was said, without paths of this machine."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or "its environment could not be made").strip().splitlines()
    else:
        lines = str(error).splitlines()
    return re.sub(r"/\S+/", "…/", lines[-1])[:200].replace("|", "/")


def cells(found: dict) -> list[str]:
    """What was measured of a row, as columns of a table; empty for a shape that its SDK does not have."""
    sync, later, stream, unsampled = (found.get(name) for name in ("sync", "async", "stream", "unsampled"))
    return [
        shown(sync["ratio"], unit="x"),
        f"{sync['added_us']:.0f}",
        shown(sync["units"], 1),
        shown(later["ratio"], unit="x") if later else "",
        shown(later["units"], 1) if later else "",
        shown(stream["ratio"], 3, "x"),
        shown(unsampled["units"], 1),
        str(found["metrics"] or "none"),
    ]


def start_up_cells(row: Row) -> tuple[list[str], dict]:
    """What importing and switching on takes, as columns, and the figures."""
    if row.tool == "bare":
        return [], {}
    share, megabytes = start_up(row, 3)
    return [f"{share:.0%}", f"{megabytes:.1f}"], {"import_share": share, "megabytes": megabytes}


def measured(row: Row, url: str, starts: int, *, starting: bool) -> tuple[list[str], dict]:
    """The cells of a row, and its figures; or why there are none."""
    try:
        found = measure(row, url, starts)
        more, also = start_up_cells(row) if starting else ([], {})
    except (RuntimeError, subprocess.CalledProcessError) as error:
        said = reason(error)
        return [f"not measured: {said}"], {"error": said}
    return cells(found) + more, found | also


def table(rows: tuple[Row, ...], starts: int, head: str = HEAD) -> tuple[list[str], dict]:
    """The results as lines of Markdown, and their figures by the row's name."""
    width = head.count("|") - 1
    lines, figures = [head, "|" + " --- |" * width], {}
    print("\n".join(lines), flush=True)
    with provider() as url:
        for row in rows:
            found, figures[row.name] = measured(row, url, starts, starting=head == HEAD)
            lines.append(f"| {' | '.join([row.name, *found])} |" + " |" * (width - 1 - len(found)))
            print(lines[-1], flush=True)
    return lines, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="costspan only, fewer starts")
    parser.add_argument("--only", help="names of rows, by comma")
    parser.add_argument("--collected", action="store_true", help="collect metrics before every round")
    asked = parser.parse_args()
    Process.collects = asked.collected
    wanted = asked.only.split(",") if asked.only else [row.name for row in ROWS]
    rows = ROWS[:1] if asked.quick else tuple(row for row in ROWS if row.name in wanted)
    table(rows, QUICK_STARTS if asked.quick else STARTS)


if __name__ == "__main__":
    main()
