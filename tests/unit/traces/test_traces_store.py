"""The file of runs: what it promises on disk, between processes, and when things break."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest

from traces.errors import DiskFullError, EventError, LeaseError, StoreError
from traces.events import Event
from traces.read import events, runs
from traces.record import Recorder
from traces.store import connect
from traces.store import sqlite as sqlite_store
from traces.store.migrations import APPLICATION_ID, MIGRATIONS
from traces.store.sqlite import Store


def pragma(store: Store, name: str) -> object:
    return store.rows(f"PRAGMA {name}")[0][0]


def test_every_event_is_durable_and_writers_wait_for_each_other(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store:
        assert pragma(store, "journal_mode") == "wal"
        assert pragma(store, "synchronous") == 2
        assert pragma(store, "busy_timeout") == 30_000
        assert pragma(store, "journal_size_limit") == 128 << 20
        assert pragma(store, "application_id") == APPLICATION_ID
        assert pragma(store, "user_version") == len(MIGRATIONS)


def test_only_the_owner_may_read_what_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".opto" / "runs.db"
    with Store(path) as store, Recorder(store, "r") as recorder:
        recorder.emit("x")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}

    assert modes == {"runs.db": 0o600, "runs.db-wal": 0o600, "runs.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_left_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Store(path).close()
    path.chmod(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_events_outlive_the_store(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store, Recorder(store, "r") as recorder:
        event = recorder.emit("x", text="ü\0\u2028😀")
    with Store(tmp_path / "runs.db") as store:
        assert list(events(store, "r")) == [event]


def test_events_cannot_be_changed_or_removed(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store, Recorder(store, "r") as recorder:
        recorder.emit("x")
    db = sqlite3.connect(tmp_path / "runs.db")
    for sql in ("UPDATE event SET kind = 'y'", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(sql)
    db.close()


def test_a_lease_taken_over_stops_the_older_writer(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Store(path) as one, Store(path) as two:
        older = Recorder(one, "r")
        with pytest.raises(LeaseError, match=f"process {os.getpid()} on host"):
            Recorder(two, "r")
        newer = Recorder(two, "r", takeover=True)

        with pytest.raises(LeaseError, match="taken over by process"):
            older.emit("x")
        older.close()

        assert newer.emit("x").seq == 1, "an old writer gives back only its own lease"


def test_closing_the_store_gives_its_leases_back(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Store(path) as store:
        Recorder(store, "a")
        Recorder(store, "b")
    with Store(path) as store:
        assert store.rows("SELECT * FROM lease") == []


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    recorder = Recorder(store, "r")
    store.close()
    store.close()

    with pytest.raises(StoreError, match="closed"):
        recorder.emit("x")
    recorder.close()


def test_a_store_is_not_used_across_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path / "runs.db") as store, Recorder(store, "r") as recorder:
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: 1)
            with pytest.raises(StoreError, match="opened in process"):
                recorder.emit("x")
        recorder.emit("x")


def test_a_reader_sees_what_is_being_written_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Store(path) as store, Recorder(store, "r") as recorder:
        recorder.emit("a")
        with Store(path, read_only=True) as reader:
            recorder.emit("b")
            assert [e.kind for e in events(reader, "r")] == ["a", "b"]
            with pytest.raises(StoreError, match="reading only"):
                Recorder(reader, "other")


def test_reading_a_file_that_is_missing_or_empty_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file") as missing:
        Store(tmp_path / "no.db", read_only=True)
    assert missing.value.where == str(tmp_path / "no.db")
    assert missing.value.fix
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="empty"):
        Store(tmp_path / "empty.db", read_only=True)


def test_a_file_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmark (url)")
    db.close()
    path.chmod(0o644)
    before = path.read_bytes()

    for read_only in (False, True):
        with pytest.raises(StoreError, match="another program"):
            Store(path, read_only=read_only)

    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, just a long enough text " * 30)

    with pytest.raises(StoreError, match="not a database") as refused:
        Store(path)
    assert refused.value.where == str(path)


def test_a_damaged_event_is_named_and_those_before_it_are_read(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store:
        store.restore([Event("r", 1, "t", "k", None, {})])
    db = sqlite3.connect(tmp_path / "runs.db")
    db.execute("INSERT INTO event VALUES ('r', 2, 't', 'k', NULL, '{\"a\": ')")
    db.commit()
    db.close()

    with Store(tmp_path / "runs.db") as store:
        reading = events(store, "r")
        assert next(reading).seq == 1
        with pytest.raises(StoreError, match="Event 2 of run 'r' is damaged"):
            next(reading)


def test_an_event_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "MAX_EVENT_BYTES", 1_000)
    with Store(":memory:") as store, Recorder(store, "r") as recorder:
        with pytest.raises(EventError, match="bytes"):
            recorder.emit("big", text="ü" * 501)
        recorder.emit("fits", text="ü" * 400)


def test_a_full_disk_is_explained_and_the_run_goes_on_once_there_is_space(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    recorder = Recorder(store, "r")
    store.rows("PRAGMA max_page_count = 40")
    acknowledged: list[Event] = []

    def fill() -> None:
        while True:
            acknowledged.append(recorder.emit("x", text="y" * 4_000))

    with pytest.raises(DiskFullError, match="disk is full") as full:
        fill()
    assert full.value.where == str(tmp_path / "runs.db")
    assert full.value.fix
    assert list(events(store, "r")) == acknowledged
    assert len(acknowledged) > 5

    store.rows("PRAGMA max_page_count = 1000000")
    assert recorder.emit("x").seq == len(acknowledged) + 1
    assert store.rows("PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_giving_back_on_a_full_disk_does_not_hide_the_first_error() -> None:
    store = Store(":memory:")
    recorder = Recorder(store, "r")
    store.rows("PRAGMA query_only = 1")  # stands for a disk that lets nothing through
    with pytest.raises(ZeroDivisionError), recorder:
        raise ZeroDivisionError
    store.rows("PRAGMA query_only = 0")

    assert Recorder(store, "r").emit("x").seq == 1, "this process knows that its lease is over"
    store.close()


@contextmanager
def no_privileges() -> Iterator[Path]:
    """A folder as somebody sees it who may not write to it; root may write anywhere."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        uid = os.geteuid()
        Store(folder / "runs.db").close()
        (folder / "runs.db").chmod(0o644)
        if uid == 0:
            os.seteuid(65_534)
        else:
            folder.chmod(0o555)
            (folder / "runs.db").chmod(0o444)
        try:
            yield folder
        finally:
            if uid == 0:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")
