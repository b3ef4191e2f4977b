"""What `costspan init` writes passes its consumers' own tools."""

from __future__ import annotations

import json
import subprocess

import pytest
from click.testing import CliRunner

from costspan.cli.commands import costspan
from costspan.operations.kit import COLLECTORS

pytestmark = pytest.mark.real


@pytest.mark.parametrize("kind", COLLECTORS)
def test_generated_files_are_accepted(tmp_path, otelcol, kind):
    made = CliRunner().invoke(costspan, ["init", str(tmp_path), "--collector", kind, "--budget", "search=10"])
    assert made.exit_code == 0, made.output
    configs = [part for name in COLLECTORS[kind] for part in ("--config", tmp_path / "collector" / name)]
    for command in (
        [otelcol, "validate", *configs],
        ["promtool", "check", "rules", *(tmp_path / "prometheus").glob("*.rules.yml")],
        ["amtool", "check-config", tmp_path / "alertmanager.yml"],
    ):
        checked = subprocess.run(command, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    for path in (tmp_path / "grafana/dashboards").glob("*.json"):
        assert json.loads(path.read_text())["uid"] == path.stem
