"""The list of commands, and how an error becomes one line."""

from __future__ import annotations

import contextlib
import errno
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from costspan.config import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

# name: (group, one line). The command `ledger` is `costspan.cli.ledger:command`, imported when it runs.
COMMANDS = {
    "run": ("Start", "Run a program with every LLM call priced, and show what it spent"),
    "up": ("Start", "Run the local ledger: OTLP in, page and reports out"),
    "demo": ("Start", "See it work: a sample program and a simulated provider"),
    "init": ("Start", "Write Collector config, alerts, dashboards and budgets"),
    "doctor": ("Start", "What is installed, instrumented, and where telemetry goes"),
    "tokens": ("Ask", "Split a text into a model's tokens, and count them"),
    "price": ("Ask", "What a call costs, bucket by bucket, and which price list says so"),
    "models": ("Ask", "The price list: models, prices, limits, sources"),
    "prices": ("Ask", "Refresh the price list, take that back, see how old it is"),
    "report": ("Ask", "Spend by day, model, team, user …"),
    "calls": ("Ask", "Single calls: the dearest, the latest"),
    "top": ("Ask", "Spend as it happens"),
    "export": ("Ask", "Usage as CSV, JSON lines, Parquet or FOCUS"),
    "advise": ("Ask", "What could be saved, and how sure that is"),
    "reconcile": ("Ask", "The ledger against the provider's own figures"),
    "compare": ("Ask", "Tokens, cost and saving of two prompts"),
    "ledger": ("Ledger", "Look after the ledger: verify, backup, import, merge, reprice …"),
}


class Commands(click.Group):
    """Imports a command only when it is called; lists them by what they are for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"costspan.cli.{cmd_name}").command
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _one_line():  # --help and --version write here
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_line():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except ModuleNotFoundError as error:
            raise _what_to_install(error) from error
        except click.UsageError as error:
            near = get_close_matches(args[0], COMMANDS, 1)
            raise click.UsageError(f"{error} Did you mean {near[0]!r}?", ctx) if near else error from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group in dict.fromkeys(group for group, _ in COMMANDS.values()):
            with formatter.section(group):
                formatter.write_dl([(name, line) for name, (of, line) in COMMANDS.items() if of == group])


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """A setting, a library or a disk that keeps a command from its work ends it with one line."""
    try:
        yield
    except SettingError as error:
        raise click.ClickException(str(error)) from error
    except ModuleNotFoundError as error:
        raise _what_to_install(error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise click.ClickException(f"cannot write {error.filename or 'the output'}: {error.strerror}") from error
        if error.filename is None:
            raise
        raise click.ClickException(f"cannot use {error.filename}: {error.strerror}") from error


def _what_to_install(error: ModuleNotFoundError) -> Exception:
    """One line that names the extra; a module of our own that is missing is a fault, and stays one."""
    if error.name is None or error.name.startswith("costspan"):
        return error
    return click.ClickException(f"this command needs {error.name}: pip install 'costspan[local]'")


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="costspan")
def costspan() -> None:
    """The price of every LLM call, on its OpenTelemetry span."""
