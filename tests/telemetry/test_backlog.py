import os
from threading import Thread

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags

from costspan.guard import FAILURES
from costspan.telemetry import backlog as module
from costspan.telemetry.backlog import Backlog


class Taken:
    """A histogram that keeps what it is given."""

    def __init__(self):
        self.values = []

    def record(self, value, attributes, context):
        self.values.append(value)


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader):
    provider = MeterProvider([reader], shutdown_on_exit=False)
    yield provider.get_meter("costspan")
    provider.shutdown()


def points(reader):
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    return {each.name: list(each.data.data_points) for each in metrics}


def test_what_waits_is_recorded_in_its_order_and_once():
    backlog, histogram = Backlog(), Taken()
    for value in range(5):
        backlog.add([(histogram, value, {}, None)])

    assert histogram.values == []
    backlog.record()
    backlog.record()
    assert histogram.values == [0, 1, 2, 3, 4]


def test_a_call_records_the_oldest_when_too_many_wait(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 6)
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    backlog, histogram = Backlog(), Taken()
    for value in range(10):
        backlog.add([(histogram, value, {}, None)])

    assert histogram.values == [0, 1, 2, 3, 4, 5, 6, 7]


def test_threads_that_add_and_record_at_once_lose_nothing(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 16)
    backlog, histogram = Backlog(), Taken()

    def add(first):
        for value in range(first, first + 2000):
            backlog.add([(histogram, value, {}, None)])

    threads = [Thread(target=add, args=(start,)) for start in range(0, 8000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backlog.record()

    assert sorted(histogram.values) == list(range(8000))


def test_an_exemplar_is_never_of_the_span_in_which_it_happens_to_be_recorded(reader, meter):
    histogram = meter.create_histogram("bar")
    backlog = Backlog()
    backlog.add([(histogram, 1.0, {"of": "a call without a trace"}, None)])
    backlog.add([(histogram, 1.0, {"of": "a call that is not sampled"}, SpanContext(8, 9, is_remote=False))])
    sampled = SpanContext(7, 9, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    backlog.add([(histogram, 2.0, {"of": "its own"}, sampled)])
    with TracerProvider().get_tracer("program").start_as_current_span("another call's"):
        backlog.record()

    found = {point.attributes["of"]: [each.trace_id for each in point.exemplars] for point in points(reader)["bar"]}
    assert found == {"a call without a trace": [], "a call that is not sampled": [], "its own": [7]}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_waits_at_a_fork_is_the_parents():
    backlog, histogram = Backlog(), Taken()
    backlog.add([(histogram, 1, {}, None)])
    child = os.fork()
    if child == 0:
        backlog.add([(histogram, 2, {}, None)])
        backlog.record()
        os._exit(0 if histogram.values == [2] else 1)
    _, status = os.waitpid(child, 0)
    backlog.record()

    assert status == 0
    assert histogram.values == [1]


def test_recording_ends_while_others_go_on_adding():
    """A collection that waited for the last value of a busy program would run into the SDK's timeout."""

    class Busy(Taken):
        def record(self, value, attributes, context):
            super().record(value, attributes, context)
            backlog.add([(self, value + 1, {}, None)])
            if value > 99:
                pytest.fail("it goes on for ever")

    backlog, histogram = Backlog(), Busy()
    for value in (0, 10):
        backlog.add([(histogram, value, {}, None)])
    backlog.record()

    assert histogram.values == [0, 10]


def test_a_value_that_cannot_be_recorded_does_not_keep_the_others_from_it():
    class Odd(Taken):
        def record(self, value, attributes, context):
            if value % 2:
                msg = "an exemplar filter of the program's own"
                raise LookupError(msg)
            super().record(value, attributes, context)

    backlog, histogram = Backlog(), Odd()
    for value in range(6):
        backlog.add([(histogram, value, {}, None)])
    backlog.record()

    assert histogram.values == [0, 2, 4]
    assert FAILURES.counts == {("record a measurement", "LookupError"): 3}
    FAILURES.clear()
