"""How promising a candidate is, worked out afresh from the ledger every time it is asked for.

Lives here: priorities by mean, confidence bound, Thompson draw, age, and the lineage posterior.
Never here: keeping priorities; that is how they get stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Literal, Protocol

from opto.search.actions import Split
from opto.search.strategies.codec import strategy
from opto.search.strategies.lineage import Belief, beliefs
from opto.search.strategies.state import State


class Priority(Protocol):
    """Numbers to rank candidates by."""

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        """One number per candidate, higher is more promising."""
        ...


@strategy
@dataclass(frozen=True, slots=True)
class Mean:
    """The mean score."""

    unscored: Literal["first", "last"] = "first"
    """Where candidates go that were never measured."""
    split: Split | None = None
    """None is both splits together."""

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        default = inf if self.unscored == "first" else -inf
        means = {name: state.mean(name, self.split) for name in names}
        return {name: default if mean == -inf else mean for name, mean in means.items()}


@strategy
@dataclass(frozen=True, slots=True)
class Ucb:
    """Mean + c·sqrt(ln(turns + 2)/n)·span, never clipped: at a ceiling all leaders look alike.

    Source: P. Auer, N. Cesa-Bianchi, P. Fischer, Machine Learning 47, 2002 (UCB1).
    """

    c: float = 0.35
    span: float = 1.0
    """Width of the range of scores."""

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        lift = log(state.step + 2)
        found: dict[str, float] = {}
        for name in names:
            n = state.count(name)
            found[name] = inf if not n else state.mean(name) + self.c * self.span * sqrt(lift / n)
        return found


@strategy
@dataclass(frozen=True, slots=True)
class Thompson:
    """A draw from Beta(1 + sum, 1 + n - sum), scores read as parts of `high` - `low`."""

    low: float = 0.0
    high: float = 1.0

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for name in names:
            n = state.count(name)
            share = (state.mean(name) - self.low) / (self.high - self.low) if n else 0.0
            good = n * min(1.0, max(0.0, share))
            draw = state.view.stream("thompson", state.step, name)
            found[name] = draw.betavariate(1 + good, 1 + n - good)
        return found


@strategy
@dataclass(frozen=True, slots=True)
class Newest:
    """The later a candidate became known, the better."""

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        place = {name: float(at) for at, name in enumerate(state.ledger.candidates)}
        return {name: place[name] for name in names}


@strategy
@dataclass(frozen=True, slots=True)
class Posterior:
    """Mean + c standard deviations of the belief that shares evidence along the lineage."""

    c: float = 2.0
    step: float = 0.1
    """Variance of a child's true mean around its parent's, in units of the variance of scores."""

    def of(self, state: State, names: Sequence[str]) -> dict[str, float]:
        known = self.beliefs(state)
        return {name: known[name].mean + self.c * known[name].sd for name in names}

    def beliefs(self, state: State) -> dict[str, Belief]:
        """Belief about the true mean of every candidate the ledger knows."""
        return beliefs(state.ledger, step=self.step)
