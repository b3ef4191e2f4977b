"""A ready set for a place that runs a Collector, Prometheus and Grafana: files by path, made for given answers."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from costspan.config import SettingError
from costspan.limits import EACH, read_quotas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.abc import Traversable

    from costspan.limits import Quota

COLLECTORS = {  # answer: the files of collector-config
    "agent": ("agent.yaml",),
    "prometheus": ("prometheus.yaml",),
    "remote-write": ("prometheus.yaml", "remote-write.yaml"),
    "clickhouse": ("clickhouse.yaml",),
    "gateway": ("gateway.yaml",),
}
PLACES = {  # folder in the package: where it goes
    "alerts": "prometheus",
    "dashboards": "grafana/dashboards",
    "provisioning": "grafana/provisioning",
}
GAUGES = {"USD": ("costspan_budget_limit_USD", "month"), "tokens": ("costspan_quota_limit_tokens", "day")}


def kit_files(collectors: Iterable[str], budgets_path: str) -> dict[str, str]:
    """The text of every file, by its path below the folder that they go into.

    Raises:
        SettingError: The budgets file cannot be used; names entry and cause.
    """
    home = files("costspan.operations")
    found = {
        f"collector/{name}": (home / "collector-config" / name).read_text(encoding="utf-8")
        for kind in collectors
        for name in COLLECTORS[kind]
    }
    for folder, place in PLACES.items():
        found |= {f"{place}/{name}": text for name, text in _texts(home / folder)}
    found["alertmanager.yml"] = found.pop("prometheus/alertmanager.yml")
    found["prometheus/budgets.rules.yml"] = budget_rules(budgets_path)
    return found


def _texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    """All files of a folder and of those below it."""
    for each in folder.iterdir():
        if each.is_dir():
            yield from _texts(each, f"{above}{each.name}/")
        else:
            yield above + each.name, each.read_text(encoding="utf-8")


def budgets_text(budgets: Mapping[str, float]) -> str:
    """A budgets file (`COSTSPAN_BUDGETS`) with these limits in USD per team and month."""
    entries = [{"team": team, "usd": usd, "per": "month", "warn_at": [0.5, 0.8]} for team, usd in budgets.items()]
    head = "# USD per calendar month and team, or tokens per day: {team: search, tokens: 5000000, per: day}\n"
    return head + yaml.safe_dump({"budgets": entries}, sort_keys=False)


def budget_rules(path: str) -> str:
    """Prometheus recording rules with the limits of a budgets file: alerts know them before any program reports.

    Raises:
        SettingError: The file cannot be used, or names a limit twice.
    """
    quotas = read_quotas(path)
    _refuse_doubles(path, quotas)
    rules = [rule for quota in quotas for rule in _rules(quota)]
    head = "# Made by `costspan init` from the budgets file: change that, and make this anew.\n"
    return head + yaml.safe_dump({"groups": [{"name": "costspan-budgets", "rules": rules}]}, sort_keys=False)


def _refuse_doubles(path: str, quotas: Iterable[Quota]) -> None:
    names = Counter((*sorted(quota.keys.items()), quota.limit.unit, quota.period.per) for quota in quotas)
    if doubles := [name for name, count in names.items() if count > 1]:
        raise SettingError(f"{path} has two limits for {_spelt(doubles[0])}")


def _spelt(name: tuple[Any, ...]) -> str:
    *keys, unit, per = name
    return " ".join([*(f"{key}={value}" for key, value in keys), f"in {unit} per {per}"])


def _rules(quota: Quota) -> Iterator[dict[str, Any]]:
    """A rule for a limit of one team in the period that the alerts look at; others are the program's own affair."""
    record, per = GAUGES[quota.limit.unit]
    team = quota.keys.get("team", EACH)
    if team != EACH and len(quota.keys) == 1 and quota.period.per == per:
        labels = {"costspan_team": team, "costspan_budget_period": per, "costspan_budget_name": quota.limit.name}
        yield {"record": record, "expr": f"vector({quota.limit.amount})", "labels": labels}
