"""What a strategy sees: the study, and the few facts the loop keeps between steps.

Lives here: `State`, drawing of examples, repetitions.
Never here: policy; running anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from opto.search.actions import Evaluate, Split
from opto.search.algorithm import View
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.ledger import Ledger


@dataclass(slots=True)
class State:
    """The search so far. Made by the loop; strategies read it and change nothing."""

    view: View
    pool: list[str] = field(default_factory=list)
    """Ids of the candidates kept, oldest first."""
    step: int = 0
    """Turns of the loop that are over."""
    exact: bool = False
    """Do repeated measurements agree? Then the first is used again and costs nothing."""
    born: dict[str, Candidate] = field(default_factory=dict)
    """Candidates made without the proposer; the ledger knows them once they are measured."""
    cut: bool = False
    """Could the budget not carry a batch?"""
    summary: str = ""
    """The latest summary a model wrote of the evidence."""
    asked: Counter[str] = field(default_factory=Counter)
    """Candidate to the number of proposals asked for with it as a parent."""
    edited: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(candidate, component) to the number of proposals asked for."""
    examples: list[int] = field(default_factory=list)
    """Training examples the parents were measured on in this turn."""
    last_gain: int = 0
    """Turn in which the pool last took a candidate in."""
    barren: int = 0
    """Turns in a row in which nothing new was measured."""
    opened: bool = False
    """Is the share kept for the recommendation being spent on the search?"""
    merge_due: bool = False
    merges: int = 0
    """Merges that were accepted."""
    merged: set[tuple[str, str]] = field(default_factory=set)
    """Pairs that were tried."""
    sets: dict[str, list[JSON]] = field(default_factory=dict)
    """Component to the sets of demonstrations to choose from."""
    demos: list[JSON] = field(default_factory=list)
    """The demonstrations to choose a subset of."""
    background: dict[str, str] = field(default_factory=dict)
    """Notes that a model made of the training data and the program before the first turn."""
    _drawn: dict[str, int] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        return self.view.ledger

    def candidate(self, name: str) -> Candidate:
        """The candidate with this id."""
        return self.born[name] if name in self.born else self.ledger.candidates[name]

    def count(self, name: str) -> int:
        """Successful measurements of a candidate in both splits."""
        return self.ledger.n(name, "train") + self.ledger.n(name, "val")

    def mean(self, name: str, split: Split | None = None) -> float:
        """Mean score, over both splits unless one is named; -inf where nothing was measured."""
        if split is not None:
            found = self.ledger.mean(name, split)
            return float("-inf") if found is None else found
        total = n = 0.0
        for part in (self.ledger.moments(name, "train"), self.ledger.moments(name, "val")):
            total, n = total + part.n * part.mean, n + part.n
        return total / n if n else float("-inf")

    def draw(self, split: Split, size: int, *, purpose: str = "batch") -> list[int]:
        """The next `size` examples: every example once in random order, then all again."""
        length = self.view.size(split)
        key = f"{purpose}/{split}"
        start = self._drawn.get(key, 0)
        self._drawn[key] = start + size
        found: list[int] = []
        while len(found) < size:
            epoch, position = divmod(start + len(found), length)
            found += self.order(split, epoch, purpose)[position:][: size - len(found)]
        return found

    def order(self, split: Split, epoch: int, purpose: str) -> list[int]:
        """All examples in the random order of one epoch."""
        length = self.view.size(split)
        return self.view.stream(f"examples/{purpose}/{split}", epoch).sample(range(length), length)

    def measure(
        self, names: Iterable[str | Candidate], examples: Sequence[int], split: Split
    ) -> list[Evaluate]:
        """Evaluations of each candidate on each example: repetitions not measured yet.

        With `exact`, repetition 0, which is answered from the ledger where it is known.
        """
        asks: list[Evaluate] = []
        for name in names:
            candidate = name if isinstance(name, Candidate) else self.candidate(name)
            extra: Counter[int] = Counter()
            for example in examples:
                done = 0 if self.exact else self.ledger.reps(candidate.id, example, split)
                asks.append(Evaluate(candidate, example, split, done + extra[example]))
                if not self.exact:
                    extra[example] += 1
        return asks
