"""The ledger, measured: ingest over OTLP/HTTP with durability on, kill -9 in mid-ingest, ten million calls.

python benchmarks/ledger.py ingest [--seconds 20]      calls a second, p99 of the acknowledgement, memory
python benchmarks/ledger.py crash [--rounds 40]        acknowledged calls lost or doubled after kill -9
python benchmarks/ledger.py scale [--rows 10000000]    bytes a call, and how long each report takes
python benchmarks/ledger.py all
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from made_up_calls import realistic_calls, span_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from costspan.ledger.listing import list_calls
from costspan.ledger.maintenance import verify
from costspan.ledger.question import Question, parse_where
from costspan.ledger.reader import Reader
from costspan.ledger.store import Store
from costspan.reports.summary import read_summary
from costspan.reports.usage import get_token_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CALLS_A_REQUEST = 100  # what an exporter's batch holds under load (its maximum is 512)
_CONNECTIONS = 8
_TARGET = 10_000  # calls a second
_QUESTIONS = (
    {"group_by": "day"},
    {"group_by": "model"},
    {"group_by": ["day", "model"]},
    {"group_by": "user"},
    {"group_by": "team"},
    {"group_by": "service"},
    {"group_by": "feature"},
    {"group_by": ["month", "team", "model"]},
    {"group_by": ["day", "model", "user"], "start_date": "30d"},
    {"group_by": "hour", "start_date": "24h"},
    {"group_by": "day", "where": ["user=user-7"]},
    {"group_by": "day", "timezone": "Europe/Berlin"},
)


class Body:
    """A request of distinct calls, as the SDK's exporter writes it; `anew` is the same with ids of its own."""

    def __init__(self, content: bytes, trace_ids: list[bytes]) -> None:
        self._content = bytearray(content)
        self._places = [content.index(each) for each in trace_ids]

    def anew(self, number: int) -> bytes:
        """The request, its calls unlike those of any other number. It takes microseconds: senders share the machine."""
        mark = number.to_bytes(4, "big")
        for place in self._places:
            self._content[place : place + 4] = mark
        return bytes(self._content)


def request_bodies(count: int, seed: int) -> list[bytes]:
    """Requests of distinct calls around now."""
    return [body.anew(number) for number, body in enumerate(templates(count, seed))]


def templates(count: int, seed: int) -> list[Body]:
    calls = realistic_calls(count * _CALLS_A_REQUEST, days=0.02, seed=seed, until=time.time())
    bodies = []
    for _ in range(count):
        spans = [span_of(next(calls)) for _ in range(_CALLS_A_REQUEST)]
        resource = {"attributes": [{"key": "service.name", "value": {"string_value": "checkout"}}]}
        message = {"resource": resource, "scope_spans": [{"spans": spans}]}
        content = ExportTraceServiceRequest(resource_spans=[message]).SerializeToString()
        bodies.append(Body(content, [span["trace_id"] for span in spans]))
    return bodies


@contextlib.contextmanager
def running(db: Path):
    """`costspan up` in a process of its own; its process and URL."""
    command = [
        sys.executable,
        "-c",
        "from costspan.cli import main; main()",
        "up",
        "--port=0",
        "--no-grpc",
        f"--db={db}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as up:
        url = next(line.split()[-1] for line in up.stdout if "page and API" in line)
        threading.Thread(target=up.stdout.read, daemon=True).start()
        try:
            yield up, url
        finally:
            if up.poll() is None:
                up.terminate()
                up.wait()


async def send_all(url: str, bodies: Iterable[bytes], until: float, rate: float = 0) -> tuple[list[float], list[int]]:
    """Seconds that each acknowledged request took, and which requests those were.

    `rate` is how many requests are due in a second, and then the time counts from when a request was due; with 0, each
    connection sends its next one when the last is answered.
    """
    host, port = url.removeprefix("http://").split(":")
    head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-protobuf\r\ncontent-length: "
    took, done = [], []
    waiting = iter(enumerate(bodies))
    start = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for number, body in waiting:
            begun = start + number / rate if rate else time.perf_counter()
            if begun > until:
                break
            if rate:
                await asyncio.sleep(begun - time.perf_counter())
            writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer)
            took.append(time.perf_counter() - begun)
            done.append(number)
        writer.close()

    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # the ledger was killed
        await asyncio.gather(*(client() for _ in range(_CONNECTIONS)))
    return took, done


