"""The endpoint for scrapes: names and values as Prometheus expects them, and nothing lost of a new series."""

from __future__ import annotations

import re
import socket
import urllib.error
import urllib.request

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from costspan.config import SettingError, read_settings
from costspan.telemetry.openmetrics import OpenMetrics, family_name
from costspan.telemetry.scrape import ScrapeReader
from costspan.telemetry.setup import _scrape

RESOURCE = Resource({"service.name": "shop", "service.instance.id": "1"})
OPEN = {"Accept": "application/openmetrics-text; version=1.0.0,text/plain;q=0.5"}


@pytest.fixture
def reader():
    reader = ScrapeReader(port=0)
    yield reader
    reader.shutdown()


@pytest.fixture
def meter(reader):
    provider = MeterProvider([reader], RESOURCE)
    return provider.get_meter("costspan")


def get(reader, path="/metrics", **headers):
    request = urllib.request.Request(f"http://localhost:{reader.port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def test_a_counter_is_zero_at_its_first_scrape_and_itself_from_then_on(reader, meter):
    meter.create_counter("costspan.cost", "USD", "What calls cost").add(2.5, {"gen_ai.request.model": "m"})

    kind, first = get(reader, **OPEN)
    _, second = get(reader, **OPEN)

    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert first.startswith("# HELP costspan_cost_USD What calls cost\n# TYPE costspan_cost_USD counter\n")
    assert first.endswith("# EOF\n")
    labels = '{service_name="shop",gen_ai_request_model="m"}'
    assert samples(first, "costspan_cost_USD_total") == [f"costspan_cost_USD_total{labels} 0"]
    assert samples(second, "costspan_cost_USD_total") == [f"costspan_cost_USD_total{labels} 2.5"]
    assert re.fullmatch(r"costspan_cost_USD_created\{.*\} \d{10}\.\d+", samples(first, "costspan_cost_USD_created")[0])


def test_each_scraper_has_its_own_first_time(reader, meter):
    meter.create_counter("c").add(1)
    for name in ("Prometheus/1", "Prometheus/2"):
        assert samples(get(reader, **{"User-Agent": name})[1], "c_total") == ['c_total{service_name="shop"} 0']
        assert samples(get(reader, **{"User-Agent": name})[1], "c_total") == ['c_total{service_name="shop"} 1']


def test_only_so_many_scrapers_are_remembered(reader, meter):
    meter.create_counter("c").add(1)
    for number in range(40):
        reader.answer(f"10.0.0.{number}", plain=True)
    assert len(reader._seen) <= 17
    assert " 1\n" in reader.answer("10.0.0.39", plain=True)
    assert " 0\n" in reader.answer("10.0.0.1", plain=True)


def test_a_histogram_has_cumulative_buckets_and_an_exemplar_that_names_the_trace(reader, meter):
    seconds = meter.create_histogram("d", "s", explicit_bucket_boundaries_advisory=[1, 2])
    with TracerProvider().get_tracer("t").start_as_current_span("span") as span:
        seconds.record(0.5)
        get(reader, **OPEN)
        seconds.record(0.5)
        seconds.record(9)
    text = get(reader, **OPEN)[1]

    ids = f'{{trace_id="{span.context.trace_id:032x}",span_id="{span.context.span_id:016x}"}}'
    buckets = samples(text, "d_seconds_bucket")
    assert [line.split("} ")[1].split(" ")[0] for line in buckets] == ["2", "2", "3"]
    assert [f" # {ids} " in line for line in buckets] == [True, False, True]
    assert samples(text, "d_seconds_sum") == ['d_seconds_sum{service_name="shop"} 10.0']
    assert samples(text, "d_seconds_count") == ['d_seconds_count{service_name="shop"} 3']


def test_an_exemplar_outside_of_a_span_is_left_out(reader):
    provider = MeterProvider([reader], RESOURCE, exemplar_filter=AlwaysOnExemplarFilter())
    meter = provider.get_meter("costspan")
    histogram = meter.create_histogram("d")
    histogram.record(1)
    get(reader, **OPEN)
    histogram.record(1)
    assert " # {" not in get(reader, **OPEN)[1]


def test_the_plain_format_has_neither_created_nor_exemplars(reader, meter):
    meter.create_counter("c").add(1)
    kind, text = get(reader)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE c_total counter\n" in text
    assert "_created" not in text
    assert "# EOF" not in text


def test_gauges_and_sums_that_fall_are_gauges_without_a_first_zero(reader, meter):
    meter.create_observable_gauge("left", [lambda _: [Observation(7, {"on": True})]], "1")
    meter.create_up_down_counter("open").add(3)
    text = get(reader, **OPEN)[1]
    assert samples(text, "left_ratio") == ['left_ratio{service_name="shop",on="true"} 7']
    assert samples(text, "open") == ['open{service_name="shop"} 3']


def test_labels_and_help_are_escaped(reader, meter):
    meter.create_counter("c", "", 'a\\b\n"c"').add(1, {"x.y": 'a\\b\n"c"'})
    text = get(reader, **OPEN)[1]
    assert '# HELP c a\\\\b\\n\\"c\\"\n' in text
    assert r'x_y="a\\b\n\"c\""' in text


def test_an_exponential_histogram_is_left_out():
    reader = InMemoryMetricReader()
    views = [View(instrument_name="d", aggregation=ExponentialBucketHistogramAggregation())]
    MeterProvider([reader], RESOURCE, views=views).get_meter("m").create_histogram("d").record(1)
    assert OpenMetrics(set()).render(reader.get_metrics_data()) == "# EOF\n"


def test_before_anything_was_measured_the_answer_is_empty(reader):
    MeterProvider([reader])
    assert reader.answer("here", plain=True) == ""


def test_other_paths_are_not_found(reader, meter):
    with pytest.raises(urllib.error.HTTPError, match="404") as found:
        get(reader, "/secret")
    found.value.close()


def test_an_address_that_is_taken_is_told_and_harms_nothing(caplog, monkeypatch):
    with socket.create_server(("localhost", 0)) as taken:
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(taken.getsockname()[1]))
        reader = ScrapeReader()
    assert reader.port is None
    assert "cannot answer scrapes on localhost" in caplog.text
    reader.shutdown()


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("costspan.cost", "USD", "counter", "costspan_cost_USD"),
        ("costspan.tokens", "{token}", "counter", "costspan_tokens"),
        ("gen_ai.client.operation.duration", "s", "histogram", "gen_ai_client_operation_duration_seconds"),
        ("a.seconds", "s", "gauge", "a_seconds"),
        ("share", "1", "gauge", "share_ratio"),
        ("count", "1", "counter", "count"),
        ("plain", "", "counter", "plain"),
    ],
)
def test_names_are_those_of_the_collector(name, unit, kind, expected):
    assert family_name(name, unit, kind) == expected


def test_the_setting_adds_the_endpoint_to_the_other_exporters(monkeypatch):
    monkeypatch.delenv("OTEL_METRICS_EXPORTER", raising=False)
    assert _scrape("") == {}
    assert _scrape("localhost:9464") == {
        "OTEL_METRICS_EXPORTER": "otlp,costspan_prometheus",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "localhost",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "9464",
    }
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    assert _scrape("0.0.0.0:1")["OTEL_METRICS_EXPORTER"] == "costspan_prometheus"


def test_the_setting_is_a_port_or_an_address():
    assert read_settings(prometheus="9464").prometheus == "localhost:9464"
    assert read_settings(prometheus="0.0.0.0:9464").prometheus == "0.0.0.0:9464"
    for wrong in ("here", "host:", "99999", "-1"):
        with pytest.raises(SettingError, match="a port, or host:port"):
            read_settings(prometheus=wrong)
