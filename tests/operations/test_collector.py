"""Every Collector config, validated and run by a real Collector, with the plugin's real output going through it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from components import ROOT, Collector, Prometheus, VictoriaMetrics, wait_until
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from sink import Sink, attributes_of

from costspan.config import Settings, variable
from costspan.telemetry.spellings import PLACES

pytestmark = pytest.mark.real
CONFIGS = (
    ("agent.yaml",),
    ("prometheus.yaml",),
    ("prometheus.yaml", "remote-write.yaml"),
    ("clickhouse.yaml",),
    ("gateway.yaml",),
)
CALLS = (
    {"model": "gpt-4o-mini", "team": "search", "times": 30, "usage": {"input": 1000, "cache_read": 500, "output": 77}},
    {"model": "gpt-4o", "team": "support", "times": 11, "usage": {"input": 333, "output": 13, "reasoning": 5}},
)


@pytest.mark.parametrize("files", CONFIGS, ids="+".join)
def test_the_collector_accepts_each_config(otelcol, files):
    given = [part for name in files for part in ("--config", ROOT / "collector-config" / name)]
    checked = subprocess.run([otelcol, "validate", *given], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_every_config_in_the_folder_is_checked():
    named = {name for files in CONFIGS for name in files} | {"builder.yaml", "docker-compose.yaml"}
    assert {path.name for path in (ROOT / "collector-config").glob("*.yaml")} == named


def test_kubernetes_and_compose_files_use_configs_that_are_here_and_variables_that_they_read():
    folder = ROOT / "collector-config"
    version = yaml.safe_load((folder / "builder.yaml").read_text())["dist"]["version"]
    for name in ("agent", "gateway"):
        workload = next(yaml.safe_load_all((folder / f"kubernetes/{name}.yaml").read_text()))
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        config = (folder / container["args"][0].rpartition("/")[2]).read_text()
        assert container["image"].endswith(f":{version}")
        assert all(f"${{env:{each['name']}" in config for each in container["env"])
    services = yaml.safe_load((folder / "docker-compose.yaml").read_text())["services"]
    assert services["collector"]["image"].endswith(f":{version}")
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (folder / source).exists(), volume
    instrumentation = yaml.safe_load((folder / "kubernetes/auto-instrumentation.yaml").read_text())
    known = {variable(each.name) for each in fields(Settings)}
    named = {each["name"] for each in instrumentation["spec"]["python"]["env"] if each["name"].startswith("COSTSPAN_")}
    assert named <= known


def scraping(port):
    job = {"job_name": "costspan", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    return {"global": {"scrape_interval": "500ms"}, "scrape_configs": [job]}


def equals(value, spent):
    return value == pytest.approx(spent, rel=1e-9)


def test_a_scraped_collector_shows_what_the_program_spent_after_each_hop_restarted(otelcol, start, run_program):
    sink = start(Sink)
    collector = start(Collector, otelcol, "prometheus.yaml", COSTSPAN_TRACES=sink.url)
    prometheus = start(Prometheus, scraping(collector.metrics))
    program = run_program(collector.endpoint)
    program.send(*CALLS)
    collector.restart()
    program.send(*CALLS)
    prometheus.restart()
    program.send(*CALLS)
    spent = program.end()

    wait_until(lambda: equals(prometheus.value("sum(costspan_cost_USD_total)"), spent["cost"]), what="the sum of spend")
    wait_until(lambda: prometheus.value("sum(costspan_tokens_total)") == spent["tokens"])
    assert prometheus.value("sum(costspan_calls_total)") == spent["calls"] == 123
    wait_until(lambda: len(sink.spans) == 123, what="every span, once")
    assert equals(sink.cost, spent["cost"])
    labels = {name for labels, _ in prometheus.query("costspan_cost_USD_total") for name in labels}
    assert {"service_name", "deployment_environment_name", "costspan_team", "costspan_bucket"} <= labels


def test_remote_write_reaches_prometheus(otelcol, start, run_program):
    sink, prometheus = start(Sink), start(Prometheus)
    url = f"{prometheus.url}/api/v1/write"
    configs = ("prometheus.yaml", "remote-write.yaml")
    collector = start(Collector, otelcol, *configs, COSTSPAN_TRACES=sink.url, COSTSPAN_REMOTE_WRITE=url)
    program = run_program(collector.endpoint)
    program.send(*CALLS)
    prometheus.restart()
    program.send(*CALLS)
    spent = program.end()

    wait_until(lambda: equals(prometheus.value("sum(costspan_cost_USD_total)"), spent["cost"]), what="the sum of spend")
    assert {labels["service_name"] for labels, _ in prometheus.query("costspan_cost_USD_total")} == {"shop"}


def test_the_agent_passes_everything_on_over_restarts_of_itself_and_of_the_other_side(otelcol, start, run_program):
    sink = start(Sink)
    agent = start(Collector, otelcol, "agent.yaml", COSTSPAN_GATEWAY=sink.url)
    program = run_program(agent.endpoint)
    program.send(*CALLS)
    agent.restart()
    port = sink.port
    sink.close()
    program.send(*CALLS)
    again = start(Sink, port)
    spent = program.end()

    wait_until(lambda: len(sink.spans | again.spans) == 82, what="every span")
    assert equals(sink.cost + again.cost, spent["cost"])
    wait_until(lambda: equals(sum(again.counted.values()), spent["cost"]), what="the program's own counters")


def test_otlp_straight_to_victoriametrics_has_the_same_names_and_the_same_sum(start, run_program):
    victoria = start(VictoriaMetrics)
    program = run_program(
        "", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{victoria.url}/opentelemetry/v1/metrics",
        OTEL_TRACES_EXPORTER="none", OTEL_LOGS_EXPORTER="none",
    )  # fmt: skip
    program.send(*CALLS)
    victoria.restart()
    program.send(*CALLS)
    spent = program.end()
    victoria.flush()

    wait_until(lambda: equals(victoria.value("sum(last_over_time(costspan_cost_USD_total[5m]))"), spent["cost"]))
    assert equals(victoria.value("sum(increase(costspan_cost_USD_total[5m]))"), spent["cost"])
    labels = {name for labels, _ in victoria.query("costspan_cost_USD_total") for name in labels}
    assert {"service_name", "deployment_environment_name", "costspan_team", "costspan_bucket"} <= labels


def gateway(start, otelcol, **env):
    ledger, traces, prometheus = start(Sink), start(Sink), start(Prometheus)
    collector = start(
        Collector, otelcol, "gateway.yaml", COSTSPAN_LEDGER_OTLP=ledger.url, COSTSPAN_TRACES=traces.url,
        COSTSPAN_REMOTE_WRITE=f"{prometheus.url}/api/v1/write", HOSTNAME="gw-1", **env,
    )  # fmt: skip
    return collector, ledger, traces, prometheus


def test_the_gateway_samples_traces_and_loses_no_money(otelcol, start, run_program):
    collector, ledger, traces, prometheus = gateway(start, otelcol, COSTSPAN_SAMPLE_PERCENT="25")
    program = run_program(collector.endpoint)
    program.send({"team": "search", "times": 400})
    spent = program.end()

    wait_until(lambda: len(ledger.spans) == 400, what="every call in the ledger")
    assert equals(ledger.cost, spent["cost"])
    wait_until(lambda: equals(prometheus.value("sum(costspan_cost_USD_total)"), spent["cost"]), what="the sum of spend")
    time.sleep(2)
    assert 40 < len(traces.spans) < 160
    assert traces.spans.keys() <= ledger.spans.keys()


def test_the_gateways_queue_outlives_the_gateway_and_the_ledger(otelcol, start, run_program):
    collector, ledger, _, prometheus = gateway(start, otelcol)
    port = ledger.port
    ledger.close()
    program = run_program(collector.endpoint)
    program.send({"team": "search", "times": 50})
    collector.restart()
    again = start(Sink, port)
    spent = program.end()

    wait_until(lambda: len(again.spans) == 50, 60, what="every call in the ledger")
    assert equals(again.cost, spent["cost"])
    wait_until(lambda: equals(prometheus.value("sum(costspan_cost_USD_total)"), spent["cost"]), what="the sum of spend")


FOREIGN = """
import sys
from opentelemetry import trace, _logs
from costspan.instrumentors import set_up_providers
set_up_providers()
tracer = trace.get_tracer("some.other.tool")
with tracer.start_as_current_span("POST /ask", attributes={"http.request.method": "POST", "costspan.rollup.cost": 12.5}):
    for _ in range(40):
        with tracer.start_as_current_span("chat") as span:
            span.set_attributes({
                "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.cost": 0.25, "gen_ai.usage.input_tokens": 7, "user.id": "ann",
                "gen_ai.input.messages": "SECRET prompt", "gen_ai.prompt.0.content": "SECRET", "http.request.header.authorization": "SECRET",
            })
            span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": "SECRET"})
            span.set_status(trace.StatusCode.ERROR, "SECRET was refused")
