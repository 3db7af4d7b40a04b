"""A study killed after any event goes on as if nothing had happened, and pays nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from toy_search import NumberTask, RandomSearch, child_environment

from opto.search import Budget, Study

_CHILD = """
import os, signal, sys
from pathlib import Path
from toy_search import NumberTask, RandomSearch
from opto.search import Budget, Study
from traces.store.sqlite import Store

class Killed(Store):
    left = 0

    def append(self, *args, **kwargs):
        event = super().append(*args, **kwargs)
        Killed.left -= 1
        if Killed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return event

file, calls = Path(sys.argv[1]), Path(sys.argv[2])
first, last, workers = map(int, sys.argv[3:])
for number in range(first, last):  # one fork per kill: importing again would be most of the time
    Killed.left = number
    task = NumberTask(size=1, calls=calls.with_name(f"calls{number}"))
    algorithm = RandomSearch(width=2, rounds=19, calls=calls.with_name(f"calls{number}"))
    killed = os.fork()
    if killed == 0:
        store = Killed(file.with_name(f"{number}.db"))
        Study(task, algorithm, Budget(metric=90), workers=workers, store=store, run="r").run()
        os._exit(0)
    _, status = os.waitpid(killed, 0)
    assert status in (0, signal.SIGKILL), status
    Killed.left = 0
    with Store(file.with_name(f"{number}.db")) as store:
        result = Study(
            task, algorithm, Budget(metric=90), workers=workers, store=store, run="r"
        ).run()
    print(number, status, result.ledger.digest, result.best.id, result.score, result.lost)
"""


def _unbroken(calls: Path, store: Path, workers: int) -> tuple[str, str, float | None, int]:
    """Digest, recommendation, score and the number of events of the run nobody kills."""
    task = NumberTask(size=1, calls=calls)
    algorithm = RandomSearch(width=2, rounds=19, calls=calls)
    study = Study(task, algorithm, Budget(metric=90), workers=workers, store=store, run="r")
    result = study.run()
    from traces.read import runs  # noqa: PLC0415
    from traces.store.sqlite import Store  # noqa: PLC0415

    with Store(store, read_only=True) as opened:
        [info] = runs(opened)
    assert len(result.history) == 40  # the seed, 19 times two, and the final score
    return result.ledger.digest, result.best.id, result.score, info.events


def _kill_sweep(folder: Path, first: int, last: int, workers: int) -> list[list[str]]:
    done = subprocess.run(  # noqa: S603
        [
            sys.executable,
            "-c",
            _CHILD,
            *map(str, (folder / "x", folder / "y", first, last, workers)),
        ],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: the sweep waits for the disk 20,000 times."""
    memory = Path("/dev/shm")  # noqa: S108  (a fresh folder in it)
    if not memory.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_killed_after_every_event_a_run_ends_as_if_unbroken_and_pays_nothing_twice(
    tmp_path: Path,
) -> None:
    calls = tmp_path / "calls"
    digest, best, score, events = _unbroken(calls, tmp_path / "whole.db", 1)
    paid = sorted(calls.read_text().splitlines())

    rows = _kill_sweep(tmp_path, 1, events + 1, 1)

    assert len(rows) == events
    for number, status, *found in rows:
        assert int(status) == signal.SIGKILL
        assert found[:3] == [digest, best, str(score)], f"killed after event {number}"
        assert sorted((tmp_path / f"calls{number}").read_text().splitlines()) == paid


def test_killed_with_eight_workers_a_run_loses_only_what_was_in_flight(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    digest, best, score, events = _unbroken(calls, tmp_path / "whole.db", 8)
    paid = len(calls.read_text().splitlines())

    rows = _kill_sweep(tmp_path, events // 2, events // 2 + 20, 8)

    for number, _, *found in rows:
        again = len((tmp_path / f"calls{number}").read_text().splitlines()) - paid
        assert found[:3] == [digest, best, str(score)]
        assert 0 <= again <= 8
        assert again <= int(found[3]) <= 8
