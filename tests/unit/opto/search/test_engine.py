"""The engine: the same ledger for any number of workers, budgets kept, faults survived."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_search import NumberTask, RandomSearch

from opto.search import (
    Budget,
    Candidate,
    Cost,
    Evaluate,
    Outcome,
    Proposal,
    Propose,
    Rules,
    Study,
)
from opto.search.errors import AlgorithmError, EvaluationError, ResumeError, SearchError
from opto.search.result import Result


@dataclass(frozen=True)
class Script(RandomSearch):
    """An algorithm given as a function of the view."""

    steps: Any = None
    name: str = "script"

    def run(self, view: Any) -> Any:
        return self.steps(view)


@pytest.mark.parametrize("budget", [Budget(metric=120), Budget(metric=500, llm=17)])
def test_the_ledger_does_not_depend_on_workers_and_sleeps(budget: Budget) -> None:
    digests = set()

    for workers, sleep in ((1, 0.0), (2, 0.003), (8, 0.003)):
        task = NumberTask(sleep=sleep, crash=0.1)
        algorithm = RandomSearch(sleep=sleep, malformed=0.2)
        digests.add(Study(task, algorithm, budget, workers=workers).run().ledger.digest)

    assert len(digests) == 1


def test_another_seed_gives_another_ledger() -> None:
    runs = [Study(NumberTask(), RandomSearch(), Budget(metric=60), seed=s).run() for s in (0, 1)]

    assert runs[0].ledger.digest != runs[1].ledger.digest


def ended(study: Study) -> Result:
    """The result, also where every evaluation crashed."""
    try:
        return study.run()
    except EvaluationError:
        return study.result


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_limit_is_exceeded_with_64_workers_and_random_costs(data: Any) -> None:
    limits = Budget(
        metric=data.draw(st.integers(0, 90)),
        llm=data.draw(st.integers(0, 40)),
        tokens=data.draw(st.integers(0, 3000)),
        usd=Decimal(data.draw(st.integers(0, 300))) / 100,
    )
    worst = Cost(metric=1, llm=2, tokens_in=50, usd=Decimal("0.05"))

    class Costly(NumberTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            outcome = super().evaluate(candidate, example, rep, stream)
            spent = Cost(
                llm=stream.randint(0, 2),
                tokens_in=stream.randint(0, 50),
                usd=Decimal(stream.randint(0, 5)) / 100,
            )
            return replace(outcome, cost=spent)

    task = Costly(worst=worst, crash=data.draw(st.sampled_from([0.0, 0.3])))
    algorithm = RandomSearch(width=4, reserve=data.draw(st.sampled_from([0.0, 0.3])))
    seed = data.draw(st.integers(0, 99))
    many = ended(Study(task, algorithm, limits, workers=64, seed=seed))
    one = ended(Study(task, algorithm, limits, workers=1, seed=seed))

    assert many.cost.metric <= limits.metric
    assert many.cost.llm <= limits.llm
    assert many.cost.tokens <= limits.tokens
    assert many.cost.usd <= limits.usd
    assert many.ledger.digest == one.ledger.digest


def test_a_price_nobody_stated_is_learned_from_one_call_before_many_start() -> None:
    class Pricey(NumberTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            return Outcome(1.0, cost=Cost(llm=1, usd=Decimal("0.4")))

    result = Study(Pricey(size=20), RandomSearch(), Budget(usd=1), workers=64).run()

    assert result.cost.usd == Decimal("0.8")


def test_dollars_stop_when_a_price_is_unknown() -> None:
    class Unpriced(NumberTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            return Outcome(1.0, cost=Cost(llm=1, unpriced=1))

    result = Study(Unpriced(), RandomSearch(), Budget(usd=1), workers=64).run()

    assert "price of a model call is unknown" in result.stopped
    assert result.cost.metric == 1


def test_crashes_are_recorded_retried_charged_and_not_scored() -> None:
    tried: list[int] = []

    class Crashing(NumberTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            tried.append(example)
            if example == 2:
                raise RuntimeError("example 2 is broken")
            return Outcome(1.0)

    result = Study(Crashing(), RandomSearch(rounds=0), Budget(metric=50), workers=1).run()

    failure = result.ledger.rollout(result.best.id, 2, "val", 0)
    assert failure is not None
    assert (failure.status, failure.score, failure.cost.metric) == ("error", None, 2)
    assert "example 2 is broken" in failure.note
    assert tried[:6] == [0, 1, 2, 2, 3, 4]
    assert result.ledger.mean(result.best.id) == 1.0
    assert result.cost.metric == len(tried)


def test_a_score_that_is_no_number_is_a_failure() -> None:
    class Odd(NumberTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            return [Outcome(float("nan")), "good", None, Outcome(1.0), 1][example]

    result = Study(Odd(), RandomSearch(rounds=0), Budget(metric=50), workers=1).run()

    found = result.ledger.rollouts(result.best.id, "val")[:5]
    assert [r.status for r in found] == ["error", "error", "error", "ok", "ok"]


def test_bad_proposals_have_a_status_are_charged_and_the_search_goes_on() -> None:
    class ServerDownError(Exception):
        code = "llm.server"

    @dataclass(frozen=True)
    class Proposer(Script):
        def propose(self, action: Propose, parents: Any, stream: random.Random) -> Any:
            if action.payload == "model":
                raise ServerDownError("no connection")
            if action.payload == "bug":
                raise TypeError("a bug")
            if action.payload == "nothing":
                return None
            values: Any = {"seed": {"x": 0.1}, "keys": {"z": 1}, "new": {"x": 0.5}}[action.payload]
            return Proposal((Candidate(values),), cost=Cost(llm=1))

    kinds = ["model", "bug", "nothing", "seed", "keys", "new", "new"]
    seen: list[Any] = []

    def steps(view: Any) -> Any:
        seen.extend((yield [Propose("p", kind, (), n) for n, kind in enumerate(kinds)]))
        return view.task.seed

    result = Study(NumberTask(), Proposer(steps=steps), Budget(metric=50), workers=8).run()

    assert [p.status for p in seen] == [
        "model_failed", "error", "error", "duplicate", "malformed", "ok", "duplicate",
    ]  # fmt: skip
    assert result.cost.llm == 7


def test_code_that_always_fails_ends_the_run_with_the_first_traceback(tmp_path: Path) -> None:
    class Broken(NumberTask):
        fixed = False

        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            if self.fixed:
                return Outcome(1.0)
            raise KeyError(f"column {example}")

    task = Broken(size=30)

    def study() -> Study:
        store = tmp_path / "runs.db"
        return Study(task, RandomSearch(rounds=1), Budget(metric=90), store=store, run="r")

    with pytest.raises(EvaluationError, match="10 times in a row") as caught:
        study().run()
    assert "KeyError: 'column 0'" in caught.value.first

    task.fixed = True
    result = study().run()

    assert result.ledger.mean(task.seed.id) == 1.0


def test_an_algorithm_that_raises_is_named_with_its_step() -> None:
    def steps(view: Any) -> Any:
        yield [Evaluate(view.task.seed, 0)]
        raise ZeroDivisionError("oops")

    with pytest.raises(AlgorithmError, match="'script' raised ZeroDivisionError: oops") as caught:
        Study(NumberTask(), Script(steps=steps), Budget(metric=9)).run()

    assert caught.value.where == "step 1"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["x"], "asked for str"),
        ([Evaluate(Candidate({"x": 0.1}), 99)], "example 99 of 5"),
        ([Evaluate(Candidate({"y": 0.1}), 0)], "other components"),
        ([Propose("p", None, ("nobody",))], "does not know"),
        (7, "yielded int"),
    ],
)
def test_what_cannot_be_asked_for_is_an_error_of_the_algorithm(asked: Any, message: str) -> None:
    def steps(view: Any) -> Any:
        yield asked

    with pytest.raises(AlgorithmError, match=message):
        Study(NumberTask(), Script(steps=steps), Budget(metric=9)).run()


def test_an_algorithm_must_return_a_candidate() -> None:
    def steps(view: Any) -> Any:
        yield []

    with pytest.raises(AlgorithmError, match="returned NoneType"):
        Study(NumberTask(), Script(steps=steps), Budget(metric=9)).run()


def test_an_algorithm_that_never_stops_is_stopped() -> None:
    def steps(view: Any) -> Any:
        while True:
            yield []

    with pytest.raises(AlgorithmError, match="goes on after"):
        Study(NumberTask(), Script(steps=steps), Budget(metric=9)).run()


def test_a_measurement_is_paid_once() -> None:
    def steps(view: Any) -> Any:
        seed = view.task.seed
        first = yield [Evaluate(seed, 0), Evaluate(seed, 0), Evaluate(seed, 0, rep=1)]
        second = yield [Evaluate(seed, 0)]
        costs.extend(r.cost.metric for r in (*first, *second))
        assert first[0].score == first[1].score == second[0].score != first[2].score
        assert first[0].feedback == second[0].feedback
        return seed

    costs: list[int] = []
    rules = Rules(report=0)
    result = Study(NumberTask(), Script(steps=steps), Budget(metric=9), rules=rules).run()

    assert costs == [1, 0, 1, 0]
    assert result.ledger.n(result.best.id) == 2


def test_repetitions_of_a_deterministic_task_are_one() -> None:
    def steps(view: Any) -> Any:
        yield [Evaluate(view.task.seed, 0, rep=rep) for rep in range(4)]
        return view.task.seed

    task = NumberTask(deterministic=True, noise=0)
    result = Study(task, Script(steps=steps), Budget(metric=9), rules=Rules(report=0)).run()

    assert result.cost.metric == 1


def test_a_cut_batch_is_a_prefix_and_opens_the_reserve() -> None:
    def steps(view: Any) -> Any:
        asked = [Evaluate(view.task.seed, n % 5, rep=n // 5) for n in range(20)]
        assert view.left.metric == 6
        results = yield asked
        kept.extend(r.rep * 5 + r.example for r in results)
        assert view.exhausted
        assert view.left.metric == 4
        results = yield asked[:9]
        kept.extend(r.rep * 5 + r.example for r in results if r.cost.metric)
        return view.task.seed

    kept: list[int] = []
    algorithm = Script(steps=steps, reserve=0.4)
    result = Study(
        NumberTask(), algorithm, Budget(metric=10), rules=Rules(report=0, retries=0)
    ).run()

    assert kept == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert result.stopped == "metric"


def test_a_slow_call_times_out_and_its_slot_is_used_again() -> None:
    release = threading.Event()

    class Slow(NumberTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            if example in {0, 1}:
                release.wait(20)
            return Outcome(1.0)

    start = time.monotonic()
    study = Study(
        Slow(), RandomSearch(rounds=0), Budget(metric=40), workers=2, rules=Rules(seconds=0.2)
    )
    result = study.run()
    release.set()

    statuses = [r.status for r in result.ledger.rollouts(result.best.id)[:5]]
    assert statuses == ["timeout", "timeout", "ok", "ok", "ok"]
    assert time.monotonic() - start < 10


def test_async_code_runs_and_is_cancelled_when_late() -> None:
    cancelled: list[int] = []

    class Later(NumberTask):
        async def evaluate(self, candidate: Any, example: Any, rep: int, stream: Any) -> Any:  # type: ignore[override]
            try:
                await asyncio.sleep(30 if example == 1 else 0.001)
            except asyncio.CancelledError:
                cancelled.append(example)
                raise
            return Outcome(1.0)

    rules = Rules(seconds=2, report=0)  # far above what a busy machine takes for the others
    result = Study(Later(), RandomSearch(rounds=0), Budget(metric=40), workers=3, rules=rules).run()

    statuses = [r.status for r in result.ledger.rollouts(result.best.id)]
    assert statuses == ["ok", "timeout", "ok", "ok", "ok"]
    until = time.monotonic() + 10
    while not cancelled and time.monotonic() < until:  # the loop's thread gets there in its time
        time.sleep(0.01)
    assert cancelled == [1]


def test_seconds_stop_new_actions_and_still_leave_a_recommendation() -> None:
    start = time.monotonic()
    result = Study(
        NumberTask(sleep=0.02), RandomSearch(), Budget(seconds=1.0), workers=4, rules=Rules()
    ).run()

    assert time.monotonic() - start < 5
    assert result.stopped == "seconds"
    assert result.estimate.unbiased


def test_ask_and_tell_give_the_ledger_of_run(tmp_path: Path) -> None:
    task, algorithm = NumberTask(), RandomSearch(malformed=0.2)
    whole = Study(task, algorithm, Budget(metric=70), workers=1).run()

    study = Study(task, algorithm, Budget(metric=70), store=tmp_path / "runs.db", run="r")
    for _ in range(6):
        _tell(study, task, algorithm)
    study.close()
    study = Study(task, algorithm, Budget(metric=70), store=tmp_path / "runs.db", run="r")
    while _tell(study, task, algorithm):
        pass

    assert study.result.ledger.digest == whole.ledger.digest
    assert study.result.best == whole.best


def _tell(study: Study, task: NumberTask, algorithm: RandomSearch) -> Sequence[Any]:
    """Carry out by hand what was asked, with the random streams of the engine."""
    from opto.search.streams import stream  # noqa: PLC0415

    asked = study.ask()
    assert study.ask() == asked
    results: list[Any] = []
    for ticket in study._out:
        action = ticket.action
        if isinstance(action, Evaluate):
            key = (action.candidate.id, action.split, action.example, action.rep)
            numbers = stream(0, "evaluate", *key)
            results.append(task.evaluate(action.candidate, action.example, action.rep, numbers))
        else:
            parents = [study.ledger.candidates[p] for p in action.parents]
            results.append(algorithm.propose(action, parents, stream(0, "propose", ticket.id)))
    study.tell(results)
    return asked


def test_telling_what_was_not_asked_is_refused() -> None:
    study = Study(NumberTask(), RandomSearch(), Budget(metric=70))
    study.ask()

    with pytest.raises(SearchError, match="5 actions were asked for, 1 results"):
        study.tell([1.0])
    with pytest.raises(SearchError, match="has not ended"):
        _ = study.result


def test_another_study_is_not_resumed_and_the_differences_are_named(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    Study(NumberTask(), RandomSearch(), Budget(metric=20), store=store, run="r").run()

    with pytest.raises(ResumeError) as caught:
        Study(
            NumberTask(size=6),
            RandomSearch(width=4),
            Budget(metric=20),
            seed=1,
            store=store,
            run="r",
        ).run()

    paths = [path for path, _, _ in caught.value.differences]
    assert paths == ["algorithm.settings.width", "seed", "task.train", "task.val"]


def test_an_algorithm_that_is_not_deterministic_is_found_out(tmp_path: Path) -> None:
    def steps(view: Any) -> Any:
        yield [Evaluate(view.task.seed, wanted[0])]
        yield [Evaluate(view.task.seed, 4)]
        return view.task.seed

    wanted = [0]
    store = tmp_path / "runs.db"
    Study(NumberTask(), Script(steps=steps), Budget(metric=20), store=store, run="r").run()
    wanted[0] = 1

    with pytest.raises(ResumeError, match="step 0, action 0"):
        Study(NumberTask(), Script(steps=steps), Budget(metric=20), store=store, run="r").run()
