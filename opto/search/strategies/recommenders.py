"""What is returned in the end, and how the last share of the budget finds it out.

Lives here: recommenders; they may ask for evaluations.
Never here: the score that is reported to the user; the engine measures that on fresh data.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from math import ceil, log, log2, sqrt
from typing import Protocol, TypeAlias

from opto.search.actions import Action, Split
from opto.search.results import ActionResult
from opto.search.strategies.codec import strategy
from opto.search.strategies.priorities import Mean, Posterior, Priority
from opto.search.strategies.selectors import ranked
from opto.search.strategies.state import State

Finals: TypeAlias = Generator[Sequence[Action], Sequence[ActionResult], str]


class Recommender(Protocol):
    """Picks the winner."""

    def current(self, state: State) -> str:
        """Who would be returned now, without further measurements."""
        ...

    def finals(self, state: State) -> Finals:
        """Measure what is left to measure; the id of the winner."""
        ...


def _nothing(winner: str) -> Finals:
    yield from ()
    return winner


@strategy
@dataclass(frozen=True, slots=True)
class Last:
    """The candidate taken in last."""

    def current(self, state: State) -> str:
        return state.pool[-1]

    def finals(self, state: State) -> Finals:
        return _nothing(self.current(state))


@strategy
@dataclass(frozen=True, slots=True)
class Best:
    """The highest mean, the older on ties. Under noise that is a lucky one: winner's curse."""

    split: Split | None = None
    """None is both splits together."""

    def current(self, state: State) -> str:
        return max(state.pool, key=lambda name: state.mean(name, self.split))

    def finals(self, state: State) -> Finals:
        return _nothing(self.current(state))


@strategy
@dataclass(frozen=True, slots=True)
class BestBound:
    """The highest mean - c·span·sqrt(ln(turns + 2)/n)."""

    c: float = 0.35
    span: float = 1.0

    def current(self, state: State) -> str:
        lift = log(state.step + 2)

        def bound(name: str) -> float:
            n = state.count(name)
            return state.mean(name) - self.c * self.span * sqrt(lift / n) if n else float("-inf")

        return max(state.pool, key=bound)

    def finals(self, state: State) -> Finals:
        return _nothing(self.current(state))


@strategy
@dataclass(frozen=True, slots=True)
class Halving:
    """Successive halving of the finalists on the same validation examples, with what is left.

    Each round has the same share of the calls; all measurements count in the ranking, not only
    those of the round. Source: Z. Karnin, T. Koren, O. Somekh, "Almost Optimal Exploration in
    Multi-Armed Bandits", ICML 2013.
    """

    finalists: int = 12
    least: int = 8
    """No more finalists than leave each this many calls, all rounds together."""
    entry: Priority = field(default_factory=lambda: Posterior(c=1.0))
    """Who gets in."""
    judge: Priority = field(default_factory=lambda: Posterior(c=0.0))
    """Who stays; also who is best at any time."""
    split: Split = "val"
    share: float = 0.25
    """Calls, as a part of those already made, where no limit on them says how many are left."""

    def current(self, state: State) -> str:
        return ranked(state, state.pool, self.judge)[0]

    def finals(self, state: State) -> Finals:
        left = state.view.left.metric
        total = left if left is not None else int(self.share * state.ledger.spent.metric)
        size = min(self.finalists, max(2, total // self.least))
        names = ranked(state, state.pool, self.entry)[:size]
        while len(names) > 1:
            rounds = ceil(log2(len(names)))
            each = total // (rounds * len(names))
            if each < 1:
                break
            each = min(each, 4 * state.view.size(self.split))
            examples = state.draw(self.split, each, purpose="finals")
            asks = state.measure(names, examples, self.split)
            results = yield asks
            total -= len(asks)
            if not any(result.cost.metric for result in results) and state.exact:
                break  # all known: further rounds would say the same
            names = ranked(state, names, self.judge)[: (len(names) + 1) // 2]
            if len(results) < len(asks):
                break
        return names[0]


def in_full(state: State, name: str, split: Split) -> bool:
    """Is the candidate measured on every example of the split?"""
    return len(state.ledger.example_means(name, split)) == state.view.size(split)


def next_in_full(state: State, split: Split) -> str | None:
    """The best mean among those not measured on all of the split; None if all are."""
    names = [n for n in state.pool if state.count(n) and not in_full(state, n, split)]
    return max(names, key=lambda name: state.mean(name, split)) if names else None


@strategy
@dataclass(frozen=True, slots=True)
class BestInFull:
    """The highest mean among those measured on all validation examples. As MIPROv2.

    In the end the best of the others is measured in full too.
    """

    def current(self, state: State) -> str:
        names = [name for name in state.pool if in_full(state, name, "val")]
        return max(names or state.pool, key=lambda name: state.mean(name, "val"))

    def finals(self, state: State) -> Finals:
        name = next_in_full(state, "val")
        if name is not None:
            yield state.measure([name], range(state.view.size("val")), "val")
        return self.current(state)


@strategy
@dataclass(frozen=True, slots=True)
class Retest:
    """The best `m` measured again on all validation examples; the highest mean there wins."""

    m: int = 10

    def current(self, state: State) -> str:
        return Best().current(state)

    def finals(self, state: State) -> Finals:
        names = ranked(state, state.pool, Mean("last"))[: self.m]
        everything = range(state.view.size("val"))
        for name in names:
            yield state.measure([name], everything, "val")
        return max(names, key=lambda name: (state.mean(name, "val"), -names.index(name)))
