"""A real Prometheus scrapes `costspan up`: the month to date is the ledger's own figure, and our recording rule takes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from components import ROOT, Prometheus, Server, free_port, wait_until

pytestmark = pytest.mark.real


@pytest.fixture
def ledger(tmp_path):
    port = free_port()
    costspan = Path(sys.executable).with_name("costspan")
    command = [costspan, "up", "--port", port, "--no-grpc", "--db", tmp_path / "ledger.db"]
    running = Server(command, tmp_path / "ledger", f"http://127.0.0.1:{port}/healthz")
    running.address = f"127.0.0.1:{port}"
    yield running
    running.stop()


def test_the_month_to_date_and_the_models_without_a_price_are_the_ledgers(ledger, start, run_program):
    job = {"job_name": "costspan-ledger", "static_configs": [{"targets": [ledger.address]}]}
    prometheus = start(Prometheus, {"global": {"scrape_interval": "250ms"}, "scrape_configs": [job]})
    search, nobody, unpriced = {"team": "search", "times": 7}, {"model": "gpt-4o"}, {"model": "no-such-model"}
    program = run_program(f"http://{ledger.address}", OTEL_METRICS_EXPORTER="none")
    program.send(search, nobody, unpriced)
    spent = program.end()["cost"]
    rules = yaml.safe_load((ROOT / "grafana/alerts/recording.rules.yml").read_text())["groups"]
    (month,) = (rule["expr"] for group in rules for rule in group["rules"] if rule["record"].endswith("month_to_date"))

    wait_until(lambda: prometheus.value("sum(costspan_month_to_date_cost_USD)") == pytest.approx(spent, rel=1e-9))
    by_team = {labels.get("costspan_team"): value for labels, value in prometheus.query(month)}
    assert by_team.keys() == {"search", None}
    assert sum(by_team.values()) == pytest.approx(spent, rel=1e-9)
    ((labels, value),) = prometheus.query("costspan_unpriced_models")
    assert (labels["gen_ai_provider_name"], labels["gen_ai_request_model"], value) == ("openai", "no-such-model", 1)
