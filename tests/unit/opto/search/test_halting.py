"""A task that knows that going on is of no use ends its study; nothing that finished is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from toy_search import NumberTask, RandomSearch

from opto.search import Budget, Study, StudyHalted
from traces.read import events
from traces.store.sqlite import Store


class Halting(NumberTask):
    """Has no credit left once `credit` evaluations have begun."""

    credit = 7

    def evaluate(self, candidate, example, rep, stream):
        self.credit -= 1
        if self.credit == 0:
            raise StudyHalted from OSError("no credit")
        if self.credit < 0:
            time.sleep(0.05)  # under way when the other halts
        return super().evaluate(candidate, example, rep, stream)


def _study(task: NumberTask, store: Store | None, workers: int) -> Study:
    algorithm = RandomSearch(width=2, rounds=5)
    return Study(task, algorithm, Budget(metric=80), workers=workers, store=store, run="r")


@pytest.mark.parametrize("workers", [1, 4])
def test_a_halted_study_goes_on_as_if_it_had_not_been(tmp_path: Path, workers: int) -> None:
    whole = _study(NumberTask(), None, workers).run()

    with Store(tmp_path / "s.db") as store:
        with pytest.raises(StudyHalted) as halt:
            _study(Halting(), store, workers).run()
        asked = [a for e in events(store, "r", kind="opt.action") for a in e.data["actions"]]
        known = len(list(events(store, "r", kind="opt.result")))
        resumed = _study(NumberTask(), store, workers).run()

    assert isinstance(halt.value.__cause__, OSError)
    assert len(asked) - known == 1  # the one that halted; those under way were waited for
    assert resumed.ledger.digest == whole.ledger.digest
