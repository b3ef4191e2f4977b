"""`costspan export`: usage as CSV, JSON lines, Parquet or FOCUS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from costspan.cli.asking import asks
from costspan.reports.export import FORMATS, WRITERS, ExportError, rows_for
from costspan.reports.wording import counted

if TYPE_CHECKING:
    from costspan.cli.asking import Asked


@click.command()
@asks(by="day,model")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
def command(asked: Asked, form: str, output: Path | None) -> None:
    """Usage as CSV, JSON lines, Parquet, or FOCUS 1.2 (by day of UTC, provider, model, kind of tokens and team)."""
    if output is None and form == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text: name a file with --output")
    if form == "focus" and click.get_current_context().get_parameter_source("by") is ParameterSource.COMMANDLINE:
        raise click.UsageError("FOCUS has columns of its own: leave --by out, or choose another --format")
    try:
        with asked.ledger() as book:
            made = rows_for(book, asked.question, form, output or "")
        with click.open_file(str(output or "-"), "wb") as out:
            WRITERS[form](made, out)
    except BrokenPipeError:  # as in `costspan export | head`: click ends then without a word
        raise
    except ExportError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write {output or 'the output'}: {error.strerror}") from error
    if output is not None:
        click.echo(f"{counted(len(made.rows), 'row')} written to {output}", err=True)
    if not made.rows:
        click.echo(asked.nothing, err=True)
