"""The alert table as Prometheus rules and as Grafana-managed provisioning, in YAML text."""

from __future__ import annotations

from typing import Any

import yaml
from alert_table import ALERTS, QUANTILES, RECORDINGS, Alert, Recording

HEAD = "# Made by grafana/generate from alert_table.py: change that, then `make dashboards`.\n"
DATASOURCE = "costspan-prometheus"  # the uid in provisioning/datasources


class _Dumper(yaml.SafeDumper):
    """Expressions of several lines as blocks, everything in the order of the table."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


def to_yaml(data: Any) -> str:
    """YAML text with the note of its making."""
    return HEAD + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


def recording_rules() -> str:
    """Prometheus recording rules; dashboards and both kinds of alerts need them."""
    return to_yaml({"groups": _recording_groups()})


def alerting_rules() -> str:
    """Prometheus alerting rules, with the runbook in the annotations."""
    return to_yaml({"groups": [_alerting_group()]})


def operator_rules() -> str:
    """Both as the Prometheus Operator's own kind."""
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule"}
    about = {"metadata": {"name": "costspan", "labels": {"app.kubernetes.io/part-of": "costspan"}}}
    return to_yaml({**head, **about, "spec": {"groups": [*_recording_groups(), _alerting_group()]}})


def _recording_groups() -> list[dict[str, Any]]:
    return [
        _recording_group("costspan-recording", "1m", RECORDINGS),
        _recording_group("costspan-quantiles", "5m", QUANTILES),
    ]


def _recording_group(name: str, interval: str, recordings: tuple[Recording, ...]) -> dict[str, Any]:
    rules = [{"record": each.record, "expr": each.expr} for each in recordings]
    return {"name": name, "interval": interval, "rules": rules}


def _alerting_group() -> dict[str, Any]:
    return {"name": "costspan-alerts", "interval": "1m", "rules": [_rule(alert) for alert in ALERTS]}


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **({"for": alert.hold} if alert.hold != "0m" else {}),
        "labels": {"severity": alert.severity, "product": "costspan"},
        "annotations": {"summary": alert.summary, "description": alert.means, "runbook": alert.do},
    }


def grafana_rules() -> str:
    """The same alerts for Grafana's own alerting: they are evaluated by Grafana, on the same recorded series."""
    group = {
        "orgId": 1,
        "name": "costspan-alerts",
        "folder": "costspan",
        "interval": "1m",
        "rules": [_managed(alert) for alert in ALERTS],
    }
    return to_yaml({"apiVersion": 1, "groups": [group]})


def _managed(alert: Alert) -> dict[str, Any]:
    return {
        "uid": _uid(alert.name),
        "title": alert.name,
        "condition": "fires",
        "data": [
            _query("value", DATASOURCE, {"expr": alert.expr, "instant": True, "range": False}),
            # the expression has a value only while it fires, whatever that value is
            _query("fires", "__expr__", {"type": "math", "expression": "is_number($value) || is_inf($value)"}),
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": alert.hold,
        "labels": {"severity": alert.severity, "product": "costspan"},
        "annotations": {
            "summary": alert.summary.replace("$value", "$values.value.Value"),
            "description": alert.means,
            "runbook": alert.do,
        },
    }


def _query(ref: str, datasource: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": datasource,
        "model": {"refId": ref, **model},
    }


def _uid(name: str) -> str:
    """Up to 40 characters that stay the same from one version to the next."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
