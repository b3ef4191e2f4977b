"""How each tool is switched on, as its documentation says, with the same providers: spans are batched to nowhere."""

from __future__ import annotations

from functools import partial
from importlib import import_module

READERS, PROCESSORS = [], []
ATTRIBUTES = {f"gen_ai.attribute.{n}": f"value {n}" for n in range(10)} | {f"gen_ai.count.{n}": n for n in range(5)}
LABELS = {f"gen_ai.label.{n}": f"value {n}" for n in range(6)}


class Discard:
    """An exporter that has nowhere to send."""

    seen = 0  # of all

    def export(self, batch, **_more):
        from opentelemetry.sdk.trace.export import SpanExportResult

        Discard.seen += len(batch)
        return SpanExportResult.SUCCESS

    def shutdown(self):
        return None

    def force_flush(self, timeout_millis=0):
        return True


def batched():
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    PROCESSORS.append(BatchSpanProcessor(Discard()))
    return PROCESSORS[-1]


def spans_made():
    """How many spans have ended."""
    for each in PROCESSORS:
        each.force_flush()
    return Discard.seen


def reader():
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    READERS.append(InMemoryMetricReader())
    return READERS[-1]


def providers(sampled=True):
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider, sampling

    tracing = TracerProvider(sampler=sampling.ALWAYS_ON if sampled else sampling.ALWAYS_OFF)
    tracing.add_span_processor(batched())
    metering = MeterProvider(metric_readers=[reader()])
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    return {"tracer_provider": tracing, "meter_provider": metering}


def metrics_recorded():
    """The names of what was recorded, without what the OpenTelemetry SDK records about itself."""
    data = [each.get_metrics_data() for each in READERS]
    scopes = [scope for each in data if each for resource in each.resource_metrics for scope in resource.scope_metrics]
    return sorted({metric.name for scope in scopes for metric in scope.metrics if not metric.name.startswith("otel.")})


class Floor:
    """What any instrumentation pays: a span with 15 attributes at its end, and four histogram records."""

    def __init__(self, tracer, histograms):
        from opentelemetry.trace import SpanKind

        self._tracer, self._histograms, self._kind = tracer, histograms, SpanKind.CLIENT

    def __enter__(self):
        self._span = self._tracer.start_span("chat gpt-4o", kind=self._kind)

    def __exit__(self, *_error):
        self._span.set_attributes(ATTRIBUTES)
        self._span.end()
        for histogram in self._histograms:
            histogram.record(0.5, LABELS)


def floor(tracer_provider, meter_provider):
    """What makes a `Floor` for a call."""
    meter = meter_provider.get_meter("floor")
    histograms = [meter.create_histogram(f"floor.{n}") for n in range(4)]
    return partial(Floor, tracer_provider.get_tracer("floor"), histograms)


def switch_on(tool, client, *, sampled, url="memory"):
    """Instrument an SDK with a tool; returns what goes around a call, for the floor."""
    if tool == "bare":
        return None
    if tool == "logfire":  # it makes its own
        return _logfire(client, sampled)
    given = providers(sampled)
    if tool == "floor":
        return floor(**given)
    if tool in INSTRUMENTORS:
        return _instrument(INSTRUMENTORS[tool][client], given)
    return SWITCHES[tool](given, url)


# each one of OpenTelemetry's `BaseInstrumentor`, by the SDK
INSTRUMENTORS = {
    "official": {
        "openai": "opentelemetry.instrumentation.genai.openai.OpenAIInstrumentor",
        "anthropic": "opentelemetry.instrumentation.genai.anthropic.AnthropicInstrumentor",
        "google": "opentelemetry.instrumentation.google_genai.GoogleGenAiSdkInstrumentor",
        "bedrock": "opentelemetry.instrumentation.genai.bedrock.BedrockInstrumentor",
    },
    "openllmetry": {
        "openai": "opentelemetry.instrumentation.openai.OpenAIInstrumentor",
        "anthropic": "opentelemetry.instrumentation.anthropic.AnthropicInstrumentor",
        "google": "opentelemetry.instrumentation.google_generativeai.GoogleGenerativeAiInstrumentor",
        "bedrock": "opentelemetry.instrumentation.bedrock.BedrockInstrumentor",
    },
    "openinference": {
        "openai": "openinference.instrumentation.openai.OpenAIInstrumentor",
        "anthropic": "openinference.instrumentation.anthropic.AnthropicInstrumentor",
        "google": "openinference.instrumentation.google_genai.GoogleGenAIInstrumentor",
        "bedrock": "openinference.instrumentation.bedrock.BedrockInstrumentor",
    },
}


def _instrument(where, given):
    module, _, name = where.rpartition(".")
    getattr(import_module(module), name)().instrument(**given)


def _own(_given, _url):
    """The SDK itself makes spans where there is a provider."""


def _costspan(given, _url):
    import costspan

    costspan.instrument(**given)


def _openlit(_given, _url):
    import openlit

    openlit.init(disable_batch=True)  # it finds the providers; the batching is theirs


LOGFIRE = {"openai": "openai", "anthropic": "anthropic", "google": "google_genai"}


def _logfire(client, sampled):
    import logfire

    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[batched()],
        metrics=logfire.MetricsOptions(additional_readers=[reader()]),
        sampling=logfire.SamplingOptions(head=1.0 if sampled else 0.0),
    )
    getattr(logfire, f"instrument_{LOGFIRE[client]}")()


def _langfuse(given, url):
    import langfuse

    address = url.removesuffix("/v1") if url != "memory" else "http://127.0.0.1:9"
    langfuse.Langfuse(
        public_key="pk",
        secret_key="sk",
        base_url=address,
        span_exporter=Discard(),
        tracer_provider=given["tracer_provider"],
    )
    import langfuse.openai  # it patches the SDK


def _litellm_otel(given, _url):
    import litellm
    from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

    config = OpenTelemetryConfig(exporter=Discard(), enable_metrics=True)
    litellm.callbacks = [OpenTelemetry(config=config, **given)]


SWITCHES = {
    "costspan": _costspan,
    "own": _own,
    "openlit": _openlit,
    "langfuse": _langfuse,
    "litellm_otel": _litellm_otel,
}
