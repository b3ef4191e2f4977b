"""The tables that name the tests of each config, dashboard and alert. `python tests/operations/proofs.py` writes them anew."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULES = {path.name: path for path in sorted(HERE.glob("test_*.py"))}
TABLES = {"collector-config/README.md": "configs", "grafana/README.md": "alerts"}
CASES = ("alerts.test.yml", "alerts_long.test.yml")
FILES = {  # of grafana/, with words by which a test names them
    "alerts/recording.rules.yml, alerts/alerting.rules.yml": ('"*.rules.yml"', "{name}.rules.yml"),
    "alerts/alertmanager.yml": ('ALERTS / "alertmanager.yml"', "alertmanager_config("),
    "prometheus.yml": ("grafana/prometheus.yml",),
    "provisioning/": ("grafana/provisioning",),
    "kubernetes/, kustomization.yaml": ("kustomization.yaml",),
}
FOR_EACH = {  # tests that go over all files of a kind, without naming one
    "docker-compose.yaml": ("test_collector.py", "kubernetes_and_compose"),
    "kubernetes/agent.yaml": ("test_collector.py", "kubernetes_and_compose"),
    "kubernetes/gateway.yaml": ("test_collector.py", "kubernetes_and_compose"),
    "kubernetes/auto-instrumentation.yaml": ("test_collector.py", "kubernetes_and_compose"),
}


def tests_of(module):
    """The tests of a file by name, each with its own text and that of the functions which it calls."""
    text = MODULES[module].read_text(encoding="utf-8")
    found = {
        each.name: ast.get_source_segment(text, each)
        for each in ast.parse(text).body
        if isinstance(each, ast.FunctionDef)
    }
    for name in [name for name in found if name.startswith("test_")]:
        called = [found[word] for word in re.findall(r"\b(\w+)\(", found[name]) if word in found and word != name]
        yield name, "\n".join([found[name], *called])


def naming(*words):
    """The tests whose text holds one of the words, as links."""
    return [
        link(module, name)
        for module in MODULES
        for name, text in tests_of(module)
        if any(word in text for word in words)
    ]


def link(module, name):
    return f"[`{name}`](../tests/operations/{module})"


def configs():
    """Each config of the Collector, with the tests that run it; `otelcol validate` is passed by all that it knows."""
    rows = ["| config | run by |", "| --- | --- |"]
    folder = ROOT / "collector-config"
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in {".yaml", ".sql"}
    )
    for name in files:
        if name == "builder.yaml":
            continue
        if name in FOR_EACH:
            module, word = FOR_EACH[name]
            found = [link(module, test) for test, _ in tests_of(module) if word in test]
        else:
            found = naming(f'"{name}"', f"/{name}")
        rows.append(f"| `{name}` | {', '.join(found)} |")
    return "\n".join(rows)


def alerts():
    """Each dashboard, each alert with the cases of `promtool test rules` that it fires and does not fire in, each file."""
    rows = ["| dashboard | expressions | run by |", "| --- | --- | --- |"]
    for path in sorted((ROOT / "grafana/dashboards").glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        count = sum(len(panel.get("targets", ())) for panel in board["panels"])
        found = naming("rawSql") if "clickhouse" in path.stem else naming("def test_every_panel_returns")
        rows.append(f"| {board['title']} | {count} | {', '.join(found)} |")
    rows += ["", "| alert | fires | stays silent |", "| --- | --- | --- |"]
    cases = [case for name in CASES for case in yaml.safe_load((HERE / name).read_text(encoding="utf-8"))["tests"]]
    for alert in alert_names():
        fires, silent = (names_of(cases, alert, fires=kind) for kind in (True, False))
        rows.append(f"| {alert} | {fires} | {silent or 'for the other series of that case'} |")
    rows += ["", "| file | checked by |", "| --- | --- |"]
    rows += [f"| `{name}` | {', '.join(naming(*words))} |" for name, words in FILES.items()]
    return "\n".join(rows)


def names_of(cases, alert, *, fires):
    """The first case in which an alert is looked for, firing or not."""
    looks = ((case["name"], each) for case in cases for each in case.get("alert_rule_test", ()))
    return next((name for name, each in looks if each["alertname"] == alert and bool(each["exp_alerts"]) == fires), "")


def alert_names():
    groups = yaml.safe_load((ROOT / "grafana/alerts/alerting.rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]]


def with_table(text, name):
    """The text of a README with this table between its marks."""
    return re.sub(
        rf"(?s)(<!-- {name} -->\n).*(<!-- /{name} -->)",
        lambda found: f"{found[1]}\n{globals()[name]()}\n\n{found[2]}",
        text,
    )


if __name__ == "__main__":
    for file, table in TABLES.items():
        (ROOT / file).write_text(with_table((ROOT / file).read_text(encoding="utf-8"), table), encoding="utf-8")
