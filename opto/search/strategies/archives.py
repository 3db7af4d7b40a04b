"""What is kept, and which newcomers are news.

Lives here: archives and the novelty filter around any of them.
Never here: who becomes a parent (`selectors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Protocol

from opto.search.candidate import Candidate
from opto.search.strategies.codec import strategy
from opto.search.strategies.embedding import distance, embedded
from opto.search.strategies.fronts import front, undominated
from opto.search.strategies.priorities import Mean, Priority
from opto.search.strategies.selectors import ranked
from opto.search.strategies.state import State


class Archive(Protocol):
    """Decides what stays in the pool."""

    def novel(self, state: State, children: Sequence[Candidate]) -> list[Candidate]:
        """The children that are worth an evaluation, in their order."""
        ...

    def keep(self, state: State, children: Sequence[str]) -> list[str]:
        """The next pool: from `state.pool` and the children that passed all gates, oldest first."""
        ...


def new_ones(state: State, children: Sequence[Candidate]) -> list[Candidate]:
    """Children that differ from each other and from all that was measured."""
    found: dict[str, Candidate] = {}
    for child in children:
        if not state.count(child.id) and child.id not in state.pool:
            found.setdefault(child.id, child)
    return list(found.values())


@strategy
@dataclass(frozen=True, slots=True)
class Everything:
    """All that passed the gates."""

    def novel(self, state: State, children: Sequence[Candidate]) -> list[Candidate]:
        return new_ones(state, children)

    def keep(self, state: State, children: Sequence[str]) -> list[str]:
        return list(dict.fromkeys((*state.pool, *children)))


@strategy
@dataclass(frozen=True, slots=True)
class TopK:
    """The `k` of highest priority, exactly: sorted, not the first entries of a heap array."""

    k: int = 50
    priority: Priority = field(default_factory=Mean)

    def novel(self, state: State, children: Sequence[Candidate]) -> list[Candidate]:
        return new_ones(state, children)

    def keep(self, state: State, children: Sequence[str]) -> list[str]:
        names = [*state.pool, *children]
        chosen = set(ranked(state, names, self.priority)[: self.k])
        return [name for name in names if name in chosen]


@strategy
@dataclass(frozen=True, slots=True)
class Beam:
    """The best `width` of the children and the beam before; without children the beam stays."""

    width: int = 2
    elitist: bool = True
    """May candidates of the beam before stay? If not, only children do."""

    def novel(self, state: State, children: Sequence[Candidate]) -> list[Candidate]:
        return new_ones(state, children)

    def keep(self, state: State, children: Sequence[str]) -> list[str]:
        names = [*state.pool, *children] if self.elitist or not children else [*children]
        chosen = set(ranked(state, names, Mean())[: self.width])
        return [name for name in names if name in chosen]


@strategy
@dataclass(frozen=True, slots=True)
class Pareto:
    """Those that lead on some validation example, and everyone while nothing is measured there."""

    def novel(self, state: State, children: Sequence[Candidate]) -> list[Candidate]:
        return new_ones(state, children)

    def keep(self, state: State, children: Sequence[str]) -> list[str]:
        whole = State(state.view, pool=[*state.pool, *children])
        fronts = front(whole)
        if not fronts:
            return whole.pool
        means = {name: state.mean(name, "val") for name in whole.pool}
        alive = set(undominated(fronts, means))
        return [name for name in whole.pool if name in alive]


@strategy
@dataclass(frozen=True, slots=True)
class EpsNet:
    """Around an archive: of the newcomers, the farthest first while farther than `eps` from all.

    Source: the ε-net of POLCA (X. Ren, A. Nie, T. Xie, C.-A. Cheng, "POLCA: Stochastic Generative
    Optimization with LLM", 2026). Distances are kept, not worked out again for each admission.
    """

    inner: Archive = field(default_factory=Everything)
    eps: float = 0.1
    by: str = "words"
    """Name of the embedding; see `opto.search.strategies.embedding`."""

    def novel(self, state: State, children: Sequence[Candidate]) -> list[Candidate]:
        fresh = self.inner.novel(state, children)
        known = [embedded(state.candidate(name), self.by) for name in state.pool]
        points = [embedded(child, self.by) for child in fresh]
        gaps = [min((distance(p, k) for k in known), default=sqrt(2)) for p in points]
        admitted: set[int] = set()
        while len(admitted) < len(fresh):
            rest = [at for at in range(len(fresh)) if at not in admitted]
            far = max(rest, key=lambda at: gaps[at])
            if gaps[far] <= self.eps:
                break
            admitted.add(far)
            for at in rest:
                gaps[at] = min(gaps[at], distance(points[at], points[far]))
        return [child for at, child in enumerate(fresh) if at in admitted]

    def keep(self, state: State, children: Sequence[str]) -> list[str]:
        return self.inner.keep(state, children)
