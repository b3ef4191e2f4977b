"""Every panel of every dashboard shows something on the plugin's real output, and reads well. No Grafana needed."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys

import pytest
import yaml
from components import ROOT
from weeks import END as LAST

from costspan.telemetry import names
from costspan.telemetry.openmetrics import label_name

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("weeks")]  # in one process, which loads them once
FOLDER = ROOT / "grafana/dashboards"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("costspan-*.json"))}
PROMQL = [name for name in BOARDS if name != "costspan-clickhouse"]
DAY = 86400
END = LAST + 60  # a scrape is always a little old
FILLED = {
    "__rate_interval": "1h",
    "__interval": "15m",
    "__interval_ms": "900000",
    "__range": "7d",
    "__range_s": str(7 * DAY),
}


def filled(expr):
    """The expression as Grafana would send it, with every variable on All."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: FILLED.get(found[1], ".*"), expr)


def panels(board):
    return [each for each in board["panels"] if each["type"] not in {"row", "text"}]


def queries(name):
    return [(panel["title"], target) for panel in panels(BOARDS[name]) for target in panel["targets"]]


def shown(server, target):
    """All values that a panel would draw."""
    expr = filled(target["expr"])
    if target.get("instant"):
        return [value for _, value in server.query(expr, END)]
    return [value for _, values in server.query_range(expr, END - DAY, END, 3600) for value in values]


def empty(server, name):
    """Titles of panels with a query that returns nothing, only zeros or NaN."""
    told = []
    for title, target in queries(name):
        values = [value for value in shown(server, target) if math.isfinite(value)]
        if not any(values):
            told.append((title, filled(target["expr"]), values[:3]))
    return told


@pytest.mark.parametrize("name", PROMQL)
def test_every_panel_returns_data_on_prometheus(weeks_in_prometheus, name):
    assert empty(weeks_in_prometheus, name) == []


@pytest.mark.parametrize("name", PROMQL)
def test_every_panel_returns_data_on_victoriametrics(weeks_in_victoria, name):
    assert empty(weeks_in_victoria, name) == []


@pytest.mark.parametrize("name", PROMQL)
def test_every_series_has_the_labels_that_its_legend_names(weeks_in_prometheus, name):
    """Some calls are of no team and no feature: Grafana would call their series `Value`."""
    for title, target in queries(name):
        named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat") or ""))
        for labels, _ in weeks_in_prometheus.query(filled(target["expr"]), END):
            assert named <= labels.keys(), title


@pytest.mark.parametrize("name", PROMQL)
def test_every_variable_has_values(weeks_in_prometheus, name):
    for variable in BOARDS[name]["templating"]["list"]:
        if variable["type"] != "query":
            continue
        match, label = re.fullmatch(r"label_values\((.+), (\w+)\)", filled(variable["query"])).groups()
        assert {labels[label] for labels in weeks_in_prometheus.series(match) if label in labels}, variable["name"]


def test_committed_files_are_what_the_generator_makes(tmp_path):
    made = subprocess.run(
        [sys.executable, ROOT / "grafana/generate", tmp_path], check=True, capture_output=True, text=True
    ).stdout
    assert len(made.splitlines()) == 4 + len(BOARDS)
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert path.read_text() == (ROOT / "grafana" / path.relative_to(tmp_path)).read_text(), path.name


def used_names(exprs):
    """Metric and label names of expressions, without functions, recorded series and Grafana's variables."""
    metrics, labels = set(), set()
    for expr in exprs:
        bare = re.sub(r'"[^"]*"', '""', filled(expr))
        metrics |= set(
            re.findall(
                r"\b((?:costspan|gen_ai|service)_\w+)(?=[{\[ )])",
                re.sub(r"\{[^}]*\}", "{", re.sub(r"\b(by|on|ignoring|group_left) \([^)]*\)", "", bare)),
            )
        )
        labels |= set(re.findall(r"(\w+)(?:=~|!=|!~|=)\"\"", bare))
        for group in re.findall(r"\b(?:by|on|ignoring) \(([^)]*)\)", bare):
            labels |= {each.strip() for each in group.split(",") if each.strip()}
    return metrics, labels


