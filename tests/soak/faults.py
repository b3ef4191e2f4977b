"""What happens to the collector and to the ledger, and when: a schedule from the seed, in which each fault comes."""

from __future__ import annotations

import asyncio
import random
import resource
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from collector import FAILURES, Collector

LEDGER_FAULTS = ("ledger killed", "disk full")
CALM_SECONDS = 4  # at the end, so that what is told last arrives


class Fault(NamedTuple):
    kind: str
    begin: float  # seconds after the start
    seconds: float


def schedule(seed: int, seconds: float) -> list[Fault]:
    """All kinds once in an order of the seed, then again, until the time is over."""
    dice = random.Random(f"{seed} faults")
    kinds = [*FAILURES, *LEDGER_FAULTS]
    slot = min(8.0, (seconds - CALM_SECONDS) / len(kinds))
    faults: list[Fault] = []
    begin = 0.0
    while begin + slot <= seconds - CALM_SECONDS + 0.001:
        if len(faults) % len(kinds) == 0:
            dice.shuffle(kinds)
        lasts = slot * dice.uniform(0.3, 0.7)
        faults.append(Fault(kinds[len(faults) % len(kinds)], begin + slot - lasts, lasts))
        begin += slot
    return faults


class Ledger:
    """A real `costspan up`, which can be killed, restarted, and kept from writing."""

    def __init__(self, db: Path, ports: tuple[int, int], environ: dict[str, str], log: Path) -> None:
        self.db, self.ports, self._environ, self._log = db, ports, environ, log
        self._process: asyncio.subprocess.Process | None = None
        self.restarts = -1

    async def start(self) -> None:
        """Running and answering when this returns."""
        http, grpc = self.ports
        costspan = Path(sys.executable).with_name("costspan")
        command = [costspan, "up", "--port", http, "--grpc-port", grpc, "--db", self.db]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *map(str, command), env=self._environ, stdout=log, stderr=log
            )
        self.restarts += 1
        while not await self._answers():
            if self._process.returncode is not None:
                raise RuntimeError(f"costspan up ended with {self._process.returncode}: see {self._log}")
            await asyncio.sleep(0.1)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.ports[0])
        except OSError:
            return False
        writer.close()
        return True

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()

    def fill_disk(self) -> None:
        """As a full disk: no file of the process may grow, nor be written to beyond where its log ends now."""
        wal = self.db.with_name(self.db.name + "-wal")
        size = wal.stat().st_size if wal.exists() else 0
        self._limit(size + 8192)

    def free_disk(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, hard))

    async def stop(self) -> int:
        """Its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()


async def inflict(faults: list[Fault], collector: Collector, ledger: Ledger, tell) -> None:
    """Let all faults happen, each at its time; all is well when this returns."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for fault in faults:
        await asyncio.sleep(max(0, start + fault.begin - loop.time()))
        tell(fault)
        await _suffer(fault, collector, ledger)


async def _suffer(fault: Fault, collector: Collector, ledger: Ledger) -> None:
    if fault.kind == "ledger killed":
        await ledger.kill()
        await asyncio.sleep(fault.seconds / 2)
        await ledger.start()
    elif fault.kind == "disk full":
        ledger.fill_disk()
        await asyncio.sleep(fault.seconds)
        ledger.free_disk()
    else:
        await collector.feel(fault.kind)
        await asyncio.sleep(fault.seconds)
        await collector.feel("")
