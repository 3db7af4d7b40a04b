"""Files of every released version open; newer ones are read; a failed step changes nothing."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from traces.errors import StoreError
from traces.events import Event
from traces.read import events, runs
from traces.record import Recorder
from traces.store.migrations import MIGRATIONS, migrate, version
from traces.store.sqlite import Store

GOLDEN = sorted(Path(__file__).parent.glob("schema_*.sql"))
NEXT = (*MIGRATIONS, ("ALTER TABLE event ADD COLUMN step INTEGER",))


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    with Store(path) as store, Recorder(store, "r") as recorder:
        recorder.emit("old")
    return path


def test_every_released_schema_has_a_golden_file() -> None:
    assert [file.name for file in GOLDEN] == [f"schema_{n + 1}.sql" for n in range(len(MIGRATIONS))]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda file: file.stem)
def test_a_file_of_any_released_schema_is_read_and_continued(golden: Path, tmp_path: Path) -> None:
    db = opened(tmp_path / "runs.db")
    db.executescript(golden.read_text(encoding="utf-8"))
    db.close()

    with Store(tmp_path / "runs.db") as store:
        assert list(events(store, "golden")) == [
            Event("golden", 1, "2026-01-02T03:04:05+00:00", "first", None, {"n": 1}),
            Event("golden", 2, "2026-01-02T03:04:06+00:00", "second", "s", {"text": "ü"}),
        ]
        with Recorder(store, "golden") as recorder:
            assert recorder.emit("third").seq == 3


def test_a_migration_keeps_the_events_and_a_backup_of_the_old_file(path: Path) -> None:
    db = opened(path)
    backup = migrate(db, path, steps=NEXT)

    assert version(db) == len(NEXT)
    assert db.execute("SELECT kind, step FROM event").fetchall() == [("old", None)]
    assert backup == path.with_name(f"runs.db.schema{len(MIGRATIONS)}.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with Store(backup) as store:
        assert [e.kind for e in events(store, "r")] == ["old"]
    assert migrate(db, path, steps=NEXT) is None
    db.close()


def test_a_second_backup_does_not_replace_the_first(path: Path) -> None:
    first = path.with_name(f"runs.db.schema{len(MIGRATIONS)}.bak")
    first.write_text("precious")
    db = opened(path)
    second = migrate(db, path, steps=NEXT)
    db.close()

    assert first.read_text() == "precious"
    assert second is not None
    assert second != first


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    db = opened(path)
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, path, steps=(*NEXT, ("CREATE TABLE extra (x)", "NOT SQL")))

    assert version(db) == len(MIGRATIONS)
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    assert "extra" not in tables
    assert "step" not in [row[1] for row in db.execute("PRAGMA table_info(event)")]
    db.close()


def test_a_newer_file_is_read_and_not_written(path: Path) -> None:
    db = opened(path)
    db.execute("PRAGMA user_version = 99")
    db.execute("ALTER TABLE event ADD COLUMN step INTEGER")
    db.execute("ALTER TABLE lease ADD COLUMN expires TEXT")
    db.execute("INSERT INTO lease VALUES ('r', 't', 'h', 1, '', '', '', 'tomorrow')")
    db.close()

    with Store(path) as store:
        assert store.read_only
        assert [info.run for info in runs(store)] == ["r"]
        with pytest.raises(StoreError, match="newer version") as refused:
            Recorder(store, "r")
        assert "Upgrade" in refused.value.fix
    db = opened(path)
    assert version(db) == 99
    db.close()
