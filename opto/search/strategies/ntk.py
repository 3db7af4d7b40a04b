"""ZOPO: walking a finite pool of texts along the gradient of a Gaussian process.

Lives here: the kernel of an infinitely wide network, and `NtkGradient`, a source over it.
Never here: embeddings (`embedding`), making the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from opto.search.candidate import Candidate
from opto.search.strategies.codec import strategy
from opto.search.strategies.embedding import embedded
from opto.search.strategies.sources import Point, Space
from opto.search.strategies.state import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


def ntk(left: Floats, right: Floats) -> Floats:
    """Neural tangent kernel of one hidden layer of ReLUs and a bias, scaled to 1 at equal points.

    Args:
        left: n points, one a row.
        right: m points.

    Returns:
        n by m.

    Source: A. Jacot, F. Gabriel, C. Hongler, "Neural Tangent Kernel", NeurIPS 2018; closed form
    with the arc-cosine kernels of Y. Cho, L. Saul, NIPS 2009.
    """
    import numpy as np  # noqa: PLC0415  (only this strategy needs it)

    a = np.hstack([left, np.ones((len(left), 1))])
    b = np.hstack([right, np.ones((len(right), 1))])
    cosine = (a @ b.T) / np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    cosine = np.clip(cosine, -1, 1)
    angle = np.pi - np.arccos(cosine)
    found: Floats = (2 * cosine * angle + np.sqrt(1 - cosine**2)) / (2 * np.pi)
    return found


@strategy
@dataclass(frozen=True, slots=True)
class NtkGradient:
    """From the last point a step along the gradient of the posterior mean, to the nearest new text.

    Where the posterior is unsure of the point it stands on, or flat, the nearest texts are measured
    instead; after `tolerance` points without a new best it starts from the best again.
    Source: W. Hu et al., "Localized Zeroth-Order Prompt Optimization", NeurIPS 2024. There the
    kernel is that of a random finite network and the step is Adam's; here the kernel is exact and
    the step has length `step`, so the walk depends on nothing but the measurements.
    """

    by: str = "words"
    """Name of the embedding."""
    first: int = 40
    """Texts measured at random before the walk."""
    near: int = 20
    """Nearest measured texts that the process is fitted to."""
    step: float = 0.3
    tolerance: int = 2
    unsure: float = 0.1
    """Variance, as a part of that before any measurement, above which the neighborhood is read."""
    local: int = 10
    """Texts of the neighborhood."""

    def make(self, state: State, size: int) -> list[Candidate]:
        """See `Source.make`; none when the pool is used up."""
        import numpy as np  # noqa: PLC0415  (see ntk)

        space = Space.of(state)
        pool = self._pool(state, space)
        measured = list(space.measured(state))
        rest = [point for point in pool if point not in set(measured)]
        if not rest:
            return []
        if len(measured) < self.first:
            numbers = state.view.stream("points", state.step)
            drawn = numbers.sample(rest, min(self.first - len(measured), len(rest)))
            return [space.candidate(point) for point in drawn]
        names = space.measured(state)
        scores = np.array([state.mean(names[point]) for point in measured])
        places = np.array([self._place(space, point) for point in measured])
        far = np.array([self._place(space, point) for point in rest])
        here, gradient, unsure = self._look(places, scores)
        length = float(np.linalg.norm(gradient))
        if unsure > self.unsure or length < 1e-9:  # noqa: PLR2004  (flat)
            return [space.candidate(rest[at]) for at in _nearest(far, here)[: self.local]]
        goal = here + self.step * gradient / length
        return [space.candidate(rest[at]) for at in _nearest(far, goal)[:size]]

    def _look(self, places: Floats, scores: Floats) -> tuple[Floats, Floats, float]:
        """Where the walk stands, the gradient of the mean there, and the variance."""
        import numpy as np  # noqa: PLC0415  (see ntk)

        best = int(scores.argmax())
        stale = len(scores) - 1 - best
        here = places[best] if stale > self.tolerance else places[-1]
        chosen = _nearest(places, here)[: self.near]
        known, y = places[chosen], scores[chosen]
        spread = float(y.max() - y.min())
        y = (y - y.min()) / spread if spread else y - y.min()
        inverse = np.linalg.inv(ntk(known, known) + 1e-4 * np.eye(len(chosen)))
        weights = inverse @ (y - y.mean())
        small = 1e-4 * np.eye(places.shape[1])
        ahead, behind = ntk(here + small, known), ntk(here - small, known)
        gradient = (ahead - behind) @ weights / 2e-4
        shared = ntk(here[None], known)[0]
        return here, gradient, float(1 - shared @ inverse @ shared)

    def _pool(self, state: State, space: Space) -> list[Point]:
        """All points, or as many random ones as is sensible where the space is a large product."""
        most = 2000
        if space.size <= most:
            points: list[Point] = [()]
            for width in space.widths:
                points = [(*point, at) for point in points for at in range(width)]
            return points
        numbers = state.view.stream("pool")
        return list(dict.fromkeys(space.draw(numbers) for _ in range(most)))

    def _place(self, space: Space, point: Point) -> Sequence[float]:
        return embedded(space.candidate(point), self.by)


def _nearest(points: Floats, to: Floats) -> list[int]:
    distances = ((points - to) ** 2).sum(1)
    return sorted(range(len(points)), key=lambda at: (distances[at], at))
