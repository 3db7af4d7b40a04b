"""A model call of an action that was killed before its end is not paid again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from toy_search import RandomSearch, child_environment

from opto.llm.client import LM
from opto.llm.recall import Recall, recalled, recalling
from opto.llm.scripted import Scripted
from opto.llm.types import Request
from opto.search import Budget, Candidate, Cost, Outcome, Study
from opto.search.tap import Tap
from traces.read import events
from traces.record import Recorder, recording
from traces.store.sqlite import Store

_CHILD = """
import os, signal, sys
from pathlib import Path
from test_recall import Killed, asking_study

folder, length = Path(sys.argv[1]), int(sys.argv[2])

def child(number, left):
    if (pid := os.fork()) == 0:  # this process starts no thread, so that it can fork
        Killed.left = left
        with Killed(folder / f"{number}.db") as store:
            result = asking_study(store, folder / f"calls{number}", workers=1).run()
        print(number, result.ledger.digest, result.cost.llm, flush=True)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

for number in range(2, length):
    assert child(number, number) == signal.SIGKILL
    assert child(number, 0) == 0
"""


class Killed(Store):
    """A store whose process dies as soon as a certain event is on disk."""

    left = 0

    def append(self, *args, **kwargs):
        event = super().append(*args, **kwargs)
        Killed.left -= 1
        if Killed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return event


class AskingTask:
    """Two calls of a model for each evaluation, the second about the answer to the first."""

    seed = Candidate({"x": 0.1})
    components = {"x": "a number from 0 to 1"}  # noqa: RUF012
    train = val = range(2)
    deterministic = False
    worst = Cost(metric=1, llm=2)

    def __init__(self, paid: Path) -> None:
        def reply(request: Request) -> str:
            question = request.messages[-1].content
            with paid.open("a") as file:
                file.write(f"{question}\n")
            return f"<{question}>"

        self.lm = LM(Scripted(reply))

    async def evaluate(self, candidate, example, rep, stream) -> Outcome:
        first = await self.lm.aask(f"{candidate.id} {example} {rep}")
        second = await self.lm.aask(f"and {first}?")
        return Outcome(len(second) / 100 + float(candidate.values["x"]), feedback=second)


def asking_study(store: Store | None, paid: Path, *, workers: int) -> Study:
    algorithm = RandomSearch(width=2, rounds=2)
    budget = Budget(metric=12, llm=40)
    return Study(AskingTask(paid), algorithm, budget, workers=workers, store=store, run="r")


def test_no_call_is_paid_twice_wherever_the_process_is_killed(tmp_path: Path) -> None:
    with Store(tmp_path / "whole.db") as store:
        whole = asking_study(store, tmp_path / "whole", workers=1).run()
        length = len(list(events(store, "r")))
    paid = sorted((tmp_path / "whole").read_text().splitlines())
    assert max(Counter(paid).values()) == 1

    environment = child_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{Path(__file__).parent}"

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _CHILD, str(tmp_path), str(length)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == length - 2
    for number, digest, cost in rows:
        assert (digest, int(cost)) == (whole.ledger.digest, whole.cost.llm)
        assert sorted((tmp_path / f"calls{number}").read_text().splitlines()) == paid


def test_the_log_of_a_study_holds_its_model_calls_under_their_actions(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        result = asking_study(store, tmp_path / "paid", workers=4).run()
        calls = list(events(store, "r", kind="llm.call"))

        asked = [a["id"] for e in events(store, "r", kind="opt.action") for a in e.data["actions"]]

    assert len(calls) == 2 * result.cost.metric
    assert {call.span for call in calls} <= set(asked)
    assert len({call.span for call in calls}) == result.cost.metric


def test_a_recall_gives_each_answer_once_and_in_order() -> None:
    recall = Recall([("a", {"n": 1}), ("b", {"n": 2}), ("a", {"n": 3})])

    with recalling(recall):
        given = [recalled("a"), recalled("a"), recalled("a"), recalled("b")]

    assert given == [{"n": 1}, {"n": 3}, None, {"n": 2}]
    assert recalled("a") is None


def test_a_recalled_call_is_charged_but_neither_asked_nor_logged_again(tmp_path: Path) -> None:
    model = Scripted(["first"])
    with Store(tmp_path / "s.db") as store:
        with Recorder(store, "r") as log:
            with recording(Tap(log, "action")):
                LM(model).ask("hello")
            [call] = events(store, "r", kind="llm.call")
            tap = Tap(log, "action")
            with recording(tap), recalling(Recall([(call.data["key"], call.data["completion"])])):
                assert LM(model).ask("hello") == "first"

        assert tap.cost.llm == 1
        assert len(model.asked) == 1
        assert [e.kind for e in events(store, "r")] == ["llm.call", "llm.recalled"]
        assert call.span == "action"
