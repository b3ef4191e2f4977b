"""`watch(name)` switches one adapter on, as its entry point does, and off at the end of the test."""

from __future__ import annotations

import pytest
from adapters import Watched
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from costspan import instrumentors
from costspan.guard import FAILURES


@pytest.fixture
def watch():
    """A function of adapters' names: what they saw, as a Watched. A failure of ours fails the test."""
    exporter, on = InMemorySpanExporter(), []
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    FAILURES.clear()

    def switch_on(*names, **settings):
        for name in names:
            instrumentor = getattr(instrumentors, name)()
            meters = MeterProvider(shutdown_on_exit=False)
            instrumentor.instrument(tracer_provider=provider, meter_provider=meters, **settings)
            assert instrumentor.is_instrumented_by_opentelemetry, f"{name} is not installed"
            on.append(instrumentor)
        return Watched(_listen(instrumentors.PLUGIN.recorder), exporter)

    yield switch_on
    for instrumentor in on:
        instrumentor.uninstrument()
    assert FAILURES.counts == {}


def _listen(recorder):
    """The calls that the recorder is told of, beside what it makes of them."""
    calls, finished = [], recorder.finished

    def listening(call):
        calls.append(call)
        finished(call)

    recorder.finished = listening
    return calls
