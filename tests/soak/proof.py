"""What must hold at the end, from the diaries, the metrics that were acknowledged, and the rows of the ledger."""

from __future__ import annotations

import json
import sqlite3
import statistics
from collections import Counter
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from plan import REPORTED, cost_femto

if TYPE_CHECKING:
    from pathlib import Path

FEMTO = 10**15
FEMTO_PER_PICO = 1000
MOST_THREADS = 24
MEMORY_SHARE, MEMORY_BYTES = 1.05, 6_000_000  # what resident memory may grow by from the second quarter to the last


class Promise(NamedTuple):
    """One line of the table."""

    name: str
    kept: bool
    seen: str


class Diaries:
    """What the programs wrote down."""

    def __init__(self, folder: Path) -> None:
        self.files = {path.stem: _lines(path) for path in sorted(folder.glob("w*.jsonl"))}
        every = [line for lines in self.files.values() for line in lines]
        self.calls = [line for line in every if line["what"] == "call"]
        self.told = [line for line in every if line["what"] == "told"]
        self.exports = [line for line in every if line["what"] == "export"]
        self.children = [line for line in every if line["what"] == "child"]
        self.acknowledged = {name for each in self.exports if each["acknowledged"] for name in each["names"]}

    def each_program(self, what: str) -> list[tuple[str, list[dict]]]:
        """The lines of one kind, by program; those of forked children are not among them."""
        found = [(name, [line for line in lines if line["what"] == what]) for name, lines in self.files.items()]
        return [(name, lines) for name, lines in found if lines]


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def femto_of(usd: float) -> int:
    """Whole femto-dollars of an amount, by its shortest text."""
    return int(Decimal(repr(usd)) * FEMTO)


def prove(diaries: Diaries, metrics: dict, db: Path, reference: dict) -> list[Promise]:
    """Every promise, kept or broken."""
    rows = _rows(db)
    return [
        _host(diaries, reference["ends"]),
        _each_told_once(diaries),
        _true_cost(diaries),
        *_metrics(diaries, metrics),
        *_ledger(diaries, rows),
        *_processes(diaries),
    ]


def _host(diaries: Diaries, ends: dict) -> Promise:
    odd = [call for call in diaries.calls if not _ended_as_bare(call, ends)]
    shown = [f"{call['kind']}: {call['raised'] or 'nothing raised'}, {call['seen']} chunks" for call in odd[:3]]
    return Promise(
        "the program sees what it sees with the bare SDK",
        not odd and bool(diaries.calls),
        f"{len(diaries.calls):,} calls, {sum(bool(call['raised']) for call in diaries.calls):,} of them raised"
        + (f"; not {len(odd)}: {'; '.join(shown)}" if odd else ""),
    )


def _ended_as_bare(call: dict, ends: dict) -> bool:
    kind, raised = call["kind"], call["raised"]
    if kind.startswith("odd"):
        return [raised, call["seen"]] == ends[kind]
    if kind == "cut":
        return [raised, call["seen"]] in [end for name, end in ends.items() if name.startswith("cut")]
    if kind == "cancelled":
        return raised in ("CancelledError", "")
    return raised == ("BadRequestError" if kind == "refused" else "")


def _each_told_once(diaries: Diaries) -> Promise:
    made, told = Counter(call["name"] for call in diaries.calls), Counter(each["name"] for each in diaries.told)
    return Promise(
        "each call is told once, as a span or as an event",
        made == told and set(made.values()) == {1},
        f"{made.total():,} made, {told.total():,} told" + _some("lost", made - told) + _some("too many", told - made),
    )


def _some(what: str, names: Counter) -> str:
    return f"; {what}: {', '.join(sorted(names)[:3])} …" if names else ""


def _true_cost(diaries: Diaries) -> Promise:
    """What the provider reported, priced by hand; what it did not report is marked as counted here."""
    told = {each["name"]: each for each in diaries.told}
    calls = [call for call in diaries.calls if call["kind"] in REPORTED and call["name"] in told]
    wrong = [
        call["name"]
        for call in calls
        if femto_of(told[call["name"]].get("cost", 0.0)) != cost_femto(call["kind"], call["usage"])
        or told[call["name"]]["source"] != "provider"
    ]
    uncounted = [call["name"] for call in diaries.calls if call["kind"].startswith("uncounted")]
    unmarked = [name for name in uncounted if told.get(name, {}).get("source") not in ("tokenizer", "heuristic")]
    total = sum(cost_femto(call["kind"], call["usage"]) for call in calls)
    return Promise(
        "what the provider reported costs what it costs by hand",
        not wrong and not unmarked,
        f"{len(calls):,} calls, {total:,} femto-dollars"
        + _some("wrong", Counter(wrong)) + _some("not marked", Counter(unmarked)),
    )  # fmt: skip


