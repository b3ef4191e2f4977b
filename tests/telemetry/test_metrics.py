import gc
import os
import time
from threading import Thread
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from costspan.call import Call, Request, UsageSource
from costspan.guard import FAILURES
from costspan.pricing import Price, PriceStatus
from costspan.telemetry.metrics import Metrics
from costspan.usage import Usage

PRICED = Price(PriceStatus.PRICED, 3 * 10**12, {"input": 10**12, "output": 2 * 10**12})


class Silent:
    def finished(self, call): ...


@pytest.fixture
def meter():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)

    class Meter:
        def metrics(self, **given):
            return Metrics(provider.get_meter("costspan"), **given)

        def read(self):
            """Metric name -> list of (attributes, value, or sum and count)."""
            data = reader.get_metrics_data()
            found = {}
            for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
                for point in metric.data.data_points:
                    value = point.value if hasattr(point, "value") else (point.sum, point.count)
                    found.setdefault(metric.name, []).append((dict(point.attributes), value))
            return found

    yield Meter()
    provider.shutdown()


def finished_call(usage=None, *, error=None, chunks=0, host="api.openai.com", biller="openai"):
    call = Call(Request("chat", "openai", "gpt-4o", host=host, port=443, biller=biller), Silent())
    for _ in range(chunks):
        call.chunk()
    call.reply.usage = usage
    call.reply.model = "gpt-4o-2024-08-06"
    if error:
        call.fail(error)
    call.finish()
    return call


def test_a_new_series_is_zero_first_and_right_from_then_on(meter):
    metrics = meter.metrics()
    metrics.record(finished_call(Usage(input=10, output=5)), PRICED, {})
    first, second = meter.read(), meter.read()

    assert [value for _, value in first["costspan.cost"]] == [0, 0]
    assert [(each["costspan.bucket"], value) for each, value in second["costspan.cost"]] == [
        ("input", 0.001),
        ("output", 0.002),
    ]
    assert [value for _, value in second["costspan.tokens"]] == [10, 5]
    assert [value for _, value in second["costspan.calls"]] == [1]
    assert {type(value) for name in ("costspan.tokens", "costspan.calls") for _, value in second[name]} == {int}


def test_before_the_last_flush_every_series_tells_its_value(meter):
    metrics = meter.metrics()
    metrics.record(finished_call(Usage(input=10)), PRICED, {})

    assert metrics.unsettled
    metrics.settle()
    assert [value for _, value in meter.read()["costspan.tokens"]] == [10]
    assert not metrics.unsettled


def test_histograms_are_the_conventions_own(meter):
    meter.metrics().record(finished_call(Usage(input=10, cache_read=90, output=5, reasoning=5)), PRICED, {})
    read = meter.read()
    tokens = {attributes["gen_ai.token.type"]: value for attributes, value in read["gen_ai.client.token.usage"]}

    assert tokens == {"input": (100, 1), "output": (10, 1)}
    assert read["gen_ai.client.operation.cost"][0][1] == (0.003, 1)
    [(attributes, (_, count))] = read["gen_ai.client.operation.duration"]
    assert count == 1
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
    }
    assert "gen_ai.client.operation.time_to_first_chunk" not in read


def test_an_address_is_told_where_the_provider_is_not_known_by_it(meter):
    call = finished_call(Usage(input=1), host="gw.example.com", biller="gw.example.com")
    meter.metrics().record(call, None, {})
    [(attributes, _)] = meter.read()["gen_ai.client.operation.duration"]

    assert attributes["server.address"] == "gw.example.com"
    assert attributes["server.port"] == 443


@pytest.mark.parametrize("biller", ["", "openai"])
def test_a_provider_s_own_address_makes_no_series(meter, biller):
    meter.metrics().record(finished_call(Usage(input=1), biller=biller), None, {})
    [(attributes, _)] = meter.read()["gen_ai.client.operation.duration"]

    assert "server.address" not in attributes


def test_streams_tell_their_first_chunk_and_on_request_the_others(meter):
    meter.metrics(chunk_metric=True).record(finished_call(Usage(input=1), chunks=3), None, {})
    read = meter.read()

    assert read["gen_ai.client.operation.time_to_first_chunk"][0][1][1] == 1
    assert read["gen_ai.client.operation.time_per_output_chunk"][0][1][1] == 1


def test_one_chunk_has_no_time_between_chunks(meter):
    meter.metrics(chunk_metric=True).record(finished_call(Usage(input=1), chunks=1), None, {})

    assert "gen_ai.client.operation.time_per_output_chunk" not in meter.read()


def test_a_failed_call_counts_as_a_call_and_costs_nothing(meter):
    metrics = meter.metrics()
    metrics.record(finished_call(error=TimeoutError()), None, {})
    read = meter.read() and meter.read()

    [(attributes, value)] = read["costspan.calls"]
    assert value == 1
    assert attributes["error.type"] == "TimeoutError"
    assert "costspan.price.status" not in attributes
    assert "costspan.cost" not in read
    assert "gen_ai.client.token.usage" not in read


def test_an_unpriced_call_has_tokens_and_no_cost(meter):
    call = finished_call(Usage(input=7))
    call.reply.source = UsageSource.HEURISTIC
    metrics = meter.metrics()
    metrics.record(call, Price(PriceStatus.UNPRICED, reason="no such model"), {})
    read = meter.read() and meter.read()

    assert read["costspan.calls"][0][0]["costspan.price.status"] == "unpriced"
    assert read["costspan.calls"][0][0]["costspan.usage.source"] == "heuristic"
    assert [value for _, value in read["costspan.tokens"]] == [7]
    assert "costspan.cost" not in read


