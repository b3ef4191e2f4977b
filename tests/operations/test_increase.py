"""What `increase()` on Debian's Prometheus 2.42 makes of the plugin's output, against what the program has really spent.

Money by PromQL is a trend: the promise is 2 %. Each test is one way in which counters usually lose or double money.
"""

from __future__ import annotations

import time

import pytest
from components import Collector, Prometheus, free_port, wait_until
from sink import Sink

pytestmark = pytest.mark.real
CALL = {"team": "search", "usage": {"input": 100_000, "output": 1000}}
RANGE = "[2m]"


def scraping(*ports, honor=False):
    job = {
        "job_name": "costspan",
        "honor_labels": honor,
        "static_configs": [{"targets": [f"127.0.0.1:{p}" for p in ports]}],
    }
    return {"global": {"scrape_interval": "250ms"}, "scrape_configs": [job]}


def settled(prometheus, times=16):
    """Enough scrapes that the edges of the window weigh less than the promise."""
    time.sleep(times)
    return prometheus.value(f"sum(increase(costspan_cost_USD_total{RANGE}))")


def pull(run_program, port, **env):
    given = {"COSTSPAN_PROMETHEUS": f"127.0.0.1:{port}", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    return run_program("", OTEL_METRICS_EXPORTER="none", FLUSH="no", **given, **env)


def test_a_series_that_appears_grows_and_restarts_over_our_own_endpoint(start, run_program):
    """The facts' table: truth 8, plain text gives 3.1, a pre-initialised zero 8.01 to 8.10."""
    port = free_port()
    prometheus = start(Prometheus, scraping(port))
    program = pull(run_program, port)
    time.sleep(3)
    program.send({**CALL, "times": 5})
    time.sleep(5)
    program.send({**CALL, "times": 2})
    time.sleep(4)
    spent = program.end()["cost"]
    again = pull(run_program, port)
    again.send({**CALL, "times": 1})
    counted = settled(prometheus)
    spent += again.end()["cost"]

    assert counted == pytest.approx(spent, rel=0.02)


def push(start, otelcol, run_program):
    sink = start(Sink)
    collector = start(Collector, otelcol, "prometheus.yaml", COSTSPAN_TRACES=sink.url)
    prometheus = start(Prometheus, scraping(collector.metrics, honor=True))
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "2500", "FLUSH": "no"}
    return prometheus, lambda **more: run_program(collector.endpoint, **env, **more)


def test_new_series_and_restarts_over_the_collector(otelcol, start, run_program):
    prometheus, run = push(start, otelcol, run_program)
    spent = 0
    for _ in range(2):
        program = run()
        program.send({**CALL, "times": 5})
        time.sleep(6)
        program.send({**CALL, "times": 2}, {**CALL, "model": "gpt-4o"})
        time.sleep(6)
        spent += program.end()["cost"]

    assert settled(prometheus) == pytest.approx(spent, rel=0.02)


def test_several_workers_at_once_over_the_collector(otelcol, start, run_program):
    prometheus, run = push(start, otelcol, run_program)
    workers = [run() for _ in range(3)]
    for worker in workers:
        worker.send({**CALL, "times": 4})
    time.sleep(6)
    for worker in workers:
        worker.send({**CALL, "times": 3})
    time.sleep(6)
    spent = sum(worker.end()["cost"] for worker in workers)

    assert settled(prometheus) == pytest.approx(spent, rel=0.02)


def test_forked_children_do_not_report_their_parents_spend(otelcol, start, run_program):
    prometheus, run = push(start, otelcol, run_program)
    parent = run(FORK="2")  # after it has sent something: its exporters' connections are open
    # calls of the first line are the parent's, those of the second line its children's too
    parent.send({**CALL, "times": 5})
    time.sleep(6)
    parent.send({**CALL, "times": 1})
    time.sleep(6)
    one = parent.end()["cost"] / 6
    counted = settled(prometheus)

    assert counted == pytest.approx(8 * one, rel=0.02)


def test_short_jobs_that_send_deltas_add_up_and_only_what_came_before_the_first_scrape_is_no_increase(
    otelcol, start, run_program
):
    """A job that ends before a scrape shows its counter once, at its end. Deltas without an instance id make one series of
    all runs: its sum is exact, and `increase()` sees all but what was there when it was first scraped."""
    prometheus, run = push(start, otelcol, run_program)
    env = {
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        "OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=jobs,deployment.environment.name=test",
    }
    spent = []
    for _ in range(5):
        job = run(**env)
        job.send({**CALL, "times": 3})
        spent.append(job.end()["cost"])
        time.sleep(2)
    counted = settled(prometheus)

    assert 0 < counted <= sum(spent[1:]) * 1.02
    wait_until(lambda: prometheus.value("sum(costspan_cost_USD_total)") == pytest.approx(sum(spent)))
