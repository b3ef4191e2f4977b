"""Every SDK in every call shape: what the provider's payload tells, and what costspan makes of it, and of its price.

    python tests/usage_table.py              of the SDKs that are installed here, as Markdown
    python tests/usage_table.py --short      one row per SDK

Costs are by a price file in which every kind of token has a rate of its own, so that none stands in for another.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import warnings
from fractions import Fraction
from itertools import groupby, product
from typing import NamedTuple

from adapters import SHAPES, Watched, close
from conformance.host import finish, items, settle
from conformance.sdks import ROWS
from conformance.told import TOLD
from fake_providers import FakeProvider, watsonx
from loops import event_loop
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan.adapters._adapter import load
from costspan.instrumentors import PLUGIN, adapter_names
from costspan.usage import TOKENS

MODELS = (
    "m-1",
    watsonx.MODEL,
    "gemini-2.5-flash-001",
)  # that answer, where they are called otherwise than they are asked
PER_MILLION = {bucket: place for place, bucket in enumerate(TOKENS, 1)}  # USD
PER_PIECE = {"web_searches": 1, "web_fetches": 2, "search_units": 3}  # USD
GPU_HOUR = 36  # USD: 1e-5 for a millisecond


class Line(NamedTuple):
    sdk: str
    ask: str
    shape: str
    payload: object
    wanted: object  # (usage, USD), by hand
    told: object  # the same, by costspan

    @property
    def equal(self):
        return self.wanted == self.told


def lines(row):
    """The lines of one SDK, which is installed."""
    fake = FakeProvider(row.wire.ROUTES)
    clients = row.clients(fake.url)
    try:
        with event_loop() as loop:
            yield from _lines(row, fake, clients, loop.run_until_complete)
            for sdk in clients.values():
                loop.run_until_complete(close(sdk))
    finally:
        fake.close()


def _lines(row, fake, clients, run):
    for ask, shape in product(row.asks, SHAPES):
        kind = "async" if shape.startswith("async") else "sync"
        path = ask.stream if "stream" in shape else ask.plain
        if path and kind in row.kinds:
            told = TOLD.get(f"{row.name} {ask.name}") or TOLD[f"{row.wire.__name__.rpartition('.')[2]} {ask.name}"]
            path = path if isinstance(path, str) else path[kind]
            arguments = ask.arguments()
            if "stream" in shape:
                arguments |= {**ask.stream_arguments, **told.stream_arguments}
            fake.clear()
            fake.play(*([told.answer] if told.answer else ()))
            seen = _seen(row, clients[kind], path, arguments, stream="stream" in shape)
            seen = run(seen) if kind == "async" else finish(seen)
            yield Line(row.name, ask.name, shape, told.payload, (told.usage, cost_of(told.usage)), seen)


async def _seen(row, sdk, path, arguments, *, stream):
    """What costspan tells of a call: usage, and USD."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:
        json.dump({"models": price_entries(row)}, prices)
        prices.flush()
        costspan.instrument(
            tracer_provider=provider,
            meter_provider=MeterProvider(shutdown_on_exit=False),
            hosts={"127.0.0.1": "anthropic" if row.name == "anthropic" else "openai"},
            prices=prices.name,
            count_tokens="never",
        )
        watched = Watched(PLUGIN.recorder, exporter, provider)
        try:
            for step in path.split("."):
                sdk = getattr(sdk, step)
            answer = await settle(sdk(**arguments))
            if stream:
                _ = [each async for each in items(answer)]
            return watched.usage, watched.attributes.get("gen_ai.usage.cost.amount")
        finally:
            costspan.uninstrument()


def price_entries(row):
    """Prices of all models that are asked, whoever is told to have answered."""
    asked = [ask.arguments() for ask in row.asks]
    models = {each.get("model") or each.get("modelId") for each in asked} - {None}
    providers = {load(name).provider for name in adapter_names()}
    rates = {name: {**PER_MILLION, **PER_PIECE} for name in providers}
    rates["replicate"]["gpu_hour"] = (
        GPU_HOUR  # elsewhere it would be that of a server of one's own, by the time it takes
    )
    return [{"provider": each, "model": name, **rates[each]} for each in providers for name in {*models, *MODELS}]


def cost_of(usage):
    """USD by the price file; None if nobody knows what was used."""
    if usage is None:
        return None
    rates = {name: Fraction(rate, 10**6) for name, rate in PER_MILLION.items()}
    rates |= PER_PIECE | {"compute_ms": Fraction(GPU_HOUR, 3_600_000)}
    return float(sum(rates[name] * count for name, count in usage.counts.items() if name != "requests"))


def lines_if_here(row):
    """The lines of one SDK; none if it is not installed."""
    try:
        return list(lines(row))
    except ModuleNotFoundError as error:
        print(f"{row.name}: not here ({error})", file=sys.stderr)  # noqa: T201
        return []


def table(found):
    rows = ["| SDK | asked | shape | payload | usage | USD | equal |", "| --- | --- | --- | --- | --- | --- | --- |"]
    payload = ""
    for line in found:
        usage, cost = line.told
        before, payload = payload, json.dumps(line.payload).replace('"', "")
        told = ", ".join(f"{name} {count}" for name, count in usage.counts.items()) if usage else "unknown"
        shown = "as above" if payload == before else payload
        equal = "yes" if line.equal else f"NO: {line.wanted}"
        rows.append(f"| {line.sdk} | {line.ask} | {line.shape} | {shown} | {told} | {cost} | {equal} |")
    return "\n".join(rows)


def short_table(found):
    rows = ["| SDK | asked in | shapes | equal |", "| --- | --- | --- | --- |"]
    for name, each in groupby(found, lambda line: line.sdk):
        mine = list(each)
        asks = ", ".join(dict.fromkeys(line.ask for line in mine))
        shapes = ", ".join(shape for shape in SHAPES if shape in {line.shape for line in mine})
        rows.append(f"| {name} | {asks} | {shapes} | {sum(line.equal for line in mine)} of {len(mine)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable()
    every = [line for row in ROWS for line in lines_if_here(row)]
    print((short_table if "--short" in sys.argv[1:] else table)(every))  # noqa: T201
    print(f"\n{sum(line.equal for line in every)} of {len(every)} are equal", file=sys.stderr)  # noqa: T201
    sys.exit(not all(line.equal for line in every))
