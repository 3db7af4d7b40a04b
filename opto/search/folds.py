"""Running statistics of scores: one update per result, cheap to ask at any time.

Lives here: `Moments` and `Scores`.
Never here: results as such, candidates, files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

from opto.search.results import Rollout


@dataclass(slots=True)
class Moments:
    """Count, mean and sum of squared deviations, updated one number at a time.

    Source: B. P. Welford, Technometrics 4(3), 1962.
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one more number in."""
        self.n += 1
        off = value - self.mean
        self.mean += off / self.n
        self.squares += off * (value - self.mean)

    @property
    def mean_or_none(self) -> float | None:
        return self.mean if self.n else None

    @property
    def sd(self) -> float | None:
        """Standard deviation with n - 1; None under two numbers."""
        return sqrt(max(self.squares, 0.0) / (self.n - 1)) if self.n > 1 else None


_NONE = Moments()


@dataclass(slots=True)
class Scores:
    """Statistics of one split: per candidate, per example, per objective, and the front."""

    candidates: dict[str, Moments] = field(default_factory=dict)
    examples: dict[str, dict[int, Moments]] = field(default_factory=dict)
    """Candidate to example to its scores."""
    objectives: dict[str, dict[str, Moments]] = field(default_factory=dict)
    max_rep: int = -1
    _by_example: dict[int, dict[str, Moments]] = field(default_factory=dict)
    _front: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _stale: dict[int, None] = field(default_factory=dict)
    """Examples with results since the front was last worked out."""

    def add(self, rollout: Rollout, score: float) -> None:
        """Take a successful measurement in."""
        name, example = rollout.candidate, rollout.example
        self.candidates.setdefault(name, Moments()).add(score)
        here = self.examples.setdefault(name, {}).get(example)
        if here is None:
            here = self.examples[name][example] = Moments()
            self._by_example.setdefault(example, {})[name] = here
        here.add(score)
        for objective, value in rollout.scores.items():
            self.objectives.setdefault(name, {}).setdefault(objective, Moments()).add(value)
        self.max_rep = max(self.max_rep, rollout.rep)
        self._stale[example] = None

    def of(self, candidate: str) -> Moments:
        """The statistics of a candidate; do not change them."""
        return self.candidates.get(candidate, _NONE)

    def of_example(self, candidate: str, example: int) -> Moments:
        """The statistics of a candidate on one example; do not change them."""
        return self.examples.get(candidate, {}).get(example, _NONE)

    def front(self) -> dict[int, tuple[str, ...]]:
        """Example to the candidates with the best mean on it, examples in ascending order."""
        for example in self._stale:
            means = self._by_example[example]
            best = max(moments.mean for moments in means.values())
            self._front[example] = tuple(n for n, moments in means.items() if moments.mean == best)
        self._stale.clear()
        return {example: self._front[example] for example in sorted(self._front)}
