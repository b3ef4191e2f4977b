"""A program under test: makes the calls that its standard input asks for, with costspan's own recorder and exporters.

One JSON list of calls per line; each line is answered by one line when its telemetry was flushed. At the end of the
input the program ends as programs do, and its last line says what it spent.
"""

from __future__ import annotations

import json
import os
import sys
import time

from opentelemetry import _logs, metrics, trace

from costspan import attribution
from costspan.call import Call, Reply, Request, UsageSource
from costspan.config import read_settings
from costspan.instrumentors import _make_recorder, set_up_providers
from costspan.pricing import Pricer
from costspan.pricing.price import FEMTO
from costspan.usage import Usage


class Program:
    """Sums up exactly what it made costspan record."""

    def __init__(self):
        settings = read_settings()
        set_up_providers(settings)
        self.recorder = _make_recorder(settings, {})
        self.pricer = Pricer()
        self.pricer.load()
        self.recorder.pricer.load()
        self.femto, self.tokens, self.calls = 0, 0, 0

    def call(
        self,
        *,
        model="gpt-4o-mini",
        team="",
        feature="",
        user="",
        session="",
        usage=None,
        source="provider",
        error="",
        provider="openai",
    ):
        given = (("team", team), ("feature", feature), ("user", user), ("session", session))
        payers = {key: value for key, value in given if value}
        with attribution(**payers):
            call = Call(Request("chat", provider, model), self.recorder)
            scope = self.recorder.started(call)
            self.recorder.paused(scope)
            call.chunk()
            call.reply = Reply(
                model=model, usage=Usage(**(usage or {"input": 1000, "output": 100})), source=UsageSource(source)
            )
            if error:
                call.fail(RuntimeError(error))
            call.finish()
        price = self.pricer.price(call.reply.usage, provider=provider, model=model)
        self.femto += price.total_femto or 0
        self.tokens += sum(count for _, count in call.reply.usage)
        self.calls += 1


def flush():
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
        provider.force_flush()


FORK_LINE = 2


def work_as_child(program, calls):
    """Make the calls of one line, live for as long as a worker does, and end without the parent's last words."""
    for each in calls:
        for _ in range(each.pop("times", 1)):
            program.call(**each)
    time.sleep(7)
    metrics.get_meter_provider().force_flush()
    os._exit(0)


def main():
    program = Program()
    for number, line in enumerate(sys.stdin, 1):
        if number == FORK_LINE and any(os.fork() == 0 for _ in range(int(os.environ.get("FORK", "0")))):
            work_as_child(program, json.loads(line))
        for each in json.loads(line):
            times = each.pop("times", 1)
            for _ in range(times):
                program.call(**each)
        if os.environ.get("FLUSH", "yes") == "yes":
            flush()
        print("done", flush=True)
    print(json.dumps({"cost": program.femto / FEMTO, "tokens": program.tokens, "calls": program.calls}), flush=True)


if __name__ == "__main__":
    main()
