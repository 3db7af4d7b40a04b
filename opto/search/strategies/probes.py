"""How noisy is the score? Found out from repetitions before a policy is chosen.

Lives here: `Probe`.
Never here: what follows from it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from opto.search.actions import Action, Evaluate
from opto.search.results import ActionResult, Rollout
from opto.search.strategies.codec import strategy
from opto.search.strategies.state import State

_ENOUGH_VALUES = 3


@strategy
@dataclass(frozen=True, slots=True)
class Probe:
    """Measures the seed twice on up to `pairs` training examples; stops at the first difference.

    Pairs that agree at one of two values say little (most scores of 0 repeat by luck), so only all
    pairs together count as proof then; with three different values, `few` pairs do. What is not
    shown to be exact is taken to be noisy.
    """

    pairs: int = 16
    few: int = 4
    share: float = 0.05
    """Most of the metric calls left that it may take, but `few` pairs in any case."""
    recheck: int = 2
    """Measurements repeated on each newly kept candidate while scores count as exact."""

    def run(self, state: State) -> Generator[Sequence[Action], Sequence[ActionResult], bool]:
        """Are scores exact, as far as one can tell?"""
        if state.view.task.deterministic:
            return True
        seed, most = state.view.task.seed, self._pairs(state)
        examples = state.draw("train", min(most, state.view.size("train")))
        values: list[float] = []
        for at in range(0, len(examples), self.few):
            part = examples[at : at + self.few]
            asks = [Evaluate(seed, example, "train", rep) for example in part for rep in (0, 1)]
            results = yield asks
            for first, second in zip(results[::2], results[1::2], strict=False):
                if differ(first, second):
                    return False
                if isinstance(first, Rollout) and first.score is not None:
                    values.append(first.score)
            if len(set(values)) >= _ENOUGH_VALUES and len(values) >= self.few:
                return True
            if len(results) < len(asks):
                return False
        return most >= self.pairs or len(values) == state.view.size("train")

    def _pairs(self, state: State) -> int:
        left = state.view.left.metric
        return (
            self.pairs
            if left is None
            else min(self.pairs, max(self.few, int(self.share * left / 2)))
        )

    def again(
        self, state: State, names: Sequence[str]
    ) -> Generator[Sequence[Action], Sequence[ActionResult], bool]:
        """Do first measurements of these candidates still repeat? Asked as the search goes on."""
        if state.view.task.deterministic:
            return True
        for name in names:
            known = [r for r in state.ledger.rollouts(name, "train", ok_only=True) if r.rep == 0]
            known = known[: self.recheck]
            candidate = state.candidate(name)
            results = yield [Evaluate(candidate, r.example, "train", 1) for r in known]
            if any(differ(a, b) for a, b in zip(known, results, strict=False)):
                return False
        return True


def differ(first: ActionResult, second: ActionResult) -> bool:
    """Did both succeed, with different scores?"""
    return (
        isinstance(first, Rollout)
        and isinstance(second, Rollout)
        and first.ok
        and second.ok
        and first.score != second.score
    )
