"""Every alert fires when it should and only then, in both forms; and one is seen to arrive."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from components import ROOT, Prometheus, Server, free_port, wait_until

pytestmark = pytest.mark.real
ALERTS = ROOT / "grafana/alerts"
HERE = Path(__file__).parent
TESTS = ("alerts.test.yml", "alerts_long.test.yml")


def rules(name):
    return [rule for group in yaml.safe_load((ALERTS / name).read_text())["groups"] for rule in group["rules"]]


def test_promtool_accepts_the_rules():
    checked = subprocess.run(
        ["promtool", "check", "rules", *ALERTS.glob("*.rules.yml")], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_accepts_its_example_config():
    config = ROOT / "grafana/prometheus.yml"
    checked = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", TESTS)
def test_alerts_fire_and_do_not_fire(tmp_path, name):
    for path in ALERTS.glob("*.rules.yml"):
        loaded = yaml.safe_load(path.read_text())
        for group in loaded["groups"]:
            for rule in group["rules"]:
                rule.pop("annotations", None)
        (tmp_path / path.name).write_text(yaml.safe_dump(loaded))
    shutil.copy(HERE / name, tmp_path)
    checked = subprocess.run(["promtool", "test", "rules", tmp_path / name], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_firing_and_a_silent_case():
    firing, silent = set(), set()
    for name in TESTS:
        for group in yaml.safe_load((HERE / name).read_text())["tests"]:
            for case in group.get("alert_rule_test", ()):
                (firing if case["exp_alerts"] else silent).add(case["alertname"])
    # a case that names fewer series than it holds is silent for the others
    told_apart = {"CostspanMostlyEstimated", "CostspanErrors", "CostspanErrorSpend"}
    names = {rule["alert"] for rule in rules("alerting.rules.yml")}
    assert firing == names
    assert silent | told_apart == names


def test_every_alert_says_what_it_means_and_what_to_do():
    for rule in rules("alerting.rules.yml"):
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert all(len(rule["annotations"][key]) > 30 for key in ("summary", "description", "runbook")), rule["alert"]


def told(tmp_path, series, alert, at):
    """The summary of the only alert of that name that fires then, as Prometheus writes it."""
    group = yaml.safe_load((ALERTS / "alerting.rules.yml").read_text())["groups"][0]
    (rule,) = (each for each in group["rules"] if each["alert"] == alert)
    rule["annotations"] = {"summary": rule["annotations"]["summary"]}
    (tmp_path / "one.yml").write_text(yaml.safe_dump({"groups": [{**group, "rules": [rule]}]}))
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": []}],
    }
    rules = [str(ALERTS / "recording.rules.yml"), "one.yml"]
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": rules, "evaluation_interval": "1m", "tests": [case]})
    )
    said = subprocess.run(["promtool", "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True).stderr
    return re.search(r'summary="(.*?)"}', said)[1]


def test_cents_are_told_as_cents_and_spend_of_no_team_by_that_name(tmp_path):
    """`humanize` would write two cents as 20m."""
    cost = 'costspan_cost_USD_total{service_name="s",costspan_team="%s",costspan_usage_source="%s"}'
    small = told(tmp_path, {cost % ("new", ""): "0+0.0002x120"}, "CostspanTeamWithoutBudget", "100m")
    nobody = told(tmp_path, {cost % ("", "heuristic"): "0+1x90"}, "CostspanMostlyEstimated", "80m")

    assert small == "new spends, 0.02 USD in a day, and has no budget"
    assert nobody == "100% of what no team spends is an estimate"


def test_grafanas_own_alerts_are_the_same_rules():
    provisioned = yaml.safe_load((ROOT / "grafana/provisioning/alerting/costspan.yaml").read_text())
    (group,) = provisioned["groups"]
    uids = [rule["uid"] for rule in group["rules"]]
    assert len(uids) == len(set(uids))
    assert all(len(uid) <= 40 for uid in uids)
    made = {rule["title"]: (rule["data"][0]["model"]["expr"], rule["for"]) for rule in group["rules"]}
    assert made == {rule["alert"]: (rule["expr"], rule.get("for", "0m")) for rule in rules("alerting.rules.yml")}
    for rule in group["rules"]:
        value, fires = rule["data"]
        assert rule["condition"] == fires["refId"]
        assert f"${value['refId']}" in fires["model"]["expression"]
        assert value["datasourceUid"] == "costspan-prometheus"
    sources = yaml.safe_load((ROOT / "grafana/provisioning/datasources/costspan.yaml").read_text())["datasources"]
    assert "costspan-prometheus" in {each["uid"] for each in sources}


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("product=costspan", "severity=page", "alertname=CostspanBudgetBurnFast"), "on-call"),
        (("product=costspan", "severity=ticket", "alertname=CostspanBudgetBurnSlow"), "finance"),
        (("product=costspan", "severity=ticket", "alertname=CostspanUnpricedModel"), "tickets"),
    ],
    ids=str,
)
def test_alertmanager_sends_each_alert_to_the_right_receiver(labels, receiver):
    config = ALERTS / "alertmanager.yml"
    checked = subprocess.run(["amtool", "check-config", config], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    routed = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={config}", *labels], capture_output=True, text=True
    )
    assert routed.stdout.strip() == receiver


class Webhook:
    """Keeps what Alertmanager posts."""

    def __init__(self):
        self.posts = posts = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]


def alertmanager_config(port):
    """The example, with its web address moved to ours and no waiting."""
    text = (ALERTS / "alertmanager.yml").read_text()
    text = text.replace("127.0.0.1:9099", f"127.0.0.1:{port}").replace("group_wait: 30s", "group_wait: 0s")
    config = yaml.safe_load(text)
    for receiver in config["receivers"]:
        receiver.pop("slack_configs", None)
        receiver.pop("email_configs", None)
    return yaml.safe_dump(config)


def test_a_burning_budget_reaches_the_webhook_with_its_runbook(tmp_path, start):
    """A real Prometheus with our rules, on an hour of history that burns; a real Alertmanager; a webhook."""
    hook = Webhook()
    config, port = tmp_path / "alertmanager.yml", free_port()
    config.write_text(alertmanager_config(hook.port))
    command = [
        "prometheus-alertmanager", f"--config.file={config}", f"--storage.path={tmp_path}/am",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    alertmanager = Server(command, tmp_path / "alertmanager", f"http://127.0.0.1:{port}/-/ready")
    try:
        now = int(time.time())
        series = 'costspan_cost_USD_total{costspan_team="search",service_name="shop"}'
        lines = [f"{series} {(at - now + 7200) / 60} {at}" for at in range(now - 7200, now + 1, 60)]
        (tmp_path / "history.txt").write_text(
            "# TYPE costspan_cost_USD counter\n" + "\n".join(lines) + "\n# EOF\n"
        )  # 60 USD an hour
        home = tmp_path / "prometheus"
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", tmp_path / "history.txt", home / "data"],
            check=True, capture_output=True,
        )  # fmt: skip
        rule_files = [str(path) for path in ALERTS.glob("*.rules.yml")]
        budget = {"record": "costspan_budget_limit_USD", "expr": "vector(100)", "labels": {"costspan_team": "search"}}
        (tmp_path / "budget.yml").write_text(json.dumps({"groups": [{"name": "budgets", "rules": [budget]}]}))
        quick = []
        for path in [*rule_files, str(tmp_path / "budget.yml")]:
            groups = yaml.safe_load(Path(path).read_text())
            for group in groups["groups"]:
                group["interval"] = "1s"
            quick.append(str(tmp_path / f"quick-{Path(path).name}"))
            Path(quick[-1]).write_text(yaml.safe_dump(groups))
        start(
            Prometheus,
            {
                "global": {"scrape_interval": "1h", "evaluation_interval": "1s"},
                "rule_files": quick,
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]},
            },
            "--query.lookback-delta=10m",
            "--rules.alert.resend-delay=2s",  # the first is sent before Alertmanager has been discovered
            home=home,
        )
        names = {"CostspanBudgetBurnFast"}
        wait_until(
            lambda: names <= {alert["labels"]["alertname"] for post in hook.posts for alert in post["alerts"]},
            60,
            what=f"the alert ({[post['groupLabels'] for post in hook.posts]})",
        )
    finally:
        alertmanager.stop()
        hook.server.shutdown()
        hook.server.server_close()
    (alert,) = next(post for post in hook.posts if post["groupLabels"]["alertname"] in names)["alerts"]
    assert alert["labels"]["costspan_team"] == "search"
    assert alert["annotations"]["summary"].startswith("search spends at a rate of 4")
    assert "costspan.budget(" in alert["annotations"]["runbook"]
