"""Which components a proposal may change.

Lives here: component policies.
Never here: proposals.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from opto.search.demos import demo_components
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
class Instructions:
    """As RoundRobin, without the demonstrations; none where there is nothing else.

    Those are chosen, not written. As in MIPROv2.
    """

    def pick(self, state: State, parent: str) -> tuple[str, ...]:
        task = state.view.task
        demos = demo_components(task)
        names = tuple(name for name in task.components if name not in demos)
        order = sorted(names, key=lambda name: (state.edited[parent, name], names.index(name)))
        return tuple(order[:1])


@strategy
@dataclass(frozen=True, slots=True)
class Draws:
    """One at random; each draw of its own."""

    def pick(self, state: State, parent: str) -> tuple[str, ...]:
        names = tuple(state.view.task.components)
        draw = state.view.stream("component", state.step, parent, state.asked[parent])
        return (draw.choice(names),)


@strategy
@dataclass(frozen=True, slots=True)
class Blamed:
    """The one that the feedback on failures names first, most often. As ABO's deviating step.

    Looks at the parent's training measurements below `bar`, in their trace and then in their
    feedback; without a name there, one after the other.
    """

    bar: float = 1.0

    def pick(self, state: State, parent: str) -> tuple[str, ...]:
        names = tuple(state.view.task.components)
        blamed: Counter[str] = Counter()
        for rollout in state.ledger.rollouts(parent, "train", ok_only=True):
            if rollout.score is not None and rollout.score < self.bar:
                first = _first(f"{rollout.trace}\n{rollout.feedback}", names)
                if first is not None:
                    blamed[first] += 1
        if not blamed:
            return RoundRobin().pick(state, parent)
        return (min(blamed, key=lambda name: (-blamed[name], names.index(name))),)


def _first(text: str, names: tuple[str, ...]) -> str | None:
    """The name that stands first in the text, as a whole word."""
    places = {name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names}
    found = {name: match.start() for name, match in places.items() if match is not None}
    return min(found, key=lambda name: (found[name], -len(name))) if found else None
