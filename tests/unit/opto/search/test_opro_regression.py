"""OPRO's linear regression, with a scripted optimizer in place of the model.

Source of the 35 instances: C. Yang et al., "Large Language Models as Optimizers", 2024, section 4.1
and the released script (50 points, seeds 1 to 5, five starting pairs in [10, 20]).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from opto.optimizers.search import Rewriter, named
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.loop import Loop
from opto.search.rules import Rules
from opto.search.strategies.evidence import History
from opto.search.study import Study

TRUE_PAIRS = [(15, 14), (17, 17), (16, 10), (3, 5), (25, 23), (2, 30), (36, -1)]
_ATTEMPT = re.compile(r"w: (-?\d+)\nb: (-?\d+)\nscore: (-?\d+)")


@dataclass
class Regression:
    """The loss of a line through 50 noisy points, negated."""

    w: int
    b: int
    rep: int
    components = {"w": "slope", "b": "intercept"}  # noqa: RUF012
    train = val = ("all points",)
    deterministic = True
    worst: Cost = field(default_factory=lambda: Cost(metric=1))

    def __post_init__(self) -> None:
        self.x = np.arange(50) + 1.0
        noise = np.random.RandomState(self.rep + 1).randn(50)
        self.y = self.x * self.w + self.b + noise
        ws = np.random.RandomState((self.rep + 1) * 10).uniform(10, 20, 5)
        bs = np.random.RandomState((self.rep + 1) * 100).uniform(10, 20, 5)
        pairs = np.unique(np.round(np.stack([ws, bs], 1)).astype(int), axis=0)
        self.starts = [(int(w), int(b)) for w, b in pairs]

    @property
    def seed(self) -> Candidate:
        return Candidate(dict(zip("wb", self.starts[0], strict=True)))

    def loss(self, w: int, b: int) -> float:
        return float(((self.y - w * self.x - b) ** 2).sum())

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        return Outcome(-self.loss(candidate.values["w"], candidate.values["b"]))  # type: ignore[arg-type]


@dataclass
class Fit:
    """Reads the attempts in the prompt and answers with the minimum of a quadratic through them."""

    starts: list[tuple[int, int]]
    prompts: list[str] = field(default_factory=list)

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str:
        prompt = messages[-1]["content"]
        self.prompts.append(prompt)
        seen = {(int(w), int(b)): -float(z) for w, b, z in _ATTEMPT.findall(prompt)}
        missing = [pair for pair in self.starts if pair not in seen]
        w, b = missing[0] if missing else self._next(seen)
        return (
            f"<variable><name>w</name><value>{w}</value></variable>\n"
            f"<variable><name>b</name><value>{b}</value></variable>"
        )

    def _next(self, seen: dict[tuple[int, int], float]) -> tuple[int, int]:
        points = np.array(list(seen), float)
        rows = _quadratic(points)
        if np.linalg.matrix_rank(rows) < 6:
            around = [(w, b) for w in range(-40, 41, 5) for b in range(-40, 41, 5)]
            return max(
                (pair for pair in around if pair not in seen),
                key=lambda pair: _least(np.vstack([points, pair])),
            )
        c = np.linalg.lstsq(rows, np.array(list(seen.values())), rcond=None)[0]
        bottom = np.linalg.solve([[2 * c[3], c[4]], [c[4], 2 * c[5]]], -c[1:3])
        w, b = np.round(bottom).astype(int)
        return int(w), int(b)


def _quadratic(points: Any) -> Any:
    w, b = points[:, 0], points[:, 1]
    return np.stack([np.ones(len(w)), w, b, w * w, w * b, b * b], 1)


def _least(points: Any) -> float:
    found: float = np.linalg.svd(_quadratic(points - points.mean(0)), compute_uv=False)[-1]
    return found


@pytest.mark.parametrize("true", TRUE_PAIRS, ids=str)
@pytest.mark.parametrize("rep", range(5))
def test_a_perfect_reader_of_the_history_needs_seven_pairs(true: tuple[int, int], rep: int) -> None:
    task = Regression(*true, rep)
    model = Fit(task.starts)
    spec = named("opro", samples=1, slice_size=1, target=-task.loss(*true))
    spec = spec.but(evidence=History(exemplars=0, low=0.0, high=100.0))

    result = Study(
        task, Loop(spec, Rewriter(model)), Budget(metric=50), workers=1, rules=Rules(report=0.0)
    ).run()

    assert dict(result.values) == {"w": true[0], "b": true[1]}
    assert result.cost.metric == 7
    scores = [int(z) for _, _, z in _ATTEMPT.findall(model.prompts[-1])]
    assert scores == sorted(scores)
    assert len(scores) == 6
