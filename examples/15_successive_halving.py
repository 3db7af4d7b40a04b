"""Random search and successive halving: the same noisy score, the same budget, 10 seeds each.

Candidates are numbers between 0 and 1, the number is how often it succeeds. Random search measures
each new one equally often and believes the best mean; halving measures many a little and keeps half
of its budget to compare the best with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from statistics import mean

from opto.optimizers.search import named
from opto.search import Budget, Candidate, Cost, Proposal, Propose, Study, TextTask

SEEDS = range(10)


class Draw:
    """Proposes any number, low ones more often."""

    def describe(self) -> Mapping[str, str]:
        return {}

    def propose(self, action: Propose, parents: list[Candidate], stream: Random) -> Proposal:
        del action
        child = parents[0].edited({"share": round(stream.random() ** 2, 3)}, op="draw")
        return Proposal((child,), cost=Cost(llm=1))


def noisy(seed: int) -> TextTask:
    """Success or not, at random; examples are only counted."""
    luck = Random(seed)  # noqa: S311

    def succeeds(values: Mapping[str, float], _: int) -> bool:
        return luck.random() < values["share"]

    return TextTask({"share": 0.1}, succeeds, range(40), lambda right, _: float(right))


def chosen(name: str, seed: int) -> float:
    """The true value of what the algorithm recommends after 400 measurements."""
    search, budget = named(name, size=5).algorithm(Draw()), Budget(metric=400, llm=400)
    result = Study(noisy(seed), search, budget, seed=seed, workers=1).run()
    return float(str(result.values["share"]))


if __name__ == "__main__":
    for name in ("random_search", "successive_halving"):
        found = mean(chosen(name, seed) for seed in SEEDS)
        print(f"{name}: 0.10 before, {found:.2f} after; 400 metric calls, {len(SEEDS)} seeds")
