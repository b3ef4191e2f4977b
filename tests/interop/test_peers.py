"""Beside each other tool, really installed: one span per call, our cost on it, counted once.

The tool is switched on once per process, so each environment of tests/adapters/environments.py runs this by itself.
"""

import asyncio
import os
import uuid

import anthropic
import pytest
from fake_providers import FakeProvider
from fake_providers import anthropic as anthropic_wire
from fake_providers import openai as wire
from interop.peers import (
    AFTERWARDS,
    BLIND_TO_ANTHROPIC,
    LEAVES_CACHED_OUT,
    NOT_SEEN,
    OWN_PROVIDER,
    PEERS,
    SDKS_OWN,
    TWO_SPANS,
)
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan.config import read_settings
from costspan.instrumentors import PLUGIN
from costspan.telemetry.reading import read_call

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("default")]  # their warnings are not ours
QUESTION = [{"role": "user", "content": "Where do cats sleep?"}]
CHAT = {"model": "gpt-4o-mini", "messages": QUESTION}
STREAM = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
PEER = os.environ.get("COSTSPAN_ENVIRONMENT", "")
SETTINGS = {"hosts": "127.0.0.1=openai,localhost=anthropic"}


class Peer:
    """The tool of this environment, switched on, and what it exports."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        processor = SimpleSpanProcessor(self.exporter)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        if PEER not in OWN_PROVIDER:
            trace.set_tracer_provider(provider)
        self.sdk = PEERS[PEER](provider, processor)

    @property
    def spans(self):
        return self.exporter.get_finished_spans()


@pytest.fixture(scope="session")
def switched_on():
    return Peer()


@pytest.fixture(params=["with our adapter", "enrichment alone"])
def peer(request, switched_on):
    reader = InMemoryMetricReader()
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    if request.param == "with our adapter":
        costspan.instrument(meter_provider=meter_provider, tracer_provider=trace.get_tracer_provider(), **SETTINGS)
    else:
        PLUGIN.start(read_settings(**SETTINGS), {"meter_provider": meter_provider})
    switched_on.exporter.clear()
    switched_on.reader = reader
    switched_on.alone = request.param == "enrichment alone"
    yield switched_on
    costspan.uninstrument()


def chat(client):
    client.chat.completions.create(**CHAT)


def stream(client):
    for _ in client.chat.completions.create(**STREAM):
        pass


def response(client):
    client.responses.create(model="gpt-4o-mini", input="Where do cats sleep?")


def response_stream(client):
    for _ in client.responses.create(model="gpt-4o-mini", input="Where do cats sleep?", stream=True):
        pass


def embedding(client):
    client.embeddings.create(model="text-embedding-3-small", input="cats")


async def async_chat(client):
    await client.chat.completions.create(**CHAT)


async def async_stream(client):
    async for _ in await client.chat.completions.create(**STREAM):
        pass


# shape: input and output tokens, and what they cost: the 600 cached tokens of the response at half price
SHAPES = {
    "chat": (chat, 19, 10, 8.85e-06),
    "stream": (stream, 19, 10, 8.85e-06),
    "async chat": (async_chat, 19, 10, 8.85e-06),
    "async stream": (async_stream, 19, 10, 8.85e-06),
    "response": (response, 1000, 200, 0.000225),
    "response stream": (response_stream, 1000, 200, 0.000225),
    "embedding": (embedding, 8, 0, 1.6e-07),
}


def run(peer, call, where, sdk=None):
    plain, waiting = (peer.sdk.OpenAI, peer.sdk.AsyncOpenAI) if sdk is None else (sdk.Anthropic, sdk.AsyncAnthropic)

    async def wait():
        async with waiting(**where) as client:
            await call(client)

    if asyncio.iscoroutinefunction(call):
        asyncio.run(wait())
    else:
        with plain(**where) as client:
            call(client)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_is_one_span_with_our_cost_and_is_counted_once(peer, shape, fake_openai):
    call, sent, received, cost = SHAPES[shape]
    if shape.startswith("response"):  # OpenLLMetry remembers ids for ever: they must not repeat, as the fake's own do
        fake_openai.play(wire.response(id=f"resp_{uuid.uuid4().hex}"))
    with costspan.attribution(team="search"), costspan.budget(usd=1) as left:
        run(peer, call, {"base_url": fake_openai.url + "/v1", "api_key": "k", "max_retries": 0})
    assert PLUGIN.recorder.drain(30)
    if (PEER, shape) in NOT_SEEN and peer.alone:
        assert peer.spans == ()
        return
    priced = [each for each in peer.spans if "gen_ai.usage.cost.amount" in each.attributes]
    [span] = priced
    assert span.attributes["gen_ai.usage.cost.amount"] == pytest.approx(cost, rel=1e-12)
    assert span.attributes["gen_ai.usage.input_tokens"] == sent
    assert span.attributes["gen_ai.usage.output_tokens"] == received
    assert span.attributes["costspan.team"] == "search"
    assert span.attributes["costspan.price.status"] == "priced"
    assert left.spent.calls == 1
    assert costspan.current_cost().calls == 1
    assert counted_cost(peer) == pytest.approx(cost, rel=1e-12)
    assert calls_told(peer) == 1
    extra = {(PEER, shape)} & (TWO_SPANS | (set() if peer.alone else AFTERWARDS))
    assert len(peer.spans) == 1 + len(extra)


MESSAGE = {"model": "claude-sonnet-4-6", "max_tokens": 64, "messages": QUESTION}
CACHED = {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 300}  # beside the input tokens
DEAR = anthropic_wire.USAGE | CACHED | {"input_tokens": 400, "output_tokens": 200}


def message(client):
    client.messages.create(**MESSAGE)


def message_stream(client):
    for _ in client.messages.create(**MESSAGE, stream=True):
        pass


async def async_message(client):
    await client.messages.create(**MESSAGE)


async def async_message_stream(client):
    async for _ in await client.messages.create(**MESSAGE, stream=True):
        pass


def message_streamed(client):
    with client.messages.stream(**MESSAGE) as events:
        for _ in events:
            pass


async def async_message_streamed(client):
    async with client.messages.stream(**MESSAGE) as events:
        async for _ in events:
            pass


MESSAGES = {
    "message": message,
    "stream": message_stream,
    "async message": async_message,
    "async stream": async_message_stream,
}
STREAMED = {"streamed": message_streamed, "async streamed": async_message_streamed}


@pytest.fixture(scope="session")
def anthropic_server():
    fake = FakeProvider(anthropic_wire.ROUTES)
    yield fake
    fake.close()


@pytest.mark.parametrize("shape", MESSAGES)
def test_a_call_of_anthropic_that_its_sdk_and_the_tool_see_is_counted_once(peer, shape, anthropic_server):
    """Its cached tokens are beside its input tokens, and some tools leave them out of these."""
    anthropic_server.clear()
    anthropic_server.play(anthropic_wire.message(usage=DEAR, id=f"msg_{uuid.uuid4().hex}"))
    where = {"base_url": anthropic_server.url.replace("127.0.0.1", "localhost"), "api_key": "k", "max_retries": 0}
    with costspan.attribution(team="search"), costspan.budget(usd=1) as left:
        run(peer, MESSAGES[shape], where, anthropic)
    assert PLUGIN.recorder.drain(30)
    assert (left.spent.calls, left.spent.tokens, float(left.spent)) == (1, 1500, pytest.approx(0.005505))
    assert counted_cost(peer) == pytest.approx(0.005505)
    assert calls_told(peer) == 1
    [span] = [each for each in peer.spans if "gen_ai.usage.cost.amount" in each.attributes]
    assert span.attributes["gen_ai.usage.cost.amount"] == pytest.approx(0.005505)
    assert span.attributes["costspan.team"] == "search"
    assert span.attributes["gen_ai.usage.output_tokens"] == 200
    as_told = peer.alone and PEER in LEAVES_CACHED_OUT
    assert span.attributes["gen_ai.usage.input_tokens"] == (400 if as_told else 1300)
    of_the_tool = [each for each in peer.spans if each.instrumentation_scope.name != SDKS_OWN]
    assert len(of_the_tool) == (PEER not in BLIND_TO_ANTHROPIC) + len({(PEER, shape)} & TWO_SPANS)


@pytest.mark.parametrize("shape", STREAMED)
def test_a_stream_of_anthropics_helper_is_counted_once(peer, shape, anthropic_server):
    """Some tools do not make their span the current one around it, so that the SDK's own lies beside it."""
    anthropic_server.clear()
    anthropic_server.play(anthropic_wire.message(usage=DEAR, id=f"msg_{uuid.uuid4().hex}"))
    where = {"base_url": anthropic_server.url.replace("127.0.0.1", "localhost"), "api_key": "k", "max_retries": 0}
    with costspan.budget(usd=1) as left:
        run(peer, STREAMED[shape], where, anthropic)
    assert PLUGIN.recorder.drain(30)
    assert (left.spent.calls, left.spent.tokens, float(left.spent)) == (1, 1500, pytest.approx(0.005505))
    assert counted_cost(peer) == pytest.approx(0.005505)
    assert calls_told(peer) == 1


