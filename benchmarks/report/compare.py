"""Is one method better than another on the same problems?

Lives here: the paired comparison of two reports.
Never here: printing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.report.model import Progress, Report, Row, Share
from benchmarks.scoring import mcnemar, paired_difference


class Change(NamedTuple):
    """A problem that only one of the two got right."""

    set: str
    id: str
    a: Row
    b: Row


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations on the problems that both have, by the main verdict of the first try."""

    n: int
    a: Share
    b: Share
    both: int
    neither: int
    only_a: tuple[Change, ...]
    """Right in A, wrong in B."""
    only_b: tuple[Change, ...]
    difference: float
    """Share of A minus share of B."""
    interval: tuple[float, float]
    """95 % of the difference (Newcombe's method 10 for pairs)."""
    p: float
    """McNemar's exact two-sided test."""
    left_out: int
    """Problems that only one of the two has."""
    other_gold: int
    """Problems whose accepted answers differ between the two, left out too."""
    tries: tuple[int, int]
    """Most tries on a problem that A and B have; only the first of each is compared."""
    progress: tuple[Progress | None, Progress | None]
    """How much of A and of B is done."""

    def to_json(self) -> dict[str, Any]:
        """All numbers, and the changes both ways."""
        return {
            "n": self.n,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "both": self.both,
            "neither": self.neither,
            "only_a": [_change(change) for change in self.only_a],
            "only_b": [_change(change) for change in self.only_b],
            "difference": self.difference,
            "interval_95": list(self.interval),
            "p": self.p,
            "left_out": self.left_out,
            "other_gold": self.other_gold,
            "compared": "first try",
            "tries": list(self.tries),
            "progress": [None if one is None else one.to_json() for one in self.progress],
        }


def compare(a: Report, b: Report) -> Comparison:
    """The first try of each problem with a gold answer that both have, in pairs."""
    ours, theirs = _first(a), _first(b)
    shared = [problem for problem in ours if problem in theirs]
    paired = [p for p in shared if set(ours[p].accepted) == set(theirs[p].accepted)]
    only_a = [p for p in paired if ours[p].main and not theirs[p].main]
    only_b = [p for p in paired if theirs[p].main and not ours[p].main]
    both = sum(ours[p].main and theirs[p].main for p in paired)
    n = len(paired)
    neither = n - both - len(only_a) - len(only_b)
    difference, interval = paired_difference(both, len(only_a), len(only_b), neither)
    return Comparison(
        n=n,
        a=Share(both + len(only_a), n),
        b=Share(both + len(only_b), n),
        both=both,
        neither=neither,
        only_a=tuple(Change(*p, ours[p], theirs[p]) for p in only_a),
        only_b=tuple(Change(*p, ours[p], theirs[p]) for p in only_b),
        difference=difference,
        interval=interval,
        p=mcnemar(len(only_a), len(only_b)),
        left_out=len(ours) + len(theirs) - 2 * len(shared),
        other_gold=len(shared) - n,
        tries=(_most_tries(a), _most_tries(b)),
        progress=(a.progress, b.progress),
    )


def _most_tries(report: Report) -> int:
    return max(Counter(row.problem for row in report.rows).values(), default=0)


def _first(report: Report) -> Mapping[tuple[str, str], Row]:
    """The lowest-numbered try of each problem with a gold answer."""
    rows: dict[tuple[str, str], Row] = {}
    for row in report.rows:
        known = rows.get(row.problem)
        if row.accepted and (known is None or row.sample < known.sample):
            rows[row.problem] = row
    return rows


def _change(change: Change) -> dict[str, Any]:
    return {
        "set": change.set,
        "id": change.id,
        "accepted": list(change.a.accepted),
        "a": {"answer": change.a.answer, "status": change.a.status, "error": change.a.error},
        "b": {"answer": change.b.answer, "status": change.b.status, "error": change.b.error},
    }
