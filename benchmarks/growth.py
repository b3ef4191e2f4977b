"""How the cost of a call grows: with calls at once, with the chunks of a stream, and memory with the calls made.

python benchmarks/growth.py            1 to 1,000 calls at once, 10 to 10,000 chunks, 20,000 calls
python benchmarks/growth.py --quick    the ends only, 6,000 calls
"""

from __future__ import annotations

import argparse
import statistics
import time

from calls import Process, against, by_round, interleaved, shown, started
from peers import ROWS
from provider import provider

OURS = ROWS[0]
ROUNDS = 20
AT_ONCE = (1, 10, 100, 1000)
CHUNKS = (10, 100, 1000, 10_000)
WARM_UP, STEP = 4000, 1000  # calls
IDLE_SECONDS = 10  # in which a vocabulary (110 MB) is loaded beside, for what streams left early did not report


def sizes(scenario: str, counts: tuple[int, ...], calls_of, url: str) -> list[tuple]:
    """For each count: (count, ratio to bare, µs added, µs of bare); the processes go on from one to the next."""
    found = []
    with started(OURS, url, "bare", "tool") as processes:
        for count in counts:
            for each in processes.values():
                each.run(scenario, calls_of(count), count)  # opens what connections it takes
            times = interleaved(processes, scenario, ROUNDS, calls_of(count), count)
            bare = statistics.median(times["bare"]) * 1e6
            compared = against(by_round(times), "tool")
            found.append((count, compared["ratio"], compared["added_us"], bare))
    return found


def grown(what: str, found: list[tuple]) -> list[str]:
    lines = [f"| {what} | to bare | added to a call, µs | bare, µs |", "| --- | --- | --- | --- |"]
    return lines + [
        f"| {count:,} | {shown(ratio, 3, 'x')} | {added:,.0f} | {bare:,.0f} |" for count, ratio, added, bare in found
    ]


def slope(tool: str, scenario: str, calls: int) -> float:
    """Megabytes that resident memory grows over 10,000 calls, after a warm-up, by least squares."""
    process = Process(OURS._replace(tool=tool), "memory")
    for _ in range(2):
        process.run(scenario, WARM_UP, 10)
        time.sleep(IDLE_SECONDS)
    held = [process.run(scenario, STEP, 10)[1] / 1e6 for _ in range(calls // STEP)]
    process.end()
    return statistics.linear_regression([n * STEP for n in range(len(held))], held).slope * 10_000


def memory(calls: int) -> list[str]:
    lines = ["| calls | MB per 10,000, costspan | bare |", "| --- | --- | --- |"]
    for scenario in ("sync", "abandoned"):
        ours, bare = (slope(tool, scenario, calls) for tool in ("costspan", "bare"))
        lines.append(f"| {calls:,}, {scenario} | {ours:.3f} | {bare:.3f} |")
    return lines


def report(*, quick: bool) -> list[str]:
    """All tables as lines of Markdown."""
    step = 3 if quick else 1
    with provider() as url:
        at_once = sizes("async", AT_ONCE[::step], lambda count: max(50, count), url)
        chunks = sizes("stream", CHUNKS[:: 2 if quick else 1], lambda count: max(1, 500 // count), url)
    return [
        *grown("calls at once", at_once),
        "",
        *grown("chunks of a stream", chunks),
        "",
        *memory(6000 if quick else 20_000),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    print("\n".join(report(quick=parser.parse_args().quick)))


if __name__ == "__main__":
    main()
