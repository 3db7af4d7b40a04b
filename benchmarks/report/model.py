"""What is known about an evaluation, as plain numbers.

Lives here: `Report` and its parts, and their JSON.
Never here: how the numbers are made (`benchmarks.report.fold`) or shown.

Shares are of problems. Where a problem was tried several times, it counts with the share of its
samples that are right, so that the number of problems stays the denominator of every interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from benchmarks.scoring import wilson

RULES = ("strict", "main", "lenient")


class Row(NamedTuple):
    """The facts of one sample that a report keeps; small, because there may be many thousand."""

    id: str
    set: str
    sample: int
    accepted: tuple[str, ...]
    status: str
    answer: float | str | None
    strict: bool
    main: bool
    lenient: bool
    error: str | None
    guessed: bool
    """Is the class of the error a guess, as there is no gold model?"""
    why: str
    findings: tuple[str, ...]
    """Codes."""
    kind: str
    labels: str
    overlap: bool
    repairs: int
    calls: int
    tokens: int
    seconds: float
    span: str

    @property
    def problem(self) -> tuple[str, str]:
        return self.set, self.id


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` problems; `right` is whole where each was tried once."""

    right: float
    n: int

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return self.right / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % (Wilson)."""
        return wilson(self.right, self.n)

    def to_json(self) -> dict[str, Any]:
        return {
            "right": self.right,
            "n": self.n,
            "share": self.value,
            "interval_95": list(self.interval),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """The main verdict among some of the problems."""

    name: str
    share: Share


@dataclass(frozen=True, slots=True)
class Cost:
    """What the whole evaluation took."""

    calls: int
    tokens_in: int
    tokens_out: int
    usd: Decimal | None
    """Of the samples whose price is known; None if that is no sample."""
    unpriced: int
    """Samples whose price is not known."""
    seconds: float
    """Sum over samples, as if done one after the other."""
    median_s: float
    p95_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class Samples:
    """What several tries on each problem are worth."""

    k: int
    """Tries that every problem has."""
    pass_at: Mapping[int, float]
    """k' to the chance that one of k' tries is right (main), for 1, 2, 4 ... and `k`."""
    voted: Share
    """Right by the value most tries agree on."""


class Planned(NamedTuple):
    """How much an evaluation was asked to do."""

    problems: int
    samples: int = 1
    """Tries on each problem."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of what was planned is done."""

    planned: Planned
    problems: int
    """Problems with all their tries."""
    tries: int

    @property
    def finished(self) -> bool:
        """Is every try of every problem there?"""
        return self.problems >= self.planned.problems

    def to_json(self) -> dict[str, Any]:
        return {
            "finished": self.finished,
            "problems_done": self.problems,
            "problems_planned": self.planned.problems,
            "tries_done": self.tries,
            "tries_planned": self.planned.problems * self.planned.samples,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation in numbers."""

    rows: tuple[Row, ...]
    """In the order in which they came; each sample once."""
    problems: int
    missing_gold: int
    """Problems without a gold answer: in no accuracy, but in cost and status."""
    accuracy: Mapping[str, Share]
    """By rule: `strict`, `main`, `lenient`."""
    executed: Share
    """Samples with a proved answer (a number, infeasible or unbounded), over problems."""
    by_kind: tuple[Group, ...]
    by_labels: tuple[Group, ...]
    by_overlap: tuple[Group, ...]
    by_set: tuple[Group, ...]
    """Empty where there is one set."""
    statuses: Mapping[tuple[str, str], int]
    """(status of the answer, status of the gold answer) to number of samples."""
    errors: Mapping[str, int]
    """Class to number of samples that are not right, the most frequent first."""
    guessed: int
    """How many of these classes are guesses, as there is no gold model."""
    findings: Mapping[str, tuple[int, int]]
    """Code to how many samples with it are right and wrong: does the check help?"""
    cost: Cost
    samples: Samples | None
    """None where each problem was tried once."""
    declarations: float | None
    """NL4OPT's accuracy over declarations; None without gold models."""
    declared: int
    same_model: Share | None
    """Tries with a model equivalent to the gold model, of those where that could be decided."""
    undecided_models: int
    progress: Progress | None = None
    """None where nobody said how much was planned."""

    @property
    def n(self) -> int:
        """Problems with a gold answer."""
        return self.problems - self.missing_gold

    def to_json(self, *, rows: bool = False) -> dict[str, Any]:
        """All numbers as plain data; every sample too if `rows`."""
        data: dict[str, Any] = {
            "n": self.n,
            "problems": self.problems,
            "tries": len(self.rows),
            "progress": None if self.progress is None else self.progress.to_json(),
            "missing_gold": self.missing_gold,
            "accuracy": {rule: share.to_json() for rule, share in self.accuracy.items()},
            "executed": self.executed.to_json(),
        }
        for name in ("by_kind", "by_labels", "by_overlap", "by_set"):
            groups: tuple[Group, ...] = getattr(self, name)
            data[name] = {group.name: group.share.to_json() for group in groups}
        data |= {
            "statuses": [
                {"answer": answer, "gold": gold, "n": n}
                for (answer, gold), n in self.statuses.items()
            ],
            "errors": dict(self.errors),
            "guessed_errors": self.guessed,
            "findings": {
                code: {"right": right, "wrong": wrong}
                for code, (right, wrong) in self.findings.items()
            },
            "cost": asdict(self.cost)
            | {"usd": None if self.cost.usd is None else str(self.cost.usd)},
            "samples": None
            if self.samples is None
            else {
                "k": self.samples.k,
                "pass_at": {str(k): chance for k, chance in self.samples.pass_at.items()},
                "voted": self.samples.voted.to_json(),
            },
            "declarations": {"accuracy": self.declarations, "declared": self.declared},
            "same_model": None if self.same_model is None else self.same_model.to_json(),
            "undecided_models": self.undecided_models,
        }
        if rows:
            data["rows"] = [row._asdict() for row in self.rows]
        return data
