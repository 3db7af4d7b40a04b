"""The schema of the file of runs, and how an older file becomes a newer one.

Lives here: numbered steps, forward only. A released step is never edited; a change is a new step.
Never here: recording, reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

APPLICATION_ID = 0x6F70746F
"""`opto` in ASCII; marks the SQLite file as ours."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE event (
            run TEXT NOT NULL,
            seq INTEGER NOT NULL,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            span TEXT,
            data TEXT NOT NULL,
            PRIMARY KEY (run, seq)
        )""",
        """CREATE TABLE lease (
            run TEXT NOT NULL PRIMARY KEY,
            token TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            started TEXT NOT NULL,
            boot TEXT NOT NULL,
            pid_space TEXT NOT NULL
        )""",
        """CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
        """CREATE TRIGGER event_never_goes BEFORE DELETE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
    ),
)
"""Step i takes a file from schema i to schema i + 1."""


def version(db: sqlite3.Connection) -> int:
    """The schema number of the file; 0 for an empty one."""
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def migrate(
    db: sqlite3.Connection,
    path: Path | None,
    *,
    steps: Sequence[Sequence[str]] = MIGRATIONS,
) -> Path | None:
    """Bring the file to schema `len(steps)`, all steps in one transaction, or leave it as it was.

    Args:
        db: An autocommit connection, outside a transaction.
        path: Its file, next to which the backup goes; None for memory, where no backup is made.
        steps: Statements per step; step i starts from schema i.

    Returns:
        The backup, or None when nothing was there to back up.
    """
    before = version(db)
    if before >= len(steps):
        return None
    backup = _back_up(db, path, before) if path is not None and before > 0 else None
    db.execute("BEGIN IMMEDIATE")
    try:
        for number, step in enumerate(steps[version(db) :], start=version(db)):
            for statement in step:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number + 1}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return backup


def _back_up(db: sqlite3.Connection, path: Path, number: int) -> Path:
    """A copy of the file beside it, readable by its owner only; an older copy is kept."""
    count, backup = 1, path.with_name(f"{path.name}.schema{number}.bak")
    while backup.exists():
        count += 1
        backup = path.with_name(f"{path.name}.schema{number}.{count}.bak")
    backup.touch(mode=0o600, exist_ok=False)
    db.execute("VACUUM INTO ?", (str(backup),))
    return backup
