"""A program under test: 50 tasks that call at a steady rate, under `opentelemetry-instrument`, and keep a diary.

What it does to itself: its clock jumps, and it forks children that call too, unless it exports over gRPC. What it
writes down (JSON lines, one file per process) is what the end is proved from: each call as the program saw it, each
span or event as it was told, each export and whether it was acknowledged, and what the process used.

`worker.py --reference` makes each odd call once, without costspan, and prints how it ended.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import openai
import provider
from calls import MESSAGES, Clients, headers_of, make, make_clients
from plan import KINDS, Ask, Plan, model_of

TASKS = 50
CHILD_CALLS = 6
CHILD_SECONDS = 60  # it is stuck if it takes longer
SETTLE_SECONDS = 7  # by then the thread has ended that sends the first zeros of new series


class Diary:
    """JSON lines, in a file of each process."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._file, self._pid = None, 0
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=lambda: setattr(self, "_lock", threading.Lock()))

    def write(self, what: str, **facts) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._file = (self._folder / f"{self._name}-{self._pid}.jsonl").open("a")
            self._file.write(json.dumps({"what": what, "at": round(time.monotonic(), 2), **facts}) + "\n")
            self._file.flush()


class Clock:
    """The wall clock as the program sees it, which can jump."""

    def __init__(self) -> None:
        self.offset_ns = 0
        real, real_ns = time.time, time.time_ns
        time.time = lambda: real() + self.offset_ns / 1e9
        time.time_ns = lambda: real_ns() + self.offset_ns
        if channel := sys.modules.get("grpc._channel"):
            # its deadlines are C code's, which goes by the clock of the machine: that one does not jump
            channel._deadline = lambda seconds: None if seconds is None else real() + seconds

    async def jump(self, dice: random.Random, seconds: float, diary: Diary) -> None:
        """Now and then: a little, an hour, most of a day; forward and back."""
        while True:
            await asyncio.sleep(dice.uniform(0.5, 1.5) * seconds / 12)
            by = dice.choice([0, 2, -2, 3600, -3600, 70_000, -70_000])
            self.offset_ns = by * 10**9
            diary.write("jump", seconds=by)


