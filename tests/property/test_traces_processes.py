"""Several processes and threads write one file while another reads it: nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from traces.errors import StoreError
from traces.read import events, runs
from traces.store.sqlite import Store

PROCESSES, THREADS, EVENTS = 4, 3, 60

WRITER = """
import sys, threading
from traces import Recorder, Store
path, name, threads, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.stdin.readline()  # all start at once, on a file that is not there yet
failed = []
def write(recorder, thread):
    try:
        for n in range(count):
            recorder.emit("x", thread=thread, n=n, text="y" * (n * 389 % 6000))
    except BaseException as error:
        failed.append(error)
with Store(path) as store, Recorder(store, name) as recorder:
    pool = [threading.Thread(target=write, args=(recorder, t)) for t in range(threads)]
    for thread in pool: thread.start()
    for thread in pool: thread.join()
assert not failed, failed
"""


def test_four_processes_write_four_runs_in_one_file_under_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "runs.db"
    names = [f"run{n}" for n in range(PROCESSES)]
    writers = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", WRITER, str(path), name, str(THREADS), str(EVENTS)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()

    polls = 0
    while any(writer.poll() is None for writer in writers):
        polls += _is_a_prefix(path)
    errors = [writer.communicate()[1] for writer in writers]

    assert errors == [""] * PROCESSES
    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    assert polls > 0
    with Store(path) as store:
        assert sorted((i.run, i.events, i.writer) for i in runs(store)) == [
            (name, THREADS * EVENTS, None) for name in names
        ]
        for name in names:
            kept = list(events(store, name))
            assert [event.seq for event in kept] == list(range(1, THREADS * EVENTS + 1))
            for thread in range(THREADS):
                order = [e.data["n"] for e in kept if e.data["thread"] == thread]
                assert order == list(range(EVENTS))
        assert store.rows("PRAGMA integrity_check") == [("ok",)]


def _is_a_prefix(path: Path) -> bool:
    """Whether the file could be read; whatever could be read must be a prefix."""
    try:
        reader = Store(path, read_only=True)
    except StoreError as early:
        if "No such file" in early.what or "empty" in early.what:
            return False
        raise
    with reader:
        for info in runs(reader):
            seen = [event.seq for event in events(reader, info.run)]
            assert seen == list(range(1, len(seen) + 1))
            assert len(seen) >= info.events
    return True
