"""Family C: sphere and Rosenbrock in 2 to 10 dimensions, seen through a noisy printed gradient.

The score is 1 / (1 + f(x)/f(start)), so it is 0.5 at the start and 1 at the optimum, plus normal
noise of 0.05. The gradient that the feedback prints is off by half of its length.

Kernel: 3 % malformed; 10 % the same point in other words; of the rest 65 % a step against the mean
of all gradients in the prompt, 20 % a step in a random direction, 15 % in one coordinate; the
length of a step is log-uniform from 0.01 to 1. Without a gradient but with a history, the first is
a step from the best attempt, 0 to 1.5 times its distance from another one, away from that.

Lives here: that world.
Never here: frameworks, OPRO's regression (`regression`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, sqrt
from typing import ClassVar, Literal

from benchmarks.peers.families.dice import normal, stream
from benchmarks.peers.families.world import MALFORMED, Shown, Values

Kind = Literal["sphere", "rosenbrock"]
_POINT = re.compile(r"POINT\[([^\]]*)\]")
_GRADIENT = re.compile(r"GRADIENT\[([^\]]*)\]")
_NOISE, _BLUR, _BOX = 0.05, 0.5, 2.0
_PARAPHRASE, _ALONG, _ANYWHERE = 0.1, 0.65, 0.85


class Numeric:
    """One function of d variables with its optimum somewhere in the box."""

    exact: ClassVar[bool] = False
    size: ClassVar[int] = 50

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind, self.seed, self.d = kind, seed, 2 + seed % 9
        draw = stream(kind, seed)
        self.shift = [draw.uniform(-1, 1) for _ in range(self.d)]
        point = [draw.uniform(-_BOX, _BOX) for _ in range(self.d)]
        self.scale = 1.0
        self.scale = self.loss(point)
        self.start: Values = {"x": written(point, 0)}
        self.about = {"x": f"a point in {self.d} dimensions, written POINT[...]"}
        self.choices = None
        self.best = 1.0

    def loss(self, x: Sequence[float]) -> float:
        """f, in units of f(start)."""
        z = [a - b for a, b in zip(x, self.shift, strict=True)]
        if self.kind == "sphere":
            return sum(a * a for a in z) / self.scale
        pairs = pairwise(z)
        return sum(100 * (b + 2 * a - a * a) ** 2 + a * a for a, b in pairs) / self.scale

    def gradient(self, x: Sequence[float]) -> list[float]:
        """Of f, by central differences."""
        found = []
        for at in range(self.d):
            up, down = list(x), list(x)
            up[at], down[at] = x[at] + 1e-5, x[at] - 1e-5
            found.append((self.loss(up) - self.loss(down)) / 2e-5)
        return found

    def true(self, values: Values) -> float:
        x = self._read(str(values["x"]))
        return 0.0 if x is None else 1 / (1 + self.loss(x))

    def sample(self, values: Values, split: str, example: int, rep: int) -> tuple[float, str]:
        text = str(values["x"])
        x = self._read(text)
        if x is None:
            return 0.0, f"Not a point in {self.d} dimensions."
        key = (self.kind, self.seed, text, split, example, rep)
        score = 1 / (1 + self.loss(x)) + _NOISE * normal("score", *key)
        slope = self.gradient(x)
        blur = _BLUR * sqrt(sum(g * g for g in slope) / self.d)
        noisy = [g + blur * normal("slope", at, *key) for at, g in enumerate(slope)]
        return score, f"GRADIENT[{' '.join(f'{g:.3g}' for g in noisy)}] of the loss"

    def edit(self, shown: Shown, draw: random.Random) -> dict[str, str] | None:
        x, tag = self._read(shown.values.get("x", "")), draw.randrange(10**6)
        if draw.random() < MALFORMED or x is None:
            return None
        if draw.random() < _PARAPHRASE:
            return {"x": written(x, tag)}
        length, what = exp(draw.uniform(log(0.01), 0)), draw.random()
        if what >= _ANYWHERE:
            x[draw.randrange(self.d)] += draw.choice((-1, 1)) * length
            return {"x": written(x, tag)}
        slope = self._slope(shown.text)
        trend = None if slope else self._trend(shown, draw)
        if what < _ALONG and slope:
            return {"x": written(moved(x, unit_vector(slope), -length), tag)}
        if what < _ALONG and trend:
            return {"x": written(moved(trend[0], trend[1], draw.uniform(0, 1.5)), tag)}
        away = [draw.gauss(0, 1) for _ in x]
        return {"x": written(moved(x, unit_vector(away), length), tag)}

    def figures(self, values: Values) -> dict[str, float]:
        x = self._read(str(values["x"]))
        return {} if x is None else {"loss": self.loss(x)}

    def _slope(self, text: str) -> list[float] | None:
        """The sum of all gradients in a text."""
        slopes = [numbers(part) for part in _GRADIENT.findall(text)]
        slopes = [slope for slope in slopes if len(slope) == self.d]
        return [sum(column) for column in zip(*slopes, strict=True)] if slopes else None

    def _trend(self, shown: Shown, draw: random.Random) -> tuple[list[float], list[float]] | None:
        """The best attempt, and the way to it from one of the others."""
        points = [self._read(values.get("x", "")) for values, _ in shown.attempts]
        known = [point for point in points if point is not None]
        if len(known) < 2:  # noqa: PLR2004  (a difference needs two)
            return None
        first, other = known[-1], known[draw.randrange(len(known) - 1)]
        return first, [a - b for a, b in zip(first, other, strict=True)]

    def _read(self, text: str) -> list[float] | None:
        found = _POINT.search(text)
        x = numbers(found[1]) if found else []
        return x if len(x) == self.d else None


def written(x: Sequence[float], tag: int) -> str:
    """A point as text; `tag` is the wording."""
    return f"POINT[{' '.join(f'{a:.4f}' for a in x)}] v{tag}"


def numbers(text: str) -> list[float]:
    """The numbers of a text, or none if one of them is not."""
    try:
        return [float(part) for part in text.split()]
    except ValueError:
        return []


def moved(x: Sequence[float], way: Sequence[float], length: float) -> list[float]:
    """The point `length` times `way` away from x."""
    return [a + length * b for a, b in zip(x, way, strict=True)]


def unit_vector(way: Sequence[float]) -> list[float]:
    """The same direction, length 1; nothing stays nothing."""
    length = sqrt(sum(a * a for a in way)) or 1.0
    return [a / length for a in way]
