"""Drafts evaluated side by side: right answers, a free event loop, and a clean end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from random import Random

import pytest
from drafts import GOOD, HOURS, MINIMUM, TEXT, constraint, draft

from opto.modeling.draft import Draft, DraftConstraint, DraftParameter, DraftSet, DraftVariable
from opto.modeling.evaluate import Attempt, evaluate
from opto.modeling.problem import Problem
from solvers_bridge.api import Verdict
from solvers_bridge.outcome import Limits, Stop

PROBLEM = Problem(TEXT)


def hard_draft(columns: int = 200, rows: int = 30) -> Draft:
    """A knapsack of many rows: every solver takes much longer than any test may."""
    rng = Random(5)  # noqa: S311 - not for secrets
    weights = [[rng.randint(5, 95) for _ in range(columns)] for _ in range(rows)]
    gain = [sum(row[k] for row in weights) / rows + rng.randint(0, 12) for k in range(columns)]

    def listed(name: str, size: int) -> DraftSet:
        return DraftSet(name=name, elements=[], first=1, last=size, column=None, meaning="")

    def table(name: str, index: list[str], values: list[float]) -> DraftParameter:
        return DraftParameter(
            name=name, index=index, values=values, column=None, unit=None, meaning="", quote=""
        )

    take = DraftVariable(
        name="take", meaning="", index=["I"], why_domain="", domain="binary", lower=0, upper=1,
        unit=None,
    )  # fmt: skip
    fits = constraint("", "sum(w[r, i] * take[i] for i in I)", "<=", "room[r]", name="fits")
    return draft(expr="sum(gain[i] * take[i] for i in I)").model_copy(
        update={
            "sets": [listed("I", columns), listed("R", rows)],
            "variables": [take],
            "constraints": [DraftConstraint(**{**fits.model_dump(), "forall": "r in R"})],
            "parameters": [
                table("gain", ["I"], gain),
                table("w", ["R", "I"], [number for row in weights for number in row]),
                table("room", ["R"], [sum(row) // 2 for row in weights]),
            ],
        }
    )


def test_sixty_four_at_once_get_the_answers_they_get_alone() -> None:
    endless = draft(MINIMUM)
    clash = draft(HOURS, constraint("", "chairs", ">=", "40", name="many"))

    async def all_of_them() -> list[Attempt]:
        tasks = [evaluate(d, PROBLEM, limits=Limits()) for d in (GOOD, endless, clash) * 21]
        return await asyncio.gather(evaluate(GOOD, PROBLEM, limits=Limits()), *tasks)

    first, *others = asyncio.run(all_of_them())

    assert first.solved is not None
    assert first.solved.verdict is Verdict.OPTIMAL
    assert first.solved.objective == 156.0
    verdicts = [attempt.solved.verdict for attempt in others if attempt.solved]
    assert verdicts == [Verdict.OPTIMAL, Verdict.UNBOUNDED, Verdict.INFEASIBLE] * 21
    assert len({tuple(f.message for f in attempt.findings) for attempt in others[2::3]}) == 1


def test_the_loop_is_free_while_solvers_work_and_cancelled_solves_make_room() -> None:
    async def cancelled_after(seconds: float, *, number: int) -> int:
        hard = hard_draft()
        tasks = [
            asyncio.create_task(evaluate(hard, PROBLEM, limits=Limits())) for _ in range(number)
        ]
        turns = 0
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            await asyncio.sleep(0.01)
            turns += 1
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return turns

    turns = asyncio.run(cancelled_after(1.0, number=2 * (os.cpu_count() or 1) + 2))
    begun = time.monotonic()
    after = asyncio.run(evaluate(GOOD, PROBLEM, limits=Limits()))

    assert turns > 10
    assert time.monotonic() - begun < 20  # each of the cancelled may take two minutes
    assert after.solved is not None


PRESSED = """
import asyncio, sys
from test_evaluate import PROBLEM, hard_draft
from opto.modeling.evaluate import evaluate
from solvers_bridge.outcome import Limits

async def main():
    print("ready", flush=True)
    await asyncio.gather(*(evaluate(hard_draft(), PROBLEM, limits=Limits()) for _ in range(5)))

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_the_process_and_its_solvers_at_once() -> None:
    paths = [str(Path(__file__).parent), *sys.path]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PRESSED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    said, complaints = process.communicate(timeout=60)

    assert said == "stopped\n"
    assert complaints == ""
    assert time.monotonic() - begun < 20


def test_the_callers_own_event_ends_the_solve_with_what_it_has() -> None:
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    limits = Limits(time_limit_s=60, interrupt=stop)

    attempt = asyncio.run(evaluate(hard_draft(), PROBLEM, limits=limits))

    assert attempt.solved is not None
    assert attempt.solved.outcome.stop is Stop.INTERRUPTED
    assert "not asked" in attempt.solved.opinion.note
