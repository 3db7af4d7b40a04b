"""Opening the file of runs, and what SQLite's errors mean to a user.

Lives here: permissions, pragmas, the check that the file is ours, errors with advice.
Never here: the schema (migrations), transactions and leases (sqlite).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traces.errors import DiskFullError, StoreError
from traces.store.migrations import APPLICATION_ID, MIGRATIONS, migrate, version

BUSY_S = 30.0
"""How long a write waits for other processes."""
_WAL_BYTES = 128 << 20
_CHOOSE = "Choose a path in a folder that you may write to."


@contextmanager
def explained(doing: str, where: str) -> Iterator[None]:
    """Errors of SQLite and the system as StoreError, for whoever wanted to `open`, `read`, ..."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(error, doing, where) from error
    except OSError as error:
        raise StoreError(
            f"Cannot {doing} the file of runs: {error.strerror}.",
            where=str(error.filename or where),
            fix=_CHOOSE,
        ) from error


def connect(path: Path | None, *, read_only: bool) -> sqlite3.Connection:
    """An autocommit connection, usable from any thread; the file is made, or its schema updated.

    Args:
        path: The file; None for memory.
        read_only: Change nothing; the file must be there.

    Raises:
        StoreError: The file belongs to another program.
        sqlite3.Error, OSError: It cannot be opened; see `explained`.
    """
    if path is None:
        return _prepared(_sqlite(":memory:"), None)
    if read_only:
        return _reader(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)  # before SQLite does, which would let others read it
    db = _prepared(_sqlite(f"{path.as_uri()}?mode=rw"), path)
    if path.stat().st_uid == getattr(os, "getuid", lambda: -1)():
        path.chmod(0o600)
    if version(db) <= len(MIGRATIONS):
        return db
    db.close()  # made by a newer version: what we do not know, we do not write
    return _reader(path)


def _sqlite(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=True
    )


def _reader(path: Path) -> sqlite3.Connection:
    """A connection that never writes, also where SQLite cannot keep its helper files."""
    path.stat()  # a missing file is the system's error, with its name
    db = _sqlite(f"{path.as_uri()}?mode=ro")
    try:
        version(db)
    except sqlite3.OperationalError:
        db.close()
        if path.with_name(path.name + "-wal").exists():  # needed, and unreadable
            raise
        db = _sqlite(f"{path.as_uri()}?mode=ro&immutable=1")
    with _closed_on_error(db):
        _refuse_foreign(db, path)
        if version(db) == 0:
            raise StoreError(
                "The file is empty: nothing was recorded to it.",
                where=str(path),
                fix="Choose the file that a run was recorded to.",
            )
    return db


def _prepared(db: sqlite3.Connection, path: Path | None) -> sqlite3.Connection:
    """`db` ready for durable writing, its schema up to date."""
    with _closed_on_error(db):
        _refuse_foreign(db, path)
        _patiently(db, "PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        db.execute("PRAGMA trusted_schema = OFF")
        migrate(db, path)
    return db


def _refuse_foreign(db: sqlite3.Connection, path: Path | None) -> None:
    # one statement: between two, another process may finish making the file
    mark, tables = db.execute(
        "SELECT application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_application_id"
    ).fetchone()
    if mark == APPLICATION_ID or (mark == 0 and tables == 0):
        return
    raise StoreError(
        "This SQLite file belongs to another program.",
        where=str(path),
        fix="Choose another path.",
    )


def _patiently(db: sqlite3.Connection, sql: str) -> None:
    """Run `sql`, waiting like a write does: switching to WAL ignores SQLite's own busy timeout."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            db.execute(sql)
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _closed_on_error(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        db.close()
        raise


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _explain(error: sqlite3.Error, doing: str, where: str) -> StoreError:
    """What SQLite's error means to whoever wanted to `open`, `read` or `write` the file."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = _primary(error)
    if primary == sqlite3.SQLITE_FULL:
        return DiskFullError(
            "The disk is full; all that was recorded before is safe.",
            where=where,
            fix="Free some space, then continue the run.",
        )
    advice = {
        sqlite3.SQLITE_READONLY: _CHOOSE,
        sqlite3.SQLITE_CANTOPEN: _CHOOSE,
        sqlite3.SQLITE_PERM: _CHOOSE,
        sqlite3.SQLITE_BUSY: f"Another process held it for {BUSY_S:g} s: stop that, or use "
        "another file.",
        sqlite3.SQLITE_NOTADB: "It is not a file of runs; choose another path.",
        sqlite3.SQLITE_CORRUPT: "The file is damaged: keep a copy, and continue in a new file.",
        sqlite3.SQLITE_IOERR: "Look at the disk: it is full, failing or gone.",
    }.get(primary, "Keep the file and report this as a fault of traces.")
    return StoreError(
        f"Cannot {doing} the file of runs: {error} ({name}).", where=where, fix=advice
    )
