"""Clients that outlive the cases, so that most are older than the instrumentation they are used under."""

from __future__ import annotations

import gc
from contextlib import contextmanager

import pytest
from loops import event_loop
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from conformance.suite import Client, collect
from costspan.guard import FAILURES
from costspan.instrumentors import PLUGIN


@pytest.fixture
def quick_collections():
    """These tests collect garbage by the hundred: what is older than the test is not looked through each time.

    Nor does it come by itself: a stream that it finds while an SDK's connection pool is locked waits for ever.
    """
    gc.freeze()
    gc.disable()
    yield
    collect()
    gc.enable()


@pytest.fixture(scope="session")
def loop():
    with event_loop() as loop:
        yield loop


@pytest.fixture(scope="session")
def openai_clients(openai_server, loop):
    """By name: sync, async. No retries unless a case says so: failures must be quick."""
    import openai  # noqa: PLC0415 not in every environment

    where = {"base_url": openai_server.url + "/v1", "api_key": "k", "max_retries": 0}
    one, other = openai.OpenAI(**where), openai.AsyncOpenAI(**where)
    yield {"sync": Client("sync", one), "async": Client("async", other, loop.run_until_complete)}
    one.close()
    loop.run_until_complete(other.close())


class Instrumented:
    """costspan, switched on and off by `with on():`, and what it told: `spans`, and its own `failures`."""

    def __init__(self, *processors):
        self._exporter = InMemorySpanExporter()
        self._providers = {
            "tracer_provider": TracerProvider(shutdown_on_exit=False),
            "meter_provider": MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False),
        }
        for processor in (SimpleSpanProcessor(self._exporter), *processors):
            self._providers["tracer_provider"].add_span_processor(processor)

    @contextmanager
    def __call__(self, **settings):
        """Every stream is asked for its usage: the fake stands for OpenAI itself."""
        FAILURES.clear()
        costspan.instrument(**self._providers, hosts={"127.0.0.1": "openai"}, **settings)
        try:
            yield
        finally:
            costspan.uninstrument()

    @property
    def spans(self):
        """Those that ended since the last look; those whose tokens are still being counted are waited for."""
        if PLUGIN.recorder is not None:
            assert PLUGIN.recorder.drain(10)
        ended = self._exporter.get_finished_spans()
        self._exporter.clear()
        return ended

    @property
    def failures(self):
        return FAILURES.counts


@pytest.fixture(scope="session")
def instrumented_once():
    return Instrumented()


@pytest.fixture
def instrumented(instrumented_once, quick_collections):
    """`with instrumented(): ...`, then `instrumented.spans` and `.failures`."""
    assert instrumented_once.spans is not None
    return instrumented_once


@pytest.fixture
def instrumented_with():
    """`with instrumented_with(processor) as told: ...`: costspan on, and this span processor beside the usual one."""

    @contextmanager
    def on(processor):
        told = Instrumented(processor)
        with told():
            yield told

    return on
