"""One call from a model to an answer that was checked.

Lives here: `solve_model` and the record it returns.
Never here: checks themselves, solvers, words for people beyond one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum, unique
from typing import Any

from solvers_bridge.backends import get_backend
from solvers_bridge.compile import compile_model
from solvers_bridge.form import StandardForm
from solvers_bridge.ir.model import Model
from solvers_bridge.opinion import Opinion, not_asked, second_opinion
from solvers_bridge.outcome import Limits, Outcome, Stop
from solvers_bridge.strictness import Strict, settle
from solvers_bridge.verify import Certificate, rounded_point, values_of, verify

Key = tuple[str | int, ...]


@unique
class Verdict(StrEnum):
    """What may be told to someone who relies on it."""

    OPTIMAL = "optimal"
    LIMIT = "limit"
    """Approached as closely as one likes but not reached: a strict row over reals is in the way."""
    FEASIBLE = "feasible"
    """A checked point, without proof that none is better."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    DISPUTED = "disputed"
    """Two solvers differ, or the point does not hold what the solver says of it."""
    UNDECIDED = "undecided"
    """No point and no proof: a limit, or a solver that broke down."""


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A model, its arrays, what the solver said, and what is true of it."""

    model: Model
    form: StandardForm
    outcome: Outcome
    certificate: Certificate
    opinion: Opinion
    strict: Strict = Strict.HELD
    """How the answer stands to rows written with `<` or `>` over real variables."""

    @property
    def verdict(self) -> Verdict:
        """The outcome after both checks; a disputed answer is never called optimal."""
        stop = self.outcome.stop
        if self.opinion.agrees is False:
            return Verdict.DISPUTED
        if stop is Stop.INFEASIBLE or self.strict is Strict.IMPOSSIBLE:
            return Verdict.INFEASIBLE
        if self.strict is Strict.UNKNOWN:
            return Verdict.UNDECIDED
        if stop is Stop.UNBOUNDED:
            return Verdict.UNBOUNDED
        return self._verdict_on_point()

    def _verdict_on_point(self) -> Verdict:
        claimed = self.outcome.stop is Stop.OPTIMAL
        if self.outcome.x is None:
            return Verdict.DISPUTED if claimed else Verdict.UNDECIDED
        if not self.certificate.holds:
            return Verdict.DISPUTED
        if self.certificate.optimal == "not shown":
            return Verdict.DISPUTED if claimed else Verdict.FEASIBLE
        return Verdict.LIMIT if self.strict is Strict.LIMIT else Verdict.OPTIMAL

    @property
    def objective(self) -> float | None:
        """Exact objective of the rounded point as a double, in the model's sense."""
        exact = self.certificate.objective_exact
        return None if exact is None else float(exact)

    def values(self) -> dict[str, dict[Key, float]]:
        """Value per variable and key, whole numbers rounded; empty when there is no point.

        For an unbounded model this is some feasible point, if the solver had one.
        """
        if self.outcome.x is None:
            return {}
        return values_of(self.form, rounded_point(self.form, self.outcome.x))

    def to_json(self) -> dict[str, Any]:
        """All but the model and its values, as plain data; no NaN and no infinity."""
        outcome, certificate, opinion = self.outcome, self.certificate, self.opinion
        exact = certificate.objective_exact
        return {
            "verdict": self.verdict.value,
            "stop": outcome.stop.value,
            "raw_status": outcome.raw_status,
            "engine": outcome.engine,
            "seconds": outcome.seconds,
            "objective": outcome.objective,
            "objective_exact": None if exact is None else str(exact),
            "bound": outcome.bound,
            "gap": outcome.gap,
            "feasible": certificate.feasible,
            "worst_violation": certificate.worst_violation,
            "worst_row": certificate.worst_row,
            "rounded": certificate.rounded,
            "objective_matches": certificate.objective_matches,
            "optimal": certificate.optimal,
            "strict": self.strict.value,
            "checks": [asdict(check) for check in certificate.how],
            "second": {
                "agrees": opinion.agrees,
                "engine": opinion.engine,
                "stop": None if opinion.stop is None else opinion.stop.value,
                "objective": opinion.objective,
                "note": opinion.note,
            },
        }

    def __repr__(self) -> str:
        """One line."""
        value = "" if self.objective is None else f" {self.objective:.12g}"
        return f"Solved({self.verdict.value}{value}, {self.certificate}, {self.opinion})"


def solve_model(
    model: Model,
    data: Mapping[str, Any] | None = None,
    *,
    limits: Limits | None = None,
    backend: str = "highs",
    second: bool = True,
) -> Solved:
    """Compile, solve, verify and (unless told not to) ask a second solver.

    Args:
        model: The model with its numbers.
        data: Tables instead of, or in addition to, those of the model.
        limits: Of each of the two solves; the defaults of `Limits` without.
        backend: Name of the solver that is asked first.
        second: Whether another one is asked as well.

    Returns:
        Everything that is known; read `verdict` first.

    Raises:
        ModelError: The model cannot be compiled; `where` is the path of the fault.
        DataError: A number is missing or not usable.
        MissingSolverError: `backend` is not installed (a missing second one is only noted).
        SolverError: The solver refuses the model as it is.
    """
    limits = limits or Limits()
    form = compile_model(model, data)
    engine = get_backend(backend)
    settled = settle(form, engine.solve(form, limits), engine, limits)
    outcome = settled.outcome
    certificate = verify(model, form, outcome, data)
    if not second:
        opinion = not_asked("second=False")
    elif outcome.stop is Stop.INTERRUPTED:
        opinion = not_asked("the first solve was interrupted")
    else:
        opinion = second_opinion(form, outcome, limits)
    return Solved(model, form, outcome, certificate, opinion, settled.strict)
