"""Earlier days for the demo: made-up calls, told through costspan's own telemetry as if they had happened then.

The calls are invented; what happens to them is not: they are priced at their own time, become spans, and go to the
ledger over OTLP like any other. Their service name says what they are. A program of its own: `history.py DAYS`.
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from costspan import attribution
from costspan.call import Call, Reply, Request
from costspan.config import Settings
from costspan.demo.running import HISTORY
from costspan.pricing import Pricer
from costspan.telemetry.recorder import Recorder
from costspan.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY_SECONDS = 86_400
_FLUSH_MS = 10_000


class Habit(NamedTuple):
    """What a team does day by day: how often, and about how many tokens each time."""

    team: str
    feature: str
    users: tuple[str, ...]
    model: str
    calls: int  # on a working day
    input: int
    cache_read: int
    output: int
    operation: str = "chat"


HABITS = (
    Habit("support", "answers", ("alice", "bob", "carol"), "gpt-4o-2024-08-06", 24, 400, 1408, 190),
    Habit("support", "orders", ("alice", "bob", "carol"), "gpt-4.1-mini-2025-04-14", 10, 350, 0, 60),
    Habit("search", "tickets", ("frank",), "gpt-4o-mini-2024-07-18", 20, 120, 0, 20),
    Habit("search", "manual", ("dave",), "text-embedding-3-small", 4, 900, 0, 0, "embeddings"),
    Habit("planning", "stock", ("erin",), "gpt-5-2025-08-07", 5, 2600, 0, 1900),
)


def send_history(days: int) -> Iterator[int]:
    """Sends the calls of each earlier day to where OpenTelemetry's variables say, and yields how many that day had."""
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource.create({"service.name": HISTORY}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("costspan")
    recorder = Recorder(tracer, NoOpMeter("costspan"), None, Pricer(), Settings())
    chance = random.Random(20261122)  # noqa: S311 the same history every time
    midnight = int(time.time()) // _DAY_SECONDS * _DAY_SECONDS
    for ago in range(days, 0, -1):
        yield _tell_day(recorder, midnight - ago * _DAY_SECONDS, chance)
        provider.force_flush(_FLUSH_MS)
    provider.shutdown()


def _tell_day(recorder: Recorder, midnight: int, chance: random.Random) -> int:
    weekend = time.gmtime(midnight).tm_wday >= 5  # noqa: PLR2004 Saturday
    count = 0
    for habit in HABITS:
        calls = max(1, round(habit.calls * chance.uniform(0.7, 1.3) * (0.3 if weekend else 1)))
        for _ in range(calls):
            with attribution(team=habit.team, user=chance.choice(habit.users), feature=habit.feature):
                _tell_call(recorder, habit, midnight + chance.randrange(7 * 3600, 19 * 3600), chance)
        count += calls
    return count


def _tell_call(recorder: Recorder, habit: Habit, second: int, chance: random.Random) -> None:
    call = Call(Request(habit.operation, "openai", habit.model, host="api.openai.com", port=443), recorder)
    call.started_ns = second * 1_000_000_000
    call.begun -= chance.uniform(0.2, 4)  # it took so many seconds
    size = chance.uniform(0.5, 1.6)
    recorder.paused(recorder.started(call))
    usage = Usage(input=int(habit.input * size), cache_read=habit.cache_read, output=int(habit.output * size))
    call.reply = Reply(model=habit.model, usage=usage, finish_reasons=("stop",))
    call.finish()


if __name__ == "__main__":
    for told in send_history(int(sys.argv[1])):
        print(told, flush=True)
