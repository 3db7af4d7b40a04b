"""Which of many demonstrations help: subsets of a pool, and the pool made anew with the best.

Lives here: `Generate`, which makes the pool, `Subsets`, which proposes inclusion vectors.
Never here: sets of a few demonstrations (`bootstrap`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opto.search.candidate import Candidate
from opto.search.canon import JSON, canonical
from opto.search.demos import demo_components
from opto.search.strategies.bootstrap import Part, gather, labeled_ones, successes
from opto.search.strategies.codec import strategy
from opto.search.strategies.lineage import spread
from opto.search.strategies.sources import Additive, Point, Surrogate
from opto.search.strategies.state import State

_CLIMB = 30
"""Most single changes on the way to the highest acquisition."""


@strategy
@dataclass(frozen=True, slots=True)
class Generate:
    """Before every round, the best candidate answers the training inputs; successes are the pool.

    The first round's answers are the seed's. Where nothing succeeded, the pool stays; at the very
    start, it is then labeled examples.
    """

    rounds: int = 3
    evaluations: int = 32
    """Turns between two rounds."""
    most: int = 100
    """Largest pool."""
    threshold: float = 1.0
    """Least score of a success."""
    share: float = 0.25
    """Most of the metric calls left that one round of answers may use."""
    components: tuple[str, ...] | None = None
    """See `Demonstrations`."""

    def due(self, state: State) -> bool:
        number, rest = divmod(state.step, self.evaluations)
        return not rest and 0 < number < self.rounds

    def run(self, state: State) -> Part:
        names = demo_components(state.view.task, self.components)
        best = state.candidate(min(state.pool, key=lambda name: _order(state, name, names)))
        order = state.order("train", 0, "generate")
        quest = (order, min(self.most, len(order)))
        yield from gather(state, best, [quest], threshold=self.threshold, share=self.share)
        made = successes(state, best.id, self.threshold)
        pool = [made[example] for example in order if example in made][: self.most]
        state.demos = pool or state.demos or labeled_ones(state, self.most)


@strategy
@dataclass(frozen=True, slots=True)
class Subsets:
    """All of the pool, random subsets, then the highest bound of an additive Gaussian process.

    Every bit of the inclusion vector has an effect of its own, every pair a smaller one. The
    bound is lowered by a random price per demonstration, so that small subsets are tried too.
    """

    first: int = 8
    """Subsets of a pool before the process is used, the whole pool among them."""
    c: float = 1.0
    """Standard deviations above the mean."""
    price: float = 2.0
    """Highest price of the whole pool, in units of the range of mean scores seen."""
    pool: int = 200
    """Random subsets among which the highest bound is looked for."""
    components: tuple[str, ...] | None = None
    """As in `Generate`."""

    def make(self, state: State, size: int) -> list[Candidate]:
        if not state.demos:
            return []
        names = demo_components(state.view.task, self.components)
        measured = _measured(state, names)
        numbers = state.view.stream("subsets", state.step)
        points: list[Point] = []
        whole: Point = (1,) * len(state.demos)
        if whole not in measured:
            points.append(whole)
        while len(points) < size and len(measured) + len(points) < self.first:
            points.append(_drawn(numbers, len(whole)))
        if len(points) < size:
            points += self._best(state, measured, numbers, size - len(points))
        return [_candidate(state, names, point) for point in points[:size]]

    def _best(
        self, state: State, measured: Mapping[Point, str], numbers: random.Random, size: int
    ) -> list[Point]:
        known = list(measured)
        n = [state.ledger.n(name, "val") for name in measured.values()]
        y = [state.mean(name, "val") for name in measured.values()]
        model = Surrogate(Additive(), known, n, y, spread(state.ledger))
        price = numbers.random() * self.price * (max(y) - min(y)) / len(state.demos)

        def bounds(points: Sequence[Point]) -> list[float]:
            mean, sd = model.at(points)
            pairs = zip(points, mean, sd, strict=True)
            return [float(m + self.c * s) - price * sum(point) for point, m, s in pairs]

        good = sorted(range(len(y)), key=lambda at: -y[at])[:5]
        starts = {_drawn(numbers, len(state.demos)) for _ in range(self.pool)}
        starts.update(known[at] for at in good)
        ordered = sorted(starts)
        height = bounds(ordered)
        best = sorted(range(len(ordered)), key=lambda at: -height[at])[:size]
        return [_climbed(ordered[at], height[at], bounds) for at in best]


def _climbed(point: Point, height: float, bounds: object) -> Point:
    """The top of the hill that `point` is on, one bit at a time."""
    assert callable(bounds)  # noqa: S101  (ours)
    for _ in range(_CLIMB):
        near = [(*point[:at], 1 - point[at], *point[at + 1 :]) for at in range(len(point))]
        heights = bounds(near)
        top = max(range(len(near)), key=heights.__getitem__)
        if heights[top] <= height:
            break
        point, height = near[top], heights[top]
    return point


def _drawn(numbers: random.Random, width: int) -> Point:
    """A subset at random; its size is anything from none to all with equal chances."""
    share = numbers.random()
    return tuple(int(numbers.random() < share) for _ in range(width))


def _candidate(state: State, names: Sequence[str], point: Point) -> Candidate:
    chosen: list[JSON] = [demo for demo, bit in zip(state.demos, point, strict=True) if bit]
    seed = state.view.task.seed
    return Candidate({**seed.values, **dict.fromkeys(names, chosen)}, (seed.id,), "subset")


def _measured(state: State, names: Sequence[str]) -> dict[Point, str]:
    """Subsets of the present pool that have measurements, and their ids."""
    place = {canonical(demo): at for at, demo in enumerate(state.demos)}
    found: dict[Point, str] = {}
    for name in state.pool:
        if not state.ledger.n(name, "val"):
            continue
        demos = state.candidate(name).values[names[0]]
        keys = [canonical(demo) for demo in demos] if isinstance(demos, list) else []
        if all(key in place for key in keys):
            inside = {place[key] for key in keys}
            found[tuple(int(at in inside) for at in range(len(place)))] = name
    return found


def _order(state: State, name: str, names: Sequence[str]) -> tuple[float, int]:
    """The highest mean first, of these the one with the fewest demonstrations."""
    demos = state.candidate(name).values[names[0]]
    return -state.mean(name, "val"), len(demos) if isinstance(demos, list) else 0
