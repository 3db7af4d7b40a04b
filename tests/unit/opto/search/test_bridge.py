"""BRIDGE: the few demonstrations that matter are found, and new ones are made with them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from demo_task import ManyDemos, WordTask, Writer
from letters import measure, state_of

from opto.optimizers.search import named
from opto.search import Budget, Candidate, Outcome
from opto.search.loop import Loop
from opto.search.rules import Rules
from opto.search.strategies.subsets import Generate, Subsets
from opto.search.study import Study

NO_REPORT = Rules(report=0.0)
RANDOM = Subsets(first=10**9)


def search(task: Any, budget: int, seed: int = 0, **changes: Any) -> Any:
    loop = Loop(named("bridge").but(**changes), Writer())
    return Study(task, loop, Budget(metric=budget), seed=seed, workers=1, rules=NO_REPORT).run()


def test_the_influential_demonstrations_are_found_better_than_by_chance_at_equal_budget() -> None:
    ours, random_ = [], []

    for seed in range(8):
        useful = tuple(random.Random(f"useful{seed}").sample(range(30), 3))  # noqa: S311
        task = ManyDemos(useful=useful)
        for found, source in ((ours, Subsets()), (random_, RANDOM)):
            values = search(task, 500, seed, source=source).values
            found.append((task.true(values), task.found(values), len(values["demos"])))

    true, chance = (sum(row[0] for row in rows) / 8 for rows in (ours, random_))
    assert true > chance + 0.08
    assert sum(row[1] == 3 for row in ours) >= 7
    assert sum(row[2] for row in ours) < 0.75 * sum(row[2] for row in random_)


def test_what_one_subset_showed_is_used_for_others() -> None:
    task = ManyDemos(many=6, useful=(1, 4), noise=False)
    state, _ = state_of({}, task=task)
    state.demos = [{"input": n, "output": n} for n in range(6)]
    for bits in ([1, 2], [4, 5], [0, 1, 3], [3, 4], [2, 3], [0, 5], [1, 3, 5], [0, 2, 4]):
        candidate = Candidate({"demos": [state.demos[at] for at in bits]})
        state.ledger.admit(candidate)
        state.pool.append(candidate.id)
        measure(state.ledger, candidate.id, [task.true(candidate.values)] * 10)
    whole = Candidate({"demos": state.demos})
    state.ledger.admit(whole)
    state.pool.append(whole.id)
    measure(state.ledger, whole.id, [task.true(whole.values)] * 10)

    [made] = Subsets(c=0.0, price=0.0).make(state, 1)

    assert {1, 4} <= {demo["input"] for demo in made.values["demos"]}


def test_the_first_subset_of_a_pool_is_all_of_it() -> None:
    task = ManyDemos(many=6)
    state, _ = state_of({}, task=task)
    state.demos = [{"input": n, "output": n} for n in range(6)]

    [made] = Subsets().make(state, 1)

    assert made.values["demos"] == state.demos
    assert Subsets().make(state_of({}, task=task)[0], 1) == []


class Improving(WordTask):
    """Whoever sees right demonstrations writes longer answers, worth more."""

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        outcome = super().evaluate(candidate, example, rep, stream)
        step = 1 + max((demo["output"]["step"] for demo in candidate.values["demos"]), default=0)
        return Outcome(outcome.score, output=f'{{"step": {step}}}')

    def chance(self, values: Any, word: str) -> float:
        return min(1.0, 0.4 + 0.1 * max((d["output"]["step"] for d in values["demos"]), default=0))


def test_every_round_answers_anew_with_the_best_of_the_round_before() -> None:
    result = search(
        Improving(),
        3000,
        demos=Generate(rounds=4, evaluations=5),
        stop=None,
        barren=5,
    )

    steps = [
        max((demo["output"]["step"] for demo in candidate.values["demos"]), default=0)
        for candidate in result.ledger.candidates.values()
    ]
    assert max(steps) == 4
    assert max((d["output"]["step"] for d in result.values["demos"]), default=0) >= 3


def test_without_a_success_the_labeled_examples_are_the_pool() -> None:
    class Hopeless(WordTask):
        def chance(self, values: Any, word: str) -> float:
            return 0.0 if not values["demos"] else super().chance(values, word)

    task = Hopeless()

    result = search(task, 400)

    targets = dict(task.train)
    assert result.values["demos"]
    assert all(targets[d["input"]] == d["output"] for d in result.values["demos"])


@pytest.mark.parametrize(
    ("step", "due"), [(0, False), (31, False), (32, True), (64, True), (96, False)]
)
def test_a_round_begins_after_its_evaluations(step: int, *, due: bool) -> None:
    state, _ = state_of({}, task=ManyDemos())
    state.step = step

    assert Generate().due(state) is due
