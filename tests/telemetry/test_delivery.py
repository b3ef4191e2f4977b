"""What becomes of a new series' first zero where exports fail, and where there are several readers."""

from __future__ import annotations

import os
import time

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
from costspan.telemetry import delivery
from costspan.telemetry.delivery import Delivery, follow, watch
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


@pytest.fixture(autouse=True)
def moment(monkeypatch):
    """Nothing is exported by itself, unless a test wants it."""

    def moment(seconds=None):
        monkeypatch.setattr(delivery, "MOMENT_SECONDS", seconds)
        monkeypatch.setattr(delivery, "PAUSE_SECONDS", seconds)
        monkeypatch.setattr(Delivery, "soon", soon)

    soon = Delivery.soon
    monkeypatch.setattr(Delivery, "soon", lambda _: None)
    return moment


@pytest.fixture
def set_up(moment):
    """A provider as costspan sets one up, and metrics on it with one call of 2 USD."""
    made = []

    def set_up(*readers):
        provider = MeterProvider(readers, shutdown_on_exit=False)
        made.append(provider)
        watch(provider)
        metrics = Metrics(provider.get_meter("costspan"))
        follow(provider, metrics)
        metrics.record(paid_call(), PRICED, {})
        return metrics

    yield set_up
    for provider in made:
        provider.shutdown()


def paid_call(model="gpt-4o"):
    class Silent:
        def finished(self, call): ...

    call = Call(Request("chat", "openai", model), Silent())
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


def until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_new_series_is_sent_as_0_at_once_so_that_a_short_job_is_seen(set_up, moment):
    moment(0.05)
    exporter = Exporter()
    metrics = set_up(pushing(exporter))
    until(lambda: exporter.got == [0])
    metrics.record(paid_call("gpt-4o-mini"), PRICED, {})  # in the pause of the first
    until(lambda: exporter.got == [0, 0, 0])
    metrics.record(paid_call("gpt-4o-mini"), PRICED, {})  # not new
    until(lambda: not metrics.at_new_series.__self__._thread.is_alive())

    assert exporter.got == [0, 0, 0]
    assert not metrics.unsettled, "the end need not show zeros again"


def test_the_first_regular_export_after_that_is_0_too_so_that_it_is_seen_for_a_whole_interval(set_up, moment):
    moment(0.01)
    exporter = Exporter()
    reader = pushing(exporter)
    metrics = set_up(reader)
    until(lambda: exporter.got == [0])
    until(lambda: not metrics.at_new_series.__self__._thread.is_alive())
    reader.collect()
    reader.collect()

    assert exporter.got == [0, 0, 2]


def test_an_export_that_fails_at_once_waits_for_the_regular_one(set_up, moment):
    moment(0.01)
    exporter = Exporter(*[MetricExportResult.FAILURE] * 9)
    metrics = set_up(pushing(exporter))
    until(lambda: not metrics.at_new_series.__self__._thread.is_alive())

    assert exporter.got == [0]
    assert metrics.unsettled, "the end must show the zero"


def test_a_series_that_is_new_at_the_very_end_is_left_to_the_last_flush(set_up, moment, monkeypatch):
    def no_more(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    moment(0.01)
    metrics = set_up(pushing(Exporter()))
    until(lambda: not metrics.at_new_series.__self__._thread.is_alive())
    monkeypatch.setattr(delivery.Thread, "start", no_more)
    metrics.record(paid_call("gpt-4o-mini"), PRICED, {})

    assert metrics.unsettled


def test_a_provider_of_the_programs_own_is_left_as_it_is():
    exporter = Exporter(MetricExportResult.FAILURE)
    original = exporter.export
    reader = pushing(exporter)
    provider = MeterProvider([reader, InMemoryMetricReader()], shutdown_on_exit=False)
    metrics = Metrics(provider.get_meter("costspan"))
    follow(provider, metrics)
    follow(object(), metrics)

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
