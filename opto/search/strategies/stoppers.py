"""When to stop before the budget does.

Lives here: stoppers.
Never here: limits on cost (`opto.search.budget`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opto.search.strategies.codec import strategy
from opto.search.strategies.recommenders import Best
from opto.search.strategies.state import State


class Stopper(Protocol):
    """Says when it is enough."""

    def reason(self, state: State) -> str | None:
        """Why to stop now, in words; None to go on. Asked between two turns."""
        ...


@strategy
@dataclass(frozen=True, slots=True)
class Turns:
    """After `most` turns."""

    most: int

    def reason(self, state: State) -> str | None:
        return f"{self.most} turns are over" if state.step >= self.most else None


@strategy
@dataclass(frozen=True, slots=True)
class Patience:
    """After `turns` turns in which the pool took nobody in."""

    turns: int

    def reason(self, state: State) -> str | None:
        idle = state.step - state.last_gain
        return f"nothing was taken in for {idle} turns" if idle >= self.turns else None


@strategy
@dataclass(frozen=True, slots=True)
class Reached:
    """When the best mean is `score`, with at least `least` measurements behind it."""

    score: float
    least: int = 1

    def reason(self, state: State) -> str | None:
        if not state.pool:
            return None
        best = Best().current(state)
        if state.count(best) < self.least or state.mean(best) < self.score:
            return None
        return f"the mean score {state.mean(best):g} is reached"


@strategy
@dataclass(frozen=True, slots=True)
class Any:
    """When one of several says so; the first that does gives the reason."""

    of: tuple[Stopper, ...]

    def reason(self, state: State) -> str | None:
        return next((why for stopper in self.of if (why := stopper.reason(state))), None)


@strategy
@dataclass(frozen=True, slots=True)
class Tried:
    """When `most` candidates were measured."""

    most: int

    def reason(self, state: State) -> str | None:
        tried = sum(1 for name in state.ledger.candidates if state.count(name))
        return f"{tried} candidates were measured" if tried >= self.most else None
