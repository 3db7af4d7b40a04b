"""What the user gets: the model, its solution, and what is known about both.

Lives here: the `Answer` type and its JSON. Never here: terminal output, calls to a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opto.llm.budget import Spent
from opto.modeling.evaluate import Attempt
from solvers_bridge.api import Solved, Verdict
from solvers_bridge.check import Finding
from solvers_bridge.ir.model import Assumption, Key, Model


class Status(StrEnum):
    """How the matter stands."""

    SOLVED = "solved"
    """An optimal point, checked in exact arithmetic, and no second solver disagrees."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    NOT_SOLVED = "not solved"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The value of one decision."""

    variable: str
    key: tuple[Key, ...]
    value: float
    unit: str | None
    meaning: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of one `solve`: status, last attempt, and what it took."""

    status: Status
    why: str
    """Why the status is not `solved`, or what is special about the solution; often empty."""
    attempt: Attempt | None
    pipeline: str
    usage: Spent
    """Model calls, tokens, seconds and dollars of this answer."""
    repairs: int
    """Corrections that were taken."""
    run: str
    """Identifier of the run in the event store, or empty."""

    @property
    def model(self) -> Model | None:
        """The model, also where it was not solved."""
        return self.attempt.model if self.attempt else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks still say about the model."""
        return self.attempt.findings if self.attempt else ()

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Readings of the text that another reader might not share."""
        return tuple(self.model.assumptions) if self.model else ()

    @property
    def objective(self) -> float | None:
        """Objective value of the best point, in the model's own sense; None without a best."""
        solved = self._with_point()
        return solved.objective if solved else None

    def choices(self) -> list[Chosen]:
        """All decisions of the best point, in the order of the model; empty without a point."""
        solved = self._with_point()
        if solved is None or self.model is None:
            return []
        values = solved.values()
        return [
            Chosen(v.name, key, value, v.unit, v.meaning)
            for v in self.model.variables
            for key, value in values[v.name].items()
        ]

    def _with_point(self) -> Solved | None:
        """The solved model, if there is a point worth showing; an unbounded one has no best."""
        solved = self.attempt.solved if self.attempt else None
        if solved is None or solved.outcome.x is None or self.status is Status.UNBOUNDED:
            return None
        return solved

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`: the same facts as the printed answer."""
        solved = self.attempt.solved if self.attempt else None
        return {
            "status": self.status.value,
            "why": self.why,
            "objective": self.objective,
            "solution": [
                {"variable": c.variable, "key": list(c.key), "value": c.value, "unit": c.unit}
                for c in self.choices()
            ],
            "certificate": solved.to_json() if solved else None,
            "assumptions": [assumption.model_dump() for assumption in self.assumptions],
            "findings": [
                {"path": f.path, "code": f.code, "severity": f.severity, "message": f.message}
                for f in self.findings
            ],
            "model": self.model.model_dump() if self.model else None,
            "pipeline": self.pipeline,
            "repairs": self.repairs,
            "usage": self.usage.to_json(),
            "run": self.run,
        }


def judge(attempt: Attempt) -> tuple[Status, str]:
    """Status of an attempt, and why it is not solved or what is special about it."""
    solved = attempt.solved
    if solved is None:
        first = next(f for f in attempt.findings if f.severity == "error")
        where = f"{first.path}: " if first.path else ""
        return Status.NOT_SOLVED, f"The model cannot be built. {where}{first.message}. {first.fix}"
    match solved.verdict:
        case Verdict.OPTIMAL:
            return Status.SOLVED, ""
        case Verdict.LIMIT:
            return Status.SOLVED, (
                "The value is a limit: one can come as close to it as one likes, but a strict "
                "rule ('more than', 'less than') keeps it from being reached."
            )
        case Verdict.INFEASIBLE | Verdict.UNBOUNDED as verdict:
            message = next(f.message for f in attempt.findings if f.code == verdict.value)
            return Status(verdict.value), f"{message[0].upper()}{message[1:]}."
        case Verdict.DISPUTED:
            failed = [f"{c.name}: {c.note}" for c in solved.certificate.how if not c.passed]
            return Status.NOT_SOLVED, f"Disputed. {'; '.join([*failed, solved.opinion.note])}."
        case Verdict.FEASIBLE:
            why = "a point was found, but not proved best"
        case Verdict.UNDECIDED:
            why = "no point was found"
    return Status.NOT_SOLVED, f"The solver stopped ({solved.outcome.raw_status}): {why}."
