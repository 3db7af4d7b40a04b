"""Candidates without a model: points of a finite space, one choice per component.

Lives here: the space, random points, the additive surrogate.
Never here: proposals by models; `optuna` (`opto.search.strategies.tpe`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from opto.search.candidate import Candidate
from opto.search.canon import JSON, canonical
from opto.search.strategies.codec import strategy
from opto.search.strategies.lineage import spread
from opto.search.strategies.state import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

Point: TypeAlias = tuple[int, ...]
"""Index of the choice for each component."""


class Source(Protocol):
    """Makes candidates from the ledger alone, at no cost."""

    def make(self, state: State, size: int) -> list[Candidate]:
        """The candidates to measure next; possibly ones that were measured before."""
        ...


@dataclass(frozen=True, slots=True)
class Space:
    """Component to its choices, in fixed order."""

    choices: Mapping[str, tuple[JSON, ...]]

    @classmethod
    def of(cls, state: State) -> Space:
        """The values that the seed and its rewrites have, by component, the oldest first.

        Of demonstrations, the sets that were made. A task with an attribute `choices` (component
        to values) names them itself.
        """
        stated = getattr(state.view.task, "choices", None)
        found: dict[str, dict[str, JSON]] = {name: {} for name in state.view.task.components}
        if stated is None:
            seed = state.view.task.seed.id
            for candidate in state.ledger.candidates.values():
                if candidate.id == seed or candidate.parents[:1] == (seed,):
                    for name, values in found.items():
                        value = candidate.values[name]
                        values.setdefault(canonical(value), value)
            stated = {name: tuple(known.values()) for name, known in found.items()} | state.sets
        return cls({name: tuple(stated[name]) for name in found})

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.choices.values())

    @property
    def size(self) -> int:
        """Number of points; with 1 there is nothing to choose, and sources make nothing."""
        size = 1
        for width in self.widths:
            size *= width
        return size

    def candidate(self, point: Point) -> Candidate:
        """The candidate at a point."""
        pairs = zip(self.choices.items(), point, strict=True)
        return Candidate({name: values[at] for (name, values), at in pairs}, op="combine")

    def measured(self, state: State) -> dict[Point, str]:
        """Points that have measurements, and their ids."""
        places = [
            {canonical(value): at for at, value in enumerate(values)}
            for values in self.choices.values()
        ]
        found: dict[Point, str] = {}
        for name, candidate in state.ledger.candidates.items():
            keys = [canonical(candidate.values[part]) for part in self.choices]
            if state.count(name) and all(
                key in known for key, known in zip(keys, places, strict=True)
            ):
                point = tuple(known[key] for key, known in zip(keys, places, strict=True))
                found[point] = name
        return found

    def draw(self, numbers: random.Random) -> Point:
        """A point at random."""
        return tuple(numbers.randrange(width) for width in self.widths)

    def around(self, point: Point) -> list[Point]:
        """Points that differ in one component."""
        return [
            (*point[:at], choice, *point[at + 1 :])
            for at, width in enumerate(self.widths)
            for choice in range(width)
            if choice != point[at]
        ]


@strategy
@dataclass(frozen=True, slots=True)
class Random:
    """Points at random."""

    def make(self, state: State, size: int) -> list[Candidate]:
        space = Space.of(state)
        numbers = state.view.stream("points", state.step)
        size = size if space.size > 1 else 0
        return [space.candidate(space.draw(numbers)) for _ in range(size)]


@strategy
@dataclass(frozen=True, slots=True)
class Listed:
    """The sets of demonstrations one after the other, each once, the same for all components."""

    def make(self, state: State, size: int) -> list[Candidate]:
        seed = state.view.task.seed
        longest = max(map(len, state.sets.values()), default=0)
        made = [
            seed.edited(
                {name: sets[at % len(sets)] for name, sets in state.sets.items()}, op="demos"
            )
            for at in range(longest)
        ]
        return [child for child in dict.fromkeys(made) if not state.ledger.n(child.id)][:size]


@strategy
@dataclass(frozen=True, slots=True)
class Additive:
    """The highest upper bound of a Gaussian process with main effects and pairs of choices.

    Covariance of two points: one part for every component in which they agree, a smaller one for
    every pair of components. So what one combination shows is used for all that share its parts.
    Candidates for the maximum are random points and the neighborhoods of the best.
    Source: D. Duvenaud, H. Nickisch, C. E. Rasmussen, "Additive Gaussian Processes", NIPS 2011.
    """

    c: float = 1.0
    """Standard deviations above the mean."""
    pairs: float = 0.3
    """Share of the variance between points that is put down to pairs of components."""
    first: int = 8
    """Points drawn at random before the surrogate is used."""
    pool: int = 300
    """Random points among which the maximum is looked for."""

    def make(self, state: State, size: int) -> list[Candidate]:
        space, numbers = Space.of(state), state.view.stream("points", state.step)
        measured = space.measured(state)
        if space.size == 1:
            return []
        if len(measured) < self.first:
            return [space.candidate(space.draw(numbers)) for _ in range(size)]
        model = self._model(state, measured)
        means = model.at(list(measured))[0]
        order = sorted(range(len(means)), key=lambda at: -means[at])
        known = list(measured)
        points = {space.draw(numbers) for _ in range(self.pool)}
        for at in order[:5]:
            points.update((known[at], *space.around(known[at])))
        found: list[Point] = []
        for point in model.best(sorted(points), self.c)[:size]:
            near = sorted({point, *space.around(point)} - set(found))
            found.append(model.best(near, self.c)[0])
        return [space.candidate(point) for point in found]

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        """As a priority: the upper bound of measured candidates."""
        measured = Space.of(state).measured(state)
        points = {name: point for point, name in measured.items()}
        known = [name for name in names if name in points]
        found = dict.fromkeys(names, float("-inf"))
        if known:
            model = self._model(state, measured)
            means, sds = model.at([points[name] for name in known])
            for name, mean, sd in zip(known, means, sds, strict=True):
                found[name] = float(mean + self.c * sd)
        return found

    def _model(self, state: State, measured: Mapping[Point, str]) -> Surrogate:
        counts = [state.count(name) for name in measured.values()]
        means = [state.mean(name) for name in measured.values()]
        return Surrogate(self, list(measured), counts, means, spread(state.ledger))


class Surrogate:
    """The process given all measurements. Cubic in the number of measured points."""

    def __init__(
        self,
        how: Additive,
        points: Sequence[Point],
        counts: Sequence[int],
        means: Sequence[float],
        noise: float,
    ) -> None:
        """Fit it.

        Args:
            how: The covariance.
            points: k measured points.
            counts: k numbers of measurements, each at least 1.
            means: k mean scores.
            noise: Variance of a single score.
        """
        import numpy as np  # noqa: PLC0415  (only this strategy needs it)

        self._np = np
        n, y = np.array(counts, float), np.array(means)
        self._center = float((y * n).sum() / n.sum())
        between = float(np.var(y)) - noise * float((1 / n).mean())
        signal = 3 * max(between, 0.1 * noise)
        parts = len(points[0])
        couples = max(1, parts * (parts - 1) // 2)
        share = how.pairs if parts > 1 else 0.0
        self._weights = (signal, signal * (1 - share) / parts, signal * share / couples)
        self._total = signal * 2
        self._points = np.array(points)
        root = np.linalg.cholesky(self._covariance(self._points) + np.diag(noise / n))
        self._inverse = np.linalg.inv(root)
        self._weighted = self._inverse.T @ (self._inverse @ (y - self._center))

    def _covariance(self, points: NDArray[np.int64]) -> Floats:
        agree = (points[:, None, :] == self._points[None, :, :]).sum(2).astype(float)
        base, main, pair = self._weights
        found: Floats = base + main * agree + pair * agree * (agree - 1) / 2
        return found

    def at(self, points: Sequence[Point]) -> tuple[Floats, Floats]:
        """Mean and standard deviation at each point."""
        shared = self._covariance(self._np.array(points))
        explained = ((shared @ self._inverse.T) ** 2).sum(1)
        sd = self._np.sqrt(self._np.maximum(self._total - explained, 1e-12))
        return self._center + shared @ self._weighted, sd

    def best(self, points: Sequence[Point], c: float) -> list[Point]:
        """The points by upper bound, the highest first."""
        mean, sd = self.at(points)
        bound = mean + c * sd
        return [points[at] for at in sorted(range(len(points)), key=lambda at: -bound[at])]
