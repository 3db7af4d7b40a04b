"""When a search ends early, when it is an error, and what a result warns of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from letters import AddLetter, LetterTask
from toy_search import NumberTask, RandomSearch

from opto.optimizers.search import named
from opto.search import Budget, Cost, Evaluate, Outcome, Proposal, Propose, Study, TextTask
from opto.search.enough import PROOF
from opto.search.errors import BudgetError, EvaluationError, SearchError
from opto.search.guide import exact_match
from opto.search.loop import Loop
from opto.search.optimize import optimize
from opto.search.progress import Progress
from opto.search.recorded import asked_of, read_search
from traces.store.sqlite import Store

WORDS = ["bye", "hi", "hello"]
DATA = [(name, f"hello {name}") for name in ("Ann", "Bob", "Cy", "Di")]


@dataclass(frozen=True)
class Say:
    """Proposes the next word of a list, one at a time, after measuring the parent in full."""

    words: Sequence[str]
    malformed: bool = False
    name: str = "say"
    reserve: float = 0.0

    def describe(self) -> dict[str, Any]:
        return {"words": [*self.words]}

    def run(self, view: Any) -> Any:
        best = view.task.seed
        yield [Evaluate(best, example) for example in range(view.size("val"))]
        for number in range(len(self.words)):
            found = yield [Propose("word", number, (best.id,))]
            for child in (child for proposal in found for child in proposal.candidates):
                yield [Evaluate(child, example) for example in range(view.size("val"))]
        return view.ledger.candidates[(view.ledger.ranked() or [best.id])[0]]

    def propose(self, action: Any, parents: Any, stream: random.Random) -> Proposal:
        if self.malformed:
            return Proposal(note="\nnot\na word", cost=Cost(llm=1), status="malformed")
        word = self.words[action.payload]
        return Proposal((parents[0].edited({"word": word}, op="word"),), cost=Cost(llm=1))


class Known(LetterTask):
    """The same, where it is known that no score is above 1."""

    best_score = 1.0


def greeting(word: str, **options: Any) -> TextTask:
    options = {"deterministic": True, **options}
    return TextTask(
        {"word": word}, lambda v, name: f"{v['word']} {name}", DATA, exact_match, **options
    )


def test_a_perfect_seed_costs_no_proposal() -> None:
    result = Study(greeting("hello"), Say(WORDS), Budget(metric=100, llm=9)).run()

    assert result.stopped == "nothing to gain"
    assert (result.cost.llm, result.cost.metric, result.score) == (0, 4, 1.0)
    assert result.best.values == {"word": "hello"}


def test_a_perfect_child_ends_the_search() -> None:
    result = Study(greeting("bye"), Say(["hi", "hello", "howdy"]), Budget(metric=100)).run()

    assert (result.stopped, result.cost.llm) == ("nothing to gain", 2)
    assert result.best.values == {"word": "hello"}


def test_nothing_is_guessed_where_the_guide_does_not_say_what_is_best() -> None:
    task = TextTask({"word": "hello"}, lambda v, x: "", DATA, lambda o, e: 1.0, deterministic=True)

    result = Study(task, Say(WORDS), Budget(metric=100)).run()

    assert (result.stopped, result.cost.llm) == ("finished", 3)


def test_where_scores_may_be_noisy_thirty_measurements_must_agree() -> None:
    task = greeting("hello", deterministic=False)

    result = Study(task, Say(WORDS), Budget(metric=400)).run()
    poor = Study(task, Say(WORDS), Budget(metric=60)).run()

    assert result.stopped == "nothing to gain"
    assert result.ledger.n(task.seed.id) >= PROOF
    assert result.cost.llm == 0
    assert poor.stopped == "finished"  # too dear to find out
    assert poor.cost.llm == 3


def test_luck_is_no_proof() -> None:
    class Often(TextTask):
        def evaluate(self, candidate: Any, example: Any, rep: int, stream: random.Random) -> Any:
            return Outcome(float(rep == 0 or stream.random() < 0.7))

    task = Often({"word": ""}, lambda v, x: "", DATA, exact_match)

    result = Study(task, Say(WORDS), Budget(metric=400)).run()

    assert result.stopped == "finished"
    assert result.cost.llm == 3


@pytest.mark.parametrize("workers", [1, 8])
def test_a_search_that_ended_early_is_resumed_as_it_was(tmp_path: Path, workers: int) -> None:
    task = greeting("hello", deterministic=False)
    kept = {"store": tmp_path / "runs.db", "run": "r", "workers": workers}

    first = Study(task, Say(WORDS), Budget(metric=400), **kept).run()  # type: ignore[arg-type]
    again = Study(task, Say(WORDS), Budget(metric=400), **kept).run()  # type: ignore[arg-type]

    assert again.ledger.digest == first.ledger.digest
    assert again.stopped == "nothing to gain"


def test_the_default_algorithm_asks_no_model_about_a_perfect_seed() -> None:
    task = LetterTask(deterministic=True, start="abcdef")
    spent = [
        Study(each, Loop(named("opto"), AddLetter()), Budget(metric=200, llm=20)).run().cost.llm
        for each in (task, Known(deterministic=True, start="abcdef"))
    ]

    assert spent[0] > 0
    assert spent[1] == 0


def test_when_every_evaluation_fails_it_is_an_error_however_small_the_budget(
    tmp_path: Path,
) -> None:
    def broken(output: Any, example: Any) -> float:
        raise KeyError("no such column")

    with pytest.raises(EvaluationError) as error:
        optimize(
            ({"word": "hi"}, lambda v, x: v["word"]), DATA, broken,
            optimizer=Say(WORDS), budget=Budget(metric=5), store=tmp_path / "r.db", run="r",
        )  # fmt: skip

    assert "Every evaluation failed" in str(error.value)
    assert "no such column" in error.value.first
    with Store(tmp_path / "r.db", read_only=True) as store:
        assert read_search(store, "r").result.stopped == "every evaluation failed"


def test_a_result_warns_of_proposals_that_all_failed() -> None:
    result = Study(greeting("bye"), Say(WORDS, malformed=True), Budget(metric=90)).run()

    assert result.warnings == ("all 3 proposals failed (3 malformed); the first: not",)
    assert "all 3 proposals failed (3 malformed)" in repr(result)
    assert "\n" not in repr(result)
    assert "all 3 proposals failed (3 malformed)" in result._repr_html_()


def test_a_result_warns_of_failed_evaluations_and_of_nothing_new_but_not_of_little() -> None:
    crashing = Study(NumberTask(crash=0.5), RandomSearch(), Budget(metric=90), seed=2).run()
    repeating = Study(greeting("bye"), Say(["bye", "bye"]), Budget(metric=90)).run()
    fine = Study(NumberTask(), RandomSearch(malformed=0.1), Budget(metric=200)).run()

    assert "evaluations failed" in crashing.warnings[0]
    assert "the evaluator crashed" in crashing.warnings[0]
    assert repeating.warnings == ("no proposal was new: all 2 were known already",)
    assert fine.warnings == ()


def test_a_budget_that_was_too_small_to_try_anything_is_said() -> None:
    result = Study(greeting("bye"), Say(WORDS), Budget(metric=40, llm=0)).run()

    assert result.warnings == ("the budget (llm) ended before anything was proposed",)


def test_repeated_exact_scores_are_not_sold_as_fresh_measurements() -> None:
    def half(output: Any, example: Any) -> float:
        return float(example[0] in {"Ann", "Bob"})

    task = TextTask({"word": ""}, lambda v, x: "", DATA, half)

    result = Study(task, Say(["a"]), Budget(metric=200)).run()

    assert result.score == 0.5
    assert result.estimate.n == 4  # not the twenty that were made
    assert not result.estimate.unbiased
    assert "gave the same scores again" in result.estimate.basis
    assert result.before.n == 4


def test_what_the_seed_scored_says_on_which_examples() -> None:
    class Elsewhere(Say):
        def run(self, view: Any) -> Any:
            yield [Evaluate(view.task.seed, example, "train") for example in range(4)]
            return view.task.seed

    val = Study(greeting("bye"), Say([]), Budget(metric=40)).run().before
    train = Study(greeting("bye"), Elsewhere([]), Budget(metric=4)).run().before

    assert (val.mean, val.n, val.basis.split()[1]) == (0.0, 4, "validation")
    assert (train.mean, train.n, train.basis.split()[1]) == (0.0, 4, "training")


def test_a_limit_that_does_not_exist_is_named_with_its_near_miss() -> None:
    with pytest.raises(BudgetError, match="Did you mean 'metric'"):
        Budget(metrics=5)  # type: ignore[call-arg]
    with pytest.raises(BudgetError, match=r"Budget\(metric=500\)"):
        Budget(500)  # type: ignore[misc]


def test_a_watcher_hears_of_leader_cost_and_failures() -> None:
    heard: list[Progress] = []

    result = optimize(
        ({"word": "bye"}, lambda v, name: f"{v['word']} {name}"), DATA, exact_match,
        optimizer=Say(["hi", "hello"]), budget=Budget(metric=60, llm=9), progress=heard.append,
    )  # fmt: skip

    assert [p.phase for p in heard][-1] == "ended"
    assert heard[-1].spent == result.cost
    assert (heard[-1].seed.mean, heard[-1].best.mean) == (0.0, 1.0)
    assert heard[-1].best_id == result.best.id
    assert heard[-1].budget == Budget(metric=60, llm=9)
    assert all(a.spent.metric <= b.spent.metric for a, b in pairwise(heard))


def test_a_run_has_a_store_and_is_continued_by_its_name(tmp_path: Path) -> None:
    program = ({"word": "bye"}, lambda v, name: f"{v['word']} {name}")
    given: Any = {"optimizer": Say(["hi", "hello"]), "budget": Budget(metric=60)}

    with pytest.raises(SearchError, match=r"store='runs\.db'"):
        optimize(program, DATA, exact_match, run="r", **given)
    first = optimize(program, DATA, exact_match, store=tmp_path / "r.db", run="r", **given)
    again = optimize(program, DATA, exact_match, store=tmp_path / "r.db", run="r", **given)

    assert again.ledger.digest == first.ledger.digest
    with Store(tmp_path / "r.db", read_only=True) as store:
        assert asked_of(store, "r").ended


def test_a_recorded_search_is_read_as_the_result_it_had(tmp_path: Path) -> None:
    kept: Any = {"store": tmp_path / "r.db", "run": "r"}
    result = Study(NumberTask(crash=0.2), RandomSearch(), Budget(metric=150), **kept).run()

    with Store(tmp_path / "r.db", read_only=True) as store:
        found = read_search(store, "r")

    read = found.result
    assert found.ended
    assert (read.best, read.estimate, read.stopped) == (
        result.best, result.estimate, result.stopped,
    )  # fmt: skip
    assert read.cost.metric == result.cost.metric
    assert read.warnings == result.warnings
    assert [p.leader for p in read.history][-1] == [p.leader for p in result.history][-1]
    with pytest.raises(SearchError, match="no program"):
        read.apply()


def test_without_a_limit_on_metric_calls_a_proof_is_never_too_dear() -> None:
    task = greeting("hello", deterministic=False)

    result = Study(task, Say(WORDS), Budget(llm=5)).run()

    assert (result.stopped, result.cost.llm) == ("nothing to gain", 0)
