"""DSPy programs under the engine: threads, budgets, resuming, caches, records."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

dspy = pytest.importorskip("dspy", reason="dspy is missing: pip install -e '.[dev,dspy]'")

from dspy.utils.callback import BaseCallback  # noqa: E402
from dspy_programs import (  # noqa: E402  (after the skip)
    Fixed,
    TwoSteps,
    adds,
    both_steps,
    exact,
    fake_lm,
    rewrites,
    sums,
    texts,
)

import opto  # noqa: E402
from opto.interop.dspy import Chat, DspyTask, OptoLM  # noqa: E402
from opto.llm.client import LM  # noqa: E402
from opto.llm.scripted import Scripted  # noqa: E402
from opto.optimizers.search import Rewriter, named  # noqa: E402
from opto.search import Cost, Study, StudyHalted  # noqa: E402
from traces.read import events  # noqa: E402
from traces.store.sqlite import Store  # noqa: E402

BETTER = rewrites(find__instructions="Give both.", add__instructions="Give a number.")


def climb() -> Any:
    return named("opto").algorithm(Rewriter(BETTER))


@pytest.mark.parametrize(
    "budget", [opto.Budget(metric=30, llm=150), opto.Budget(metric=99, llm=33)]
)
def test_one_worker_and_eight_write_the_same_ledger(budget: opto.Budget) -> None:
    numbers = random.Random()  # noqa: S311  (sleeps that differ each time)
    lm = fake_lm(both_steps, delay_s=lambda: numbers.random() / 200)

    digests = set()
    for workers in (1, 8):
        with dspy.context(lm=lm):
            task = DspyTask(TwoSteps(), texts(), exact, demos=False)
            found = Study(task, climb(), budget, seed=3, workers=workers).run()
        digests.add(found.ledger.digest)

    assert len(digests) == 1


def test_every_call_is_charged_and_no_limit_is_passed() -> None:
    budget = opto.Budget(metric=100, llm=41, tokens=560)
    lm = fake_lm(both_steps)

    with dspy.context(lm=lm):
        task = DspyTask(TwoSteps(), texts(), exact, worst=Cost(metric=1, llm=2, tokens_in=30))
        proposer = Rewriter(Chat(fake_lm(lambda system, asked: BETTER(()))))
        found = Study(task, named("opto").algorithm(proposer), budget, workers=8).run()

    proposals = len(found.ledger.proposals)
    assert found.cost.llm == len(lm.engine.asked) + proposals <= 41
    assert found.cost.tokens == 15 * (len(lm.engine.asked) + proposals) <= 560
    assert found.stopped != "finished"


class Tries(dspy.Module):
    """Takes the best of three answers."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")
        self.best = dspy.BestOfN(self.ask, N=3, reward_fn=lambda args, said: 0.0, threshold=1.0)

    def forward(self, question: str) -> Any:
        return self.best(question=question)


def test_tries_inside_a_program_see_the_candidate_and_are_charged() -> None:
    with dspy.context(lm=fake_lm(adds)):
        task = DspyTask(Tries(), sums(1), exact)
        better = task.seed.edited({"ask.instructions": "Give a number."}, op="rewrite")
        outcome = task.evaluate(better, task.train[0], 0, random.Random(0))  # noqa: S311

    assert outcome.score == 1.0  # type: ignore[union-attr]
    assert outcome.cost.llm == 3  # type: ignore[union-attr]
    assert outcome.trace.startswith("ask(question = 0 + 4?) -> answer = 4")  # type: ignore[union-attr]


def test_the_worst_of_a_program_counts_what_its_loops_can_ask() -> None:
    def look(name: str) -> str:
        """Look something up."""
        return name

    agent = dspy.ReAct("question -> answer", tools=[look], max_iters=5)

    assert DspyTask(TwoSteps(), texts(), exact).worst == Cost(metric=1, llm=4)
    assert DspyTask(agent, sums(), exact).worst.llm == 2 * (5 + 5)
    assert DspyTask(Tries(), sums(), exact).worst.llm == 2 * 3 * (1 + 1)


