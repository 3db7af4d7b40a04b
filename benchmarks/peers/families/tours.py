"""Tours: random cities on a grid of 201 by 201; the score is reference length / length.

The reference is the best of many local searches (2-opt and Or-opt, restarted and kicked), which is
the optimum at 10 cities in the tests; a tour that beats it scores above 1.

Kernel: 3 % malformed; else the tour shown, or with a history one of its five best, after one move
(60 %) or two: half of them reverse a random stretch, a quarter move a random city elsewhere, a
quarter put a random city next to one of its three nearest, which the model can see because the
prompt lists the cities.

Lives here: that world, lengths, the heuristics that are rows of their own.
Never here: frameworks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import dist
from typing import ClassVar

from benchmarks.peers.families.dice import stream
from benchmarks.peers.families.world import MALFORMED, Shown, Values

Tour = list[int]
Cities = tuple[tuple[int, int], ...]
_TOUR = re.compile(r"TOUR\[([\d ]*)\]")
_CITY = re.compile(r"\((-?\d+), (-?\d+)\)")
_SINGLE, _REVERSE, _SHIFT = 0.6, 0.5, 0.75


class Tours:
    """One set of cities."""

    exact: ClassVar[bool] = True
    size: ClassVar[int] = 1

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed = n, seed
        draw = stream("cities", n, seed)
        self.cities = tuple((draw.randint(-100, 100), draw.randint(-100, 100)) for _ in range(n))
        self.reference = length(self.cities, reference(self.cities))
        first = list(range(n))
        draw.shuffle(first)
        self.start: Values = {"tour": written(first)}
        listed = ", ".join(f"{at} at {city}" for at, city in enumerate(self.cities))
        self.about = {"tour": f"a round trip, written TOUR[...]; the cities are {listed}"}
        self.choices = None
        self.best = 1.0

    def true(self, values: Values) -> float:
        tour = self._read(str(values["tour"]))
        return 0.0 if tour is None else self.reference / length(self.cities, tour)

    def sample(self, values: Values, split: str, example: int, rep: int) -> tuple[float, str]:
        del split, example, rep
        tour = self._read(str(values["tour"]))
        if tour is None:
            return 0.0, f"Not a round trip of {self.n} cities."
        return self.true(values), f"length {length(self.cities, tour):.1f}"

    def edit(self, shown: Shown, draw: random.Random) -> dict[str, str] | None:
        tours = [self._read(values.get("tour", "")) for values, _ in shown.attempts[-5:]]
        known = [tour for tour in tours if tour is not None]
        here = self._read(shown.values.get("tour", ""))
        if draw.random() < MALFORMED or (here is None and not known):
            return None
        tour = list(draw.choice(known) if known else here or [])
        places = [(int(x), int(y)) for x, y in _CITY.findall(shown.text)][: self.n]
        for _ in range(1 if draw.random() < _SINGLE else 2):
            tour = _move(tour, places if len(places) == self.n else [], draw)
        return {"tour": written(tour)}

    def figures(self, values: Values) -> dict[str, float]:
        score = self.true(values)
        return {"gap_pct": 100 * (1 / score - 1) if score else 1000.0}

    def _read(self, text: str) -> Tour | None:
        found = _TOUR.search(text)
        tour = [int(part) for part in found[1].split()] if found else []
        return tour if sorted(tour) == list(range(self.n)) else None


def _move(tour: Tour, places: Sequence[tuple[int, int]], draw: random.Random) -> Tour:
    """One random change of a tour."""
    n, how = len(tour), draw.random()
    if how < _REVERSE:
        i, j = sorted(draw.sample(range(n + 1), 2))
        return tour[:i] + tour[i:j][::-1] + tour[j:]
    city = tour[draw.randrange(n)]
    rest = [other for other in tour if other != city]
    at = draw.randrange(n)
    if how >= _SHIFT and places:
        near = sorted(rest, key=lambda other: dist(places[other], places[city]))
        at = rest.index(draw.choice(near[:3])) + draw.randrange(2)
    return [*rest[:at], city, *rest[at:]]


def written(tour: Sequence[int]) -> str:
    """A tour as text, city 0 first and in the direction with the smaller neighbor."""
    at = tour.index(0)
    turned = [*tour[at:], *tour[:at]]
    if turned[1] > turned[-1]:
        turned = [0, *reversed(turned[1:])]
    return f"TOUR[{' '.join(map(str, turned))}]"


def length(cities: Cities, tour: Sequence[int]) -> float:
    """Of the round trip."""
    return sum(dist(cities[a], cities[b]) for a, b in zip(tour, [*tour[1:], tour[0]], strict=True))


def nearest_neighbor(cities: Cities) -> Tour:
    """From city 0 always to the nearest city not visited."""
    tour, left = [0], set(range(1, len(cities)))
    while left:
        here = cities[tour[-1]]
        tour.append(min(left, key=lambda at: (dist(cities[at], here), at)))
        left.remove(tour[-1])
    return tour


def farthest_insertion(cities: Cities) -> Tour:
    """The city farthest from the tour, put where it costs least."""
    tour, left = [0], set(range(1, len(cities)))
    while left:
        far = max(left, key=lambda at: (min(dist(cities[at], cities[k]) for k in tour), -at))
        left.remove(far)
        tour = _inserted(cities, tour, far)
    return tour


def _inserted(cities: Cities, tour: Tour, city: int) -> Tour:
    def detour(at: int) -> float:
        a, b, c = cities[tour[at - 1]], cities[tour[at % len(tour)]], cities[city]
        return dist(a, c) + dist(c, b) - dist(a, b)

    at = min(range(1, len(tour) + 1), key=detour)
    return [*tour[:at], city, *tour[at:]]


def improved(cities: Cities, tour: Tour) -> Tour:
    """A local optimum of reversing stretches (2-opt) and moving stretches of up to 3 (Or-opt)."""
    found: Tour | None = tour
    while found is not None:
        tour = found
        found = _reversal(cities, tour) or _relocation(cities, tour)
    return tour


def _reversal(cities: Cities, tour: Tour) -> Tour | None:
    n = len(tour)
    for i in range(n - 1):
        a, b = cities[tour[i]], cities[tour[i + 1]]
        ab = dist(a, b)
        for j in range(i + 2, n if i else n - 1):
            c, d = cities[tour[j]], cities[tour[(j + 1) % n]]
            if dist(a, c) + dist(b, d) < ab + dist(c, d) - 1e-9:
                return tour[: i + 1] + tour[i + 1 : j + 1][::-1] + tour[j + 1 :]
    return None


def _relocation(cities: Cities, tour: Tour) -> Tour | None:
    n = len(tour)
    for size in (1, 2, 3):
        for start in range(n):
            turned = tour[start:] + tour[:start]
            part, rest = turned[:size], turned[size:]
            if len(rest) < 3:  # noqa: PLR2004  (no other place to go)
                return None
            first, last = cities[part[0]], cities[part[-1]]
            before, after = cities[rest[-1]], cities[rest[0]]
            saved = dist(before, first) + dist(last, after) - dist(before, after)
            for at in range(1, len(rest)):
                a, b = cities[rest[at - 1]], cities[rest[at]]
                ab = dist(a, b)
                if dist(a, first) + dist(last, b) - ab < saved - 1e-9:
                    return rest[:at] + part + rest[at:]
                if dist(a, last) + dist(first, b) - ab < saved - 1e-9:
                    return rest[:at] + part[::-1] + rest[at:]
    return None


@lru_cache(maxsize=64)
def reference(cities: Cities) -> tuple[int, ...]:
    """The best of local searches from random tours and of kicks of the best."""
    draw = stream("reference", cities)
    best = improved(cities, farthest_insertion(cities))
    for at in range(60):
        if at % 3 == 0:
            tour = list(range(len(cities)))
            draw.shuffle(tour)
        else:
            i, j, k = sorted(draw.sample(range(1, len(cities)), 3))
            tour = best[:i] + best[j:k] + best[i:j] + best[k:]
        best = min(best, improved(cities, tour), key=lambda found: length(cities, found))
    return tuple(best)


HEURISTICS: dict[str, Callable[[Cities], Tour]] = {
    "nearest_neighbor": nearest_neighbor,
    "farthest_insertion": farthest_insertion,
}
