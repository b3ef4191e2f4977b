"""The embedded store's tables, and how a file of any past version becomes today's.

A migration is never edited once released: a change is a new one at the end of the list.

Sizes matter here: `calls` is clustered by hour and trace, which serves periods, traces and "each call once" with no
other index; what a call belongs to is one small number (`dims`); 0 and NULL take no space.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from costspan.config import home

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION_ID = 0x636F7374  # "cost": tells our files from other SQLite files
CLICKHOUSE = ("clickhouse:", "clickhouses:")  # as the address of a ledger begins that is no file of ours
KEPT_FROM = "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key='kept_from'"  # hour of single calls
_BUSY_MS = 30_000

_ROLL = """
    calls INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
    output INTEGER NOT NULL, reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, cost_input INTEGER NOT NULL,
    cost_cache_read INTEGER NOT NULL, cost_cache_write INTEGER NOT NULL, cost_output INTEGER NOT NULL,
    discount INTEGER NOT NULL, duration_ms INTEGER NOT NULL, max_cost INTEGER NOT NULL"""

MIGRATIONS = (
    f"""
    CREATE TABLE dims(
        id INTEGER PRIMARY KEY, coarse INTEGER NOT NULL,
        service TEXT NOT NULL, environment TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
        operation TEXT NOT NULL, team TEXT NOT NULL, feature TEXT NOT NULL, status TEXT NOT NULL,
        source TEXT NOT NULL, error TEXT NOT NULL, user TEXT NOT NULL, tags TEXT NOT NULL,
        UNIQUE(service, environment, provider, model, operation, team, feature, status, source, error, user, tags));
    CREATE TABLE calls(
        hour INTEGER NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL, at INTEGER NOT NULL,
        parent BLOB, dim INTEGER NOT NULL, duration_ms INTEGER NOT NULL, input INTEGER NOT NULL,
        cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, output INTEGER NOT NULL, reasoning INTEGER NOT NULL,
        cost INTEGER, cost_input INTEGER NOT NULL, cost_cache_read INTEGER NOT NULL,
        cost_cache_write INTEGER NOT NULL, cost_output INTEGER NOT NULL, discount INTEGER NOT NULL, extra TEXT,
        PRIMARY KEY(hour, trace_id, span_id)) WITHOUT ROWID;
    CREATE TABLE spans(
        hour INTEGER NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL, at INTEGER NOT NULL, parent BLOB,
        duration_us INTEGER NOT NULL, name INTEGER NOT NULL, service INTEGER NOT NULL, failed INTEGER NOT NULL,
        PRIMARY KEY(hour, trace_id, span_id)) WITHOUT ROWID;
    CREATE TABLE words(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE hours(hour INTEGER NOT NULL, dim INTEGER NOT NULL, {_ROLL}, PRIMARY KEY(hour, dim)) WITHOUT ROWID;
    CREATE TABLE days(day INTEGER NOT NULL, dim INTEGER NOT NULL, {_ROLL}, PRIMARY KEY(day, dim)) WITHOUT ROWID;
    CREATE TABLE repriced(
        run INTEGER NOT NULL, hour INTEGER NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL,
        dim INTEGER NOT NULL, cost INTEGER, PRIMARY KEY(run, hour, trace_id, span_id)) WITHOUT ROWID;
    CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    # most questions name no user and no tag: days by coarse dims answer them from a tenth of the rows
    f"""
    CREATE TABLE coarse_days(
        day INTEGER NOT NULL, dim INTEGER NOT NULL, {_ROLL}, PRIMARY KEY(day, dim)) WITHOUT ROWID;
    INSERT INTO coarse_days SELECT day, coarse, sum(calls), sum(input), sum(cache_read), sum(cache_write), sum(output),
        sum(reasoning), sum(cost), sum(cost_input), sum(cost_cache_read), sum(cost_cache_write), sum(cost_output),
        sum(discount), sum(duration_ms), max(max_cost) FROM days JOIN dims ON id=dim GROUP BY 1, 2;
    """,  # noqa: S608 ours
)
_RESTORE = "move it away, its -wal and -shm too, and put a backup there (`costspan ledger backup` makes them)"
VERSION = len(MIGRATIONS)


class LedgerError(Exception):
    """The ledger cannot be used as asked; one line with cause and cure."""


class TooMuchError(LedgerError):
    """What is to be stored makes a sum that no row of a roll-up can hold."""


