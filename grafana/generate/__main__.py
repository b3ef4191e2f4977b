"""Write everything in grafana/ that is generated: `python grafana/generate`."""

from __future__ import annotations

import sys
from pathlib import Path

import emit_alerts
import emit_dashboards
from boards_clickhouse import CLICKHOUSE
from boards_spend import MODELS, OVERVIEW, TEAMS
from boards_watch import BUDGETS, PERFORMANCE, QUALITY

HOME = Path(__file__).resolve().parents[1]
BOARDS = (OVERVIEW, MODELS, TEAMS, BUDGETS, PERFORMANCE, QUALITY, CLICKHOUSE)


def generated() -> dict[str, str]:
    """Every generated file by its path below grafana/, with its text."""
    return {
        "alerts/recording.rules.yml": emit_alerts.recording_rules(),
        "alerts/alerting.rules.yml": emit_alerts.alerting_rules(),
        "provisioning/alerting/costspan.yaml": emit_alerts.grafana_rules(),
        "kubernetes/prometheus-rules.yaml": emit_alerts.operator_rules(),
        **{f"dashboards/{board.uid}.json": emit_dashboards.to_json(board) for board in BOARDS},
    }


def main(folder: Path = HOME) -> None:
    """Write what has changed, and say so."""
    for name, text in generated().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote grafana/{name}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
