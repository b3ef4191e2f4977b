"""A program that is interrupted (Ctrl-C, a time limit) amid our own code is left as if the call had not been."""

from __future__ import annotations

import gc

import openai
import pytest
from opentelemetry import context as otel
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan.instrumentors import PLUGIN
from costspan.telemetry.inside import CALL

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def exporter():
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    costspan.instrument(tracer_provider=provider, meter_provider=MeterProvider(shutdown_on_exit=False))
    yield exporter
    costspan.uninstrument()


def on_the_way_in(monkeypatch):
    attach = otel.attach

    def interrupted(context):
        token = attach(context)
        if CALL in context:
            raise KeyboardInterrupt
        return token

    monkeypatch.setattr(otel, "attach", interrupted)


def on_the_way_out(monkeypatch):
    def interrupted(_scope):
        raise KeyboardInterrupt

    monkeypatch.setattr(PLUGIN.recorder, "paused", interrupted)


@pytest.mark.parametrize("interrupt", [on_the_way_in, on_the_way_out])
def test_after_an_interrupted_call_the_next_one_is_seen(exporter, fake_openai, monkeypatch, interrupt):
    client, around = openai.OpenAI(base_url=fake_openai.url + "/v1", api_key="k"), otel.get_current()
    with monkeypatch.context() as patched:
        interrupt(patched)
        with pytest.raises(KeyboardInterrupt):
            client.chat.completions.create(**ASK)
    gc.collect()

    assert otel.get_current() == around
    assert PLUGIN.recorder.drain(10)
    exporter.clear()
    client.chat.completions.create(**ASK)
    assert [span.name for span in exporter.get_finished_spans()] == ["chat gpt-4o"]


def test_a_stream_that_is_dropped_inside_another_call_leaves_that_one_alone(exporter, fake_openai):
    client = openai.OpenAI(base_url=fake_openai.url + "/v1", api_key="k")
    streams = [client.chat.completions.create(**ASK, stream=True)]
    inside = []

    class Client(openai.OpenAI):
        def _prepare_options(self, options):
            inside.append(otel.get_current())
            streams.clear()
            gc.collect()
            inside.append(otel.get_current())
            return options

    Client(base_url=fake_openai.url + "/v1", api_key="k").chat.completions.create(**ASK)

    before, after = inside
    assert CALL in before
    assert after is before
