"""Writes down what costspan tells OpenTelemetry, and which exports were acknowledged; changes nothing of either."""

from __future__ import annotations

import os
from importlib import import_module

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor

TOLD = {
    "cost": "gen_ai.usage.cost.amount",
    "source": "costspan.usage.source",
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "error": "error.type",
}


def _tell(diary, attributes) -> None:
    facts = {name: attributes[key] for name, key in TOLD.items() if key in attributes}
    diary.write("told", name=attributes["session.id"], **facts)


class Spans(SpanProcessor):
    def __init__(self, diary) -> None:
        self._diary = diary

    def on_end(self, span) -> None:
        if span.attributes and "session.id" in span.attributes:
            _tell(self._diary, span.attributes)


class Events(LogRecordProcessor):
    def __init__(self, diary) -> None:
        self._diary = diary

    def on_emit(self, log_record) -> None:
        record = log_record.log_record
        if record.event_name == "costspan.call":
            _tell(self._diary, record.attributes)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def watch(diary) -> None:
    """Put the witnesses in."""
    trace.get_tracer_provider().add_span_processor(Spans(diary))
    _logs.get_logger_provider().add_log_record_processor(Events(diary))
    _watch_metrics(diary)
    exporters = f"opentelemetry.exporter.otlp.proto.{os.environ['OTEL_EXPORTER_OTLP_PROTOCOL'].partition('/')[0]}"
    spans, logs = (import_module(f"{exporters}.{signal}_exporter") for signal in ("trace", "_log"))
    _watch_exports(diary, spans.OTLPSpanExporter, lambda span: span.attributes)
    _watch_exports(diary, logs.OTLPLogExporter, lambda data: data.log_record.attributes)


def _watch_metrics(diary) -> None:
    """Which process has told its sums, and whether the last time was acknowledged."""
    [reader] = metrics.get_meter_provider()._metric_readers
    exporter = reader._exporter
    export = exporter.export  # of the instance: costspan looks at it too

    def watched(data, *args, **kwargs):
        result = export(data, *args, **kwargs)
        instance = data.resource_metrics[0].resource.attributes["service.instance.id"]
        diary.write("metrics", acknowledged=result.name == "SUCCESS", instance=instance)
        return result

    exporter.export = watched


def _watch_exports(diary, exporter, attributes_of) -> None:
    export = exporter.export

    def watched(self, batch):
        result = export(self, batch)
        names = [found["session.id"] for each in batch if "session.id" in (found := attributes_of(each) or {})]
        diary.write("export", acknowledged=result.name == "SUCCESS", names=names)
        return result

    exporter.export = watched
