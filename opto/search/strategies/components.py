"""Which components a proposal may change.

Lives here: component policies.
Never here: proposals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opto.search.strategies.codec import strategy
from opto.search.strategies.state import State


class ComponentPolicy(Protocol):
    """Picks components."""

    def pick(self, state: State, parent: str) -> tuple[str, ...]:
        """Names of the components of the parent to change, at least one."""
        ...


@strategy
@dataclass(frozen=True, slots=True)
class All:
    """All at once. As in OptoPrime."""

    def pick(self, state: State, parent: str) -> tuple[str, ...]:  # noqa: ARG002  (the protocol)
        return tuple(state.view.task.components)


@strategy
@dataclass(frozen=True, slots=True)
class RoundRobin:
    """One after the other, counted for each parent. As in GEPA."""

    def pick(self, state: State, parent: str) -> tuple[str, ...]:
        names = tuple(state.view.task.components)
        return (min(names, key=lambda name: (state.edited[parent, name], names.index(name))),)


@strategy
@dataclass(frozen=True, slots=True)
class Draws:
    """One at random; each draw of its own."""

    def pick(self, state: State, parent: str) -> tuple[str, ...]:
        names = tuple(state.view.task.components)
        draw = state.view.stream("component", state.step, parent, state.asked[parent])
        return (draw.choice(names),)
