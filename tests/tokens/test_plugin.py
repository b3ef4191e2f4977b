"""The plugin counts what a provider did not report: real SDK, real HTTP, spans finished from the pool."""

import threading
import time
from dataclasses import replace

import pytest
from fake_providers import MISSING, openai
from openai import OpenAI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan.instrumentors import PLUGIN

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture
def instrumented(fake_openai):
    """`ask(**settings)`: an exporter and a client of the fake provider, with the plugin on; off again afterwards."""

    clients = []

    def switch_on(**settings):
        provider, exporter = TracerProvider(), InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        exporter.provider = provider
        costspan.instrument(tracer_provider=provider, meter_provider=MeterProvider(), events="never", **settings)
        clients.append(OpenAI(base_url=fake_openai.url + "/v1", api_key="k", max_retries=0))
        return exporter, clients[-1]

    yield switch_on
    costspan.uninstrument()
    for client in clients:
        client.close()


def only_span(exporter):
    assert PLUGIN.recorder.drain(30)
    [span] = exporter.get_finished_spans()
    return span


def test_an_answer_without_usage_is_counted_by_the_models_own_tokenizer(instrumented, fake_openai):
    exporter, client = instrumented()
    fake_openai.play(openai.chat(usage=MISSING))
    answer = client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    span = only_span(exporter)
    assert answer.usage is None
    assert span.attributes["gen_ai.usage.input_tokens"] == 14
    assert span.attributes["gen_ai.usage.output_tokens"] == 12
    assert span.attributes["costspan.usage.source"] == "tokenizer"


def test_a_stream_left_early_is_counted_and_marked_partial(instrumented):
    exporter, client = instrumented()
    with client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    span = only_span(exporter)
    assert span.attributes["gen_ai.usage.input_tokens"] == 14
    assert 1 <= span.attributes["gen_ai.usage.output_tokens"] < 12
    assert span.attributes["costspan.usage.partial"] is True


def test_the_span_ends_when_the_answer_did_however_late_it_is_counted(instrumented, fake_openai):
    exporter, client = instrumented(tokenizer_threadpool_max_workers=1)
    held = threading.Event()
    PLUGIN.recorder._counting()._workers.run(held.wait)
    fake_openai.play(openai.chat(usage=MISSING))
    client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    answered = time.time_ns()
    assert not exporter.get_finished_spans()
    time.sleep(0.05)
    held.set()
    assert only_span(exporter).end_time <= answered


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", [b"null", b'""'])  # OpenAI says the one beside calls of tools, vLLM the other
def test_what_is_given_to_tools_is_counted_as_output_and_marked_as_an_estimate(instrumented, fake_openai, stream, text):
    exporter, client = instrumented()
    calling = openai.choices(openai.MESSAGE | {"content": None, "tool_calls": openai.TOOL_CALLS}, finish="tool_calls")

    def answer(asked):
        made = openai.chat(choices=calling, usage=MISSING)(asked)
        told = [part.replace(b'{"tool_calls"', b'{"content": null, "tool_calls"') for part in made.parts]
        return replace(made, parts=tuple(part.replace(b'"content": null', b'"content": ' + text) for part in told))

    fake_openai.play(answer)
    answered = client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=stream)
    assert not stream or list(answered)
    span = only_span(exporter)
    assert 10 <= span.attributes["gen_ai.usage.output_tokens"] <= 20  # the arguments of two calls
    assert span.attributes["costspan.usage.source"] == "heuristic"


@pytest.mark.parametrize("off", [{"count_tokens": "never"}, {"disable_token_counter": True}])
def test_switched_off_nothing_is_counted_and_nothing_claimed(instrumented, fake_openai, off):
    exporter, client = instrumented(**off)
    fake_openai.play(openai.chat(usage=MISSING))
    client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    [span] = exporter.get_finished_spans()
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert span.attributes["costspan.price.status"] == "unpriced"


def test_on_another_tools_span_the_count_is_an_estimate_made_at_once(instrumented, fake_openai):
    exporter, client = instrumented()
    fake_openai.play(openai.chat(usage=MISSING))
    tracer = exporter_tracer(exporter)
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}):
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    [span] = exporter.get_finished_spans()
    assert span.attributes["costspan.usage.source"] == "heuristic"
    assert span.attributes["gen_ai.usage.input_tokens"] > 0


def exporter_tracer(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("another.tool")


def test_prompt_parts_divide_the_reported_input_and_tell_what_is_hidden(instrumented, fake_openai):
    exporter, client = instrumented(prompt_parts=True)
    fake_openai.play(openai.chat(usage=openai.CACHED))
    told = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Hi"}, *QUESTION]
    client.chat.completions.create(model="gpt-4o", messages=told)
    attributes = only_span(exporter).attributes
    parts = [attributes[f"costspan.prompt.{part}"] for part in ("system", "history", "newest")]
    assert sum(parts) == attributes["gen_ai.usage.input_tokens"] == 1000
    assert parts[2] > parts[1]
    assert attributes["costspan.prompt.hidden"] == 1000 - 27
    assert attributes["costspan.prompt.source"] == "estimate"
    assert "costspan.prompt.tools" not in attributes


def test_prompt_parts_are_not_told_unless_asked_for(instrumented):
    exporter, client = instrumented()
    client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert not [name for name in only_span(exporter).attributes if name.startswith("costspan.prompt.")]


def test_a_flush_of_the_tracer_provider_waits_for_the_calls_that_are_being_counted(instrumented, fake_openai):
    exporter, client = instrumented()
    fake_openai.play(openai.chat(usage=MISSING))
    client.chat.completions.create(model="gpt-4o", messages=QUESTION * 200)
    assert exporter.provider.force_flush()
    assert len(exporter.get_finished_spans()) == 1


def test_a_flush_delivers_what_is_still_being_counted(fake_openai):
    """A program that is about to be frozen or killed flushes: exporters are asked again when the tokens are counted."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    costspan.instrument(tracer_provider=provider, meter_provider=MeterProvider(shutdown_on_exit=False), events="never")
    fake_openai.play(openai.chat(usage=MISSING))
    try:
        with OpenAI(base_url=fake_openai.url + "/v1", api_key="k") as client:
            client.chat.completions.create(model="gpt-4o", messages=QUESTION * 100)
        assert provider.force_flush()
        [span] = exporter.get_finished_spans()
    finally:
        costspan.uninstrument()
        provider.shutdown()

    assert span.attributes["costspan.usage.source"] == "tokenizer"


def test_a_flush_that_is_over_before_the_count_says_so(fake_openai, monkeypatch):
    held = threading.Event()
    monkeypatch.setattr("costspan.tokens.pool.count_missing", lambda call: held.wait())
    provider = TracerProvider(shutdown_on_exit=False)
    costspan.instrument(tracer_provider=provider, meter_provider=MeterProvider(shutdown_on_exit=False), events="never")
    fake_openai.play(openai.chat(usage=MISSING))
    try:
        with OpenAI(base_url=fake_openai.url + "/v1", api_key="k") as client:
            client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert not provider.force_flush(10)
    finally:
        held.set()
        assert PLUGIN.recorder.drain(30)
        costspan.uninstrument()
        provider.shutdown()
