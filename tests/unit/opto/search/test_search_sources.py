"""Choosing from a finite space: what the surrogate believes and what the search finds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest
from letters import AddLetter, LetterTask, measure, state_of

from opto.optimizers.search import named
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.errors import AlgorithmError
from opto.search.loop import Loop
from opto.search.rules import Rules
from opto.search.strategies.sources import Additive, Space
from opto.search.study import Study

WIDTHS = (4, 5, 6)


@dataclass
class Table:
    """Three choices; the score is a sum of effects, 0 or 1 per example."""

    components: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys("abc", "choice"))
    worst: Cost = field(default_factory=lambda: Cost(metric=1))
    deterministic: bool = False

    @property
    def choices(self) -> Mapping[str, Sequence[int]]:
        return {name: range(width) for name, width in zip("abc", WIDTHS, strict=True)}

    @property
    def seed(self) -> Candidate:
        return Candidate(dict.fromkeys("abc", 0))

    @property
    def train(self) -> Sequence[int]:
        return range(60)

    @property
    def val(self) -> Sequence[int]:
        return range(60)

    def true(self, values: Mapping[str, Any]) -> float:
        a, b, c = (int(values[name]) for name in "abc")
        return 0.1 + 0.25 * (a == 2) + 0.25 * (b == 4) + 0.25 * (c == 1)

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        return Outcome(float(stream.random() < self.true(candidate.values)))


def search(name: str, task: Any, metric: int, **options: Any) -> Any:
    loop = Loop(named(name, **options), AddLetter())
    rules = Rules(report=0.0)
    return Study(task, loop, Budget(metric=metric), workers=1, rules=rules).run()


def test_product_finds_the_best_of_120_points_in_fewer_calls_than_ten_each() -> None:
    result = search("product", Table(), 1000)

    assert dict(result.values) == {"a": 2, "b": 4, "c": 1}
    assert len(result.ledger.candidates) < 60


def test_the_surrogate_says_of_unseen_points_what_their_parts_showed() -> None:
    task = Table()
    state, _ = state_of({}, task=task)
    draw = random.Random(1)  # noqa: S311
    space = Space.of(state)
    for point in draw.sample(list(product(*map(range, WIDTHS))), 60):
        candidate = space.candidate(point)
        state.ledger.admit(candidate)
        measure(state.ledger, candidate.id, [task.true(candidate.values)] * 10)

    (made,) = Additive(c=0.0).make(state, 1)

    assert dict(made.values) == {"a": 2, "b": 4, "c": 1}


def test_the_space_is_made_of_the_seed_and_its_rewrites() -> None:
    result = search("product", LetterTask(noise=0.1), 300, proposals=6)

    seed = result.ledger.candidates[LetterTask().seed.id]
    known = {c.values["text"] for c in result.ledger.candidates.values() if c.op == "rewrite"}
    assert known
    assert result.values["text"] in known | {seed.values["text"]}
    assert result.cost.llm == 6


def test_without_choices_and_proposals_there_is_nothing_to_choose_from() -> None:
    with pytest.raises(AlgorithmError, match="nothing to choose from"):
        search("product", LetterTask(), 100, proposals=0)


@pytest.mark.parametrize(("metric", "llm"), [(3, None), (200, 0)])
def test_a_budget_too_small_for_a_space_returns_the_seed(metric: int, llm: int | None) -> None:
    task = LetterTask(noise=0.1)
    loop = Loop(named("product"), AddLetter())

    result = Study(task, loop, Budget(metric=metric, llm=llm), workers=1).run()

    assert result.best == task.seed


def test_miprov2_measures_the_leader_in_full_every_fifth_trial_and_returns_one_of_those() -> None:
    pytest.importorskip("optuna")
    task = Table()

    result = search("miprov2", task, 900, minibatch=10)

    full = [
        name
        for name in result.ledger.candidates
        if len(result.ledger.example_means(name)) == len(task.val)
    ]
    assert task.seed.id in full
    assert result.best.id in full
    assert len(full) >= 4
    means = {name: np.mean(list(result.ledger.example_means(name).values())) for name in full}
    assert task.true(result.values) > task.true(task.seed.values)
    assert means[result.best.id] >= max(means.values()) - 0.05
