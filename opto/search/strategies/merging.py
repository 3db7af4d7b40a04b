"""Merging two candidates of one origin, component by component, without a model.

Lives here: `Merge`.
Never here: model calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from opto.search.candidate import Candidate
from opto.search.canon import canonical
from opto.search.strategies.codec import strategy
from opto.search.strategies.fronts import front, undominated
from opto.search.strategies.state import State


@strategy
@dataclass(frozen=True, slots=True)
class Merge:
    """GEPA's system-aware merge, with its defaults.

    Two undominated candidates, neither an ancestor of the other, with a common ancestor that is
    better than neither: each component that only one of them changed is taken from that one; where
    both did, from the one with the higher mean. It is tried on `examples` validation examples, a
    third where each wins and a third where they tie, and must not be below the better parent.

    Source: L. A. Agrawal et al., "GEPA", 2025, appendix on system-aware merge.
    """

    examples: int = 5
    most: int = 5
    """Accepted merges in one run."""

    def find(self, state: State, tried: set[tuple[str, str]]) -> tuple[Candidate, str, str] | None:
        """A child with its parents, or None; `tried` are the pairs that were."""
        fronts = front(state)
        means = {name: state.mean(name, "val") for name in state.pool}
        alive = undominated(fronts, means)
        pairs = [tuple(sorted(pair)) for pair in combinations(alive, 2)]
        draw = state.view.stream("merge", state.step)
        draw.shuffle(pairs)
        for a, b in pairs:
            if (a, b) in tried:
                continue
            child = self._child(state, a, b, means)
            if child is not None and not state.count(child.id):
                return child, a, b
        return None

    def trial(self, state: State, a: str, b: str) -> list[int]:
        """Validation examples both were measured on: where a wins, b wins, and ties."""
        ours, theirs = state.ledger.example_means(a, "val"), state.ledger.example_means(b, "val")
        shared = sorted(ours.keys() & theirs.keys())
        wins = [e for e in shared if ours[e] > theirs[e]]
        losses = [e for e in shared if ours[e] < theirs[e]]
        ties = [e for e in shared if ours[e] == theirs[e]]
        draw = state.view.stream("merge-examples", state.step)
        third = -(-self.examples // 3)
        found: list[int] = []
        for part in (wins, losses, ties):
            size = min(len(part), third, self.examples - len(found))
            found += draw.sample(part, size)
        rest = [example for example in shared if example not in found]
        found += draw.sample(rest, min(len(rest), self.examples - len(found)))
        return sorted(found)

    def _child(self, state: State, a: str, b: str, means: dict[str, float]) -> Candidate | None:
        above_a, above_b = _ancestors(state, a), _ancestors(state, b)
        if a in above_b or b in above_a:
            return None
        for origin in above_a:
            known = state.count(origin) and state.mean(origin, "val") <= min(means[a], means[b])
            if origin in above_b and known:
                child = self._join(state, origin, a, b, means)
                if child is not None:
                    return child
        return None

    def _join(
        self, state: State, origin: str, a: str, b: str, means: dict[str, float]
    ) -> Candidate | None:
        root, left, right = (state.candidate(name).values for name in (origin, a, b))
        better = left if means[a] >= means[b] else right
        values, crossed = {}, False
        for name, old in root.items():
            mine, other = canonical(left[name]), canonical(right[name])
            if mine == other:
                values[name] = left[name]
            elif canonical(old) in (mine, other):
                values[name], crossed = (right if canonical(old) == mine else left)[name], True
            else:
                values[name] = better[name]
        return Candidate(values, (a, b), "merge") if crossed else None


def _ancestors(state: State, name: str) -> list[str]:
    return list(dict.fromkeys(_upward(state, name)))


def _upward(state: State, name: str) -> Iterator[str]:
    seen = {name}
    stack = [name]
    while stack:
        for parent in state.candidate(stack.pop(0)).parents:
            if parent in state.ledger.candidates and parent not in seen:
                seen.add(parent)
                stack.append(parent)
                yield parent
