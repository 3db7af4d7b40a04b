"""Our optimizers with dspy's interface."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

dspy = pytest.importorskip("dspy", reason="dspy is missing: pip install -e '.[dev,dspy]'")

from dspy_programs import (  # noqa: E402  (after the skip)
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
from opto.interop.dspy import Teleprompter  # noqa: E402
from opto.interop.dspy.errors import ProgramError  # noqa: E402
from opto.optimizers.search import Rewriter, named  # noqa: E402
from opto.search.errors import UnknownOptimizerError  # noqa: E402

BETTER = rewrites(find__instructions="Give both.", add__instructions="Give a number.")
BUDGET = opto.Budget(metric=40, llm=200)


def test_a_compiled_program_is_a_better_copy_that_can_be_saved_and_loaded(tmp_path: Path) -> None:
    student = TwoSteps()
    teleprompter = Teleprompter(metric=exact, budget=BUDGET, prompt_model=BETTER)

    with dspy.context(lm=fake_lm(both_steps)):
        compiled = teleprompter.compile(student, trainset=texts(), valset=texts(3))
        compiled.save(tmp_path / "program.json")
        loaded = TwoSteps()
        loaded.load(tmp_path / "program.json")
        answers = [p(text="2 pears and 3 nuts").answer for p in (student, compiled, loaded)]

    assert answers == ["two", "5", "5"]
    assert compiled.opto_result.score == 1.0
    assert compiled._compiled
    assert "score" not in vars(student)


def test_a_compiled_program_can_be_copied_and_saved_whole(tmp_path: Path) -> None:
    student = dspy.Predict("question -> answer")
    model = rewrites(self__instructions="Give a number.")
    with dspy.context(lm=fake_lm(adds)):
        compiled = Teleprompter(metric=exact, budget=BUDGET, prompt_model=model).compile(
            student, trainset=sums()
        )

    assert copy.deepcopy(compiled).opto_result is compiled.opto_result

    compiled.save(tmp_path / "whole", save_program=True)
    loaded = dspy.load(tmp_path / "whole", allow_pickle=True)
    assert loaded.signature.instructions == "Give a number."
    assert loaded.opto_result["score"] == 1.0


def test_without_another_model_dspys_own_writes_the_candidates() -> None:
    def model(system: str, asked: Any) -> Any:
        return adds(system, asked) if "question" in asked else written([])

    written = rewrites(self__instructions="Give a number.")
    lm = fake_lm(model)
    with dspy.context(lm=lm):
        compiled = Teleprompter(metric=exact, budget=BUDGET).compile(
            dspy.Predict("question -> answer"), trainset=sums()
        )

    assert compiled.signature.instructions == "Give a number."
    assert compiled.opto_result.cost.llm == len(lm.engine.asked)
    assert compiled.opto_result.cost.tokens == 15 * len(lm.engine.asked)


def test_demonstrations_can_be_all_that_is_learnt() -> None:
    def model(system: str, asked: Any) -> Any:
        return adds("number" if lm.engine.asked[-1].messages[2:] else "", asked)

    lm = fake_lm(model)
    with dspy.context(lm=lm):
        compiled = Teleprompter(
            named("bootstrap_random_search", candidates=2, labeled=2),
            metric=exact,
            budget=opto.Budget(metric=60),
            workers=1,
        ).compile(dspy.Predict("question -> answer"), trainset=sums(4), valset=sums(3))

    assert len(compiled.demos) == 2
    assert compiled.opto_result.score == 1.0


def test_what_would_do_nothing_is_refused() -> None:
    algorithm = named("opto").algorithm(Rewriter(BETTER))

    with pytest.raises(UnknownOptimizerError, match="gepa"):
        Teleprompter("gepaa", metric=exact, budget=BUDGET)
    with pytest.raises(ProgramError, match="prompt_model"):
        Teleprompter(algorithm, metric=exact, budget=BUDGET, prompt_model=BETTER)
    with pytest.raises(ProgramError, match="teacher"):
        Teleprompter(algorithm, metric=exact, budget=BUDGET).compile(
            TwoSteps(), trainset=texts(), teacher=TwoSteps()
        )
