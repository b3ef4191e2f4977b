"""Anthropic's SDK makes a span for each call from 2.0 on: the numbers go onto that one, and there is no other."""

from __future__ import annotations

import anthropic
import pytest
from fake_providers import anthropic as wire
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from adapters import SHAPES, STREAMS, Client, Watched
from costspan import instrumentors
from costspan.guard import FAILURES

ASK = {"model": "claude-sonnet-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Tell me about cats."}]}
NATIVE = "com.anthropic.sdk.python"


class Tracing:
    """A provider and what was exported from it."""

    def __init__(self, **options):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))


@pytest.fixture
def fake(serve):
    return serve(wire)


@pytest.fixture
def watching():
    """A function of the tracing that costspan gets."""
    FAILURES.clear()
    instrumentor = instrumentors.anthropic()

    def switch_on(tracing):
        meters = MeterProvider(shutdown_on_exit=False)
        mapped = {"127.0.0.1": "anthropic"}
        instrumentor.instrument(tracer_provider=tracing.provider, meter_provider=meters, hosts=mapped)
        return Watched(instrumentors.PLUGIN.recorder, tracing.exporter, tracing.provider)

    yield switch_on
    instrumentor.uninstrument()
    assert FAILURES.counts == {}


def client(fake, tracing):
    """Its spans go where `tracing` says, as they go to the global provider if nothing is said."""
    where = {"base_url": fake.url, "api_key": "k", "max_retries": 0}
    where["open_telemetry"] = {"tracer_provider": tracing.provider}
    return Client(lambda: anthropic.Anthropic(**where), lambda: anthropic.AsyncAnthropic(**where))


def scopes(seen):
    return [span.instrumentation_scope.name for span in seen.spans]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_price_goes_onto_the_sdk_s_own_span(watching, fake, shape):
    tracing = Tracing()
    seen = watching(tracing)

    client(fake, tracing).ask(shape, "messages.create", **ASK, metadata={"user_id": "u-1"})

    assert scopes(seen) == [NATIVE]
    attributes = seen.attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (19, 10)
    assert attributes["gen_ai.usage.cost.amount"] > 0
    assert attributes["user.id"] == "u-1"
    assert seen.spans[0].status.status_code is trace.StatusCode.OK


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_that_is_left_early_has_its_numbers_on_the_sdk_s_span(watching, fake, shape):
    tracing = Tracing()
    seen = watching(tracing)

    client(fake, tracing).leave(shape, "messages.create", **ASK)

    assert scopes(seen) == [NATIVE]
    assert seen.attributes["gen_ai.usage.input_tokens"] == 19
    assert seen.attributes["costspan.usage.partial"] is True


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_is_on_the_sdk_s_span(watching, fake, shape):
    tracing = Tracing()
    seen = watching(tracing)
    fake.play(wire.error(400))

    with pytest.raises(anthropic.BadRequestError):
        client(fake, tracing).ask(shape, "messages.create", **ASK)

    assert scopes(seen) == [NATIVE]
    assert "costspan.kind" not in seen.attributes
    assert seen.spans[0].status.status_code is trace.StatusCode.ERROR


def test_the_span_ends_when_the_sdk_says(watching, fake):
    """Our numbers come later; the time is the SDK's."""
    tracing = Tracing()
    seen = watching(tracing)

    client(fake, tracing).ask("sync", "messages.create", **ASK)

    (span,) = seen.spans
    assert 0 < span.end_time - span.start_time <= seen.call.duration_seconds * 1e9


@pytest.mark.parametrize("shape", SHAPES)
def test_where_the_sdk_s_spans_go_elsewhere_ours_is_made(watching, fake, shape):
    ours, others = Tracing(), Tracing()
    seen = watching(ours)

    client(fake, others).ask(shape, "messages.create", **ASK)

    assert scopes(seen) == ["costspan"]
    assert seen.attributes["gen_ai.usage.cost.amount"] > 0
    (native,) = others.exporter.get_finished_spans()
    assert "gen_ai.usage.cost.amount" not in native.attributes


def test_two_open_streams_keep_their_own_spans(watching, fake):
    """The span of a stream that is still open is not the next call's."""
    tracing = Tracing()
    seen = watching(tracing)
    fake.play(wire.message(usage=wire.CACHED), wire.message())
    where = {"base_url": fake.url, "api_key": "k", "open_telemetry": {"tracer_provider": tracing.provider}}

    with anthropic.Anthropic(**where) as sdk:
        one, other = sdk.messages.create(**ASK, stream=True), sdk.messages.create(**ASK, stream=True)
        assert len([*other, *one]) > 0

    counts = [span.attributes["gen_ai.usage.output_tokens"] for span in seen.spans]
    assert (scopes(seen), sorted(counts)) == ([NATIVE] * 2, [10, 200])


def test_a_call_that_the_sdk_makes_no_span_for_has_ours(watching, fake):
    """`client.post` is no method of the SDK."""
    tracing = Tracing()
    seen = watching(tracing)
    where = {"base_url": fake.url, "api_key": "k", "open_telemetry": {"tracer_provider": tracing.provider}}

    with anthropic.Anthropic(**where) as sdk:
        sdk.post("/v1/messages", body=dict(ASK), cast_to=anthropic.types.Message)

    assert scopes(seen) == ["costspan"]


def test_a_call_whose_span_was_sampled_out_is_still_counted(watching, fake):
    tracing = Tracing(sampler=ALWAYS_OFF)
    seen = watching(tracing)

    client(fake, tracing).ask("sync", "messages.create", **ASK)

    assert seen.spans == ()
    assert seen.usage.total_input == 19
    assert not seen.call.span.is_recording()


def test_without_the_sdk_s_spans_ours_is_made(watching, fake):
    tracing = Tracing()
    seen = watching(tracing)

    with anthropic.Anthropic(base_url=fake.url, api_key="k", open_telemetry=False) as sdk:
        sdk.messages.create(**ASK)

    assert scopes(seen) == ["costspan"]


@pytest.mark.parametrize("shape", SHAPES)
def test_beside_another_tool_the_call_is_on_the_tool_s_span_and_counted_once(watching, fake, shape):
    tracing = Tracing()
    seen = watching(tracing)
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-5"}

    with tracing.provider.get_tracer("other.tool").start_as_current_span("chat", attributes=said):
        client(fake, tracing).ask(shape, "messages.create", **ASK)

    priced = ["gen_ai.usage.cost.amount" in span.attributes for span in seen.spans]
    assert list(zip(scopes(seen), priced, strict=True)) == [(NATIVE, False), ("other.tool", True)]
    assert [span.attributes.get("costspan.kind") for span in seen.spans] == ["repeat", None]
    spent = instrumentors.PLUGIN.recorder.spending.total.spent
    assert (spent.calls, spent.tokens) == (1, 29)
