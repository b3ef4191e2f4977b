"""`watch(name)` switches one adapter on, as its entry point does, and off at the end of the test."""

from __future__ import annotations

import pytest
from fake_providers import FakeProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters import Watched, environments
from costspan import instrumentors
from costspan.guard import FAILURES

collect_ignore = environments.elsewhere() if environments.NAME == environments.MAIN else []


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
            given = {"count_tokens": "never", **settings}  # what the adapter reads, and nothing that is counted later
            instrumentor.instrument(tracer_provider=provider, meter_provider=meters, **given)
            assert instrumentor.is_instrumented_by_opentelemetry, f"{name} is not installed"
            on.append(instrumentor)
        return Watched(instrumentors.PLUGIN.recorder, exporter, provider)

    yield switch_on
    for instrumentor in on:
        instrumentor.uninstrument()
    assert FAILURES.counts == {}


@pytest.fixture
def serve():
    """A function of a module of tests/fake_providers: that provider, on loopback."""
    running = []

    def start(wire):
        running.append(FakeProvider(wire.ROUTES))
        return running[-1]

    yield start
    for fake in running:
        fake.close()
