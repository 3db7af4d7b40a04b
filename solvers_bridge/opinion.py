"""A second solver, asked the same question; two that differ are never called optimal.

Lives here: choosing the other engine, comparing statuses and objectives, saying why not asked.
Never here: exact checks (`solvers_bridge.verify`), solver packages.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache

from solvers_bridge.backends import Backend, get_backend
from solvers_bridge.errors import BridgeError, MissingSolverError
from solvers_bridge.form import StandardForm
from solvers_bridge.outcome import Limits, Outcome, Stop

_ABSOLUTE = 1e-6
_PRECISION = 1e-7
"""Relative precision of objectives that simplex and branch-and-bound codes deliver."""
_APPROXIMATE_GAP = 1e-4
"""Relative gap granted to first-order methods, whose answers are approximate by nature."""
_opening = threading.Lock()
_DECIDED = frozenset({Stop.OPTIMAL, Stop.INFEASIBLE, Stop.UNBOUNDED})


@dataclass(frozen=True, slots=True)
class Opinion:
    """What another engine says about the same form."""

    agrees: bool | None
    """None: it was not asked, or one of the two did not come to a decision."""
    engine: str
    """Solver and version; empty when none was asked."""
    stop: Stop | None
    objective: float | None
    note: str
    """One sentence: in what they agree or differ, or `not asked: ...`."""

    def __repr__(self) -> str:
        """One line."""
        return f"Opinion({self.engine or 'nobody'}: {self.note})"


def not_asked(why: str) -> Opinion:
    """Nobody's opinion, and the reason."""
    return Opinion(None, "", None, None, f"not asked: {why}")


def second_opinion(form: StandardForm, outcome: Outcome, limits: Limits) -> Opinion:
    """Ask an engine that shares no code with the one of `outcome`.

    Args:
        form: What the first engine solved.
        outcome: What it answered.
        limits: Of the second solve; the relative gap also widens the agreement.

    Returns:
        Agreement, disagreement, or why there is neither. Never raises for a solver's faults.
    """
    other = "highs" if outcome.engine.startswith("OR-Tools") else "ortools"
    try:
        backend = _backend(other)
    except MissingSolverError as missing:
        return not_asked(f"{missing.what} {missing.fix}".strip())
    try:
        answer = backend.solve(form, limits)
    except BridgeError as refused:
        return not_asked(f"{other} refused: {refused.what}")
    agrees, note = compare(form, outcome, answer, limits)
    return Opinion(agrees, answer.engine, answer.stop, answer.objective, note)


def compare(
    form: StandardForm, first: Outcome, second: Outcome, limits: Limits
) -> tuple[bool | None, str]:
    """Whether two outcomes of `form` can both be true, and the sentence that says it.

    Objectives agree when |z1 - z2| <= gap |z1| + gap |z2| + 1e-6, where the gap is what was asked
    for, or the engine's own precision if that is coarser. A point without proof still refutes:
    better than an optimum, or feasible where the other says infeasible.
    """
    refuted = _refuted(form, first, second, limits) or _refuted(form, second, first, limits)
    if refuted:
        return False, refuted
    undecided = [run for run in (first, second) if run.stop not in _DECIDED]
    if undecided:
        return None, f"no comparison: {undecided[0].engine} stopped with: {undecided[0].stop.value}"
    if first.stop is not second.stop:
        return False, f"{first.engine} says {first.stop.value}, {second.engine} {second.stop.value}"
    if first.stop is not Stop.OPTIMAL or form.sense == "satisfy":
        return True, f"both say {first.stop.value}"
    return _same_optimum(first, second, limits)


def _same_optimum(first: Outcome, second: Outcome, limits: Limits) -> tuple[bool | None, str]:
    if first.objective is None or second.objective is None:
        return None, "no comparison: an optimum came without an objective"
    apart = abs(first.objective - second.objective)
    numbers = f"{first.objective:.12g} and {second.objective:.12g}"
    if apart <= _allowed(first, limits) + _allowed(second, limits) + _ABSOLUTE:
        return True, f"both say optimal, {numbers}"
    return False, f"both say optimal, but {numbers}"


def _refuted(form: StandardForm, claim: Outcome, witness: Outcome, limits: Limits) -> str:
    """How the point of an undecided `witness` contradicts `claim`; empty if it does not."""
    if witness.stop in _DECIDED or witness.x is None or witness.objective is None:
        return ""
    if claim.stop is Stop.INFEASIBLE:
        return f"{claim.engine} says infeasible, {witness.engine} has a point"
    if claim.stop is not Stop.OPTIMAL or claim.objective is None or form.sense == "satisfy":
        return ""
    gain = witness.objective - claim.objective
    gain = gain if form.sense == "max" else -gain
    if gain <= _allowed(claim, limits) + _ABSOLUTE * max(1.0, abs(claim.objective)):
        return ""
    return (
        f"{claim.engine} says optimal {claim.objective:.12g},"
        f" {witness.engine} has a better point: {witness.objective:.12g}"
    )


def _allowed(run: Outcome, limits: Limits) -> float:
    """Distance from the optimum that an engine may keep under its gap, in objective units."""
    least = _APPROXIMATE_GAP if run.engine.endswith("PDLP") else _PRECISION
    return max(limits.mip_gap, least) * abs(run.objective or 0.0)


def _backend(name: str) -> Backend:
    """One instance per process, so that its workers are started once."""
    with _opening:  # `cache` alone would let two threads make one each
        return _opened(name)


@cache
def _opened(name: str) -> Backend:
    return get_backend(name)
