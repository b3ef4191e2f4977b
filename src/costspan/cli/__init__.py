"""The `costspan` command. One file per command here; a command is imported when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `costspan` command; says what to install if its own libraries are missing."""
    try:
        from costspan.cli.commands import costspan
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("costspan: the command needs its extra: pip install 'costspan[cli]' (or [local], with the ledger)")
    costspan(prog_name="costspan")
