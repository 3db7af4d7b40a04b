"""Exact arithmetic on a standard form: what a point violates, and what dual values prove.

Lives here: residuals decided rigorously (fast doubles with an error bound, rational numbers for
rows in doubt) and the weak-duality bound of a linear program in rational numbers.
Never here: solvers, models, words for people.

The numbers of a form are doubles, each of which is a fraction; all claims are about those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from solvers_bridge.form import StandardForm

Floats = npt.NDArray[np.float64]

_ROUNDOFF = 2.0**-53
_STORED = 2.0**-50
"""Storing a point as doubles moves a row by this much of the sum of its terms' sizes."""


@dataclass(frozen=True, slots=True)
class Residual:
    """How far a point is outside its rows, or outside its bounds."""

    worst: Fraction
    """Excess of the worst member, exact, in its own units; 0 when nothing is exceeded."""
    where: int
    """Row (or column) of `worst`; -1 when there is none."""
    broken: int
    """Members whose excess is above their tolerance; decided without rounding error."""
    doubtful: int
    """Members that doubles could not decide and fractions did."""
    slack: float
    """Largest tolerance that was granted, in the units of its row."""


def exact_dot(coefs: Iterable[float], values: Iterable[float]) -> Fraction:
    """Sum of products of doubles, without rounding.

    Every double is n / 2**k, so one common power of two replaces all gcds.
    """
    terms: list[tuple[int, int]] = []
    for coef, value in zip(coefs, values, strict=True):
        top, bottom = coef.as_integer_ratio()
        value_top, value_bottom = value.as_integer_ratio()
        terms.append((top * value_top, (bottom * value_bottom).bit_length() - 1))
    most = max((shift for _, shift in terms), default=0)
    return Fraction(sum(top << (most - shift) for top, shift in terms), 1 << most)


def row_residual(form: StandardForm, x: Floats, *, tol: float) -> Residual:
    """Rows that `x` breaks by more than `tol` plus the unavoidable noise of doubles.

    Args:
        form: n columns, m rows.
        x: Finite numbers, shape (n,).
        tol: Absolute slack in the units of each row.
    """
    rows = form.m
    if not rows:
        return Residual(Fraction(0), -1, 0, 0, tol)
    row_of = np.repeat(np.arange(rows), np.diff(form.starts))
    with np.errstate(all="ignore"):  # an overflow leaves a row in doubt, which is right
        terms = form.coefs * x[form.indices]
        activity = np.bincount(row_of, terms, minlength=rows)
        size = np.bincount(row_of, np.abs(terms), minlength=rows)
        excess = np.maximum(form.row_lower - activity, activity - form.row_upper)
        count = np.diff(form.starts) + 4  # products, sums, the last subtraction, `size` itself
        error = 1.1 * count * _ROUNDOFF * (size + np.abs(excess)) + count * 5e-324
        slack = tol + _STORED * np.where(np.isfinite(size), size, 0.0)
        surely_held = excess + error <= slack
        surely_broken = excess - error > slack
    doubtful = np.flatnonzero(~(surely_held | surely_broken))
    exact = {int(i): _row_excess(form, x, int(i)) for i in doubtful}
    broken = int(surely_broken.sum())
    broken += sum(value > Fraction(float(slack[i])) for i, value in exact.items())
    likely = int(np.argmax(np.where(np.isfinite(excess), excess, -np.inf)))
    exact[likely] = _row_excess(form, x, likely)
    largest = float(slack.max())
    return _residual(exact, broken, doubtful=len(doubtful), slack=largest)


def _residual(exact: dict[int, Fraction], broken: int, *, doubtful: int, slack: float) -> Residual:
    where = max(exact, key=exact.__getitem__)
    if exact[where] <= 0:
        return Residual(Fraction(0), -1, broken, doubtful, slack)
    return Residual(exact[where], where, broken, doubtful, slack)