class Votes(dspy.Module):
    """Asks three times in threads of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    def forward(self, question: str) -> Any:
        asks = [(self.ask, dspy.Example(question=question).with_inputs("question"))] * 3
        answers = dspy.Parallel(num_threads=3, disable_progress_bar=True)(asks)
        return answers[0]


def test_calls_in_threads_that_a_program_starts_are_charged_too() -> None:
    with dspy.context(lm=fake_lm(adds)):
        task = DspyTask(Votes(), sums(), exact)
        found = Study(task, Fixed(), opto.Budget(metric=4)).run()

    assert [rollout.cost.llm for rollout in found.ledger.rollouts(task.seed.id)] == [3] * 4
    assert {rollout.cost.tokens for rollout in found.ledger.rollouts(task.seed.id)} == {45}


def test_calls_of_our_models_in_such_threads_are_recorded(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    lm = OptoLM(LM(Scripted(lambda request: "[[ ## answer ## ]]\n4")))
    with dspy.context(lm=lm):
        task = DspyTask(Votes(), sums(1), exact)
        Study(task, Fixed(), opto.Budget(metric=1), store=store, run="r").run()

    with Store(store, read_only=True) as opened:
        assert len([*events(opened, "r", kind="llm.call")]) == 3


def test_callbacks_and_trackers_of_the_user_go_on_working() -> None:
    class Heard(BaseCallback):
        calls = 0

        def on_lm_end(self, call_id: str, outputs: Any, exception: Any = None) -> None:
            self.calls += 1

    heard = Heard()
    with dspy.context(lm=fake_lm(adds), callbacks=[heard]), dspy.track_usage() as tracker:
        task = DspyTask(dspy.Predict("question -> answer"), sums(3), exact)
        Study(task, Fixed(), opto.Budget(metric=3), workers=2).run()

    assert heard.calls == 3
    assert tracker.get_total_tokens()["fake/model"]["prompt_tokens"] == 30


def test_another_repetition_is_another_answer_though_dspy_caches(tmp_path: Path) -> None:
    before = dspy.cache
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    lm = fake_lm(adds, cache=True)
    try:
        with dspy.context(lm=lm):
            task = DspyTask(dspy.Predict("question -> answer"), sums(2), exact)
            found = Study(task, Fixed(reps=3), opto.Budget(metric=6)).run()
            again = task.evaluate(task.seed, task.train[0], 1, random.Random(0))  # noqa: S311
    finally:
        dspy.cache = before

    assert len(lm.engine.asked) == 6
    assert {rollout.cost.llm for rollout in found.ledger.rollouts(task.seed.id)} == {1}
    assert again.cost == Cost()  # type: ignore[union-attr]  # from dspy's cache, so it is free


def test_a_model_of_one_predictor_is_shared_by_all_copies() -> None:
    own, common = fake_lm(adds), fake_lm(both_steps)
    program = TwoSteps()
    program.add.lm = program.judge = own

    with dspy.context(lm=common):
        task = DspyTask(program, texts(), exact)
        Study(task, climb(), opto.Budget(metric=20, llm=60), workers=4).run()

    assert own.engine.asked
    assert all("text" not in str(request.messages[-1].text)[:20] for request in own.engine.asked)
    copied = task.built(task.seed)
    assert copied.judge is copied.add.lm is own


def test_the_calls_of_a_run_are_recorded(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with dspy.context(lm=fake_lm(adds)):
        task = DspyTask(dspy.Predict("question -> answer"), sums(1), exact)
        Study(task, Fixed(), opto.Budget(metric=1), store=store, run="r").run()

    with Store(store, read_only=True) as opened:
        [call] = events(opened, "r", kind="llm.call")

    assert call.data["model"] == "dspy:fake/model"
    assert "0 + 4?" in str(call.data["request"])
    assert call.data["completion"]["usage"]["input_tokens"] == 10  # type: ignore[index, call-overload]


def test_a_run_whose_key_was_withdrawn_goes_on_without_paying_twice(tmp_path: Path) -> None:
    left = [9]

    def withdrawn(system: str, asked: Any) -> Any:
        left[0] -= 1
        return both_steps(system, asked) if left[0] > 0 else dspy.lm15.AuthError("withdrawn")

    def study(answer: Any) -> tuple[Any, Any]:
        lm = fake_lm(answer)
        with dspy.context(lm=lm):
            task = DspyTask(TwoSteps(), texts(), exact, demos=False)
            made = Study(
                task, climb(), opto.Budget(metric=30, llm=120), store=store, run="r", workers=1
            )
            try:
                return made.run(), lm
            except StudyHalted:
                return None, lm

    store = tmp_path / "whole.db"
    whole, every = study(both_steps)
    store = tmp_path / "broken.db"
    nothing, first = study(withdrawn)
    resumed, second = study(both_steps)

    assert nothing is None
    assert resumed.ledger.digest == whole.ledger.digest
    assert len(first.engine.asked) + len(second.engine.asked) <= len(every.engine.asked) + 2
    # the call that failed, and the first step of that evaluation


def test_other_examples_are_another_study(tmp_path: Path) -> None:
    def study(examples: Any) -> Any:
        task = DspyTask(dspy.Predict("question -> answer"), examples, exact)
        return Study(task, Fixed(), opto.Budget(metric=2), store=tmp_path / "runs.db", run="r")

    with dspy.context(lm=fake_lm(adds)):
        study(sums(2)).run()
        with pytest.raises(opto.OptoError, match="train"):
            study(sums(3)[1:]).run()
