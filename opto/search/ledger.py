"""The ledger: all results in logical order, and the statistics algorithms ask for.

Statistics are folds kept up to date as results come in, so asking is cheap. Long texts go to a
temporary file and are read back when a rollout is asked for, so memory stays small.

Lives here: `Ledger`, one study's results, read only to algorithms.
Never here: running, budgets, files of runs, decisions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import TypeAlias

from opto.search.actions import Evaluate, Split
from opto.search.candidate import Candidate
from opto.search.canon import canonical
from opto.search.cost import NOTHING, Cost
from opto.search.folds import Moments, Scores
from opto.search.results import ActionResult, Proposal, Rollout
from opto.search.spool import Spool

Slot: TypeAlias = tuple[Split, int, int]
"""(split, example, rep): one measurement of a candidate."""


class Ledger:
    """Results in the order they were asked for, whatever order they came in.

    A measurement that failed is listed and counts in no statistic. Asked again, it may succeed;
    the success then takes its place.
    """

    def __init__(self) -> None:
        self._candidates: dict[str, Candidate] = {}
        self._children: dict[str, list[str]] = {}
        self._slots: dict[str, dict[Slot, tuple[Rollout, int]]] = {}
        self._scores: dict[Split, Scores] = {"train": Scores(), "val": Scores()}
        self._proposals: list[Proposal] = []
        self._spool = Spool()
        self._digest = blake2b(digest_size=16)
        self._spent = NOTHING
        self._count = 0
        self._statuses: Counter[tuple[str, str]] = Counter()
        self._notes: dict[tuple[str, str], str] = {}

    # What is known

    @property
    def candidates(self) -> Mapping[str, Candidate]:
        """Every candidate by id, in the order they became known; the seed comes first."""
        return MappingProxyType(self._candidates)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Every proposal in logical order, failures included."""
        return tuple(self._proposals)

    @property
    def spent(self) -> Cost:
        """The sum of the costs of all results."""
        return self._spent

    @property
    def digest(self) -> str:
        """Identity of all results in order, times aside: equal ledgers have equal digests."""
        return self._digest.hexdigest()

    @property
    def statuses(self) -> Mapping[tuple[str, str], int]:
        """(`evaluation` or `proposal`, status) to a count; what was known before counts once."""
        return MappingProxyType(self._statuses)

    @property
    def first_notes(self) -> Mapping[tuple[str, str], str]:
        """(`evaluation` or `proposal`, status) to the first note there was, unless it is `ok`."""
        return MappingProxyType(self._notes)

    def __len__(self) -> int:
        """Number of results."""
        return self._count

    def children(self, candidate: str) -> tuple[str, ...]:
        """Ids of the candidates made from this one, in the order they became known."""
        return tuple(self._children.get(candidate, ()))

    def rollouts(
        self, candidate: str, split: Split | None = None, *, ok_only: bool = False
    ) -> list[Rollout]:
        """The measurements of a candidate in logical order, with their texts."""
        found = self._slots.get(candidate, {})
        return [
            self._whole(part, at)
            for slot, (part, at) in found.items()
            if (split is None or slot[0] == split) and (part.ok or not ok_only)
        ]

    def failed(self, candidate: str) -> list[Slot]:
        """Where a candidate gave no score; no texts are read for it."""
        return [slot for slot, (part, _) in self._slots.get(candidate, {}).items() if not part.ok]

    def rollout(self, candidate: str, example: int, split: Split, rep: int) -> Rollout | None:
        """One measurement, if there is one."""
        found = self._slots.get(candidate, {}).get((split, example, rep))
        return None if found is None else self._whole(*found)

    def reps(self, candidate: str, example: int, split: Split = "val") -> int:
        """The number of successful measurements of a candidate on one example."""
        return self._scores[split].of_example(candidate, example).n

    # Statistics

    def n(self, candidate: str, split: Split = "val") -> int:
        """Number of successful measurements."""
        return self._scores[split].of(candidate).n

    def mean(self, candidate: str, split: Split = "val") -> float | None:
        """Mean score of the successful measurements; None if there is none. O(1)."""
        return self._scores[split].of(candidate).mean_or_none

    def sd(self, candidate: str, split: Split = "val") -> float | None:
        """Standard deviation of the scores, n - 1 in the denominator; None under two. O(1)."""
        return self._scores[split].of(candidate).sd

    def means(self, candidate: str, split: Split = "val") -> dict[str, float]:
        """Mean of each further objective over the measurements that have it."""
        objectives = self._scores[split].objectives.get(candidate, {})
        return {name: moments.mean for name, moments in objectives.items()}

    def example_means(self, candidate: str, split: Split = "val") -> dict[int, float]:
        """Example to mean score there, over its repetitions; examples in ascending order."""
        found = self._scores[split].examples.get(candidate, {})
        return {example: found[example].mean for example in sorted(found)}

    def paired(self, a: str, b: str, split: Split = "val") -> list[tuple[float, float]]:
        """Scores of both where both succeeded on the same example and repetition, in that order."""
        ours, theirs = self._slots.get(a, {}), self._slots.get(b, {})
        pairs: list[tuple[float, float]] = []
        for slot in sorted(ours.keys() & theirs.keys()):
            x, y = ours[slot][0].score, theirs[slot][0].score
            if slot[0] == split and x is not None and y is not None:
                pairs.append((x, y))
        return pairs

    def front(self, split: Split = "val") -> dict[int, tuple[str, ...]]:
        """Example to the ids with the best mean score on it, ties included, oldest first.

        Kept up to date: the cost is that of the examples with new results since the last call.
        """
        return self._scores[split].front()

    def ranked(self, split: Split = "val", *, at_least: int = 1) -> list[str]:
        """Ids by mean score, best first, the older first on ties; with `at_least` measurements."""
        fold = self._scores[split]
        known = [name for name in self._candidates if fold.of(name).n >= at_least]
        return sorted(known, key=lambda name: -fold.of(name).mean)

    # Growing; the engine's part

    def admit(self, candidate: Candidate) -> bool:
        """Make a candidate known; False if it was."""
        if candidate.id in self._candidates:
            return False
        self._candidates[candidate.id] = candidate
        for parent in candidate.parents:
            self._children.setdefault(parent, []).append(candidate.id)
        return True

    def add(self, result: ActionResult) -> None:
        """Append a result. Repeats of a success change nothing but the count and the spending."""
        self._count += 1
        self._spent = self._spent + result.cost
        body = result.to_json()
        body["cost"] = {k: v for k, v in result.cost.to_json().items() if k != "seconds"}
        self._digest.update(canonical(body).encode("ascii"))
        if isinstance(result, Proposal):
            self._tally("proposal", result)
            self._proposals.append(result)
            for candidate in result.candidates:
                self.admit(candidate)
            return
        slots = self._slots.setdefault(result.candidate, {})
        slot = (result.split, result.example, result.rep)
        known = slots.get(slot)
        if known is not None and known[0].ok:
            return
        self._tally("evaluation", result)
        slots[slot] = self._spool.put(result)
        if result.score is not None:
            self._scores[result.split].add(result, result.score)

    def _tally(self, kind: str, result: ActionResult) -> None:
        self._statuses[kind, result.status] += 1
        if result.status != "ok":
            self._notes.setdefault((kind, result.status), result.note)

    def answer(self, action: Evaluate) -> Rollout | None:
        """The earlier success of the same measurement, at no cost."""
        slot = (action.split, action.example, action.rep)
        found = self._slots.get(action.candidate.id, {}).get(slot)
        if found is None or not found[0].ok:
            return None
        return self._spool.get(*found, cost=NOTHING)

    def moments(self, candidate: str, split: Split = "val") -> Moments:
        """Count, mean and spread of the scores together."""
        return self._scores[split].of(candidate)

    def max_rep(self, split: Split = "val") -> int:
        """The highest repetition of any measurement; -1 if there is none."""
        return self._scores[split].max_rep

    def __iter__(self) -> Iterator[Rollout]:
        """Every measurement, candidates in the order of their first, with texts."""
        for candidate in self._slots:
            yield from self.rollouts(candidate)

    def __repr__(self) -> str:
        return f"Ledger({self._count} results, {len(self._candidates)} candidates, {self._spent})"

    def _whole(self, part: Rollout, at: int) -> Rollout:
        return self._spool.get(part, at)