def _row_excess(form: StandardForm, x: Floats, row: int) -> Fraction:
    """Exact excess of one row; negative inside."""
    span = slice(int(form.starts[row]), int(form.starts[row + 1]))
    activity = exact_dot(form.coefs[span].tolist(), x[form.indices[span]].tolist())
    return _outside(activity, float(form.row_lower[row]), float(form.row_upper[row]))


def _outside(value: Fraction, lower: float, upper: float) -> Fraction:
    sides = [Fraction(lower) - value] if np.isfinite(lower) else []
    sides += [value - Fraction(upper)] if np.isfinite(upper) else []
    return max(sides, default=Fraction(-1))


def bound_residual(form: StandardForm, x: Floats, *, tol: float) -> Residual:
    """Columns that `x` puts outside their bounds by more than `tol`."""
    excess = np.maximum(form.col_lower - x, x - form.col_upper)
    if not len(excess):
        return Residual(Fraction(0), -1, 0, 0, tol)
    noise = 4 * _ROUNDOFF * (np.where(np.isfinite(excess), np.abs(excess), 0.0) + np.abs(x))
    near = np.flatnonzero(np.abs(excess - tol) <= noise)
    exact = {int(j): _column_excess(form, x, int(j)) for j in near}
    broken = int((np.delete(excess, near) > tol).sum())
    broken += sum(value > Fraction(tol) for value in exact.values())
    likely = int(np.argmax(excess))
    exact[likely] = _column_excess(form, x, likely)
    return _residual(exact, broken, doubtful=len(near), slack=tol)


def _column_excess(form: StandardForm, x: Floats, column: int) -> Fraction:
    value = Fraction(float(x[column]))
    return _outside(value, float(form.col_lower[column]), float(form.col_upper[column]))


def dual_bound(
    form: StandardForm, duals: Sequence[Fraction], *, box: tuple[Floats, Floats] | None = None
) -> Fraction | None:
    """What `duals` prove about a linear program: no point is better than this. Exact.

    For any y, min c'x = y'(Ax) + (c - A'y)'x is at least the sum of the smallest value of each
    term over its own bounds; the best y makes that equal to the optimum.

    Args:
        form: n columns, m rows; integrality is ignored (the bound stays valid).
        duals: m numbers, change of the objective per unit of a row's side, in the model's sense.
            One that would need a side its row does not have is taken as zero.
        box: Bounds of the columns that hold for all points in question, if not those of `form`.

    Returns:
        The bound in the model's sense, constant included; None when some term has no bound.
    """
    sign = -1 if form.sense == "max" else 1
    sides = list(zip(form.row_lower.tolist(), form.row_upper.tolist(), strict=True))
    usable = [
        dual if _least(sign * dual, *side) is not None else Fraction(0)
        for dual, side in zip(duals, sides, strict=True)
    ]
    lower, upper = box or (form.col_lower, form.col_upper)
    bounds = zip(lower.tolist(), upper.tolist(), strict=True)
    factors = [*usable, *reduced_costs(form, usable)]
    total = Fraction(0)
    for factor, span in zip(factors, [*sides, *bounds], strict=True):
        least = _least(sign * factor, *span)
        if least is None:
            return None
        total += least
    return sign * total + Fraction(form.offset)


def _least(factor: Fraction, lower: float, upper: float) -> Fraction | None:
    """Smallest factor * v over lower <= v <= upper."""
    if not factor:
        return Fraction(0)
    side = lower if factor > 0 else upper
    return factor * Fraction(side) if np.isfinite(side) else None


def reduced_costs(form: StandardForm, duals: Sequence[Fraction]) -> list[Fraction]:
    """Exact c - A'y, n numbers."""
    costs = [Fraction(cost) for cost in form.cost.tolist()]
    starts, indices, coefs = form.starts.tolist(), form.indices.tolist(), form.coefs.tolist()
    for row, dual in enumerate(duals):
        if dual:
            for k in range(starts[row], starts[row + 1]):
                costs[indices[k]] -= Fraction(coefs[k]) * dual
    return costs


