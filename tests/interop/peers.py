"""Other tools, each really switched on: a function per environment of tests/adapters/environments.py."""

from __future__ import annotations

import importlib


def _instrumentors(openai, anthropic=None):
    def switch_on(provider, _processor):
        importlib.import_module(openai).OpenAIInstrumentor().instrument(tracer_provider=provider)
        if anthropic is not None:
            importlib.import_module(anthropic).AnthropicInstrumentor().instrument(tracer_provider=provider)
        return importlib.import_module("openai")

    return switch_on


def _openlit(_provider, _processor):
    importlib.import_module("openlit").init(disable_metrics=True, disable_events=True, disabled_instrumentors=["httpx"])
    return importlib.import_module("openai")


def _logfire(_provider, processor):
    logfire = importlib.import_module("logfire")
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[processor])
    logfire.instrument_openai()
    logfire.instrument_anthropic()
    return importlib.import_module("openai")


def _langfuse(provider, _processor):
    langfuse = importlib.import_module("langfuse")
    langfuse.Langfuse(public_key="pk", secret_key="sk", base_url="http://127.0.0.1:9", tracer_provider=provider)
    return importlib.import_module("langfuse.openai").openai


PEERS = {
    "peer-genai": _instrumentors(
        "opentelemetry.instrumentation.genai.openai", "opentelemetry.instrumentation.genai.anthropic"
    ),
    "peer-openai-v2": _instrumentors("opentelemetry.instrumentation.openai_v2"),
    "peer-openllmetry": _instrumentors(
        "opentelemetry.instrumentation.openai", "opentelemetry.instrumentation.anthropic"
    ),
    "peer-openinference": _instrumentors(
        "openinference.instrumentation.openai", "openinference.instrumentation.anthropic"
    ),
    "peer-openlit": _openlit,
    "peer-logfire": _logfire,
    "peer-langfuse": _langfuse,
}
OWN_PROVIDER = {"peer-logfire"}  # makes the global provider itself
# A stream is one span when it begins and one, with the usage, when it has ended
TWO_SPANS = {("peer-logfire", shape) for shape in ("stream", "async stream", "response stream")}
NOT_SEEN = {("peer-openai-v2", "response"), ("peer-openai-v2", "response stream")}
# Written after the answer, when our own span is long there: it has no cost, so that the call is counted once
AFTERWARDS = {("peer-openllmetry", "response"), ("peer-openllmetry", "response stream")}
SDKS_OWN = "com.anthropic.sdk.python"  # scope of the spans that Anthropic's SDK makes, whoever else does
BLIND_TO_ANTHROPIC = {"peer-langfuse", "peer-openai-v2"}
LEAVES_CACHED_OUT = {"peer-openlit"}  # of the input tokens that it writes; those of our adapter are written over them