FROM_OTHERS = {  # not in the plugin's own output: who makes them
    "costspan_budget_limit_USD": "rules made from the budgets file by `costspan init`",
    "costspan_quota_limit_tokens": "the same",
    "costspan_expensive_traces_total": "the gateway",
    "costspan_month_to_date_cost_USD": "the ledger: test_ledger_scrape.py",
    "costspan_unpriced_models": "the same",
}
LABELS_FROM_OTHERS = {
    "le",
    "costspan_budget_period",
    label_name(names.BUDGET_KEYS),
    "job",
    "exporter",
    "otel_metric_overflow",
}


def test_every_name_in_dashboards_and_rules_is_in_the_plugins_output(weeks_in_prometheus):
    rules = [
        rule
        for name in ("recording", "alerting")
        for group in yaml.safe_load((ROOT / f"grafana/alerts/{name}.rules.yml").read_text())["groups"]
        for rule in group["rules"]
    ]
    exprs = [target["expr"] for name in PROMQL for _, target in queries(name)] + [rule["expr"] for rule in rules]
    metrics, labels = used_names(exprs)
    live = weeks_in_prometheus.series('{__name__=~"costspan_.*|gen_ai_.*"}')
    assert len(metrics) > 8
    assert metrics - FROM_OTHERS.keys() - {each["__name__"] for each in live} == set()
    assert labels - LABELS_FROM_OTHERS - {name for each in live for name in each} == set()


# --- rules of grafana/dashboard-linter (lint/rule_*.go), and some of our own


@pytest.mark.parametrize("name", BOARDS)
def test_the_dashboard_is_well_formed(name):
    board = BOARDS[name]
    ids = [panel["id"] for panel in board["panels"]]
    assert board["uid"] == name
    assert board["editable"] is False
    assert board["refresh"]
    assert board["time"]["to"] == "now"
    assert len(ids) == len(set(ids))
    assert board["links"][0]["tags"] == ["costspan"]
    source, *others = board["templating"]["list"]
    assert (source["type"], source["name"]) == ("datasource", "datasource")
    for variable in others:
        assert variable["refresh"] == 2, "on time range change"
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable.get("allValue") == (".*" if name in PROMQL else None)
        assert variable["datasource"]["uid"] == "${datasource}"
        assert re.search(rf"\$\{{?{variable['name']}\b", json.dumps(board["panels"])), "unused"


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_reads_well(name):
    for panel in panels(BOARDS[name]):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"], panel["id"]
        assert len(panel["description"]) > 10, panel["title"]
        assert defaults["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["targets"], panel["title"]
        assert len({target["refId"] for target in panel["targets"]} - {""}) == len(panel["targets"]), panel["title"]
        if panel["type"] != "table" and name in PROMQL:
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("name", PROMQL)
def test_expressions_follow_the_linters_rules(name):
    for title, target in queries(name):
        expr = target["expr"]
        assert "{}" not in expr, title
        if "team:costspan" not in expr:
            assert 'service_name=~"$service"' in expr, title
            assert 'deployment_environment_name=~"$environment"' in expr, title
        for window in re.findall(r"rate\([^\[]+\[([^\]]+)\]", expr):
            assert window == "$__rate_interval", title
        for counter in re.findall(r"(\w+)\((?:costspan|gen_ai)_\w+(?:_total|_bucket|_sum|_count)\{", expr):
            assert counter in {"rate", "increase", "count", "timestamp"}, f"{title}: a counter without increase or rate"


def test_kubernetes_files_hold_the_same_rules_and_every_dashboard():
    home = ROOT / "grafana"
    groups = yaml.safe_load((home / "kubernetes/prometheus-rules.yaml").read_text())["spec"]["groups"]
    assert groups == [
        group
        for name in ("recording", "alerting")
        for group in yaml.safe_load((home / f"alerts/{name}.rules.yml").read_text())["groups"]
    ]
    kustomization = yaml.safe_load((home / "kustomization.yaml").read_text())
    named = {each["name"]: each["files"] for each in kustomization["configMapGenerator"]}
    assert named == {name: [f"dashboards/{name}.json"] for name in BOARDS}
    assert all((home / path).exists() for path in kustomization["resources"])
    assert max(path.stat().st_size for path in FOLDER.iterdir()) < 2**20, "a ConfigMap holds 1 MiB"


def test_a_rate_of_money_names_its_time():
    for name in PROMQL:
        for title, target in queries(name):
            if re.search(r"rate\(costspan_cost", target["expr"]):
                assert target["expr"].startswith("3600 * "), title
