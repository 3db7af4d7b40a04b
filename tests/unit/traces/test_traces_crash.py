"""kill -9 at any moment, and a disk that fills up, lose nothing that was acknowledged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from traces.read import events
from traces.record import Recorder
from traces.store.sqlite import Store

WRITER = """
import sys
from traces import Recorder, Store
recorder = Recorder(Store(sys.argv[1]), "r")
while True:
    event = recorder.emit("x", text="y" * (recorder.emit("size").seq * 997 % 9000))
    sys.stdout.write(f"{event.seq}\\n")
    sys.stdout.flush()
"""

CROWDED = """
import resource, sys
from traces import Recorder, Store
from traces.errors import StoreError
recorder = Recorder(Store(sys.argv[1]), "r")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
seq = 0
try:
    while True:
        seq = recorder.emit("x", text="y" * 3000).seq
except StoreError as error:
    assert error.what and error.where == sys.argv[1] and error.fix, error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
after = recorder.emit("x").seq
assert after == seq + 1, (after, seq)
print(after)
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 60, 200])
def test_every_acknowledged_event_survives_kill_9(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "runs.db"
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            last = writer.stdout.readline()
        writer.kill()
        rest = writer.stdout.read().split("\n")[:-1]  # a number without its line end is no promise
    promised = int([last, *rest][-1])

    with Store(path) as store:
        kept = [event.seq for event in events(store, "r")]
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        assert kept == list(range(1, len(kept) + 1))
        assert len(kept) >= promised >= acknowledged
        with Recorder(store, "r") as recorder:
            assert recorder.emit("resumed").seq == len(kept) + 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_disk_without_space_keeps_what_it_has_and_the_run_can_go_on(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", CROWDED, str(path)], check=True, capture_output=True, text=True
    )

    with Store(path) as store:
        assert [e.seq for e in events(store, "r")] == list(range(1, int(done.stdout) + 1))
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