def default_db() -> Path:
    """`costspan/ledger.db` in the user's data directory."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or home() / ".local" / "share"
    return Path(base) / "costspan" / "ledger.db"


def open_store(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """A connection that reads and writes the ledger at `path`, brought to today's schema.

    Raises:
        LedgerError: Not a ledger, damaged, newer than this version, read-only, or not there and `create` is false.
    """
    if not create:
        _require(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(0o600)  # who spent what is its owner's business
        connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        with closed_on_failure(connection):
            _prepare(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, for one thread; others may write meanwhile.

    Raises:
        LedgerError: There is no ledger, or it cannot be read.
    """
    _require(path)
    try:
        connection = _connect_to_read(path)
        with closed_on_failure(connection):
            version = _check(connection, path)
            if version == 0:
                raise LedgerError(f"{path} is empty: `costspan up` fills one, or name another (--db, ledger=)")
        if version < VERSION:  # a file of a past version is written to once, before it is only read
            connection.close()
            open_store(path).close()
            connection = _connect_to_read(path)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return connection


def _require(path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise LedgerError(
            f"there is no ledger at {path}: `costspan up` or `costspan run` makes one, or name another (--db, ledger=)"
        ) from None
    except OSError as error:
        raise explain(error, path) from error


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is at the path; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def require_same(path: Path, file: tuple[int, int] | None) -> None:
    """Make sure that what was written is where it is looked for: SQLite goes on writing to a file that is gone.

    Raises:
        LedgerError: The file was removed, or there is another at its path.
    """
    if identity(path) != file:
        raise LedgerError(f"{path} was removed or replaced while it was written to: start again")


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """The connection; on a disk where SQLite's own files cannot stand beside it, to the file as it lies there."""
    try:
        return _connected(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if path.is_dir() or not any(said in str(error) for said in ("unable to open", "readonly")):
            raise
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        raise LedgerError(
            f"{path} cannot be read where nothing can be written, as {wal.name} holds some of its calls: copy both "
            "into a folder of yours, or take a copy made by `costspan ledger backup`"
        )
    return _connected(path, "mode=ro&immutable=1")


def _connected(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_BUSY_MS / 1000, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip
    with closed_on_failure(connection):
        connection.execute("PRAGMA user_version").fetchone()  # opens the file, which connecting does not
    return connection


@contextlib.contextmanager
def closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    """Close the connection if what is done with it fails."""
    with contextlib.ExitStack() as undo:
        undo.callback(connection.close)
        yield
        undo.pop_all()


def explain(error: Exception, path: Path) -> LedgerError:
    """What a failure of the database means for its user, in one line."""
    if os.path.isdir(path):  # noqa: PTH112 Path's own raises where one may not look
        return LedgerError(f"{path} is a folder: name a file with --db")
    said = str(getattr(error, "strerror", None) or error)
    if "integer overflow" in said or isinstance(error, OverflowError):
        return TooMuchError(
            "these calls make a day's sum too large (over 9.2 million USD?): check the unit of their cost"
        )
    for hint, meaning in (
        ("Read-only", f"{path} is on a read-only disk: copy it, or name another (--db, COSTSPAN_LEDGER)"),
        ("readonly", f"{path} is read-only: give write permission, or name another file with --db"),
        ("unable to open", f"{path} cannot be opened: does its directory exist, and may you write there?"),
        ("Permission denied", f"{path} cannot be opened: you may not write there; name another in COSTSPAN_LEDGER"),
        ("No space left", f"the disk that holds {path} is full: free some space; nothing acknowledged is lost"),
        ("disk is full", f"the disk that holds {path} is full: free some space; nothing acknowledged is lost"),
        ("disk I/O", f"the disk that holds {path} failed ({said}): nothing acknowledged is lost"),
        ("not a database", f"{path} is not a ledger: it is some other file, or damaged"),
        ("malformed", f"{path} is damaged: {_RESTORE}"),
        ("interrupted", "the question took too long: ask for a shorter period, with a filter, or `costspan report`"),
        ("locked", f"{path} is in use by another process that did not finish within {_BUSY_MS // 1000} s"),
    ):
        if hint in said:
            return LedgerError(meaning)
    return LedgerError(f"{path}: {said}")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema version, 0 for an empty file."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise LedgerError(
            f"{path} was written by a newer costspan (schema {version}, this one knows {VERSION}): upgrade costspan"
        )
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if owner != APPLICATION_ID and (tables or version):
        raise LedgerError(f"{path} is not a ledger: it is a database of some other program")
    return version


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = _check(connection, path)
    if version == 0:
        connection.execute("PRAGMA page_size=8192")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # acknowledged is durable, even if the power fails
    connection.execute("PRAGMA cache_size=-24576")
    connection.execute("PRAGMA wal_autocheckpoint=2000")
    if version < VERSION:
        migrate(connection)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to today's version; each step is whole or has not happened."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])  # another process may have been faster
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
