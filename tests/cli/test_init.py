"""`costspan init` writes a set that can be used as it is, and refuses what would not work."""

import errno
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner

from costspan.cli import init
from costspan.cli.commands import costspan
from costspan.config import SettingError
from costspan.limits import read_quotas
from costspan.operations.kit import COLLECTORS, budget_rules


def run(*args, **given):
    return CliRunner().invoke(costspan, ["init", *map(str, args)], **given)


def recorded(text):
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_a_set_for_two_teams(tmp_path):
    result = run(tmp_path / "ops", "--budget", "search=500", "--budget", "support=1200.50")

    assert result.exit_code == 0, result.output
    made = {str(path.relative_to(tmp_path / "ops")) for path in (tmp_path / "ops").rglob("*") if path.is_file()}
    assert made >= {
        "collector/prometheus.yaml", "alertmanager.yml", "budgets.yaml", "prometheus/alerting.rules.yml",
        "prometheus/recording.rules.yml", "prometheus/budgets.rules.yml", "grafana/dashboards/costspan-spend.json",
        "grafana/provisioning/datasources/costspan.yaml", "grafana/provisioning/alerting/costspan.yaml",
    }  # fmt: skip
    assert "otelcol-contrib --config" in result.output
    rules = recorded((tmp_path / "ops/prometheus/budgets.rules.yml").read_text())
    assert [(rule["labels"]["costspan_team"], rule["expr"]) for rule in rules] == [
        ("search", "vector(500.0)"),
        ("support", "vector(1200.5)"),
    ]
    assert {rule["record"] for rule in rules} == {"costspan_budget_limit_USD"}


def test_the_budgets_file_is_one_that_programs_take(tmp_path):
    assert run(tmp_path, "--budget", "search=500").exit_code == 0
    (quota,) = read_quotas(str(tmp_path / "budgets.yaml"))
    assert quota.keys == {"team": "search"}
    assert quota.period.per == "month"
    assert quota.limit.amount == 500


@pytest.mark.parametrize("kind", COLLECTORS)
def test_each_collector_config_can_be_chosen(tmp_path, kind):
    result = run(tmp_path, "--collector", kind, "--json")
    assert {f"{tmp_path}/collector/{name}" for name in COLLECTORS[kind]} <= set(json.loads(result.output))


def test_nothing_is_overwritten_unless_told(tmp_path):
    run(tmp_path)
    (tmp_path / "alertmanager.yml").write_text("mine")
    (tmp_path / "budgets.yaml").unlink()

    refused = run(tmp_path)

    assert refused.exit_code == 1
    assert "--force" in refused.output
    assert (tmp_path / "alertmanager.yml").read_text() == "mine"
    assert not (tmp_path / "budgets.yaml").exists()
    assert run(tmp_path, "--force").exit_code == 0
    assert (tmp_path / "alertmanager.yml").read_text() != "mine"


def test_a_budgets_file_of_ones_own(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        yaml.safe_dump(
            {
                "budgets": [
                    {"team": "a", "usd": 10, "per": "month"},
                    {"team": "a", "tokens": 5_000_000, "per": "day"},
                    {"team": "a", "usd": 1, "per": "day"},
                    {"team": "*", "usd": 1, "per": "month"},
                    {"user": "ann", "usd": 1, "per": "month"},
                    {"team": "a", "model": "gpt-4o", "usd": 1, "per": "month"},
                    {"usd": 100, "per": "month"},
                ]
            }
        )
    )
    assert run(tmp_path / "ops", "--budgets", own).exit_code == 0
    assert (tmp_path / "ops/budgets.yaml").read_text() == own.read_text()
    rules = recorded((tmp_path / "ops/prometheus/budgets.rules.yml").read_text())
    assert [(rule["record"], rule["expr"], rule["labels"]["costspan_budget_period"]) for rule in rules] == [
        ("costspan_budget_limit_USD", "vector(10)", "month"),
        ("costspan_quota_limit_tokens", "vector(5000000)", "day"),
    ]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{"team": "a", "usd": 1, "per": "month"}, {"team": "a", "usd": 2, "per": "month"}], "two limits for team=a"),
        ([{"team": "a", "usd": -1, "per": "month"}], "entry 1"),
        ([{"team": "a", "usd": "lots", "per": "month"}], "entry 1"),
        ([{"team": "a", "usd": 1, "per": "week"}], "per must be"),
        ([{"team": "a", "usd": 1, "per": "month", "currency": "EUR"}], "there is no 'currency'"),
        ([{"team": "a", "usd": 1, "per": "month", "usdd": 3}], "there is no 'usdd': write usd,"),
        ([{"team": "a", "per": "month"}], "entry 1"),
        ("text", "list `budgets`"),
    ],
)
def test_bad_budgets_are_named_and_nothing_is_written(tmp_path, entries, said):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"budgets": entries}))
    result = run(tmp_path / "ops", "--budgets", own)
    assert result.exit_code == 1
    assert said in result.output
    assert not (tmp_path / "ops").exists()
    with pytest.raises(SettingError):
        budget_rules(str(own))


@pytest.mark.parametrize("text", ["search", "search=", "=5", "search=0", "search=-3", "search=nan", "search=inf"])
def test_a_bad_budget_option_is_a_usage_error(tmp_path, text):
    result = run(tmp_path, "--budget", text)
    assert result.exit_code == 2
    assert "is not like search=500" in result.output


def test_options_that_contradict_each_other_are_a_usage_error(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("budgets: []")
    assert run(tmp_path, "--budget", "a=1", "--budgets", own).exit_code == 2
    assert run(tmp_path, "--budget", "a=1", "--budget", "a=2").exit_code == 2
    assert run(tmp_path, "--collector", "none").exit_code == 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "collector").write_text("a file in the way")
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "cannot write" in result.output


def test_a_file_that_cannot_be_finished_is_named(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")  # as of a write: the system names no file

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(init, "_kit", lambda *_: {})

    assert run(tmp_path).output == f"Error: cannot write {tmp_path / 'budgets.yaml'}: No space left on device\n"


def test_at_a_terminal_it_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(init, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    result = run(tmp_path, input="gateway\nsearch\n250\n\n")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "collector/gateway.yaml").exists()
    assert "vector(250.0)" in (tmp_path / "prometheus/budgets.rules.yml").read_text()


@pytest.mark.parametrize("content", [b"budgets: [", b"\xff\xfe"])
def test_a_budgets_file_that_cannot_be_read_is_one_line(tmp_path, content):
    own = tmp_path / "own.yaml"
    own.write_bytes(content)
    done = run(tmp_path / "ops", "--budgets", own)

    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert "own.yaml cannot be used" in done.output
