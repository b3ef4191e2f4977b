"""What becomes of a new series' first zero where exports fail, and where there are several readers."""

from __future__ import annotations

import os

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)

from costspan.call import Call, Request
from costspan.pricing import Price, PriceStatus
from costspan.telemetry.delivery import tell_failures, watch
from costspan.telemetry.metrics import Metrics
from costspan.telemetry.scrape import ScrapeReader
from costspan.usage import Usage

PRICED = Price(PriceStatus.PRICED, 2 * 10**15, {"input": 2 * 10**15})


class Exporter(MetricExporter):
    """Answers with what it is told to, and keeps what it got."""

    def __init__(self, *results):
        super().__init__()
        self.results = list(results)
        self.got = []

    def export(self, metrics_data, timeout_millis=10_000, **kwargs):
        metrics = metrics_data.resource_metrics[0].scope_metrics[0].metrics
        self.got += [point.value for each in metrics if each.name == "costspan.cost" for point in each.data.data_points]
        result = self.results.pop(0) if self.results else MetricExportResult.SUCCESS
        if isinstance(result, Exception):
            raise result
        return result

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=30_000, **kwargs): ...


@pytest.fixture
def set_up():
    """A provider as costspan sets one up, and metrics on it with one call of 2 USD."""
    made = []

    def set_up(*readers):
        provider = MeterProvider(readers, shutdown_on_exit=False)
        made.append(provider)
        watch(provider)
        metrics = Metrics(provider.get_meter("costspan"))
        tell_failures(provider, metrics.take_back)
        metrics.record(paid_call(), PRICED, {})
        return metrics

    yield set_up
    for provider in made:
        provider.shutdown()


def paid_call():
    class Silent:
        def finished(self, call): ...

    call = Call(Request("chat", "openai", "gpt-4o"), Silent())
    call.reply.usage = Usage(input=10)
    call.finish()
    return call


def pushing(exporter):
    return PeriodicExportingMetricReader(exporter, export_interval_millis=10**9)


@pytest.mark.parametrize("failure", [MetricExportResult.FAILURE, OSError("no route")], ids=str)
def test_a_zero_that_did_not_arrive_is_sent_again(set_up, failure, caplog):
    exporter = Exporter(failure, failure)
    reader = pushing(exporter)
    metrics = set_up(reader)
    for _ in range(4):
        reader.collect()

    assert exporter.got == [0, 0, 0, 2]
    assert not metrics.unsettled


def test_a_value_that_did_not_arrive_is_not_taken_back(set_up):
    exporter = Exporter(MetricExportResult.SUCCESS, MetricExportResult.FAILURE)
    reader = pushing(exporter)
    metrics = set_up(reader)
    for _ in range(3):
        reader.collect()

    assert exporter.got == [0, 2, 2]
    assert metrics is not None


def test_with_two_exporters_no_zero_is_sent_twice_as_one_of_them_would_see_a_restart(set_up):
    failing, working = Exporter(MetricExportResult.FAILURE), Exporter()
    readers = pushing(failing), pushing(working)
    metrics = set_up(*readers)
    for _ in range(2):
        for reader in readers:
            reader.collect()

    assert working.got == [2, 2]
    assert metrics is not None


def test_a_scrape_in_between_takes_no_zero_from_what_is_pushed(set_up):
    exporter = Exporter()
    scrape, reader = ScrapeReader(port=0), pushing(exporter)
    metrics = set_up(scrape, reader)
    first, second = scrape.answer("prometheus", plain=True), scrape.answer("prometheus", plain=True)
    scrape.force_flush()
    reader.collect()
    reader.collect()

    assert "costspan_cost_USD_total{" in first
    assert " 0\n" in first
    assert " 2.0\n" in second
    assert exporter.got == [0, 2]
    assert metrics is not None


def test_a_provider_of_the_programs_own_is_left_as_it_is():
    exporter = Exporter(MetricExportResult.FAILURE)
    original = exporter.export
    reader = pushing(exporter)
    provider = MeterProvider([reader, InMemoryMetricReader()], shutdown_on_exit=False)
    metrics = Metrics(provider.get_meter("costspan"))
    tell_failures(provider, metrics.take_back)
    tell_failures(object(), metrics.take_back)

    assert exporter.export == original
    provider.shutdown()


def test_metrics_that_are_gone_are_told_nothing(set_up):
    exporter = Exporter(MetricExportResult.FAILURE)
    reader = pushing(exporter)
    set_up(reader)  # nobody keeps them
    reader.collect()

    assert exporter.got == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_its_parent_exports_can_export(set_up):
    exporter = Exporter()
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1e9)
    metrics = set_up(reader)
    with reader._export_lock:
        child = os.fork()
        if not child:
            metrics.record(paid_call(), PRICED, {})
            reader.collect()
            os._exit(len(exporter.got))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
