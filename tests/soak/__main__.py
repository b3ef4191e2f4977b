"""`make soak`: four programs of 50 tasks each against a provider, a collector and a ledger that fail on a schedule.

Three send OTLP over HTTP, one over gRPC; of two of them, half of the calls are events, without a span.
SECONDS (600), SEED (by the clock, and told), RATE (calls a second of all programs together, 40). A promise that is
broken is a line of the last table, the exit code is 1, and the folder with all diaries is kept. Needs Linux.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from collector import Collector
from faults import Ledger, inflict, schedule
from plan import price_file
from proof import Diaries, Promise, prove
from rich.console import Console
from rich.table import Table
from worker import TASKS

HERE = Path(__file__).parent
HTTP, GRPC = ({"OTEL_EXPORTER_OTLP_PROTOCOL": each} for each in ("http/protobuf", "grpc"))
HALF = {  # of the calls have no span: events tell them
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.5",
}
PROGRAMS = (HTTP, HTTP, HTTP | HALF, GRPC | HALF)
END_SECONDS = 120  # a program that takes longer to end is stuck
_OURS = re.compile(r"costspan could not|(src|site-packages)/costspan/")
console = Console(width=110 if not sys.stdout.isatty() else None)


class Soak:
    def __init__(self, folder: Path, seed: int, seconds: float, rate: float) -> None:
        self.folder, self.seed, self.seconds = folder, seed, seconds
        self.pause = len(PROGRAMS) * TASKS / rate
        self.environ = _environment(folder)
        self.begun = time.monotonic()

    def tell(self, text: str) -> None:
        console.print(f"[dim]{time.monotonic() - self.begun:5.0f} s[/dim]  {text}", highlight=False)

    async def run(self) -> list[Promise]:
        (self.folder / "prices.json").write_text(price_file())
        provider = await self._start("provider.py", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        urls = (await provider.stdout.readline()).decode().split()
        self.environ["COSTSPAN_HOSTS"] = ",".join(
            f"{url.removeprefix('http://')}={name}" for url, name in zip(urls, ("openai", "anthropic"), strict=True)
        )
        reference = await self._refer(urls)
        ledger = Ledger(self.folder / "ledger.db", _free_ports(), self.environ, self.folder / "ledger.log")
        await ledger.start()
        collector = Collector(ledger.ports)
        await collector.start()
        codes = await self._suffer(urls, collector, ledger)
        provider.stdin.close()
        await provider.wait()
        ended = [await ledger.stop(), await self._verify(ledger.db)]
        await collector.close()
        self.tell(
            f"requests by what became of them: {dict(collector.counts)}; {ledger.restarts} restarts of the ledger"
        )
        self.tell("proving …")
        passed = {way: collector.counts[f"{way} passed on"] for way in ("HTTP", "gRPC")}
        return [
            *prove(Diaries(self.folder), collector.metrics, ledger.db, reference),
            Promise(
                "the ledger's sums are right", ended == [0, 0], f"`costspan up` and `ledger verify` ended with {ended}"
            ),
            Promise("every program ends", codes == [0] * len(PROGRAMS), f"exit codes {codes}"),
            self._log_lines(),
            Promise(
                "OTLP reaches the ledger over HTTP and gRPC",
                min(passed.values()) > 0,
                ", ".join(f"{count:,} requests over {way}" for way, count in passed.items()),
            ),
        ]

    async def _suffer(self, urls: list[str], collector: Collector, ledger: Ledger) -> list[int]:
        """The programs run while all goes wrong around them; their exit codes."""
        programs = [await self._program(number, urls, collector.port) for number in range(len(PROGRAMS))]
        await self._until_warm(programs)
        faults = schedule(self.seed, self.seconds)
        self.tell(f"{len(PROGRAMS)} programs of {TASKS} tasks for {self.seconds:.0f} s, {len(faults)} faults to come")
        await inflict(faults, collector, ledger, lambda fault: self.tell(f"{fault.kind} for {fault.seconds:.1f} s"))
        ending = asyncio.gather(*(each.wait() for each in programs))
        try:
            return await asyncio.wait_for(ending, self.seconds - faults[-1].begin + END_SECONDS)
        except asyncio.TimeoutError:
            for each in programs:
                if each.returncode is None:
                    each.kill()
            return [each.returncode for each in programs]

    async def _until_warm(self, programs: list) -> None:
        """Every kind of call was made once, and each program has looked at what it holds."""
        while sum('"before"' in path.read_text() for path in self.folder.glob("w*.jsonl")) < len(PROGRAMS):
            if any(each.returncode is not None for each in programs):
                raise RuntimeError(f"a program ended at once: see {self.folder}")
            await asyncio.sleep(0.2)

    async def _program(self, number: int, urls: list[str], port: int):
        how = {
            "name": f"w{number}",
            "urls": urls,
            "folder": str(self.folder),
            "seed": self.seed,
            "seconds": self.seconds,
            "pause": self.pause,
        }
        environ = PROGRAMS[number] | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        starter = Path(sys.executable).with_name("opentelemetry-instrument")
        with (self.folder / f"w{number}.log").open("wb") as log:
            return await self._start(
                "worker.py", json.dumps(how), by=[starter], environ=environ, stdout=log, stderr=log
            )

    async def _start(self, program: str, *arguments: str, by: list = (), environ: dict | None = None, **streams):
        command = [*by, sys.executable, HERE / program, *arguments]
        return await asyncio.create_subprocess_exec(*map(str, command), env=self.environ | (environ or {}), **streams)

    async def _refer(self, urls: list[str]) -> dict:
        """What the bare SDK does with everything odd."""
        process = await self._start("worker.py", "--reference", *urls, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        (self.folder / "reference.json").write_bytes(output)
        return json.loads(output)

    async def _verify(self, db: Path) -> int:
        command = [Path(sys.executable).with_name("costspan"), "ledger", "verify", "--db", db]
        with (self.folder / "verify.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(*map(str, command), env=self.environ, stdout=log, stderr=log)
        return await process.wait()

    def _log_lines(self) -> Promise:
        """The programs' own log: OpenTelemetry may complain of its collector, nobody of costspan."""
        logs = "".join(path.read_text() for path in sorted(self.folder.glob("w*.log")))
        ours = [line for line in logs.splitlines() if "costspan could not" in line or _OURS.search(line)]
        return Promise(
            "nothing of costspan's in the programs' logs", not ours, f"{len(logs.splitlines())} lines; {ours[:2]}"
        )


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    return kept | {
        "COSTSPAN_PRICES": str(folder / "prices.json"),
        "COSTSPAN_EXIT_TIMEOUT": "40",
        "OTEL_SERVICE_NAME": "soak",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_BLRP_SCHEDULE_DELAY": "1000",
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "5",
        "NO_PROXY": "127.0.0.1",
    }


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def show(promises: list[Promise], seed: int) -> bool:
    table = Table("", "promise", "seen", title=f"soak, seed {seed}", title_justify="left")
    for each in promises:
        table.add_row("[green]kept[/green]" if each.kept else "[bold red]BROKEN[/bold red]", each.name, each.seen)
    console.print(table)
    return all(each.kept for each in promises)


def main() -> int:
    if sys.platform != "linux":
        console.print("the soak looks at its programs through /proc and limits them with prlimit: it needs Linux")
        return 2
    seconds, rate = float(os.environ.get("SECONDS") or 600), float(os.environ.get("RATE") or 40)
    seed = int(os.environ.get("SEED") or 0) or int(time.time()) % 100_000
    folder = Path(tempfile.mkdtemp(prefix="costspan-soak-"))
    console.print(f"soak: {seconds:.0f} s, seed {seed}, {rate:.0f} calls/s; diaries and logs in {folder}")
    kept = show(asyncio.run(Soak(folder, seed, seconds, rate).run()), seed)
    if kept:
        shutil.rmtree(folder)
    else:
        console.print(f"a promise is broken; what happened is in {folder}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
