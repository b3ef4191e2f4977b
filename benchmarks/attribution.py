"""What attribution, roll-up, budgets and enrichment cost, in floor units: interleaved, the best of many rounds.

    python benchmarks/attribution.py            [--rounds 60] [--json]

A floor unit is what OpenTelemetry itself takes for one span with 15 attributes and 4 metric records.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import statistics
import time
import tracemalloc

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

import costspan
from costspan.call import Call, Request
from costspan.config import read_settings
from costspan.instrumentors import PLUGIN
from costspan.telemetry.spending import Labels
from costspan.usage import Usage

CALLS = 300
SETS = (1, 10, 100, 1000, 10_000)
LIMITS = {"a call with attribution, roll-up and a budget": 0.15, "pricing another tool's span": 0.3}
PAYERS = ("costspan.team", "costspan.feature", "user.id", "session.id")  # the first two on metrics as well
TOOL = "opentelemetry.instrumentation.openai_v2"  # records the conventions' metrics itself
FOREIGN = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 200,
    "gen_ai.usage.cache_read.input_tokens": 600,
    "gen_ai.request.temperature": 0.2,
    "gen_ai.request.max_tokens": 500,
    "gen_ai.response.finish_reasons": ("stop",),
}


class Sink(SpanProcessor):
    """Takes spans and keeps none."""


def floor(tracer, histograms, payers=(), metered=()):
    attributes = {f"attribute.{n}": n if n % 2 else f"value {n}" for n in range(15)} | dict.fromkeys(payers, "search")
    labels = {"model": "gpt-4o-mini", "provider": "openai", "operation": "chat"} | dict.fromkeys(metered, "search")

    def run():
        for _ in range(CALLS):
            span = tracer.start_span("floor")
            span.set_attributes(attributes)
            for each in histograms:
                each.record(1.0, labels)
            span.end()

    return run


def call():
    """One call as an adapter makes it, without SDK and HTTP."""
    recorder = PLUGIN.recorder
    made = Call(Request("chat", "openai", "gpt-4o-mini"), recorder)
    if recorder.refusal(made) is None:
        recorder.paused(recorder.started(made))
        made.reply.model = "gpt-4o-mini-2024-07-18"
        made.reply.usage = Usage.of({"input": 400, "cache_read": 600, "output": 200})
        made.finish()


def plain():
    for _ in range(CALLS):
        call()


def in_scopes():
    with (
        costspan.observe(name="request"),
        costspan.attribution(user="alice", team="search", feature="chat", session="s1"),
        costspan.budget(usd=10**6),
    ):
        for _ in range(CALLS):
            call()


def scopes_alone():
    for _ in range(CALLS):
        with costspan.attribution(user="alice", team="search"), costspan.budget(usd=1):
            pass


def foreign(tracer):
    def run():
        for _ in range(CALLS):
            span = tracer.start_span("chat")
            span.set_attributes(FOREIGN)
            span.end()

    return run


def plain_spans(tracer):
    def run():
        for _ in range(CALLS):
            span = tracer.start_span("SELECT")
            span.set_attribute("db.system", "postgresql")
            span.end()

    return run


def seconds_per_call(run):
    gc.collect()
    gc.disable()
    started = time.thread_time()  # of this thread: what else runs on the machine is not counted
    run()
    taken = time.thread_time() - started
    gc.enable()
    return taken / CALLS


def measure(rounds):
    """{name: median microseconds} of everything, each round in turn."""
    followed, bare = TracerProvider(shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
    for each in (followed, bare):
        each.add_span_processor(Sink())
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    meter = meters.get_meter("floor")
    histograms = [meter.create_histogram(f"h{n}") for n in range(4)]
    PLUGIN.start(read_settings(events="never"), {"tracer_provider": followed, "meter_provider": meters})
    runs = {
        "floor unit": floor(bare.get_tracer("floor"), histograms),
        "floor unit that says who pays": floor(bare.get_tracer("floor"), histograms, PAYERS, PAYERS[:2]),
        "call": plain,
        "call in scopes": in_scopes,
        "opening attribution and budget": scopes_alone,
        "another tool's span, bare": foreign(bare.get_tracer(TOOL)),
        "another tool's span, priced": foreign(followed.get_tracer(TOOL)),
        "any other span, bare": plain_spans(bare.get_tracer("db")),
        "any other span, followed": plain_spans(followed.get_tracer("db")),
    }
    for run in runs.values():
        run()
    taken = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(seconds_per_call(run) * 1e6)
    PLUGIN.stop()
    return {
        "micro": {name: round(statistics.median(each), 2) for name, each in taken.items()},
        "units": {
            "a call with attribution, roll-up and a budget": paired(taken, "call in scopes", "call"),
            "of it, OpenTelemetry's own for the payers": paired(taken, "floor unit that says who pays", "floor unit"),
            "pricing another tool's span": paired(taken, "another tool's span, priced", "another tool's span, bare"),
            "following any other span": paired(taken, "any other span, followed", "any other span, bare"),
            "opening attribution and budget, once per request": paired(taken, "opening attribution and budget"),
        },
    }


def growing(rounds):
    """{attribute sets in turn: (µs of a call, median; series that are exported)}, each with a plugin of its own."""
    found = {}
    for count in SETS:
        reader = InMemoryMetricReader()
        meters = MeterProvider([reader], shutdown_on_exit=False)
        tracers = TracerProvider(shutdown_on_exit=False)
        PLUGIN.start(read_settings(events="never"), {"tracer_provider": tracers, "meter_provider": meters})
        names = itertools.cycle([f"team-{n}" for n in range(count)])
        in_turn(names, count)  # every set was seen
        taken = [seconds_per_call(lambda names=names: in_turn(names, CALLS)) * 1e6 for _ in range(rounds)]
        found[count] = (round(statistics.median(taken), 2), series(reader))
        PLUGIN.stop()
    return found


def in_turn(names, calls):
    for _ in range(calls):
        with costspan.attribution(team=next(names)):
            call()


def series(reader):
    scopes = (scope for resource in reader.get_metrics_data().resource_metrics for scope in resource.scope_metrics)
    return sum(len(metric.data.data_points) for scope in scopes for metric in scope.metrics)


def paired(taken, with_it, without=None):
    """The median over rounds of what it adds, in floor units of the same round."""
    base = taken[without] if without else [0.0] * len(taken[with_it])
    ratios = [(one - other) / unit for one, other, unit in zip(taken[with_it], base, taken["floor unit"], strict=True)]
    return round(statistics.median(ratios), 3)


def a_million_users():
    """(bytes held, values on metrics) after a million users with one call each."""
    labels = Labels(("user", "team"), 1000)
    tracemalloc.start()
    values = {labels.of({"user": f"user-{n}", "team": "search"})["user.id"] for n in range(10**6)}
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held, len(values)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    found = measure(given.rounds)
    found["attribute sets"] = growing(max(given.rounds // 4, 3))
    held, values = a_million_users()
    found["million users"] = {"bytes": held, "values": values}
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, micro in found["micro"].items():
        print(f"{name:<52} {micro:8.2f} µs")
    for name, units in found["units"].items():
        print(f"{name:<52} {units:8.3f} floor units{f' (limit {LIMITS[name]})' if name in LIMITS else ''}")
    for count, (micro, exported) in found["attribute sets"].items():
        print(f"{f'a call, {count:,} teams in turn':<52} {micro:8.2f} µs, {exported:,} series")
    print(f"a million users                                      {values} values on metrics, {held / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
