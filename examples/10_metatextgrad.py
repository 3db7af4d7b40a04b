"""metaTextGrad: the optimizer itself is optimized, by what it finds on small tasks.

Inner tasks: guess a number, exact scores. The inner proposer takes its step from its instructions
("Change the number by 8."). The outer search rewrites the instructions and is scored by how well
the inner search does within 12 proposals. All inner costs are charged to the outer budget.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from opto.optimizers.search import named
from opto.optimizers.search.meta import INSTRUCTIONS, SpecTask
from opto.search import Budget, Candidate, Cost, Proposal, Propose, Study, TextTask

STEP = re.compile(r"by (\d+\.\d+)")


@dataclass
class Guesser:
    """The inner proposer: a scripted model that does as it is told."""

    instructions: str

    def describe(self) -> Mapping[str, str]:
        return {"instructions": self.instructions}

    def propose(self, action: Propose, parents: list[Candidate], stream: Random) -> Proposal:
        del action
        step = float(STEP.findall(self.instructions)[0])
        guess = parents[0].values["guess"] + step * stream.choice([-1, 1])
        return Proposal((parents[0].edited({"guess": guess}, op="step"),), cost=Cost(llm=1))


class Meta:
    """The outer proposer: doubles or halves the step in the instructions."""

    def describe(self) -> Mapping[str, str]:
        return {}

    def propose(self, action: Propose, parents: list[Candidate], stream: Random) -> Proposal:
        del action
        step = float(STEP.findall(str(parents[0].values[INSTRUCTIONS]))[0])
        words = f"Change the number by {step * stream.choice([0.5, 2])}."
        return Proposal((parents[0].edited({INSTRUCTIONS: words}, op="meta"),), cost=Cost(llm=1))


class Guess(TextTask):
    """Guess a number; the score falls from 1 with the distance."""

    def __init__(self, secret: float) -> None:
        super().__init__({"guess": 0.0}, distance, [secret], closeness, deterministic=True)

    def __repr__(self) -> str:  # what the outer proposer is told of it
        return f"guess {self.train[0]}"


def distance(values: Mapping[str, float], secret: float) -> float:
    """How far off the guess is."""
    return abs(values["guess"] - secret)


def closeness(output: float, _: float) -> float:
    """1 for no distance, 0 for 100."""
    return 1 - output / 100


if __name__ == "__main__":
    tasks = [Guess(secret) for secret in (-70.0, 40.0, 90.0, -50.0, 30.0, -80.0)]
    inner, told = named("revert", minibatch=1, size=1), "Change the number by 1.0."
    task = SpecTask(inner, told, tasks, Guesser, metric=24, llm=12)
    outer = named("revert", minibatch=1, size=3).algorithm(Meta())
    result = Study(task, outer, Budget(metric=1200), workers=1).run()
    scores = result.ledger.mean(task.seed.id), result.ledger.mean(result.best.id)
    print(f"{told} -> {result.values[INSTRUCTIONS]}")
    print(f"metatextgrad: {scores[0]:.2f} before, {scores[1]:.2f} after; {result.cost}")
