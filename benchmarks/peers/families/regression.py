"""OPRO's linear regression as a check of the loop: prompt, order of the history, stopping.

Two unknowns, 50 points, normal noise of 1; five starts in [10, 20] squared. The fake model reads
the history in the prompt: fewer than five pairs, it names the next start; then one pair that makes
a quadratic fit unique; then the best whole numbers under the fit. The sum of squares is quadratic,
so the search has to stop at the seventh pair. It separates no algorithms and is no row.

Source: C. Yang et al., "Large Language Models as Optimizers", 2023, section 3.1.

Lives here: the instances, that fake model, one run through our OPRO.
Never here: other families.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.families.reading import read_ours, write_ours
from opto.optimizers.search import Rewriter, named
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.rules import Rules
from opto.search.strategies.evidence import History
from opto.search.study import Study

TRUTHS = ((15, 14), (17, 17), (16, 10), (3, 5), (25, 23), (2, 30), (36, -1))
_POINTS, _STARTS, _PAIR = 50, 5, re.compile(r"w=(-?\d+) b=(-?\d+)")


class Regression:
    """One instance as a task: the score is minus the sum of squares."""

    def __init__(self, truth: tuple[int, int], repetition: int) -> None:
        draw = np.random.RandomState(repetition + 1)
        self._x = np.arange(1.0, _POINTS + 1)
        self._y = truth[0] * self._x + truth[1] + draw.randn(_POINTS)
        w = np.random.RandomState(10 * (repetition + 1)).uniform(10, 20, _STARTS)
        b = np.random.RandomState(100 * (repetition + 1)).uniform(10, 20, _STARTS)
        pairs = {(round(float(p)), round(float(q))) for p, q in zip(w, b, strict=True)}
        self.starts = sorted(pairs)
        self.target = -self.loss(*truth)
        self.components: Mapping[str, str] = {"pair": "w and b, whole numbers"}
        self.seed = Candidate({"pair": _written(self.starts[0])})
        self.train: Sequence[Any] = [0]
        self.val: Sequence[Any] = [0]
        self.deterministic = True
        self.worst = Cost(metric=1)

    def loss(self, w: int, b: int) -> float:
        """Sum of squares."""
        return float(((self._y - w * self._x - b) ** 2).sum())

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        del example, rep, stream
        (pair,) = _PAIR.findall(str(candidate.values["pair"]))
        return Outcome(-self.loss(int(pair[0]), int(pair[1])))


class Fitter:
    """The fake model: a quadratic through the pairs of the prompt."""

    def __init__(self, starts: Sequence[tuple[int, int]]) -> None:
        self._starts = starts

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str:
        attempts = read_ours(messages[-1]["content"]).attempts
        known = {_pair(values["pair"]): score for values, score in attempts}
        scores = list(known.values())
        if scores != sorted(scores):
            raise AssertionError("the history is not in ascending order")
        return write_ours({"pair": _written(self._next(known))})

    def _next(self, known: Mapping[tuple[int, int], float]) -> tuple[int, int]:
        for start in self._starts:
            if start not in known:
                return start
        while len(known) <= _STARTS:
            return self._filler(known)
        return self._minimum(known)

    def _filler(self, known: Mapping[tuple[int, int], float]) -> tuple[int, int]:
        """A pair far away that makes the fit as well conditioned as it can be."""
        far = [(w, b) for w in (-60, 15, 90) for b in (-60, 15, 90)]
        return max(
            (pair for pair in far if pair not in known),
            key=lambda pair: float(np.linalg.svd(_rows([*known, pair]), compute_uv=False)[-1]),
        )

    def _minimum(self, known: Mapping[tuple[int, int], float]) -> tuple[int, int]:
        fit = np.linalg.lstsq(_rows(list(known)), -np.array(list(known.values())), rcond=None)[0]
        a, c, d, e, f, _ = fit
        w, b = np.linalg.solve([[2 * a, c], [c, 2 * d]], [-e, -f])
        near = [(round(w) + i, round(b) + j) for i in range(-3, 4) for j in range(-90, 91)]
        left = [pair for pair in near if pair not in known]
        values = _rows(left) @ fit
        return left[int(values.argmin())]


def run(truth: tuple[int, int], repetition: int) -> int:
    """How many different pairs our OPRO measures before it stops by itself; 0 if it does not."""
    task = Regression(truth, repetition)
    spec = named("opro", samples=1, target=task.target, slice_size=1, exemplars=0)
    spec = spec.but(evidence=History(exemplars=0, low=0.0, high=100.0))
    rules = Rules(report=0.0)
    algorithm = spec.algorithm(Rewriter(Fitter(task.starts)))
    found = Study(task, algorithm, Budget(metric=100), workers=1, rules=rules).run()
    return len(found.ledger.candidates) if found.stopped == "finished" else 0


def _rows(pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    w, b = np.array(pairs, float).T
    return np.stack([w * w, w * b, b * b, w, b, np.ones_like(w)], axis=1)


def _pair(text: str) -> tuple[int, int]:
    ((w, b),) = _PAIR.findall(text)
    return int(w), int(b)


def _written(pair: tuple[int, int]) -> str:
    return f"w={pair[0]} b={pair[1]}"