def usage_of_process() -> dict[str, int]:
    """Resident bytes, threads, open file descriptors."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "threads": threading.active_count(),
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
    }


class Program:
    def __init__(self, name: str, urls: list[str], folder: Path, reference: dict) -> None:
        from costspan import attribution  # noqa: PLC0415 the bare SDK runs without

        self._attribution = attribution
        self.name, self.urls = name, urls
        self.diary = Diary(folder, name)
        self.clients: Clients = make_clients(urls)
        self.plan = Plan(name, reference["odd"], reference["odd stream"])
        self._dice = random.Random(f"{name} faults")

    async def call(self, ask: Ask) -> None:
        with self._attribution(session=ask.name, team=f"team-{len(ask.name) % 3}"):
            raised, seen = await make(ask, self.clients)
        self.diary.write("call", name=ask.name, kind=ask.kind, usage=ask.usage, raised=raised, seen=seen)

    async def run(self, seconds: float, pause: float) -> None:
        """All of it: every kind once, then the tasks until the time is over, then what is left."""
        for kind in KINDS:
            await self.call(self.plan.next(kind))
        await self._look("before")
        clock = Clock()
        end = asyncio.get_running_loop().time() + seconds
        tasks = [asyncio.create_task(self._task(end, pause)) for _ in range(TASKS)]
        # not beside gRPC: now and then a child waits for ever for a lock of its library that was held at the fork (4 of
        # 120 did; grpcio 1.85.1, `_channel._blocking`, run on 2026-11-22)
        if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] != "grpc":
            tasks.append(asyncio.create_task(self._fork(seconds)))
        beside = [
            asyncio.create_task(clock.jump(self._dice, seconds, self.diary)),
            asyncio.create_task(self._watch()),
        ]
        await asyncio.gather(*tasks)
        for each in beside:
            each.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await self._look("after")

    async def _task(self, end: float, pause: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._dice.uniform(0, pause))
        due = loop.time()
        while due < end:
            await asyncio.sleep(max(0, due - loop.time()))
            await self.call(self.plan.next())
            due += pause * self._dice.uniform(0.8, 1.2)

    async def _watch(self) -> None:
        while True:
            self.diary.write("process", **usage_of_process())
            await asyncio.sleep(1)

    async def _look(self, when: str) -> None:
        """What the process holds when no call is under way and all telemetry has left."""
        await self.clients.close()
        self.clients = make_clients(self.urls)
        flushing = threading.Thread(target=flush)  # one of the loop's own pool would stay
        flushing.start()
        while flushing.is_alive():  # noqa: ASYNC110 a thread tells no event
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_SECONDS)
        gc.collect()
        names = sorted(each.name for each in threading.enumerate())
        self.diary.write(when, **usage_of_process(), names=names)

    async def _fork(self, seconds: float) -> None:
        """Twice: a child that calls, tells its own calls, and ends."""
        for number in range(2):
            await asyncio.sleep(seconds * 0.3)
            child = os.fork()
            if not child:
                self._be_child(number)
            await self._wait_for(child)

    async def _wait_for(self, child: int) -> None:
        end = asyncio.get_running_loop().time() + CHILD_SECONDS
        while (found := os.waitpid(child, os.WNOHANG)) == (0, 0):  # noqa: ASYNC222 it does not wait
            if asyncio.get_running_loop().time() > end:
                self.diary.write("child", pid=child, code="does not end")
                os.kill(child, signal.SIGKILL)
            await asyncio.sleep(0.2)
        self.diary.write("child", pid=child, code=os.waitstatus_to_exitcode(found[1]))

    def _be_child(self, number: int) -> None:
        """Never returns: the loop and what it waits for are the parent's."""
        code = 1
        try:
            plan = Plan(f"{self.name} child {number}", [], [])
            with openai.OpenAI(base_url=f"{self.urls[0]}/v1", api_key="k") as client:
                for _ in range(CHILD_CALLS):
                    self._call_in_child(client, plan.next("chat"))
            atexit._run_exitfuncs()
            code = 0
        finally:
            os._exit(code)

    def _call_in_child(self, client: openai.OpenAI, ask: Ask) -> None:
        with self._attribution(session=ask.name):
            client.chat.completions.create(
                messages=MESSAGES, model=model_of(ask.kind)[1], extra_headers=headers_of(ask)
            )
        self.diary.write("call", name=ask.name, kind=ask.kind, usage=ask.usage, raised="", seen=0)


def flush() -> None:
    """Let what was told so far leave."""
    from opentelemetry import _logs, metrics, trace  # noqa: PLC0415 the bare SDK runs without

    for held in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
        held.force_flush()


async def refer(urls: list[str]) -> dict:
    """How every odd call ends, and what the program sees of it."""
    clients = make_clients(urls)
    asked = {f"odd: {name}": Ask("", f"odd: {name}", {}, 0.5) for name in provider.ODD}
    asked |= {f"odd stream: {name}": Ask("", f"odd stream: {name}", {}, 0.5) for name in provider.ODD_STREAMS}
    asked |= {f"cut {n}": Ask("", "cut", {"input": 1, "output": 1}, (n - 0.5) / 10) for n in range(1, 11)}
    ends = await asyncio.gather(*(make(each, clients) for each in asked.values()))
    await clients.close()
    return {
        "ends": dict(zip(asked, ends, strict=True)),
        "odd": list(provider.ODD),
        "odd stream": list(provider.ODD_STREAMS),
    }


def main() -> None:
    if sys.argv[1] == "--reference":
        print(json.dumps(asyncio.run(refer(sys.argv[2:]))))
        return
    from witness import watch  # noqa: PLC0415 the bare SDK runs without

    how = json.loads(sys.argv[1])
    folder = Path(how["folder"])
    program = Program(how["name"], how["urls"], folder, json.loads((folder / "reference.json").read_text()))
    watch(program.diary)
    asyncio.run(program.run(how["seconds"], how["pause"]))
    program.diary.write("end")


if __name__ == "__main__":
    main()