def test_a_stream_that_is_collected_as_garbage_while_another_call_is_counted_is_counted_too(meter):
    """Its end is told by whatever thread happens to collect it, in the middle of anything."""
    metrics = meter.metrics()

    class Dropped:
        def __init__(self):
            self.itself = self

        def __del__(self):
            metrics.record(finished_call(Usage(input=2)), PRICED, {})

    class Collecting(dict):
        def items(self):
            Dropped()
            gc.collect()
            return super().items()

    price = SimpleNamespace(status=PRICED.status, total_femto=0, breakdown=Collecting())
    counting = Thread(target=metrics.record, args=(finished_call(Usage(input=7)), price, {}), daemon=True)
    counting.start()
    counting.join(10)

    assert not counting.is_alive()
    read = meter.read() and meter.read()
    assert sum(value for _, value in read["costspan.tokens"]) == 9


def test_who_pays_goes_onto_every_metric(meter):
    meter.metrics().record(finished_call(Usage(input=7)), PRICED, {"costspan.team": "search"})
    read = meter.read()

    assert all(
        attributes["costspan.team"] == "search"
        for name, points in read.items()
        if name != "costspan.failures"
        for attributes, _ in points
    )


def test_our_own_failures_are_counted(meter):
    metrics = meter.metrics()
    FAILURES.clear()
    FAILURES.note("price a call", KeyError("x"))
    read = meter.read()
    FAILURES.clear()

    assert metrics is not None
    assert read["costspan.failures"] == [({"costspan.step": "price a call", "error.type": "KeyError"}, 1)]


def test_a_meter_lets_go_of_metrics_that_nobody_holds(meter):
    meter.metrics().record(finished_call(Usage(input=7)), PRICED, {})

    assert "costspan.cost" not in (meter.read() and meter.read())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_from_zero(meter):
    """Parent 5 and child 1 are 6 together: the child must not report the parent's 5 again."""
    metrics = meter.metrics()
    metrics.record(finished_call(Usage(input=5)), PRICED, {})
    meter.read()
    child = os.fork()
    if child == 0:
        metrics.record(finished_call(Usage(input=1)), PRICED, {})
        metrics.settle()
        sums = [each.value for each in metrics._tokens.observe()]
        os._exit(0 if sums == [1] else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert [value for _, value in meter.read()["costspan.tokens"]] == [5]


@pytest.mark.parametrize(("temporality", "told"), [("", True), ("lowmemory", True), ("Delta", False)])
def test_workers_that_have_one_instance_id_from_the_environment_keep_series_of_their_own(
    meter, monkeypatch, temporality, told
):
    """As all processes of a container have from Kubernetes' Operator; jobs that send deltas add up by it."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=ns.pod.app")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality)
    metrics = meter.metrics()
    metrics.record(finished_call(Usage(input=7, output=3)), PRICED, {})
    FAILURES.note("price a call", KeyError("x"))
    points = [attributes for points in meter.read().values() for attributes, _ in points]
    FAILURES.clear()

    assert {each.get("process.pid") for each in points} == {str(os.getpid()) if told else None}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_series_of_its_own_where_the_sdk_leaves_it_its_parents_resource(meter):
    metrics = meter.metrics()
    metrics.record(finished_call(Usage(input=5)), PRICED, {})
    child = os.fork()
    if child == 0:
        metrics.record(finished_call(Usage(input=1)), PRICED, {})
        (seen,) = metrics._tokens.observe()
        os._exit(0 if seen.attributes["process.pid"] == str(os.getpid()) else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert all("process.pid" not in attributes for attributes, _ in meter.read()["costspan.tokens"])


@pytest.mark.parametrize("sampled", [True, False])
def test_an_exemplar_is_of_the_calls_own_span_and_only_if_that_is_sampled(sampled):
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    call = finished_call(Usage(input=10), chunks=1)
    context = SpanContext(7, 9, is_remote=False, trace_flags=TraceFlags(int(sampled)))
    call.span = NonRecordingSpan(context)
    Metrics(provider.get_meter("costspan")).record(call, PRICED, {})
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    found = {each.name for each in metrics for point in each.data.data_points if getattr(point, "exemplars", ())}
    provider.shutdown()

    bars = {"gen_ai.client.operation." + name for name in ("duration", "cost", "time_to_first_chunk")}
    assert found == (bars if sampled else set())


def test_histograms_are_whole_at_the_very_collection_that_follows_a_call():
    """Values wait until then; a reader must not see them one collection later, nor lose them with their Metrics."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    metrics = Metrics(provider.get_meter("costspan"))
    seen = []
    for _ in range(3):
        metrics.record(finished_call(Usage(input=10, output=2)), PRICED, {})
        read = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
        counts = {
            each.name: sum(point.count for point in each.data.data_points) for each in read if "gen_ai" in each.name
        }
        seen.append(counts["gen_ai.client.operation.duration"])
    metrics.record(finished_call(Usage(input=10)), PRICED, {})
    del metrics
    read = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    provider.shutdown()

    assert seen == [1, 2, 3]
    assert {each.name: each.data.data_points[0].count for each in read}["gen_ai.client.operation.duration"] == 4


def test_the_time_of_a_histogram_begins_with_the_first_call_and_not_with_the_first_collection():
    """A rate is the sum over that time: of a program's first minute it would be many thousand times too much."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    metrics = Metrics(provider.get_meter("costspan"), chunk_metric=True)
    metrics.record(finished_call(Usage(input=10, output=2), chunks=3), PRICED, {})
    called = time.time_ns()
    metrics.record(finished_call(Usage(input=10, output=2), chunks=3), PRICED, {})
    read = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    provider.shutdown()

    late = {each.name for each in read if each.data.data_points[0].start_time_unix_nano > called}
    assert {name for name in late if name.startswith("gen_ai")} == set()
