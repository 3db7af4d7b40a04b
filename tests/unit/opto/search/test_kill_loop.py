"""The loop of Specs, killed after any event, goes on as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from toy_search import child_environment

_CHILD = """
import os, random, signal, sys
from pathlib import Path
from demo_task import WordTask, Writer
from opto.optimizers.search import named
from opto.search import Budget, Study
from opto.search.strategies import tpe
from traces.read import runs
from traces.store.sqlite import Store

name, folder, every = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if name == "miprov2":
    tpe._optuna()

class Counted(WordTask):
    def evaluate(self, *args):
        with self.calls.open("a") as file:
            file.write("e")
        return super().evaluate(*args)

class Told(Writer):
    def propose(self, *args):
        with self.calls.open("a") as file:
            file.write("p")
        return Writer.propose(self, *args)

class Killed(Store):
    left = 0

    def append(self, *args, **kwargs):
        event = super().append(*args, **kwargs)
        Killed.left -= 1
        if Killed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return event

def study(store, number):
    task, proposer = Counted(size=6), Told()
    task.calls = folder / f"calls{number}"
    object.__setattr__(proposer, "calls", task.calls)
    options = {"minibatch": 3, "every": 2} if name == "miprov2" else {}
    loop = named(name, **options).algorithm(proposer)
    return Study(task, loop, Budget(metric=60), workers=1, store=store, run="r")

with Store(folder / "whole.db") as store:
    whole = study(store, 0).run()
    events = next(iter(runs(store))).events
paid = sorted((folder / "calls0").read_text())
for number in range(1, events + 1, every):  # one fork per kill: importing is most of the time
    Killed.left = number
    killed = os.fork()
    if killed == 0:
        study(Killed(folder / f"{number}.db"), number).run()
        os._exit(0)
    _, status = os.waitpid(killed, 0)
    assert status == signal.SIGKILL, status
    Killed.left = 0
    with Store(folder / f"{number}.db") as store:
        result = study(store, number).run()
    same = result.ledger.digest == whole.ledger.digest and result.best.id == whole.best.id
    again = sorted((folder / f"calls{number}").read_text()) == paid
    print(number, same, again, result.score == whole.score)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a thing: the sweep waits for the disk thousands of times."""
    memory = Path("/dev/shm")  # noqa: S108  (a fresh folder in it)
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.parametrize(
    ("name", "every"),
    [("bridge", 1), ("opto", 7), ("miprov2", 7), ("bootstrap_random_search", 7)],
)
def test_killed_after_any_event_a_loop_ends_as_if_unbroken_and_pays_nothing_twice(
    name: str, every: int, folder: Path
) -> None:
    if name == "miprov2":
        pytest.importorskip("optuna")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _CHILD, name, str(folder), str(every)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) > 60 / every
    assert [row for row in rows if row[1:] != ["True"] * 3] == []
