"""The ClickHouse config with the engine itself behind it; every question of the ClickHouse dashboard, asked there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from components import ROOT, Collector, free_port, get, wait_until

pytestmark = pytest.mark.real
BOARD = json.loads((ROOT / "grafana/dashboards/costspan-clickhouse.json").read_text())
MACROS = {
    "$__fromTime": "toDateTime(intDiv({start}, 1))",
    "$__toTime": "toDateTime(intDiv({end}, 1))",
}


class ClickHouse:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        command = [
            sys.executable,
            Path(__file__).with_name("clickhouse_server.py"),
            str(self.port),
            str(folder / "data"),
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
        wait_until(self.is_up, 60, "ClickHouse's engine")

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return get(self.url)
        except OSError:
            return False

    def query(self, sql, form="JSONCompact"):
        url = f"{self.url}/?{urllib.parse.urlencode({'query': sql, 'database': 'otel', 'default_format': form})}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b""), timeout=180) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.read().decode()[:600]}\n{sql}") from None
        return json.loads(text)["data"] if text else []

    def number(self, sql):
        return int(self.query(sql)[0][0])

    def stop(self):
        self.process.kill()  # it has nothing to keep
        self.process.communicate()


@pytest.fixture
def clickhouse(tmp_path):
    (tmp_path / "ch").mkdir()
    server = ClickHouse(tmp_path / "ch")
    yield server
    server.stop()


def test_spans_reach_clickhouse_and_the_dashboard_shows_exact_figures(clickhouse, otelcol, start, run_program):
    collector = start(
        Collector, otelcol, "clickhouse.yaml", COSTSPAN_CLICKHOUSE=clickhouse.url, COSTSPAN_CLICKHOUSE_COMPRESS="none"
    )
    wait_until(
        lambda: (
            clickhouse.number("SELECT count() FROM system.tables WHERE database='otel' AND name='otel_traces'") == 1
        ),
        what=collector.log[-500:],
    )
    for statement in (ROOT / "collector-config/clickhouse/costspan.sql").read_text().split(";\n"):
        if statement.strip():
            clickhouse.query(statement)
    began = int(time.time()) - 3600
    program = run_program(collector.endpoint)
    program.send(
        {"model": "gpt-4o", "team": "search", "user": "ann", "session": "s-1", "times": 20},
        {"model": "gpt-4o-mini", "team": "support", "user": "bob", "session": "s-2", "times": 30},
    )
    collector.restart()
    program.send({"model": "gpt-4o", "team": "search", "user": "ann", "session": "s-1", "times": 5})
    program.send({"model": "no-such-model", "team": "search", "user": "ann"})
    spent = program.end()
    wait_until(
        lambda: clickhouse.number("SELECT count() FROM otel_traces") == spent["calls"],
        what=collector.log[-1500:],
    )

    assert clickhouse.number("SELECT sum(cost) FROM costspan_calls FINAL") == round(spent["cost"] * 10**12)
    for panel in BOARD["panels"]:
        rows = clickhouse.query(filled(panel["targets"][0]["rawSql"], began))
        assert rows, panel["title"]
        assert any(str(value) not in ("", "0", "None") for row in rows for value in row), panel["title"]
    spend = clickhouse.query(filled(BOARD["panels"][0]["targets"][0]["rawSql"], began))
    assert spend == [[pytest.approx(spent["cost"], rel=1e-12)]]
    for variable in BOARD["templating"]["list"][1:]:
        assert clickhouse.query(variable["query"]), variable["name"]


def filled(sql, began):
    """The question as Grafana would ask it, for the last hour and all values."""
    for name, value in MACROS.items():
        sql = sql.replace(name, value.format(start=began, end=began + 7200))
    for name in ("service", "team", "model"):
        sql = sql.replace(
            f"{name} IN (${{{name}:sqlstring}})", f"{name} IN (SELECT DISTINCT {name} FROM costspan_hours)"
        )
    return sql