def polished_bound(form: StandardForm, duals: Floats, *, max_rows: int) -> Fraction | None:
    """`dual_bound` of `polished_duals`; None when there is none or it would take too long."""
    polished = polished_duals(form, duals, max_rows=max_rows)
    return None if polished is None else dual_bound(form, polished)


def polished_duals(
    form: StandardForm, duals: Floats, *, max_rows: int, noise: float = 1e-9
) -> list[Fraction] | None:
    """Duals near `duals` whose reduced costs are exactly zero where they are nearly zero.

    A dual value such as 0.1 is only nearly right as a double; a reduced cost of 1e-17 on a
    column without an upper bound then proves nothing. The few equations that should hold are
    solved in fractions; those that contradict others are left alone.

    Args:
        form: n columns, m rows.
        duals: Shape (m,), as a solver gave them.
        max_rows: With more nonzero duals than this the answer is None: it would take too long.
        noise: A reduced cost below this, relative to the column's largest term, should be zero.
    """
    active = np.flatnonzero(np.abs(duals) > noise * np.maximum(1.0, np.abs(duals).max(initial=0)))
    if len(active) > max_rows:
        return None
    sign = -1.0 if form.sense == "max" else 1.0
    given = {
        int(i): Fraction(float(duals[i]))
        for i in active
        if np.isfinite(form.row_lower[i] if sign * duals[i] > 0 else form.row_upper[i])
    }
    columns: dict[int, dict[int, Fraction]] = {}
    for i in given:
        for k in range(int(form.starts[i]), int(form.starts[i + 1])):
            columns.setdefault(int(form.indices[k]), {})[i] = Fraction(float(form.coefs[k]))
    solved = _Elimination()
    for j, column in columns.items():
        cost = Fraction(float(form.cost[j]))
        terms = [coef * given[i] for i, coef in column.items()]
        scale = max(map(abs, [cost, *terms]))
        if abs(cost - sum(terms)) <= Fraction(noise) * max(scale, Fraction(1)):
            solved.add(column, cost)
    values = solved.values(given)
    return [values.get(i, Fraction(0)) for i in range(form.m)]


class _Elimination:
    """Gauss-Jordan elimination over sparse rows of fractions, one equation at a time."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[dict[int, Fraction], Fraction]] = {}

    def add(self, equation: dict[int, Fraction], side: Fraction) -> None:
        """Take `equation` in, unless the earlier ones imply or contradict it."""
        terms = dict(equation)
        for pivot in [unknown for unknown in equation if unknown in self._rows]:
            side = _subtract(terms, side, terms.pop(pivot), self._rows[pivot])
        if not terms:
            return
        pivot = max(terms, key=lambda unknown: abs(terms[unknown]))
        lead = terms.pop(pivot)
        row = ({unknown: value / lead for unknown, value in terms.items()}, side / lead)
        for other, (rest, rest_side) in self._rows.items():
            if pivot in rest:
                rest_side_new = _subtract(rest, rest_side, rest.pop(pivot), row)
                self._rows[other] = (rest, rest_side_new)
        self._rows[pivot] = row

    def values(self, free: dict[int, Fraction]) -> dict[int, Fraction]:
        """All unknowns; those that no equation fixes keep their value in `free`."""
        out = dict(free)
        for pivot, (rest, side) in self._rows.items():
            out[pivot] = side - sum((value * free[u] for u, value in rest.items()), Fraction(0))
        return out


def _subtract(
    terms: dict[int, Fraction],
    side: Fraction,
    factor: Fraction,
    row: tuple[dict[int, Fraction], Fraction],
) -> Fraction:
    """Take `factor` times `row` off `terms` in place; the new side."""
    for unknown, value in row[0].items():
        left = terms.get(unknown, Fraction(0)) - factor * value
        if left:
            terms[unknown] = left
        else:
            terms.pop(unknown, None)
    return side - factor * row[1]
