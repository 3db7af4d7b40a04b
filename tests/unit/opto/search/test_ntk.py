"""ZOPO's walk on a pool of 500 embedded points."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from letters import AddLetter

from opto.optimizers.search import named
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.loop import Loop
from opto.search.rules import Rules
from opto.search.strategies.embedding import register
from opto.search.strategies.ntk import ntk
from opto.search.study import Study


@dataclass
class Pool:
    """500 texts at random places; the score falls with the distance from a hidden one."""

    number: int = 0
    components: Mapping[str, str] = field(default_factory=lambda: {"text": "one of the pool"})
    worst: Cost = field(default_factory=lambda: Cost(metric=1))
    deterministic = True
    train = val = ("all",)

    def __post_init__(self) -> None:
        draw = np.random.default_rng(self.number)
        self.places = draw.normal(size=(500, 6))
        self.places /= np.linalg.norm(self.places, axis=1, keepdims=True)
        self.goal = self.places[draw.integers(500)]
        self.choices = {"text": [f"prompt {at}" for at in range(500)]}
        self.rough = draw.normal(size=500) * 0.02
        register("pool", lambda text: tuple(self.places[int(text.split()[1])]))

    @property
    def seed(self) -> Candidate:
        return Candidate({"text": "prompt 0"})

    def score(self, at: int) -> float:
        return float(-np.linalg.norm(self.places[at] - self.goal) + self.rough[at])

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        return Outcome(self.score(int(str(candidate.values["text"]).split()[1])))


def walk(task: Pool, seed: int = 0) -> Any:
    spec = named("zopo", embedding="pool", size=1)
    rules = Rules(report=0.0)
    study = Study(task, Loop(spec, AddLetter()), Budget(metric=400), seed=seed, rules=rules)
    return study.run()


def test_the_kernel_is_the_limit_of_wide_random_networks() -> None:
    draw = np.random.default_rng(0)
    points = draw.normal(size=(4, 3))
    inputs = np.hstack([points, np.ones((4, 1))])
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    hidden, out = draw.normal(size=(200_000, 4)), draw.normal(size=200_000)

    on = (inputs @ hidden.T > 0).astype(float)
    layer = np.maximum(inputs @ hidden.T, 0)
    tangents = layer @ layer.T + (on * out**2) @ on.T * (inputs @ inputs.T)
    expected = tangents / np.sqrt(np.outer(np.diag(tangents), np.diag(tangents)))

    assert ntk(points, points) == pytest.approx(expected, abs=0.02)


def test_the_walk_keeps_to_165_queries_and_beats_random_choice_of_as_many() -> None:
    found, chance = [], []

    for number in range(6):
        task = Pool(number)
        result = walk(task)
        queried = [n for n in result.ledger.candidates if result.ledger.n(n)]
        assert len(queried) <= 165 + 9  # the last neighborhood is measured whole
        scores = np.array([task.score(at) for at in range(500)])
        rank = int((scores > result.ledger.mean(result.best.id)).sum())
        found.append(rank)
        chance.append(500 / (len(queried) + 1))

    assert np.mean(found) < np.mean(chance)
    assert np.median(found) == 0


def test_the_walk_is_the_same_every_time() -> None:
    assert walk(Pool(3)).ledger.digest == walk(Pool(3)).ledger.digest


def test_unused_texts_run_out_and_the_search_ends() -> None:
    task = Pool(1)
    texts: Sequence[str] = [f"prompt {at}" for at in range(30)]
    task.choices = {"text": list(texts)}

    result = walk(task)

    assert result.stopped == "finished"
    assert result.best.values["text"] in texts
