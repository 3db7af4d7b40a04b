"""How many examples whom: what parents get before they are edited, what children get and when.

Lives here: `Draw` for parents, `Stage` for children.
Never here: the comparison itself (`gates`), the final choice (`recommenders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from opto.search.actions import Evaluate, Split
from opto.search.strategies.codec import strategy
from opto.search.strategies.gates import Gate
from opto.search.strategies.state import State

From = Literal["next", "same", "fixed", "all"]


@strategy
@dataclass(frozen=True, slots=True)
class Draw:
    """Examples to measure on: `next` of the shuffled split, a `fixed` slice, or `all` of it.

    `same` takes those the parents just had, and is for stages only.
    """

    size: int = 5
    split: Split = "train"
    source: From = "next"

    def examples(self, state: State, before: Sequence[int] = ()) -> list[int]:
        """Positions in the split."""
        if self.source == "same":
            return list(before)
        if self.source == "all":
            return list(range(state.view.size(self.split)))
        size = min(self.size, state.view.size(self.split))
        if self.source == "fixed":
            return sorted(state.order(self.split, 0, "fixed")[:size])
        return state.draw(self.split, size)


@strategy
@dataclass(frozen=True, slots=True)
class Stage:
    """One round of evaluations of the children that are still in, then a gate."""

    draw: Draw
    gate: Gate | None = None
    """None lets all pass."""
    with_parents: bool = False
    """Are the parents measured on the same examples, so that there are pairs to compare?"""
    whole: bool = False
    """Does the gate see all pairs of child and parent, not only those of this round?"""

    def asks(
        self, state: State, lines: Sequence[tuple[str, str]], examples: Sequence[int]
    ) -> list[Evaluate]:
        """Evaluations for (child, parent) lines."""
        names = [child for child, _ in lines]
        if self.with_parents:
            names = [*dict.fromkeys(parent for _, parent in lines), *names]
        return state.measure(names, examples, self.draw.split)

    def gains(self, state: State, child: str, parent: str, examples: Sequence[int]) -> list[float]:
        """Child minus parent by example, from the means there."""
        ours = state.ledger.example_means(child, self.draw.split)
        theirs = state.ledger.example_means(parent, self.draw.split)
        shared = ours.keys() & theirs.keys()
        if not self.whole:
            shared &= set(examples)
        return [ours[example] - theirs[example] for example in sorted(shared)]
