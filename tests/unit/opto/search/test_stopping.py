"""Ctrl-C, a full disk, two writers."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_search import NumberTask, RandomSearch, child_environment

from opto.search import Budget, Study
from traces.errors import DiskFullError, LeaseError, UnknownRunError
from traces.store.sqlite import Store

_LONG = """
import sys
from toy_search import NumberTask, RandomSearch
from opto.search import Budget, Study, StudyInterrupted
print("ready", flush=True)
try:
    task = NumberTask(sleep=0.05)
    kept = {"workers": int(sys.argv[2]), "store": sys.argv[1], "run": "r"}
    Study(task, RandomSearch(), Budget(metric=2000), **kept).run()
except StudyInterrupted as error:
    print(error)
"""


@pytest.mark.parametrize("workers", [1, 4])
def test_ctrl_c_keeps_what_has_finished_and_says_how_to_go_on(tmp_path: Path, workers: int) -> None:
    store = tmp_path / "runs.db"
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _LONG, str(store), str(workers)],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    said, error = child.communicate(timeout=20)

    assert "interrupted" in said, error
    assert "run='r'" in said
    again = Study.resume(store, "r", task=NumberTask(), algorithm=RandomSearch())
    assert again.budget == Budget(metric=2000)
    again.ask()
    assert len(again.ledger) > 5
    again.close()


class Full(Store):
    """A store on a disk with room for so many more events."""

    room = 0

    def append(self, *args: Any, **kwargs: Any) -> Any:
        if self.room <= 0:
            raise DiskFullError("The disk is full.", where=str(self))
        self.room -= 1
        return super().append(*args, **kwargs)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_full_disk_stops_new_calls_keeps_the_best_and_can_be_resumed(
    tmp_path: Path, workers: int
) -> None:
    calls = tmp_path / "calls"
    task, algorithm = NumberTask(calls=calls), RandomSearch()
    budget = Budget(metric=80)
    whole = Study(NumberTask(), algorithm, budget).run()

    with Full(tmp_path / "runs.db") as store:
        store.room = 60
        part = Study(task, algorithm, budget, workers=workers, store=store, run="r").run()
        paid = len(calls.read_text().splitlines())
        store.room = 10**9
        rest = Study(task, algorithm, budget, workers=workers, store=store, run="r").run()

    assert part.stopped.startswith("disk full")
    assert str(tmp_path / "runs.db") in part.stopped
    assert part.best.id in part.ledger.candidates
    assert not part.estimate.unbiased
    assert paid <= 60
    assert rest.ledger.digest == whole.ledger.digest


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Waiting(NumberTask):
        def evaluate(self, *args: Any, **kwargs: Any) -> Any:
            inside.set()
            go_on.wait(10)
            return super().evaluate(*args, **kwargs)

    store = tmp_path / "runs.db"
    first = Study(Waiting(), RandomSearch(), Budget(metric=9), store=store, run="r")
    thread = threading.Thread(target=first.run)
    thread.start()
    inside.wait(10)
    try:
        with pytest.raises(LeaseError, match="being written"):
            Study(NumberTask(), RandomSearch(), Budget(metric=9), store=store, run="r").run()
    finally:
        go_on.set()
        thread.join()

    again = Study(NumberTask(), RandomSearch(), Budget(metric=9), store=store, run="r").run()
    assert again.ledger.digest == first.result.ledger.digest


def test_a_study_that_met_secrets_resumes_with_what_the_log_kept(tmp_path: Path) -> None:
    secret = "sk-" + "a1" * 20

    class Leaky(RandomSearch):
        def propose(self, action: Any, parents: Any, stream: Any) -> Any:
            found = super().propose(action, parents, stream)
            return replace(found, note=f"my key is {secret}")

    class Telling(NumberTask):
        def evaluate(self, *args: Any, **kwargs: Any) -> Any:
            return replace(super().evaluate(*args, **kwargs), feedback=f"{secret} " * 3)

    store = tmp_path / "runs.db"
    whole = Study(Telling(), Leaky(), Budget(metric=40), store=store, run="r").run()
    again = Study(Telling(), Leaky(), Budget(metric=40), store=store, run="r").run()

    assert again.ledger.digest == whole.ledger.digest
    assert secret not in whole.ledger.rollouts(whole.best.id)[0].feedback
    assert secret not in store.read_bytes().decode("latin-1")


def test_a_huge_text_does_not_end_the_run(tmp_path: Path) -> None:
    class Huge(NumberTask):
        def evaluate(self, *args: Any, **kwargs: Any) -> Any:
            return replace(super().evaluate(*args, **kwargs), trace="x" * 5_000_000)

    store = tmp_path / "runs.db"
    result = Study(Huge(size=2), RandomSearch(rounds=0), Budget(metric=3), store=store).run()

    [first, *_] = result.ledger.rollouts(result.best.id)
    assert len(first.trace) < 1_000_100
    assert "4000000 characters left out" in first.trace


def test_resuming_what_is_not_there_is_told(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    Study(NumberTask(), RandomSearch(), Budget(metric=9), store=store, run="night").run()

    with pytest.raises(UnknownRunError, match="Did you mean 'night'"):
        Study.resume(store, "nigth", task=NumberTask(), algorithm=RandomSearch())