def calls_told(peer):
    """How many of the spans are calls for who reads them: the ledger, or ClickHouse."""
    return sum(read_call(dict(each.attributes)) is not None for each in peer.spans)


def counted_cost(peer):
    """The sum of our counter, in USD, at the second collection."""
    peer.reader.get_metrics_data()
    data = peer.reader.get_metrics_data()
    metrics = [each for scopes in data.resource_metrics for scope in scopes.scope_metrics for each in scope.metrics]
    return sum(point.value for each in metrics if each.name == "costspan.cost" for point in each.data.data_points)


def test_a_call_that_fails_reaches_the_program_and_costs_nothing(peer, fake_openai):
    fake_openai.play(wire.error(400))
    with pytest.raises(peer.sdk.BadRequestError):
        run(peer, chat, {"base_url": fake_openai.url + "/v1", "api_key": "k", "max_retries": 0})
    assert PLUGIN.recorder.drain(30)
    assert len(peer.spans) == 1
    assert "gen_ai.usage.cost.amount" not in peer.spans[0].attributes
    assert costspan.current_cost().femto == 0


def test_calls_below_a_request_are_on_its_span(peer, fake_openai):
    tracer = trace.get_tracer("framework")
    with tracer.start_as_current_span("POST /chat", kind=trace.SpanKind.SERVER):
        run(peer, chat, {"base_url": fake_openai.url + "/v1", "api_key": "k", "max_retries": 0})
        run(peer, async_chat, {"base_url": fake_openai.url + "/v1", "api_key": "k", "max_retries": 0})
    request = peer.spans[-1]
    assert request.attributes["costspan.rollup.calls"] == 2
    assert request.attributes["costspan.rollup.cost"] == pytest.approx(2 * 8.85e-06)
    assert request.attributes["costspan.rollup.tokens"] == 58
