"""Bounds that rows imply for columns that were given none.

Lives here: interval propagation over the rows and over "at least as good as this".
Never here: solvers, fractions; results are widened far beyond the rounding error instead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from solvers_bridge.form import StandardForm

Floats = npt.NDArray[np.float64]

_ROUNDS = 4
_WIDENED = 1e-6
"""Share of the numbers involved by which a bound is widened; rounding errors are 1e-12 of them."""


def implied_bounds(form: StandardForm, objective: float) -> tuple[Floats, Floats]:
    """Finite bounds, where there are any, of all points at least as good as `objective`.

    Args:
        form: n columns, m rows; integrality is ignored.
        objective: A value in the model's sense, constant included.

    Returns:
        Lower and upper bounds, shape (n,): the given ones where finite, else implied ones, else
        infinite. Every feasible point that is not worse than `objective` is inside.
    """
    entries = _Entries(form, objective)
    lower, upper = form.col_lower.copy(), form.col_upper.copy()
    for _ in range(_ROUNDS):
        open_before = np.isinf(lower).sum() + np.isinf(upper).sum()
        if not open_before:
            break
        low, high = entries.propagated(lower, upper)
        lower = np.where(np.isinf(lower), low, lower)
        upper = np.where(np.isinf(upper), high, upper)
        if np.isinf(lower).sum() + np.isinf(upper).sum() == open_before:
            break
    return lower, upper


class _Entries:
    """The matrix as one-sided rows `a x <= side`, the objective among them."""

    def __init__(self, form: StandardForm, objective: float) -> None:
        row_of = np.repeat(np.arange(form.m), np.diff(form.starts))
        sign = -1.0 if form.sense == "max" else 1.0
        priced = np.flatnonzero(form.cost)
        slack = _WIDENED * max(1.0, abs(objective), abs(form.offset))
        row = np.concatenate([row_of, row_of + form.m, np.full(len(priced), 2 * form.m)])
        column = np.concatenate([form.indices, form.indices, priced])
        coef = np.concatenate([form.coefs, -form.coefs, sign * form.cost[priced]])
        there = coef != 0
        self.row, self.column, self.coef = row[there], column[there], coef[there]
        side = sign * (objective - form.offset) + slack
        self.side = np.concatenate([form.row_upper, -form.row_lower, [side]])

    def propagated(self, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """What each row says of each of its columns when the others are at their best."""
        least = self.coef * np.where(self.coef > 0, lower[self.column], upper[self.column])
        endless = np.isinf(least)
        known = np.where(endless, 0.0, least)
        count = len(self.side)
        total = np.bincount(self.row, known, minlength=count)
        size = np.bincount(self.row, np.abs(known), minlength=count)
        others_endless = np.bincount(self.row, endless, minlength=count)[self.row] - endless
        told = (others_endless == 0) & np.isfinite(self.side[self.row])
        row, column, coef = self.row[told], self.column[told], self.coef[told]
        room = self.side[row] - (total[row] - known[told])
        room += _WIDENED * np.maximum(1.0, size[row] + np.abs(self.side[row]))
        limit = room / coef
        low, high = np.full(len(lower), -np.inf), np.full(len(upper), np.inf)
        np.minimum.at(high, column[coef > 0], limit[coef > 0])
        np.maximum.at(low, column[coef < 0], limit[coef < 0])
        return low, high