log = _logs.get_logger("some.other.tool")
log.emit(event_name="gen_ai.client.inference.operation.details", body="SECRET", attributes={"gen_ai.input.messages": "SECRET"})
log.emit(event_name="costspan.call", body="SECRET", attributes={"gen_ai.usage.cost.amount": 1.5, "gen_ai.input.messages": "SECRET"})
"""


def run_foreign(endpoint):
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": "foreign"}
    subprocess.run([sys.executable, "-c", FOREIGN], check=True, env=env, timeout=180)


def test_spend_is_derived_from_spans_of_programs_that_send_nothing_else(otelcol, start, run_program):
    collector, ledger, _, prometheus = gateway(start, otelcol)
    run_foreign(collector.endpoint)

    wait_until(
        lambda: equals(prometheus.value('sum(costspan_cost_USD_total{service_name="foreign"})'), 10.0),
        what="derived spend",
    )
    wait_until(lambda: prometheus.value("sum(costspan_calls_total)") == 40)
    assert prometheus.value("sum(costspan_expensive_traces_total)") == 1
    labels, _ = prometheus.query("costspan_cost_USD_total")[0]
    assert (labels["gen_ai_provider_name"], labels["gen_ai_request_model"]) == ("openai", "gpt-4o")
    program = run_program(collector.endpoint)  # its spans have a cost too, and its metrics have counted it
    program.send({"times": 10})
    spent = program.end()
    own = 'sum(costspan_cost_USD_total{service_name="shop"})'
    wait_until(lambda: equals(prometheus.value(own), spent["cost"]), what="spend that is counted once")
    wait_until(lambda: len(ledger.spans) == 50)
    time.sleep(2)
    assert equals(prometheus.value(own), spent["cost"])


def test_no_prompt_passes_the_gateway(otelcol, start):
    collector, ledger, traces, _ = gateway(start, otelcol, COSTSPAN_SAMPLE_PERCENT="100")
    run_foreign(collector.endpoint)

    wait_until(lambda: len(ledger.spans) == 40 and len(traces.spans) == 41 and len(ledger.logs) == 1)
    seen = [*ledger.spans.values(), *traces.spans.values(), *ledger.logs]
    assert "SECRET" not in "".join(map(str, seen))
    kept = attributes_of(next(iter(ledger.spans.values())))
    assert kept.keys() >= {"gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.cost", "user.id"}
    assert attributes_of(ledger.logs[0])["gen_ai.usage.cost.amount"] == 1.5


LANGFUSE = {
    "langfuse.observation.type": "generation",
    "langfuse.observation.model.name": "gpt-4o",
    "langfuse.observation.usage_details": '{"input": 19, "output": 10}',
    "langfuse.user.id": "ann",
}
EMBEDDING = {
    "openinference.span.kind": "EMBEDDING",
    "embedding.model_name": "text-embedding-3-small",
    "llm.token_count.prompt": 8,
}


def test_calls_told_in_the_words_of_other_tools_pass_the_gateway_whole(otelcol, start):
    collector, ledger, _, _ = gateway(start, otelcol)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collector.endpoint}/v1/traces")))
    for told in (LANGFUSE, EMBEDDING, {"http.route": "/answer"}):
        provider.get_tracer("tool").start_span("call", attributes=told | {"input.value": "SECRET"}).end()
    provider.shutdown()

    wait_until(lambda: len(ledger.spans) == 2)
    kept = [attributes_of(each) for each in ledger.spans.values()]
    assert LANGFUSE in kept
    assert EMBEDDING in kept


def test_every_attribute_that_a_call_is_read_from_passes_the_gateway():
    first = yaml.safe_load((ROOT / "collector-config" / "gateway.yaml").read_text())["processors"]["transform/private"][
        "trace_statements"
    ][0]
    passes = re.compile(re.search(r'"(.*)"', first)[1].replace("\\\\", "\\"))

    assert [name for name in PLACES if not passes.search(name)] == []


def test_the_collector_says_what_it_took_and_lost(otelcol, start, run_program):
    sink = start(Sink)
    collector = start(Collector, otelcol, "agent.yaml", COSTSPAN_GATEWAY=sink.url)
    program = run_program(collector.endpoint)
    program.send({"times": 7})
    program.end()

    wait_until(lambda: collector.counted("otelcol_exporter_sent_spans") == 7)
    assert collector.counted("otelcol_receiver_accepted_spans") == 7


PROGRAM = """
from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="none")
for _ in range(12):
    client.chat.completions.create(model="gpt-4o-mini", messages=[{{"role": "user", "content": "hello"}}])
for chunk in client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": "hi"}}], stream=True):
    pass
"""


def test_an_unchanged_program_with_the_real_sdk_shows_up_in_prometheus_and_in_the_ledger(otelcol, start, fake_openai):
    sink = start(Sink)
    collector = start(Collector, otelcol, "prometheus.yaml", COSTSPAN_TRACES=sink.url)
    prometheus = start(Prometheus, scraping(collector.metrics))
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_SERVICE_NAME": "unchanged"}
    launcher = Path(sys.executable).with_name("opentelemetry-instrument")
    command = [launcher, sys.executable, "-c", PROGRAM.format(url=fake_openai.url)]
    host = fake_openai.url.removeprefix("http://").split(":")[0]
    subprocess.run(command, check=True, env={**env, "COSTSPAN_HOSTS": f"{host}=openai"}, timeout=180)

    wait_until(lambda: prometheus.value("sum(costspan_calls_total)") == 13, what="every call")
    assert sink.cost > 0
    wait_until(lambda: equals(prometheus.value("sum(costspan_cost_USD_total)"), sink.cost), what="the sum of the spans")
    assert {labels["service_name"] for labels, _ in prometheus.query("costspan_calls_total")} == {"unchanged"}
