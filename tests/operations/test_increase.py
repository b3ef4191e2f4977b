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
RANGE = "[5m]"


def scraping(*ports, honor=False):
    job = {
        "job_name": "costspan",
        "honor_labels": honor,
        "static_configs": [{"targets": [f"127.0.0.1:{p}" for p in ports]}],
    }
    return {"global": {"scrape_interval": "250ms"}, "scrape_configs": [job]}


def increase_is(prometheus, low, high=None):
    """Wait until `increase()` is within the promise: it extrapolates to the edges of its window, and what that adds gets
    less with every scrape. What was lost or doubled stays lost or doubled, however long one waits."""
    low, high = low * 0.98, (high or low) * 1.02
    wait_until(
        lambda: low <= prometheus.value(f"sum(increase(costspan_cost_USD_total{RANGE}))") <= high,
        60,
        what=f"an increase of {low:.4f} to {high:.4f} USD",
    )


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
    increase_is(prometheus, spent + spent / 7)  # the one call of the second life
    assert again.end()["cost"] == pytest.approx(spent / 7)


def push(start, otelcol, run_program):
    sink = start(Sink)
    collector = start(Collector, otelcol, "prometheus.yaml", COSTSPAN_TRACES=sink.url)
    prometheus = start(Prometheus, scraping(collector.metrics, honor=True))
    wait_until(lambda: prometheus.value("sum(up)") == 1, what="the first scrape")  # which comes 5 s after its start
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "2500", "FLUSH": "no"}
    return prometheus, lambda **more: run_program(collector.endpoint, **{**env, **more})


def two_lives(run):
    """What two runs of a program spent, each with series that appear late."""
    spent = 0
    for _ in range(2):
        program = run()
        program.send({**CALL, "times": 5})
        time.sleep(6)
        program.send({**CALL, "times": 2}, {**CALL, "model": "gpt-4o"})
        time.sleep(6)
        spent += program.end()["cost"]
    return spent


def test_new_series_and_restarts_over_the_collector(otelcol, start, run_program):
    prometheus, run = push(start, otelcol, run_program)

    increase_is(prometheus, two_lives(run))


def test_new_series_and_restarts_over_remote_write(otelcol, start, run_program):
    """Samples come with exports only: past the last one `increase()` adds half an interval, here of about fifty."""
    sink, prometheus = start(Sink), start(Prometheus)
    url = {"COSTSPAN_REMOTE_WRITE": f"{prometheus.url}/api/v1/write", "COSTSPAN_TRACES": sink.url}
    collector = start(Collector, otelcol, "prometheus.yaml", "remote-write.yaml", **url)

    spent = two_lives(lambda: run_program(collector.endpoint, OTEL_METRIC_EXPORT_INTERVAL="250", FLUSH="no"))
    increase_is(prometheus, spent)


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

    increase_is(prometheus, spent)


def test_workers_of_one_container_that_are_told_the_same_instance_id(otelcol, start, run_program, tmp_path):
    """Their counters add up, and so does what each of them has spent of a budget."""
    prometheus, run = push(start, otelcol, run_program)
    budgets = tmp_path / "budgets.json"
    budgets.write_text('[{"team": "search", "usd": 100, "per": "month"}]')
    env = {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=ns.pod.app", "COSTSPAN_BUDGETS": str(budgets)}
    workers = [run(**env) for _ in range(3)]
    for times, worker in enumerate(workers, 4):
        worker.send({**CALL, "times": times})
    time.sleep(6)
    spent = sum(worker.end()["cost"] for worker in workers)

    increase_is(prometheus, spent)
    assert total(prometheus) == pytest.approx(spent)
    of_a_budget = "sum by (costspan_team) (costspan_budget_{}_USD)"
    assert prometheus.query(of_a_budget.format("spent")) == [({"costspan_team": "search"}, pytest.approx(spent))]
    assert prometheus.value("max by (costspan_team) (costspan_budget_limit_USD)") == 100


def test_forked_children_do_not_report_their_parents_spend(otelcol, start, run_program):
    prometheus, run = push(start, otelcol, run_program)
    parent = run(FORK="2")  # after it has sent something: its exporters' connections are open
    # calls of the first line are the parent's, those of the second line its children's too
    parent.send({**CALL, "times": 5})
    time.sleep(6)
    parent.send({**CALL, "times": 1})
    time.sleep(6)
    one = parent.end()["cost"] / 6

    increase_is(prometheus, 8 * one)


def test_short_jobs_that_outlive_a_scrape(otelcol, start, run_program):
    """Each ends long before its regular export. Its zero is sent with its first call, its value at its end."""
    prometheus, run = push(start, otelcol, run_program)
    spent = 0
    for _ in range(4):
        job = run(OTEL_METRIC_EXPORT_INTERVAL="60000")
        job.send({**CALL, "times": 3})
        time.sleep(4)
        spent += job.end()["cost"]

    increase_is(prometheus, spent)


def test_jobs_that_end_before_a_scrape_add_up_as_deltas_and_only_the_first_is_no_increase(otelcol, start, run_program):
    """With one instance id for all, they make one series, which is there from the first job on: its sum is exact."""
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
        wait_until(lambda: total(prometheus) == pytest.approx(sum(spent)), what="the sum of the jobs so far")

    increase_is(
        prometheus, sum(spent[1:]), sum(spent)
    )  # the first too, if a scrape comes between its zero and its value


def total(prometheus):
    return prometheus.value("sum(costspan_cost_USD_total)")
