"""Tasks whose program learns from demonstrations, and a proposer that writes instructions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opto.search import Candidate, Cost, Outcome, Proposal, Propose
from opto.search.demos import demo_components, without, written

HARD = 5
"""Words of this length and more need a demonstration."""


@dataclass
class WordTask:
    """Reverse a word: short ones always work, long ones only if demonstrations show how.

    The chance of a long word grows with the demonstrations seen, a wrong one lowers it; the
    instruction adds its own part if it says "letter".
    """

    noise: bool = True
    deterministic: bool = False
    components: Mapping[str, str] = field(
        default_factory=lambda: {"prompt": "an instruction", "demos": "solved examples"}
    )
    worst: Cost = field(default_factory=lambda: Cost(metric=1))
    size: int = 12

    @property
    def seed(self) -> Candidate:
        values: dict[str, Any] = {"prompt": "Reverse.", "demos": []}
        return Candidate({name: values[name] for name in self.components})

    @property
    def train(self) -> Sequence[tuple[str, str]]:
        words = ["abcdefgh"[n % 4 :][: 2 + n % 6] + str(n) for n in range(self.size)]
        return [(word, word[::-1]) for word in words]

    @property
    def val(self) -> Sequence[tuple[str, str]]:
        words = ["ponmlkji"[n % 3 :][: 3 + n % 5] + str(n) for n in range(self.size)]
        return [(word, word[::-1]) for word in words]

    def chance(self, values: Mapping[str, Any], word: str) -> float:
        """Of a right answer."""
        if len(word) < HARD:
            return 1.0
        demos = values.get("demos", [])
        right = sum(demo["output"] == demo["input"][::-1] for demo in demos)
        wrong = len(demos) - right
        told = 0.2 * ("letter" in str(values.get("prompt", "")))
        return min(1.0, max(0.0, 0.1 + told + 0.2 * min(right, 3) - 0.3 * wrong))

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        word, target = example
        chance = self.chance(without(candidate, demo_components(self), example), word)
        good = stream.random() < chance if self.noise else chance > 0.45
        output = target if good else word
        return Outcome(float(good), feedback=f"want {target[0]}", output=written(output))


@dataclass(frozen=True)
class Writer:
    """Writes one of three instructions, and notes; counts nothing."""

    def describe(self) -> Mapping[str, Any]:
        return {}

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        if action.purpose == "summary":
            return Proposal((parents[0],), f"notes {sorted(_payload(action))}", Cost(llm=1))
        name = _payload(action)["components"][0]
        text = stream.choice(["Reverse it.", "Mirror every letter.", "Be quick."])
        return Proposal((parents[0].edited({name: text}, op="rewrite"),), "", Cost(llm=1))


@dataclass
class ManyDemos:
    """Of many demonstrations three help and each of the others distracts a little.

    Example i of the training set is demonstration i; the seed solves all of them, so that a pool
    of all is generated.
    """

    many: int = 30
    useful: tuple[int, ...] = (4, 11, 23)
    noise: bool = True
    deterministic: bool = False
    components: Mapping[str, str] = field(default_factory=lambda: {"demos": ""})
    worst: Cost = field(default_factory=lambda: Cost(metric=1))

    @property
    def seed(self) -> Candidate:
        return Candidate({"demos": []})

    @property
    def train(self) -> Sequence[tuple[int, int]]:
        return [(n, n) for n in range(self.many)]

    @property
    def val(self) -> Sequence[tuple[int, int]]:
        return [(1000 + n, n) for n in range(40)]

    def found(self, values: Mapping[str, Any]) -> int:
        """Useful demonstrations in it."""
        return len({demo["input"] for demo in values["demos"]} & set(self.useful))

    def true(self, values: Mapping[str, Any]) -> float:
        """Mean score."""
        good = self.found(values)
        return 0.25 + 0.22 * good - 0.012 * (len(values["demos"]) - good)

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        if example[0] < self.many:
            return Outcome(1.0, output=written(example[1]))
        true = self.true(candidate.values)
        return Outcome(float(stream.random() < true) if self.noise else true, output="0")


def _payload(action: Propose) -> Mapping[str, Any]:
    assert isinstance(action.payload, dict)
    return action.payload
