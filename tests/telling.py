"""costspan on, with exporters in memory: what a program would send, as plain data."""

from __future__ import annotations

import openai
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan.instrumentors import PLUGIN

QUESTION = [{"role": "user", "content": "Where do cats sleep?"}]


class Telling:
    """One program with costspan on: `ask()` makes a call of 19 + 10 tokens, 8.85 micro-dollars."""

    def __init__(self, fake, settings):
        self._exporter, self._reader, self._logs = (
            InMemorySpanExporter(),
            InMemoryMetricReader(),
            InMemoryLogRecordExporter(),
        )
        self.tracer_provider = TracerProvider(shutdown_on_exit=False, sampler=settings.pop("sampler", None))
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)
        logger_provider = LoggerProvider(shutdown_on_exit=False)
        logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        costspan.instrument(
            tracer_provider=self.tracer_provider,
            meter_provider=meter_provider,
            logger_provider=logger_provider,
            **{"hosts": "127.0.0.1=openai", **settings},
        )
        self.where = {"base_url": fake.url + "/v1", "api_key": "k", "max_retries": 0}
        self.client = openai.OpenAI(**self.where)
        self.tracer = self.tracer_provider.get_tracer("program")

    def ask(self, model="gpt-4o-mini", **more):
        return self.client.chat.completions.create(model=model, messages=QUESTION, **more)

    @property
    def spans(self):
        """Finished spans, oldest first, those whose tokens are counted off the thread included."""
        assert PLUGIN.recorder is None or PLUGIN.recorder.drain(30)
        return self._exporter.get_finished_spans()

    def span(self, name):
        [found] = [each for each in self.spans if each.name == name]
        return found

    @property
    def events(self):
        """(name, attributes) of every log record."""
        records = [each.log_record for each in self._logs.get_finished_logs()]
        return [(record.event_name, dict(record.attributes)) for record in records]

    def points(self, metric):
        """{attributes that matter: value} of a metric; the second collection, at which new series show their value."""
        self._reader.get_metrics_data()
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        metrics = [each for scopes in data.resource_metrics for scope in scopes.scope_metrics for each in scope.metrics]
        return [
            (dict(point.attributes), point)
            for each in metrics
            if each.name == metric
            for point in each.data.data_points
        ]

    def close(self):
        costspan.uninstrument()
        self.client.close()
