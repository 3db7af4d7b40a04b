"""The file of runs: SQLite in WAL mode, append-only, durable at every event.

Lives here: leases, appending, transactions.
Never here: opening and SQLite's errors (connect), the schema (migrations), what readers select
(`traces.read`), views of a run.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from traces.errors import EventError, LeaseError, StoreError
from traces.events import JSON, Event, dumps
from traces.record import Lease
from traces.redact import Redactor
from traces.store.connect import connect, explained
from traces.store.lease import COLUMNS, Owner, retire, this_process
from traces.store.migrations import MIGRATIONS, version

DEFAULT_PATH = Path(".opto/runs.db")
"""One file per workspace."""
MAX_EVENT_BYTES = 64 << 20
"""Largest event, in bytes of JSON."""


class Store:
    """Many runs in one file; many processes may write, one run each. Threads may share a store."""

    def __init__(
        self,
        path: str | os.PathLike[str] = DEFAULT_PATH,
        *,
        read_only: bool = False,
        redactor: Redactor | None = None,
    ) -> None:
        """Open the file; make it (mode 0600) and its folder (mode 0700) when they are missing.

        Args:
            path: The file, or `:memory:`. A file of a newer version is opened for reading only.
            read_only: Never write: for viewers; they do not disturb writers.
            redactor: Takes secrets out of whatever is appended; by default what looks like one.

        Raises:
            StoreError: It cannot be opened, or belongs to another program.
        """
        in_memory = str(path) == ":memory:"
        self.path = None if in_memory else Path(path).absolute()
        self.redactor = redactor or Redactor()
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._leases: dict[str, Lease] = {}
        self._closed = False
        with explained("open", str(self)):
            self._db = connect(self.path, read_only=read_only)
            self.read_only = read_only or version(self._db) > len(MIGRATIONS)

    def lease(self, run: str, *, takeover: bool = False) -> Lease:
        """The only right to write `run`, in this and every other process.

        Args:
            run: A new or an existing run.
            takeover: Take it from a writer that seems alive; that one fails at its next event.

        Raises:
            LeaseError: A writer that may be alive has it. One that is surely dead is replaced.
            StoreError: The file cannot be written.
        """
        me = this_process()
        with self._writing() as db:
            owner = _owner(run, db)
            if owner and not takeover and owner.alive():
                raise LeaseError(
                    f"Run {run!r} is being written by {owner}.",
                    where=str(self),
                    fix="Wait for it, use another run name, or take over (takeover=True) "
                    "if you know that it is gone.",
                )
            db.execute(
                "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run, me.token, me.host, me.pid, me.started, me.boot, me.pid_space),
            )
            self._leases[me.token] = Lease(run, me.token)
        return self._leases[me.token]

    def release(self, lease: Lease) -> None:
        """Give the run back; nothing happens when another has taken it, or the store is closed.

        Never raises because of the disk: a full one must not hide the error that came before.
        """
        with self._lock:
            if self._closed or self._leases.pop(lease.token, None) is None:
                return
            try:
                with self._writing() as db:
                    db.execute("DELETE FROM lease WHERE token = ?", (lease.token,))
            except StoreError:
                retire(lease.token)

    def append(
        self, lease: Lease, kind: str, *, at: str, span: str | None, data: dict[str, JSON]
    ) -> Event:
        """Write one event, on disk when this returns; the event as kept, without secrets.

        Raises:
            LeaseError: Another process took the run over.
            EventError: It is larger than `MAX_EVENT_BYTES`, or not JSON.
            DiskFullError: Nothing more fits; earlier events are safe, and this one may be retried.
            StoreError: The file cannot be written.
        """
        kept = self.redactor.mapping(data)
        kind, span = self.redactor.text(kind), None if span is None else self.redactor.text(span)
        body = _body(kept, kind)
        with self._writing() as db:
            self._check(lease, db)
            seq: int = db.execute(
                "SELECT coalesce(max(seq), 0) + 1 FROM event WHERE run = ?", (lease.run,)
            ).fetchone()[0]
            db.execute(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                (lease.run, seq, at, kind, span, body),
            )
        return Event(lease.run, seq, at, kind, span, kept)

    def restore(self, events: Iterable[Event]) -> int:
        """Write exported events of runs that are not here yet, all or none; returns how many.

        Raises:
            StoreError: A run of that name is here already, or an event comes twice.
        """
        rows = []
        for event in events:
            body = _body(self.redactor.mapping(event.data), event.kind)
            rows.append((event.run, event.seq, event.at, event.kind, event.span, body))
        with self._writing() as db:
            for run in {row[0] for row in rows}:
                if db.execute(
                    "SELECT 1 FROM event WHERE run = ?1 UNION SELECT 1 FROM lease WHERE run = ?1",
                    (run,),
                ).fetchone():
                    raise self._not_restored(f"Run {run!r} is in the file already.")
            try:
                db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", rows)
            except sqlite3.IntegrityError as twice:
                raise self._not_restored("An event comes twice in what is imported.") from twice
        return len(rows)

    def _not_restored(self, what: str) -> StoreError:
        return StoreError(what, where=str(self), fix="Import into a new file.")

    def rows(
        self, sql: str, args: Mapping[str, str | int | None] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of one SELECT, seen at one moment; for `traces.read`."""
        with self._lock, explained("read", str(self)):
            self._check_usable()
            return self._db.execute(sql, args or {}).fetchall()

    def close(self) -> None:
        """Give all leases back and close the file; may be called twice."""
        with self._lock:
            if self._closed:
                return
            try:
                for lease in list(self._leases.values()):
                    self.release(lease)
            finally:
                self._closed = True
                self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return "memory" if self.path is None else str(self.path)

    def __repr__(self) -> str:
        return f"Store({str(self)!r}{', read_only=True' if self.read_only else ''})"

    def _check(self, lease: Lease, db: sqlite3.Connection) -> None:
        owner = _owner(lease.run, db)
        if owner is None or owner.token != lease.token:
            by = f" by {owner}" if owner else ""
            raise LeaseError(
                f"The lease of run {lease.run!r} was given back, or taken over{by}.",
                where=str(self),
                fix="Stop this writer, or make a new Recorder for the run.",
            )

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.", where=str(self), fix="Open it again.")
        if self._pid != os.getpid():  # SQLite connections do not survive a fork
            raise StoreError(
                f"The store was opened in process {self._pid}, this is {os.getpid()}.",
                where=str(self),
                fix="Open a Store in each process.",
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed to disk at the end, rolled back on any exception."""
        with self._lock, explained("write", str(self)):
            self._check_usable()
            if self.read_only:
                newer = version(self._db) > len(MIGRATIONS)
                raise StoreError(
                    "The file was written by a newer version, so it is open for reading only."
                    if newer
                    else "The store is open for reading only.",
                    where=str(self),
                    fix="Upgrade, or record to another file."
                    if newer
                    else "Open it without read_only.",
                )
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite rolls back by itself on a full disk
                    self._db.execute("ROLLBACK")
                raise


def _owner(run: str, db: sqlite3.Connection) -> Owner | None:
    sql = f"SELECT {COLUMNS} FROM lease WHERE run = ?"  # noqa: S608  (a constant)
    row = db.execute(sql, (run,)).fetchone()
    return Owner(*row) if row else None


def _body(data: dict[str, JSON], kind: str) -> str:
    try:
        body = dumps(data)
        size = len(body.encode())
    except (ValueError, TypeError) as error:
        raise EventError(
            f"Not JSON: {error}.", where=kind, fix="Pass data through clean()."
        ) from error
    if size > MAX_EVENT_BYTES:
        raise EventError(
            f"The event has {size} bytes, more than {MAX_EVENT_BYTES}.",
            where=kind,
            fix="Record a file name or a digest instead of the content.",
        )
    return body
