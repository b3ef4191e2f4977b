"""One `costspan up` per file: a lock beside it that the system gives up when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import IO

from costspan.ledger.schema import LedgerError, explain


class InUseError(LedgerError):
    """Another process serves the file."""


def lock(db: Path) -> IO[str]:
    """The held lock; close it to release.

    Raises:
        InUseError: Another process serves this file.
        LedgerError: Its directory cannot be written.
    """
    path = Path(f"{os.path.realpath(db)}.lock")  # a link to it is no other file
    try:
        db.parent.mkdir(parents=True, exist_ok=True)
        held = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise explain(error, db) from error
    try:
        _take(held)
    except OSError as error:
        held.seek(0)
        where = held.read().strip()
        held.close()
        told = f" at {where}" if where else ""
        raise InUseError(f"another costspan serves {db} already{told}: use that one, or name another --db") from error
    return held


def tell(held: IO[str], url: str) -> None:
    """Write into the lock where its holder listens, if the disk has room for it: the lock holds without."""
    with contextlib.suppress(OSError):
        os.ftruncate(held.fileno(), 0)
        os.write(held.fileno(), url.encode())  # past the file's buffer, which would fail again when it is closed


if sys.platform == "win32":
    import msvcrt

    def _take(held: IO[str]) -> None:
        held.seek(4096)  # a byte behind the text, so that others can read the text
        msvcrt.locking(held.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(held: IO[str]) -> None:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
