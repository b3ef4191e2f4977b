"""`costspan init`: a folder with Collector config, alert rules, dashboards and budgets, ready to be used."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from costspan.config import SettingError
from costspan.operations.kit import COLLECTORS, budgets_text, kit_files

NEXT = """
Next:
  {collector}
  Prometheus    rule_files: [{folder}/prometheus/*.rules.yml], and scrape the Collector with honor_labels: true
  Alertmanager  {folder}/alertmanager.yml: your receivers in the place of the examples
  Grafana       {folder}/grafana/provisioning to /etc/grafana/provisioning, {folder}/grafana/dashboards to
                /var/lib/grafana/dashboards/costspan, and PROMETHEUS_URL in its environment
  Programs      COSTSPAN_BUDGETS={folder}/budgets.yaml
"""


def _budget(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, float]:
    """`team=usd` pairs as a table."""
    budgets: dict[str, float] = {}
    for text in texts:
        team, _, amount = text.partition("=")
        try:
            usd = float(amount.removesuffix("USD"))
        except ValueError:
            usd = -1.0
        if not team or not 0 < usd < float("inf"):
            raise click.BadParameter(f"{text!r} is not like search=500, with an amount in USD per month above 0")
        if team in budgets:
            raise click.BadParameter(f"{team} has two budgets")
        budgets[team] = usd
    return budgets


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="costspan-ops")
@click.option(
    "--collector",
    "collectors",
    multiple=True,
    type=click.Choice(list(COLLECTORS)),
    help="Which Collector config. [prometheus]",
)
@click.option(
    "--budget", "budgets", multiple=True, metavar="TEAM=USD", callback=_budget, help="A team's limit per month."
)
@click.option(
    "--budgets", "budgets_file", type=click.Path(exists=True, dir_okay=False), help="A budgets file that is there."
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--json", "as_json", is_flag=True, help="The files' names as JSON.")
def command(
    folder: Path, collectors: tuple[str, ...], budgets: dict[str, float], budgets_file: str | None, **flags: bool
) -> None:
    """Write a ready set into FOLDER: Collector config, Prometheus rules, Grafana dashboards and alerts, budgets.

    Asks for what no option says, if there is a terminal to ask at.
    """
    if budgets and budgets_file:
        raise click.UsageError("give --budget or --budgets, not both")
    if not (collectors or budgets or budgets_file) and sys.stdin.isatty():
        collectors, budgets = _ask()
    chosen = collectors or ("prometheus",)
    text = budgets_text(budgets)
    made = _kit(chosen, text, budgets_file)
    made["budgets.yaml"] = Path(budgets_file).read_text(encoding="utf-8") if budgets_file else text
    _write(folder, made, force=flags["force"])
    if flags["as_json"]:
        click.echo(json.dumps(sorted(str(folder / name) for name in made), indent=2))
        return
    click.echo(f"{len(made)} files in {folder}")
    configs = " ".join(f"--config {folder}/collector/{name}" for kind in chosen for name in COLLECTORS[kind])
    click.echo(NEXT.format(folder=folder, collector=f"Collector     otelcol-contrib {configs}"))


def _ask() -> tuple[tuple[str, ...], dict[str, float]]:
    """The answers of whoever sits there."""
    kind = click.prompt("Which Collector config", type=click.Choice(list(COLLECTORS)), default="prometheus")
    budgets: dict[str, float] = {}
    amount = click.FloatRange(min=0, min_open=True)
    while team := click.prompt("A team with a budget (empty: no more)", default="", show_default=False):
        budgets[team] = click.prompt(f"USD per month for {team}", type=amount)
    return (kind,), budgets


def _kit(collectors: tuple[str, ...], text: str, given: str | None) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(given or Path(folder) / "budgets.yaml")
        if not given:
            path.write_text(text, encoding="utf-8")
        try:
            return kit_files(collectors, str(path))
        except SettingError as error:
            raise click.ClickException(str(error)) from None


def _write(folder: Path, made: dict[str, str], *, force: bool) -> None:
    """All files, or none if one is there already."""
    there = [name for name in made if (folder / name).exists()]
    if there and not force:
        raise click.ClickException(
            f"{folder / there[0]} is there already ({len(there)} files are): --force overwrites them"
        )
    try:
        for name, text in made.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename or path}: {error.strerror}") from None