def test_a_folder_that_may_not_be_written_is_explained_and_can_be_read() -> None:
    with no_privileges() as folder:
        for path in (folder / "runs.db", folder / "new.db", folder / "deep" / "new.db"):
            with pytest.raises(StoreError, match="Cannot open the file of runs") as refused:
                Store(path)
            assert str(folder) in refused.value.where
            assert "may write" in refused.value.fix
        with Store(folder / "runs.db", read_only=True) as reader:
            assert runs(reader) == []


def test_a_folder_in_the_way_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "runs.db", tmp_path):
        with pytest.raises(StoreError) as refused:
            Store(path)
        assert refused.value.where
        assert refused.value.fix


def test_a_lock_held_too_long_names_the_cure(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store, Recorder(store, "r") as recorder:
        store.rows("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as locked:
            recorder.emit("x")
        other.execute("ROLLBACK")
        other.close()

        assert "Another process" in locked.value.fix
        assert recorder.emit("x").seq == 1


def test_an_interrupt_in_a_transaction_leaves_the_store_usable() -> None:
    with Store(":memory:") as store, Recorder(store, "r") as recorder:
        with pytest.raises(KeyboardInterrupt), store._writing():
            raise KeyboardInterrupt
        assert recorder.emit("x").seq == 1


def test_a_file_that_another_process_is_just_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr(connect, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=wait))
    with Store(path) as store:
        assert pragma(store, "journal_mode") == "wal"
    assert len(waits) == 3
    other.close()


def test_threads_may_write_runs_of_one_store_at_once(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store:

        def write(run: str) -> None:
            with Recorder(store, run) as recorder:
                for _ in range(20):
                    recorder.emit("x")

        names = [f"r{i}" for i in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, names))

        assert sorted((r.run, r.events) for r in runs(store)) == [(name, 20) for name in names]


def test_memory_is_said_to_be_memory() -> None:
    with Store(":memory:") as store:
        assert repr(store) == "Store('memory')"
