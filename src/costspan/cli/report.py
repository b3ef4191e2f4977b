"""`costspan report`: spend by day, model, team, user … as a table or JSON."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from costspan.config import read_settings

if TYPE_CHECKING:
    from costspan.reports.usage import UsageReport


@click.command(short_help="Spend by day, model, team, user …")
@click.option("--by", default="model", show_default=True, help="Names, separated by commas: day, model, team, user …")
@click.option("--since", default="30d", show_default=True, help="30d, 24h, today, month, 2026-11-01, 2026-11-01T10:00")
@click.option("--until", default="", help="As --since; the end itself is not included.")
@click.option("--where", multiple=True, help="team=search, model=gpt-4o,gpt-5*, user!=bot; all must hold.")
@click.option("--top", type=click.IntRange(1), help="Only the first so many rows; the total is of all.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="The ledger's file.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def command(
    by: str, since: str, until: str, where: tuple[str, ...], top: int | None, db: Path | None, as_json: bool
) -> None:  # noqa: PLR0913 one per option
    """Spend by day, model, team, user … from the ledger."""
    from costspan.ledger.question import Question, QuestionError, parse_by, parse_time, parse_where
    from costspan.ledger.reader import Reader
    from costspan.ledger.schema import LedgerError
    from costspan.ledger.server import default_db
    from costspan.reports.usage import read_usage

    now = datetime.now(timezone.utc)
    try:
        start = parse_time(since, now=now)
        end = parse_time(until, now=now) if until else None
        question = Question(start, end, parse_by(by), parse_where(where))
    except QuestionError as error:
        raise click.UsageError(str(error)) from error
    try:
        with Reader(Path(db or read_settings().ledger or default_db())) as reader:
            report = read_usage(reader, question)
    except LedgerError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        rows = [row.as_dict() for row in report.rows[:top]]
        click.echo(json.dumps({"rows": rows, "total": report.total.as_dict()}, indent=2))
    else:
        _show(report, top)


def _show(report: UsageReport, top: int | None) -> None:
    from rich.console import Console

    from costspan.cli.tables import usage_table

    if not report.rows:
        click.echo("no calls in this period")
        return
    Console().print(usage_table(report, top))
