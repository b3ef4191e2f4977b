"""The `costspan` command. One file per command here; a command is imported when it runs."""

from __future__ import annotations

import codecs
import io
import os
import sys

_PLAIN = str.maketrans("✓✗·…█▉▊▋▌▍▎▏▁▂▃▄▅▆▇→±", "+x-.####----__..--=>~")


def main() -> None:
    """Entry point of the `costspan` command; says what to install if its own libraries are missing."""
    try:
        from costspan.cli.commands import costspan
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("costspan: the command needs its extra: pip install 'costspan[cli]' (or [local], with the ledger)")
    codecs.register_error("costspan", _plain)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us: a ledger must not be opened in its place
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 for as long as we run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="costspan")
    costspan(prog_name="costspan")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that the user's terminal does not have, as under LANG=C: signs keep their meaning."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = error.object[error.start : error.end].translate(_PLAIN)
    return shown.encode("ascii", "replace").decode(), error.end
