"""One process that makes calls with the real openai SDK, with one tool switched on; rounds are run when told on stdin.

    python worker.py TOOL SCENARIO     then a number of calls per line; each is answered by the seconds they took

The SDK's transport is replaced by one that answers from memory, so what is measured is the SDK and the tool.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

CHUNKS = 200
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 50},
}
HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "gpt-4o-2024-08-06", "service_tier": "default"}
REPLY = json.dumps(
    HEAD
    | {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello!"}}],
        "usage": USAGE,
    }
).encode()


def _stream_body() -> bytes:
    head = HEAD | {"object": "chat.completion.chunk"}
    choice = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
    chunks = [head | {"choices": [choice], "usage": None}] * CHUNKS
    chunks += [head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}]
    chunks += [head | {"choices": [], "usage": USAGE}]
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks) + b"data: [DONE]\n\n"


STREAM = _stream_body()
MESSAGES = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": "Say hello."}]


def make_client(asynchronous: bool):
    import openai
    from openai import _base_client

    http = getattr(_base_client, "httpx2", None) or _base_client.httpx

    def answer(request):
        streamed = b'"stream":true' in request.content or b'"stream": true' in request.content
        kind = "text/event-stream" if streamed else "application/json"
        return http.Response(200, headers={"content-type": kind}, content=STREAM if streamed else REPLY)

    transport = http.MockTransport(answer)
    if asynchronous:
        return openai.AsyncOpenAI(api_key="k", http_client=http.AsyncClient(transport=transport))
    return openai.OpenAI(api_key="k", http_client=http.Client(transport=transport))


class Scenario:
    """`run(n)` makes n calls; subclasses say how."""

    def __init__(self, around=None):
        self._around = around or (lambda call: call())
        self._client = make_client(asynchronous=False)

    def once(self):
        self._client.chat.completions.create(model="gpt-4o", messages=MESSAGES, temperature=0.2)

    def run(self, calls):
        for _ in range(calls):
            self._around(self.once)


class Stream(Scenario):
    def once(self):
        options = {"include_usage": True}
        for _ in self._client.chat.completions.create(
            model="gpt-4o", messages=MESSAGES, stream=True, stream_options=options
        ):
            pass


class Abandoned(Scenario):
    def once(self):
        for _ in self._client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True):
            break


class Async(Scenario):
    def __init__(self, around=None):
        super().__init__(around)
        self._client = make_client(asynchronous=True)
        self._loop = asyncio.new_event_loop()

    def run(self, calls):
        async def go():
            for _ in range(calls):
                await self._client.chat.completions.create(model="gpt-4o", messages=MESSAGES, temperature=0.2)

        self._loop.run_until_complete(go())


SCENARIOS = {"sync": Scenario, "async": Async, "stream": Stream, "unsampled": Scenario, "abandoned": Abandoned}


class Discard:
    """An exporter that has nowhere to send."""

    def export(self, _batch, **_more):
        from opentelemetry.sdk.trace.export import SpanExportResult

        return SpanExportResult.SUCCESS

    def shutdown(self):
        return None

    def force_flush(self, timeout_millis=0):
        return True


def providers(sampled=True):
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider, sampling
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    sampler = sampling.ALWAYS_ON if sampled else sampling.ALWAYS_OFF
    tracing = TracerProvider(sampler=sampler)
    tracing.add_span_processor(BatchSpanProcessor(Discard()))
    metering = MeterProvider(metric_readers=[InMemoryMetricReader()])
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    return {"tracer_provider": tracing, "meter_provider": metering}


def floor(tracer_provider, meter_provider):
    """What any instrumentation pays: a span with 15 attributes at its end, and four histogram records."""
    from opentelemetry.trace import SpanKind

    tracer = tracer_provider.get_tracer("floor")
    meter = meter_provider.get_meter("floor")
    histograms = [meter.create_histogram(f"floor.{n}") for n in range(4)]
    attributes = {f"gen_ai.attribute.{n}": f"value {n}" for n in range(10)} | {f"gen_ai.count.{n}": n for n in range(5)}
    labels = {f"gen_ai.label.{n}": f"value {n}" for n in range(6)}

    def around(call):
        span = tracer.start_span("chat gpt-4o", kind=SpanKind.CLIENT)
        call()
        span.set_attributes(attributes)
        span.end()
        for histogram in histograms:
            histogram.record(0.5, labels)

    return around


def switch_on(tool, scenario):
    """Instrument with a tool; returns what goes around a call, for the floor."""
    if tool == "bare":
        return None
    given = providers(sampled=scenario != "unsampled")
    if tool == "floor":
        return floor(**given)
    SWITCHES[tool](given)
    return None


def _costspan(given):
    import costspan

    costspan.instrument(**given)


def _openllmetry(given):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(**given)


def _openinference(given):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=given["tracer_provider"])


def _official(given):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(**given)


def _openlit(given):
    import openlit
    from opentelemetry import trace

    openlit.init(tracer=trace.get_tracer("openlit"), disable_batch=True, disable_metrics=False)


def _logfire(_given):
    import logfire

    logfire.configure(send_to_logfire=False, console=False)
    logfire.instrument_openai()


SWITCHES = {
    "costspan": _costspan,
    "openllmetry": _openllmetry,
    "openinference": _openinference,
    "official": _official,
    "openlit": _openlit,
    "logfire": _logfire,
}


def rss_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def serve(scenario):
    print("ready", flush=True)
    for line in sys.stdin:
        calls = int(line)
        gc.collect()
        start = time.process_time()
        scenario.run(calls)
        print(f"{time.process_time() - start} {rss_bytes()}", flush=True)


if __name__ == "__main__":
    tool, name = sys.argv[1:]
    around = switch_on(tool, name)
    made = SCENARIOS[name](around)
    made.run(20)
    serve(made)
