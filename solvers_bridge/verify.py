"""Is the answer of a solver true? Checked without asking any solver.

Lives here: the certificate of one outcome: feasibility as given and with integers rounded, the
objective recomputed from the model by the interpreter, and what is proved about optimality.
Never here: solvers, second opinions (`solvers_bridge.opinion`), the compiler.

Two judges that share no code with what they judge: fractions on the arrays the solver got, and
the interpreter on the model they were compiled from. A fault of the compiler shows as a
difference between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from solvers_bridge.exact import (
    Residual,
    bound_residual,
    dual_bound,
    exact_dot,
    polished_bound,
    row_residual,
)
from solvers_bridge.form import StandardForm
from solvers_bridge.implied import implied_bounds
from solvers_bridge.interpret import evaluate
from solvers_bridge.ir.model import Model
from solvers_bridge.outcome import Outcome, Stop
from solvers_bridge.strictness import loose_rows, touched_rows

Floats = npt.NDArray[np.float64]
Proof = Literal["proved", "within gap", "not shown"]

TOLERANCE = 1e-6
"""Absolute slack of rows, bounds and whole numbers; relative slack of the objective.

The default of the solvers: a point that is better than this is not theirs to give.
"""
_PROOF_GAP = 1e-9
"""Relative gap below which an exact bound counts as a proof."""
_INTERPRETED = 50_000
"""Matrix entries up to which the (slow) interpreter judges as well."""
_PROVED_ENTRIES = 200_000
_POLISHED_ROWS = 30
"""Nonzero duals up to which equations are solved in fractions (a quarter second when dense)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question put to the answer."""

    name: str
    passed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What holds for the point of an outcome, however sure the solver was."""

    feasible: bool
    """As given *and* with integers rounded, within `TOLERANCE`, by both judges."""
    worst_violation: float
    """Largest excess of the rounded point over a row or bound, in the units of that row."""
    worst_row: str
    """Name of that row or column; empty when nothing is exceeded."""
    rounded: bool
    """Whether rounding moved any integer at all; the point to use is the rounded one."""
    drift: float
    """Largest distance of an integer from its whole number, as given."""
    objective_exact: Fraction | None
    """Of the rounded point, from the model; from the arrays when the model is too large."""
    objective_matches: bool
    """Whether the solver reported that number, within `TOLERANCE`."""
    optimal: Proof
    """`proved` without trusting a solver, `within gap` on its word, or `not shown`."""
    bound_exact: Fraction | None
    """Rigorous limit on the objective of a linear program, if one was found."""
    how: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether the point may be used: feasible, and its objective was reported truly."""
        return self.feasible and self.objective_matches

    def __repr__(self) -> str:
        """One line."""
        if self.objective_exact is None:
            return f"Certificate(nothing to certify: {self.how[0].note})"
        point = "feasible" if self.feasible else f"NOT feasible (by {self.worst_violation:.3g})"
        value = "" if self.objective_matches else ", objective MISREPORTED"
        return f"Certificate({point}{value}, optimality {self.optimal})"


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rigorous bound; only a sharp one says something when it is far from the objective."""

    value: Fraction
    sharp: bool


def rounded_point(form: StandardForm, x: Floats) -> Floats:
    """`x` with integer columns at the nearest whole number; a copy, shape (n,)."""
    return np.where(form.integer != 0, np.rint(x), x) + 0.0  # no negative zeros


def values_of(form: StandardForm, x: Floats) -> dict[str, dict[tuple[str | int, ...], float]]:
    """`x` by variable name and key, as the model knows them."""
    numbers = x.tolist()
    return {
        block.name: {block.key(k): numbers[block.start + k] for k in range(block.size)}
        for block in form.columns
    }


