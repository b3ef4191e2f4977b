"""The proof finds what it looks for: a small world in which all is well, and one in which one thing is not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from proof import Diaries, prove

ENDS = {"odd: null": ["TypeError", 0], "cut 1": ["APIError", 1]}
HELD = {"bytes": 10**8, "threads": 7, "files": 10, "names": ["MainThread"]}


def world():
    """Two calls of one program: 10 and 20 tokens at 150,000,000 femto-dollars each."""
    told = {"source": "provider", "output": 0}
    return {
        "diary": [
            {"what": "before", **HELD},
            *({"what": "process", **HELD} for _ in range(8)),
            {"what": "call", "name": "a", "kind": "chat", "usage": {"input": 10}, "raised": "", "seen": 0},
            {"what": "call", "name": "b", "kind": "chat", "usage": {"input": 20}, "raised": "", "seen": 0},
            {"what": "told", "name": "a", "cost": 1.5e-06, "input": 10, **told},
            {"what": "told", "name": "b", "cost": 3e-06, "input": 20, **told},
            {"what": "export", "acknowledged": True, "names": ["a", "b"]},
            {"what": "metrics", "acknowledged": True, "instance": "i"},
            {"what": "child", "code": 0},
            {"what": "after", **HELD},
            {"what": "end"},
        ],
        "sums": {"costspan.calls": 2, "costspan.tokens": 30, "costspan.cost": 4.5e-06},
        "rows": [("a", 1_500_000), ("b", 3_000_000)],
    }


def broken(folder, made):
    """The promises that do not hold in this world."""
    (folder / "w0-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in made["diary"]))
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        ledger.execute("CREATE TABLE calls(extra TEXT, cost INTEGER)")
        ledger.executemany(
            "INSERT INTO calls VALUES(?, ?)", [(json.dumps({"session": name}), cost) for name, cost in made["rows"]]
        )
        ledger.commit()
    metrics = [
        {"name": name, "sum": {"data_points": [{"as_double": each} if isinstance(each, float) else {"as_int": each}]}}
        for name, each in made["sums"].items()
    ]
    request = ExportMetricsServiceRequest(resource_metrics=[{"scope_metrics": [{"metrics": metrics}]}])
    promises = prove(Diaries(folder), {"i": request}, folder / "ledger.db", {"ends": ENDS})
    return {each.name for each in promises if not each.kept}


def line(made, what, number=0):
    return [each for each in made["diary"] if each["what"] == what][number]


def test_where_all_is_well_every_promise_is_kept(tmp_path):
    assert broken(tmp_path, world()) == set()


FAULTS = {
    "raised": lambda made: line(made, "call").update(raised="ValueError"),
    "other than bare": lambda made: line(made, "call").update(kind="odd: null", raised="KeyError"),
    "told twice": lambda made: made["diary"].append(line(made, "told")),
    "not told": lambda made: made["diary"].remove(line(made, "told")),
    "wrong by a femto-dollar": lambda made: line(made, "told").update(cost=1.500000001e-06),
    "an estimate": lambda made: line(made, "told").update(source="heuristic"),
    "not counted": lambda made: made["sums"].update({"costspan.calls": 1}),
    "tokens": lambda made: made["sums"].update({"costspan.tokens": 31}),
    "money": lambda made: made["sums"].update({"costspan.cost": 4.500000001e-06}),
    "last sums lost": lambda made: line(made, "metrics").update(acknowledged=False),
    "a failure of ours": lambda made: made["sums"].update({"costspan.failures": 1}),
    "a row lost": lambda made: made["rows"].pop(),
    "a row twice": lambda made: made["rows"].append(("a", 1_500_000)),
    "a row of nobody": lambda made: made["rows"].append(("c", 0)),
    "a row too cheap": lambda made: made["rows"].__setitem__(0, ("a", 1_499_999)),
    "never exported": lambda made: line(made, "export").update(names=["a"]),
    "a thread left": lambda made: line(made, "after").update(names=["MainThread", "costspan-tokens"]),
    "a file left": lambda made: line(made, "after").update(files=11),
    "many threads": lambda made: line(made, "process").update(threads=99),
    "memory": lambda made: [line(made, "process", number).update(bytes=2 * 10**8) for number in (6, 7)],
    "a child": lambda made: line(made, "child").update(code=1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_wrong_breaks_a_promise(fault, tmp_path):
    made = world()
    FAULTS[fault](made)

    assert broken(tmp_path, made)
