"""Family D: finite pools. 500 embedded texts, and subsets of 30 demonstrations.

Points: texts with places in 8 dimensions; the chance of success is three smooth bumps plus a
roughness of 0.05 that belongs to each text. Kernel: 3 % malformed, 60 % one of the 15 nearest
texts, the rest any text.

Demonstrations: 30 of them, in or out; three matter (0.22, 0.16, 0.12, and 0.08 if the first two
come together), the others add noise of 0.01, each costs 0.006. Kernel: 3 % malformed, else one
(60 %), two (30 %) or three of the components asked for are flipped.

Both score 1 with the probability the candidate and the example have, else 0, and say nothing more.
Sources: the tasks of W. Hu et al. (ZOPO, 2024) and of many-shot selection (BRIDGE), in outline.

Lives here: those worlds.
Never here: frameworks.
"""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import product
from math import dist, exp
from typing import ClassVar

from benchmarks.peers.families.dice import normal, unit
from benchmarks.peers.families.world import MALFORMED, Shown, Value, Values

_TEXT = re.compile(r"TEXT\[(\d+)\]")
_POOL, _DIMENSIONS, _BUMPS, _ROUGH, _NEAR = 500, 8, 3, 0.05, 15
_DEMOS, _MATTER, _PAIR, _PRICE = 30, (0.22, 0.16, 0.12), 0.08, 0.006
_NEARBY, _ONE, _TWO = 0.6, 0.6, 0.9


class _Coin(ABC):
    """A task whose scores are 0 or 1."""

    exact: ClassVar[bool] = False
    size: ClassVar[int] = 100

    def __init__(self, kind: str, seed: int) -> None:
        self.kind, self.seed = kind, seed

    @abstractmethod
    def true(self, values: Values) -> float:
        """The chance that `values` succeed on an example of no hardness."""

    def sample(self, values: Values, split: str, example: int, rep: int) -> tuple[float, str]:
        text = "|".join(f"{name}={value}" for name, value in values.items())
        hardness = 0.15 * normal("hardness", self.kind, self.seed, split, example)
        chance = self.true(values) + hardness
        good = unit("score", self.kind, self.seed, text, split, example, rep) < chance
        return float(good), "Right." if good else "Wrong."

    def figures(self, values: Values) -> dict[str, float]:  # noqa: ARG002  (the protocol)
        return {}


class Points(_Coin):
    """The pool of embedded texts."""

    def __init__(self, seed: int) -> None:
        super().__init__("points", seed)
        self.places = [
            [normal("place", seed, at, axis) for axis in range(_DIMENSIONS)] for at in range(_POOL)
        ]
        tops = [self.places[int(unit("top", seed, k) * _POOL)] for k in range(_BUMPS)]
        raw = [
            sum((0.35 + 0.1 * k) * exp(-(dist(place, top) ** 2) / 8) for k, top in enumerate(tops))
            for place in self.places
        ]
        rough = [_ROUGH * normal("rough", seed, at) for at in range(_POOL)]
        self.scores = [min(0.95, max(0.05, 0.2 + a + b)) for a, b in zip(raw, rough, strict=True)]
        self.best = max(self.scores)
        self.texts = [f"TEXT[{at}]" for at in range(_POOL)]
        middle = sorted(range(_POOL), key=lambda at: self.scores[at])[_POOL // 4]
        self.start: Values = {"prompt": self.texts[middle]}
        self.about = {"prompt": "one of the texts of the pool"}
        self.choices: Mapping[str, Sequence[Value]] = {"prompt": tuple(self.texts)}

    def place(self, text: str) -> list[float]:
        """Where a text lies."""
        at = self._number(text)
        return self.places[at] if at is not None else [0.0] * _DIMENSIONS

    def true(self, values: Values) -> float:
        at = self._number(str(values["prompt"]))
        return 0.0 if at is None else self.scores[at]

    def edit(self, shown: Shown, draw: random.Random) -> dict[str, str] | None:
        here = self._number(shown.values.get("prompt", ""))
        if draw.random() < MALFORMED or here is None:
            return None
        if draw.random() < _NEARBY:
            places = self.places
            order = sorted(range(_POOL), key=lambda at: dist(places[at], places[here]))
            return {"prompt": self.texts[draw.choice(order[1 : _NEAR + 1])]}
        return {"prompt": draw.choice(self.texts)}

    def _number(self, text: str) -> int | None:
        found = _TEXT.search(text)
        at = int(found[1]) if found else _POOL
        return at if at < _POOL else None


class Demos(_Coin):
    """Which demonstrations go into the prompt."""

    def __init__(self, seed: int) -> None:
        super().__init__("demos", seed)
        order = sorted(range(_DEMOS), key=lambda at: unit("order", seed, at))
        self.matter = order[: len(_MATTER)]
        self.effects = [0.01 * normal("effect", seed, at) - _PRICE for at in range(_DEMOS)]
        for at, effect in zip(self.matter, _MATTER, strict=True):
            self.effects[at] = effect - _PRICE
        names = [f"d{at:02d}" for at in range(_DEMOS)]
        self.start: Values = dict.fromkeys(names, 0)
        self.about = dict.fromkeys(names, "1 if this demonstration is shown, else 0")
        self.choices: Mapping[str, Sequence[Value]] = dict.fromkeys(names, (0, 1))
        rest = sum(e for at, e in enumerate(self.effects) if e > 0 and at not in self.matter)
        self.best = max(
            0.3 + rest + self._joint(bits) for bits in product((0, 1), repeat=len(_MATTER))
        )

    def true(self, values: Values) -> float:
        bits = [int(str(value) == "1") for value in values.values()]
        joint = self._joint([bits[at] for at in self.matter])
        return (
            0.3
            + joint
            + sum(
                effect * bits[at] for at, effect in enumerate(self.effects) if at not in self.matter
            )
        )

    def _joint(self, bits: Sequence[int]) -> float:
        own = sum(self.effects[at] * bit for at, bit in zip(self.matter, bits, strict=True))
        return own + _PAIR * bits[0] * bits[1]

    def edit(self, shown: Shown, draw: random.Random) -> dict[str, str] | None:
        names = [name for name in shown.allowed if name in shown.values]
        if draw.random() < MALFORMED or not names:
            return None
        how = draw.random()
        count = min(len(names), 1 if how < _ONE else 2 if how < _TWO else 3)
        return {
            name: "0" if shown.values[name].strip() == "1" else "1"
            for name in draw.sample(names, count)
        }