def verify(
    model: Model, form: StandardForm, outcome: Outcome, data: Mapping[str, Any] | None = None
) -> Certificate:
    """Judge `outcome`; nothing it says is taken for granted.

    Args:
        model: What was meant; `form` is claimed to be its compiled shape.
        form: n columns, m rows; what the solver got.
        outcome: What the solver said.
        data: The tables `form` was compiled with, if not those of `model`.

    Raises:
        BridgeError: `model` cannot be interpreted at all (then it could not be compiled either).
    """
    x = outcome.x
    if x is None:
        return _nothing("There is no point to check.", passed=outcome.objective is None)
    if x.shape != (form.n,) or not np.isfinite(x).all():
        return _nothing(f"The point is not {form.n} finite numbers.", passed=False)
    whole = rounded_point(form, x)
    drift = float(np.abs(x - whole).max(initial=0.0))
    rows = row_residual(form, whole, tol=TOLERANCE)
    bounds = bound_residual(form, whole, tol=TOLERANCE)
    given = (rows, bounds)
    if drift > 0.0:
        given = (row_residual(form, x, tol=TOLERANCE), bound_residual(form, x, tol=TOLERANCE))
    checks = [_held("rows", given[0]), _held("bounds", given[1])]
    if form.integer.any():
        note = f"largest distance {drift:.3g}"
        checks.append(Check("whole numbers", drift <= TOLERANCE, note))
    if drift > 0.0:
        checks += [_held("rows after rounding", rows), _held("bounds after rounding", bounds)]
    objective, judged = _from_model(model, form, whole, data=data, slack=rows.slack)
    checks += judged
    feasible = all(check.passed for check in checks)
    checks += _strict(form, whole)
    reported = _reported(form, outcome, objective)
    checks += reported
    bound = _exact_bound(form, outcome, objective)
    optimal, argument = _optimality(form, outcome, objective, bound=bound, feasible=feasible)
    worst, name = _worst(form, rows, bounds)
    return Certificate(
        feasible=feasible,
        worst_violation=float(worst),
        worst_row=name,
        rounded=drift > 0.0,
        drift=drift,
        objective_exact=objective,
        objective_matches=all(check.passed for check in reported),
        optimal=optimal,
        bound_exact=bound.value if bound else None,
        how=(*checks, argument),
    )


def _nothing(why: str, *, passed: bool) -> Certificate:
    return Certificate(
        feasible=False,
        worst_violation=0.0,
        worst_row="",
        rounded=False,
        drift=0.0,
        objective_exact=None,
        objective_matches=passed,
        optimal="not shown",
        bound_exact=None,
        how=(Check("point", passed, why),),
    )


def _held(name: str, residual: Residual) -> Check:
    note = f"worst excess {float(residual.worst):.3g}"
    if residual.doubtful:
        note += f", {residual.doubtful} decided in fractions"
    return Check(name, residual.broken == 0, note)


def _worst(form: StandardForm, rows: Residual, bounds: Residual) -> tuple[Fraction, str]:
    if rows.worst >= bounds.worst:
        return rows.worst, form.row_name(rows.where) if rows.where >= 0 else ""
    return bounds.worst, form.column_name(bounds.where)


def _from_model(
    model: Model,
    form: StandardForm,
    whole: Floats,
    *,
    data: Mapping[str, Any] | None,
    slack: float,
) -> tuple[Fraction, list[Check]]:
    """Objective and violations according to the interpreter, or to the arrays if too large."""
    if len(form.coefs) + form.n > _INTERPRETED:
        objective = exact_dot(form.cost.tolist(), whole.tolist()) + Fraction(form.offset)
        note = f"not interpreted: more than {_INTERPRETED} entries; the arrays were judged"
        return objective, [Check("model", passed=True, note=note)]
    said = evaluate(model, values_of(form, whole), data)
    faults = {f"{row.name}{list(row.key) or ''}": row.violation for row in said.rows}
    for item in said.bounds:
        label = f"{item.name}{list(item.key) or ''}"
        faults[label] = max(faults.get(label, Fraction(0)), item.violation, item.fraction)
    worst = max(faults, key=faults.__getitem__, default="")
    held = not faults or faults[worst] <= Fraction(slack)
    note = f"{len(said.rows)} rows interpreted"
    if not held:
        note += f"; {worst} is broken by {float(faults[worst]):.3g}"
    return said.objective, [Check("model", held, note)]


