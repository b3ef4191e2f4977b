"""What alerts, dashboards and their guides tell people to type is there to be typed."""

import re
from pathlib import Path

import click
import pytest

from costspan.cli.commands import COMMANDS, costspan

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [
    ROOT / "collector-config/README.md",
    ROOT / "grafana/README.md",
    ROOT / "grafana/alerts/alerting.rules.yml",
    *(ROOT / "grafana/dashboards").glob("*.json"),
]
TYPED = sorted({found for path in GUIDES for found in re.findall(r"`costspan ([a-z][^`]*)`", path.read_text())})


@pytest.mark.parametrize("line", TYPED)
def test_every_command_that_is_recommended_exists_with_its_options(line):
    name, *words = line.split()
    assert name in COMMANDS
    context = click.Context(costspan)
    command = costspan.get_command(context, name)
    if isinstance(command, click.Group):
        command = command.get_command(context, words[0])
    options = {text for each in command.params for text in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options


def test_there_are_recommendations():
    assert len(TYPED) > 8
