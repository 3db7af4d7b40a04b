"""Strict rows over whole numbers, replaced exactly by rows a solver can keep.

Lives here: `tightened`, the arithmetic of `a'x < b`.
Never here: expressions, sets, solvers.

With integer x and coefficients that are multiples of g (the greatest common divisor, after
scaling fractions such as 0.25 by a small denominator), `a'x` moves in steps of g. So `a'x < b`
holds exactly where `a'x <=` the largest multiple of g below b does. Rows with a real variable, or
coefficients without a small common denominator, are left as their closure and marked as such.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solvers_bridge.form import Floats, Ints

DENOMINATORS = (1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 1000, 10_000, 100_000, 1_000_000)
_EXACT = 2.0**53
"""Doubles below this hold every whole number."""


def tightened(
    limits: Floats, starts: Ints, coefs: Floats, whole: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """The largest value each row can take strictly below its limit.

    Args:
        limits: Right sides b of rows `a'x < b`, shape (k,). For `>` negate b and the result.
        starts: Row starts within `coefs`, shape (k+1,).
        coefs: Coefficients of the rows, row by row.
        whole: Per coefficient, is its variable integer?

    Returns:
        New right sides of `a'x <= b`, and which of them are exact; the others are unchanged.
    """
    divisors, denominators = _steps(starts, coefs, whole)
    exact = divisors > 0
    divisors = np.where(exact, divisors, 1.0)
    nearest = np.rint(limits * denominators / divisors)
    below = nearest * divisors / denominators
    below = np.where(below < limits, below, (nearest - 1.0) * divisors / denominators)
    exact &= (np.abs(nearest * divisors) < _EXACT) & (below < limits)
    empty = np.diff(starts) == 0
    below = np.where(empty, np.where(limits > 0, 0.0, -1.0), below)
    exact |= empty  # the activity is 0: true or false for good
    return np.where(exact, below, limits), exact


def _steps(starts: Ints, coefs: Floats, whole: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Greatest common divisor of each row's coefficients, as a fraction; 0 where there is none."""
    rows = len(starts) - 1
    divisors, denominators = np.zeros(rows), np.ones(rows)
    filled = np.flatnonzero(np.diff(starts) > 0)
    if not filled.size:
        return divisors, denominators
    at = starts[filled].astype(np.int64)
    open_rows = np.logical_and.reduceat(whole, at)
    for denominator in DENOMINATORS:
        if not open_rows.any():
            break
        scaled = np.rint(coefs * denominator)
        # k/d rounded to a double is the coefficient: it was written as that fraction
        fits = (scaled / denominator == coefs) & (np.abs(scaled) < _EXACT)
        done = np.logical_and.reduceat(fits, at) & open_rows
        if done.any():
            safe = np.where(fits, scaled, 0.0).astype(np.int64)
            divisors[filled[done]] = np.gcd.reduceat(np.abs(safe), at)[done]
            denominators[filled[done]] = denominator
            open_rows &= ~done
    return divisors, denominators
