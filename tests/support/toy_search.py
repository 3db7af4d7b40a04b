"""A task whose true score is known and an algorithm that is as simple as one can be."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opto.search import Candidate, Cost, Evaluate, Outcome, Proposal, Propose, View


def child_environment() -> dict[str, str]:
    """The environment for a process that imports what this one does, this module included."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@dataclass
class NumberTask:
    """Find `x` near 0.7: the score is 1 - |x - 0.7| plus noise that depends on the repetition."""

    size: int = 5
    noise: float = 0.1
    deterministic: bool = False
    calls: Path | None = None
    """Gets one line per call: what was really paid for."""
    sleep: float = 0.0
    crash: float = 0.0
    """Share of (candidate, example, rep) that crash."""
    worst: Cost = field(default_factory=lambda: Cost(metric=1))
    components = {"x": "a number from 0 to 1"}  # noqa: RUF012

    @property
    def seed(self) -> Candidate:
        return Candidate({"x": 0.1})

    @property
    def train(self) -> Sequence[int]:
        return range(self.size)

    @property
    def val(self) -> Sequence[int]:
        return range(self.size)

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        note(self.calls, f"evaluate {candidate.id} {example} {rep}")
        if self.sleep:
            time.sleep(random.random() * self.sleep)  # noqa: S311
        if stream.random() < self.crash:
            raise RuntimeError("the evaluator crashed")
        x = candidate.values["x"]
        assert isinstance(x, float)
        noise = self.noise * (stream.random() - 0.5)
        text = f"x={x} on {example}, " * 5
        return Outcome(1 - abs(x - 0.7) + noise, {"small": -x}, feedback=text, trace="t" * 99)


@dataclass(frozen=True)
class RandomSearch:
    """Proposes around the best so far, measures on all examples, recommends the best mean."""

    width: int = 3
    rounds: int = 10**6
    reserve: float = 0.0
    calls: Path | None = None
    sleep: float = 0.0
    malformed: float = 0.0
    name: str = "random_search"

    def describe(self) -> Mapping[str, Any]:
        return {"width": self.width, "rounds": self.rounds}

    def run(self, view: View) -> Any:
        seed = view.task.seed
        yield [Evaluate(seed, example) for example in range(view.size("val"))]
        for _ in range(self.rounds):
            if view.exhausted:
                break
            best = view.ledger.ranked()[:1] or [seed.id]
            asked = [Propose("near", index, (best[0],), index) for index in range(self.width)]
            proposals = yield asked
            children = [c for p in proposals for c in p.candidates]
            yield [Evaluate(c, e) for c in children for e in range(view.size("val"))]
        ranked = view.ledger.ranked(at_least=view.size("val"))
        return view.ledger.candidates[ranked[0]] if ranked else seed

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        note(self.calls, f"propose {action.parents} {action.index}")
        if self.sleep:
            time.sleep(random.random() * self.sleep)  # noqa: S311
        x = parents[0].values["x"]
        assert isinstance(x, float)
        if stream.random() < self.malformed:
            return Proposal((Candidate({"y": 1.0}),), "wrong key", Cost(llm=1))
        child = Candidate({"x": round(min(1.0, max(0.0, x + stream.gauss(0, 0.2))), 3)})
        return Proposal((child,), "a step", Cost(llm=1, tokens_in=10, tokens_out=5))


def note(file: Path | None, line: str) -> None:
    """Append a line in one write, so that a killed process leaves whole lines."""
    if file is not None:
        with os.fdopen(os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY), "ab") as out:
            out.write(f"{line}\n".encode())
