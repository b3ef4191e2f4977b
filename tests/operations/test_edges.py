"""What the configs promise besides sums: tenants are limited, and a bar in Grafana leads to the trace behind it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest
import yaml
from components import ROOT, Collector, Prometheus, get, wait_until
from sink import Sink
from test_collector import gateway, scraping
from test_dashboards import PROMQL, filled, queries

pytestmark = pytest.mark.real
SPAN = {
    "traceId": "1" * 32,
    "spanId": "1" * 16,
    "name": "chat",
    "kind": 3,
    "startTimeUnixNano": "1",
    "endTimeUnixNano": "2",
}
MODEL = [{"key": "gen_ai.request.model", "value": {"stringValue": "m"}}]
BODY = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**SPAN, "attributes": MODEL}]}]}]}).encode()


def sent_as(collector, tenant):
    """The status of the answer."""
    headers = {"Content-Type": "application/json", "x-tenant": tenant}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{collector.endpoint}/v1/traces", BODY, headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return None  # it does not listen yet


def test_the_gateway_takes_no_more_tenants_than_its_limit(otelcol, start):
    collector, *_ = gateway(start, otelcol)
    config = yaml.safe_load((ROOT / "collector-config/gateway.yaml").read_text())
    limit = config["processors"]["batch"]["metadata_cardinality_limit"]

    wait_until(lambda: sent_as(collector, "tenant-0") == 200)
    assert {sent_as(collector, f"tenant-{number}") for number in range(limit)} == {200}
    assert sent_as(collector, "one-too-many") >= 400
    assert sent_as(collector, "tenant-0") == 200


def test_exemplars_lead_from_a_histogram_to_the_trace(otelcol, start, run_program):
    sink = start(Sink)
    collector = start(Collector, otelcol, "prometheus.yaml", COSTSPAN_TRACES=sink.url)
    prometheus = start(Prometheus, scraping(collector.metrics), "--enable-feature=exemplar-storage")
    program = run_program(collector.endpoint, OTEL_METRIC_EXPORT_INTERVAL="5000")
    program.send(
        {"times": 5}
    )  # an export holds the exemplars of its own interval, and the Collector shows the newest one
    exprs = [filled(target["expr"]) for name in PROMQL for _, target in queries(name) if target.get("exemplar")]

    def exemplars(expr):
        now = time.time()
        found = json.loads(get(f"{prometheus.url}/api/v1/query_exemplars", query=expr, start=now - 300, end=now + 60))
        return {each["labels"]["trace_id"] for series in found["data"] for each in series["exemplars"]}

    wait_until(lambda: all(map(exemplars, exprs)), what="exemplars in Prometheus")
    program.end()
    wait_until(lambda: len(sink.spans) == 5)
    assert len(exprs) == 4
    assert set().union(*map(exemplars, exprs)) <= {span.trace_id.hex() for span in sink.spans.values()}


def test_the_compose_file_switches_on_what_exemplars_need():
    services = yaml.safe_load((ROOT / "collector-config/docker-compose.yaml").read_text())["services"]
    (source,) = (
        each
        for each in yaml.safe_load((ROOT / "grafana/provisioning/datasources/costspan.yaml").read_text())["datasources"]
        if each["type"] == "prometheus"
    )

    assert "--enable-feature=exemplar-storage" in services["prometheus"]["command"]
    assert source["jsonData"]["exemplarTraceIdDestinations"][0]["name"] == "trace_id"
