"""When there is nothing to gain: a candidate that has the best score there can be.

Known only where the guide says what the best score is (`guide.best_score`). Before money is spent
on proposals, a candidate without a single lower score is measured on every validation example,
and, where repetitions may differ, until `PROOF` measurements agree: then it fails less than once
in ten times, with 95 % confidence.

Lives here: `Enough`.
Never here: running, statistics, what the search does otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opto.search.actions import Evaluate, Split
from opto.search.candidate import Candidate

if TYPE_CHECKING:
    from opto.search.session import Session

STOPPED = "nothing to gain"
PROOF = 30
"""Measurements without a lower score that end a search with noisy scores: 3/n < 0.1."""
FIRST = 10
"""Examples, all of a split if there are fewer, that must show the best score before more of the
budget is spent on finding out."""
SHARE = 4
"""No more than this part of the metric calls left is spent on one candidate: a quarter."""


class Enough:
    """Asks of one study whether it may end. Deterministic, like an algorithm."""

    def __init__(self, best_score: float | None) -> None:
        self._top = best_score
        self._tried: set[str] = set()

    def look(self, session: Session) -> tuple[Candidate | None, list[Evaluate]]:
        """The candidate that ends the search, or what to measure to find out; often neither."""
        if self._top is None or session.exhausted:
            return None, []
        for name, candidate in session.ledger.candidates.items():
            if not self._without_fault(session, name):
                continue
            asks = _missing(session, candidate)
            if not asks:
                return candidate, []
            left = session.left.metric
            if name not in self._tried and (left is None or len(asks) <= left // SHARE):
                self._tried.add(name)
                return None, asks
        return None, []

    def _without_fault(self, session: Session, name: str) -> bool:
        ledger, top = session.ledger, self._top
        splits: tuple[Split, ...] = ("val", "train")
        moments = [ledger.moments(name, split) for split in splits]
        if top is None or any(part.n and part.mean < top for part in moments):
            return False
        shown = (len(ledger.example_means(name, s)) >= min(FIRST, session.size(s)) for s in splits)
        if not any(shown):
            return False
        return all(r.ok and r.score is not None and r.score >= top for r in ledger.rollouts(name))


def _missing(session: Session, candidate: Candidate) -> list[Evaluate]:
    """What is not measured yet of a candidate without fault."""
    ledger, name, size = session.ledger, candidate.id, session.size("val")
    reps = [ledger.reps(name, example) for example in range(size)]
    asks = [Evaluate(candidate, example) for example in range(size) if not reps[example]]
    if session.task.deterministic:
        return asks
    known = sum(reps) + ledger.n(name, "train") + len(asks)
    reps = [max(rep, 1) for rep in reps]
    for at in range(PROOF - known):
        example = at % size
        asks.append(Evaluate(candidate, example, "val", reps[example]))
        reps[example] += 1
    return asks