def memory_mb(pid: int) -> float:
    """Peak resident memory of a process, MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def ingest(seconds: float) -> None:
    """As fast as it goes, then at the rate that is asked of it: what it costs, and how soon it is acknowledged."""
    print(f"ingest: {_CONNECTIONS} connections, {_CALLS_A_REQUEST} calls a request, synchronous=FULL")
    made = templates(200, seed=1)
    print(f"  {sum(len(body.anew(0)) for body in made) / len(made) / _CALLS_A_REQUEST:.0f} bytes a call")
    for rate in (0, _TARGET / _CALLS_A_REQUEST):
        with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "ledger.db") as (up, url):
            warm = (made[number % len(made)].anew(number) for number in range(40))
            asyncio.run(send_all(url, warm, time.perf_counter() + 60))
            bodies = (made[number % len(made)].anew(number) for number in itertools.count(40))
            measure(up.pid, url, bodies, seconds, rate)


def measure(pid: int, url: str, bodies: Iterator[bytes], seconds: float, rate: float) -> None:
    begun, own, before = time.perf_counter(), time.process_time(), cpu_seconds(pid)
    took, done = asyncio.run(send_all(url, bodies, begun + seconds, rate))
    elapsed, own, cpu = time.perf_counter() - begun, time.process_time() - own, cpu_seconds(pid) - before
    took.sort()
    calls = len(done) * _CALLS_A_REQUEST
    load = os.getloadavg()[0]
    print(
        f"  {f'{rate * _CALLS_A_REQUEST:,.0f} calls/s due' if rate else 'as fast as it goes'}, load average {load:.1f}"
    )
    print(f"    {calls / elapsed:,.0f} calls/s over {elapsed:.1f} s; {calls / cpu:,.0f} calls a second of processor")
    print(
        f"    acknowledged in p50 {took[len(took) // 2] * 1e3:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1e3:.0f} ms"
    )
    each = cpu / calls * 1e6
    print(f"    ledger: {memory_mb(pid):.0f} MB at most, {each:.0f} us of processor a call; clients {own:.1f} s")
    assert healthz(url)["counts"]["calls"] == calls + 40 * _CALLS_A_REQUEST


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def healthz(url: str) -> dict:
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        return json.load(answer)


def crash(rounds: int) -> None:
    """kill -9 at a random moment, again and again on one file; every acknowledged call is there once."""
    lost = unclean = acknowledged = 0
    slowest = 0.0
    chance = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "ledger.db"
        for number in range(rounds):
            bodies = request_bodies(120, seed=100 + number)
            begun = time.perf_counter()
            with running(db) as (up, url):
                slowest = max(slowest, time.perf_counter() - begun)
                threading.Timer(0.3 + chance.random() * 1.5, up.send_signal, [signal.SIGKILL]).start()
                _, done = asyncio.run(send_all(url, bodies, time.perf_counter() + 5))
                up.wait()
            lost += missing(db, bodies, done)
            acknowledged += len(done) * _CALLS_A_REQUEST
            unclean += bool(verify(db).problems)
        with Reader(db) as reader:
            rows, distinct = reader.fetch("SELECT count(*), count(DISTINCT hex(trace_id)||hex(span_id)) FROM calls")[0]
    print(f"crash: {rounds} x kill -9, {acknowledged:,} calls acknowledged, {rows:,} stored")
    print(f"  lost {lost}, doubled {rows - distinct}, unclean after a crash {unclean}, slowest start {slowest:.2f} s")
    assert (lost, rows - distinct, unclean) == (0, 0, 0)


def missing(db: Path, bodies: list[bytes], done: list[int]) -> int:
    """How many acknowledged calls are not in the file."""
    with Reader(db) as reader:
        stored = {row[0] for row in reader.fetch("SELECT span_id FROM calls")}
    requests = (ExportTraceServiceRequest.FromString(bodies[number]) for number in done)
    spans = (span for request in requests for span in request.resource_spans[0].scope_spans[0].spans)
    return sum(span.span_id not in stored for span in spans)


def scale(rows: int) -> None:
    """Ten million calls over 90 days, written by the store itself; then every report."""
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "ledger.db"
        store, calls, begun = Store(db), realistic_calls(rows, days=90, seed=2), time.perf_counter()
        for _ in range(rows // 2000):
            store.write([next(calls) for _ in range(2000)])
        store.close()
        elapsed = time.perf_counter() - begun
        print(
            f"scale: {rows:,} calls in {elapsed:.0f} s; {db.stat().st_size / rows:.1f} bytes a call, roll-ups included"
        )
        for question in _QUESTIONS:
            begun = time.perf_counter()
            report = get_token_usage(ledger=db, **({"start_date": "all"} | question))
            took = time.perf_counter() - begun
            print(f"  {json.dumps(question):75} {len(report.rows):7,} rows {took * 1e3:7.0f} ms")
        for name, where in (("", ()), ("team=search", ("team=search",)), ("user=user-7", ("user=user-7",))):
            question = Question(where=parse_where(where))
            for order in ("dearest", "latest"):
                timed(
                    f"calls, {order} first {name}", db, lambda reader, q=question, o=order: list_calls(reader, q, o, 20)
                )
        timed("summary", db, lambda reader: read_summary(reader, Question(), datetime.now(timezone.utc)))
        begun = time.perf_counter()
        print(f"  verify: {verify(db).problems or 'clean'}, {time.perf_counter() - begun:.0f} s")


def timed(name: str, db: Path, ask) -> None:
    begun = time.perf_counter()
    with Reader(db) as reader:
        ask(reader)
    print(f"  {name:90} {(time.perf_counter() - begun) * 1e3:7.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ingest", "crash", "scale", "all"))
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--rows", type=int, default=10_000_000)
    given = parser.parse_args()
    if given.what in ("ingest", "all"):
        ingest(given.seconds)
    if given.what in ("crash", "all"):
        crash(given.rounds)
    if given.what in ("scale", "all"):
        scale(given.rows)


if __name__ == "__main__":
    main()