def _strict(form: StandardForm, whole: Floats) -> list[Check]:
    """Rows meant as `<` or `>` on real variables, of which solvers know only the closure."""
    loose, touched = loose_rows(form), touched_rows(form, whole)
    if not len(loose):
        return []
    if not len(touched):
        return [Check("strict rows", passed=True, note=f"{len(loose)} hold with room")]
    note = f"{form.row_name(int(touched[0]))} holds only with equality"
    return [Check("strict rows", passed=False, note=note)]


def _reported(form: StandardForm, outcome: Outcome, objective: Fraction) -> list[Check]:
    """The reported objective against the model (rounded point) and the arrays (as given)."""
    assert outcome.x is not None  # noqa: S101 - `verify` has returned otherwise
    given = exact_dot(form.cost.tolist(), outcome.x.tolist()) + Fraction(form.offset)
    if outcome.objective is None or not np.isfinite(outcome.objective):
        return [Check("objective", passed=False, note="none was reported for this point")]
    said = Fraction(outcome.objective)
    checks = []
    for name, value in (("objective from the model", objective), ("objective as given", given)):
        off = abs(value - said)
        note = f"{float(value):.12g}, reported {outcome.objective:.12g}"
        checks.append(Check(name, off <= _slack(value), note))
    return checks


def _slack(value: Fraction, *, relative: float = TOLERANCE) -> Fraction:
    return Fraction(relative) * max(Fraction(1), abs(value))


def _exact_bound(form: StandardForm, outcome: Outcome, objective: Fraction) -> _Bound | None:
    """What weak duality proves in fractions about points better than `objective`.

    Few duals are polished first. Otherwise the columns get the bounds that rows, and being
    better than `objective`, imply: then a reduced cost that is not quite zero costs little.
    """
    duals = outcome.duals
    if duals is None or form.integer.any() or len(form.coefs) > _PROVED_ENTRIES:
        return None
    if duals.shape != (form.m,) or not np.isfinite(duals).all():
        return None
    polished = polished_bound(form, duals, max_rows=_POLISHED_ROWS)
    if polished is not None:
        return _Bound(polished, sharp=True)
    box = implied_bounds(form, float(objective))
    boxed = dual_bound(form, [Fraction(dual) for dual in duals.tolist()], box=box)
    if boxed is None:
        return None
    # it speaks of better points only, so it cannot say more than that there are none
    worse = max if form.sense == "max" else min
    return _Bound(worse(boxed, objective), sharp=False)


def _optimality(
    form: StandardForm,
    outcome: Outcome,
    objective: Fraction,
    *,
    bound: _Bound | None,
    feasible: bool,
) -> tuple[Proof, Check]:
    """What is known about better points."""
    if not feasible:
        return "not shown", Check("optimality", passed=False, note="the point is not feasible")
    if form.sense == "satisfy":
        return "proved", Check("optimality", passed=True, note="nothing to improve")
    if bound is not None:
        gap = abs(objective - bound.value)
        note = f"exact dual bound {float(bound.value):.12g}, exact gap {float(gap):.3g}"
        if gap <= _slack(objective, relative=_PROOF_GAP):
            return "proved", Check("optimality", passed=True, note=note)
        if gap > _slack(objective) and bound.sharp:
            return "not shown", Check("optimality", passed=False, note=note)
    return _on_its_word(form, outcome, objective)


def _on_its_word(form: StandardForm, outcome: Outcome, objective: Fraction) -> tuple[Proof, Check]:
    """What the solver claims, if the point itself does not disprove it."""
    if outcome.stop is not Stop.OPTIMAL or outcome.bound is None:
        note = f"the solver stopped with: {outcome.stop.value}"
        return "not shown", Check("optimality", passed=False, note=note)
    note = f"the solver's bound is {outcome.bound:.12g}"
    beyond = objective - Fraction(outcome.bound) if np.isfinite(outcome.bound) else Fraction(0)
    if (beyond if form.sense == "max" else -beyond) > _slack(objective):
        note += ", which the point itself disproves"
        return "not shown", Check("optimality", passed=False, note=note)
    return "within gap", Check("optimality", passed=True, note=note)
