"""Who gets children next. Each answer is a list of groups; a group is shown to one proposal.

Lives here: selection from the pool.
Never here: evidence, evaluation, keeping priorities between steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import Protocol, TypeAlias

from opto.search.strategies.codec import strategy
from opto.search.strategies.fronts import front_counts
from opto.search.strategies.priorities import Mean, Priority
from opto.search.strategies.state import State

Group: TypeAlias = tuple[str, ...]
"""Ids of the parents of one proposal; the first is the one that is edited."""


class Selector(Protocol):
    """Picks parents."""

    def select(self, state: State) -> list[Group]:
        """Groups of parents, at least one. Pure: the same state gives the same groups."""
        ...


def ranked(state: State, names: list[str], priority: Priority) -> list[str]:
    """`names` by priority, best first; on ties the newest first, as known to the ledger."""
    value = priority.of(state, names)
    place = {name: at for at, name in enumerate(names)}
    return sorted(names, key=lambda name: (-value[name], -place[name]))


@strategy
@dataclass(frozen=True, slots=True)
class Top:
    """The `k` candidates of highest priority, each a group of its own."""

    k: int = 1
    priority: Priority = field(default_factory=Mean)
    exploit: bool = False
    """Is the first place always for the best mean? (PrioritySearch)"""
    per: int = 1
    """No more than one group for this many candidates in the pool: a young search stays narrow."""

    def select(self, state: State) -> list[Group]:
        order = ranked(state, state.pool, self.priority)
        if self.exploit:
            best = ranked(state, state.pool, Mean("last"))[0]
            order = [best, *(name for name in order if name != best)]
        size = min(self.k, max(1, len(state.pool) // self.per))
        return [(name,) for name in order[:size]]


@strategy
@dataclass(frozen=True, slots=True)
class Softmax:
    """`k` draws with probability proportional to exp(priority / temperature). As SIMBA."""

    k: int = 1
    temperature: float = 0.2
    priority: Priority = field(default_factory=Mean)

    def select(self, state: State) -> list[Group]:
        value = self.priority.of(state, state.pool)
        top = max(value.values())
        if top == float("inf"):
            unscored: list[Group] = [(n,) for n in state.pool if value[n] == top]
            return unscored[: self.k]
        weights = [exp((value[name] - top) / self.temperature) for name in state.pool]
        draw = state.view.stream("select", state.step)
        return [(name,) for name in draw.choices(state.pool, weights, k=self.k)]


@strategy
@dataclass(frozen=True, slots=True)
class Latest:
    """The candidate that was taken in last: a hill climb whose gate decides."""

    def select(self, state: State) -> list[Group]:
        return [(state.pool[-1],)]


@strategy
@dataclass(frozen=True, slots=True)
class Seed:
    """Always the seed: proposals of depth one. As in random search."""

    def select(self, state: State) -> list[Group]:
        return [(state.pool[0],)]


@strategy
@dataclass(frozen=True, slots=True)
class Together:
    """The best `k` in one group, best first: one proposal sees them all. As in OPRO."""

    k: int = 20

    def select(self, state: State) -> list[Group]:
        order = ranked(state, state.pool, Mean("last"))
        return [tuple(order[: self.k])]


@strategy
@dataclass(frozen=True, slots=True)
class FrontFrequency:
    """One draw from the undominated, proportional to the number of examples it leads. As in GEPA.

    Source: L. A. Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement
    Learning", 2025, algorithm 2.
    """

    k: int = 1

    def select(self, state: State) -> list[Group]:
        counts = front_counts(state)
        if not counts:
            return [(state.pool[-1],)]
        draw = state.view.stream("select", state.step)
        return [(n,) for n in draw.choices(list(counts), list(counts.values()), k=self.k)]