def _metrics(diaries: Diaries, metrics: dict) -> list[Promise]:
    """Of the processes whose last sums were acknowledged; the programs' must be."""
    last = {name: lines[-1] for name, lines in diaries.each_program("metrics")}
    ends = {name for name, _ in diaries.each_program("end")}
    heard = {name: each["instance"] for name, each in last.items() if each["acknowledged"]}
    lines = [line for name in heard for line in diaries.files[name]]
    metrics = {name: metrics[instance] for name, instance in heard.items()}
    calls = sum(int(value) for value in _points(metrics, "costspan.calls"))
    tokens = sum(int(value) for value in _points(metrics, "costspan.tokens"))
    femto = sum(femto_of(value) for value in _points(metrics, "costspan.cost"))
    failures = sum(int(value) for value in _points(metrics, "costspan.failures"))
    told = [line for line in lines if line["what"] == "told"]
    made = sum(line["what"] == "call" for line in lines)
    cost = sum(femto_of(each.get("cost", 0.0)) for each in told)
    used = sum(each.get("input", 0) + each.get("output", 0) for each in told)
    mute = len(diaries.files) - len(heard)
    return [
        Promise(
            "the metrics count every call",
            calls == made and ends <= heard.keys() and bool(ends),
            f"{calls:,} of {made:,} calls in {len(metrics)} processes"
            + (f"; {mute} children ended while the collector failed" if mute else ""),
        ),
        Promise("and every token", tokens == used, f"{tokens:,} of {used:,}"),
        Promise("and every femto-dollar", femto == cost, f"{femto:,} of {cost:,}"),
        Promise("costspan itself did not fail", not failures, f"{failures} failures of its own counted"),
    ]


def _points(metrics: dict, name: str) -> list[float]:
    return [
        point.as_double if point.HasField("as_double") else point.as_int
        for request in metrics.values()
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.sum.data_points
    ]


def _rows(db: Path) -> list[tuple[str, int | None]]:
    """The call's own name and cost in pico-dollars, of every row."""
    with closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT json_extract(extra, '$.session'), cost FROM calls").fetchall()


def _ledger(diaries: Diaries, rows: list[tuple[str, int | None]]) -> list[Promise]:
    told = {each["name"]: femto_of(each.get("cost", 0.0)) for each in diaries.told}
    kept = Counter(name for name, _ in rows)
    acknowledged = Counter(diaries.acknowledged)
    twice = Counter({name: count - 1 for name, count in kept.items() if count > 1})
    beyond = sum(name not in acknowledged for name, _ in rows)  # the answer was lost
    inside = FEMTO_PER_PICO * sum(cost or 0 for name, cost in rows if name in acknowledged)
    cost = sum(told.get(name, 0) for name in acknowledged)
    exported = {name for each in diaries.exports for name in each["names"]}
    return [
        Promise(
            "every acknowledged call is a row of the ledger, once",
            not acknowledged - kept and not twice and kept.keys() <= told.keys(),
            f"{acknowledged.total():,} acknowledged, {kept.total():,} rows, {beyond:,} of them stored unheard"
            + _some("missing", acknowledged - kept) + _some("twice", twice),
        ),
        Promise("and costs the same", inside == cost, f"{inside:,} of {cost:,} femto-dollars"),
        Promise(
            "every call left the program, or its export failed",
            told.keys() == exported,
            f"{len(exported):,} exported, {len(exported - diaries.acknowledged):,} given up by the exporter",
        ),
    ]  # fmt: skip


def _processes(diaries: Diaries) -> list[Promise]:
    before, after = (dict(diaries.each_program(when)) for when in ("before", "after"))
    held = {name: (before[name][-1], lines[-1]) for name, lines in after.items()}
    more_threads = {name: list((Counter(b["names"]) - Counter(a["names"])).elements()) for name, (a, b) in held.items()}
    more_threads = {name: extra for name, extra in more_threads.items() if extra}
    files = {name: (a["files"], b["files"]) for name, (a, b) in held.items()}
    samples = diaries.each_program("process")
    threads = max(line["threads"] for _, lines in samples for line in lines)
    memory = {name: _growth([line["bytes"] for line in lines]) for name, lines in samples}
    children = [each["code"] for each in diaries.children]
    return [
        Promise("no thread is left", bool(held) and not more_threads, str(more_threads or "as after the first calls")),
        Promise("no file descriptor is left", all(b <= a for a, b in files.values()), f"{list(files.values())}"),
        Promise("threads are bounded", threads <= MOST_THREADS, f"at most {threads} at once"),
        Promise(
            "memory is flat", all(flat for flat, _ in memory.values()), ", ".join(shown for _, shown in memory.values())
        ),
        Promise(
            "forked children end well",
            not any(children),
            f"{len(children)} children, exit codes {sorted(set(map(str, children)))}",
        ),
    ]


def _growth(sizes: list[int]) -> tuple[bool, str]:
    """Whether the last quarter of a run holds no more memory than the second."""
    quarter = max(1, len(sizes) // 4)
    early, late = statistics.median(sizes[quarter : 2 * quarter] or sizes), statistics.median(sizes[-quarter:])
    return late <= max(early * MEMORY_SHARE, early + MEMORY_BYTES), f"{early / 1e6:.1f} → {late / 1e6:.1f} MB"
