"""The points a small model allows, asked about through a solver.

Lives here: optimum, support function and containment of `Matrix`.
Never here: matching of variables, verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.scoring.matrix import Matrix, Row
from solvers_bridge import Limits, StandardForm, Stop
from solvers_bridge.backends import get_backend
from solvers_bridge.form import Block, Floats

LIMITS = Limits(time_limit_s=2.0)
"""Of one solve; these models have a few columns."""
_SLACK = 1e-6
_WHOLE = 1e-9


class UndecidedError(Exception):
    """The solver gave no proof within its limits."""


@dataclass(slots=True)
class Points:
    """What a model allows. Every question costs one solve, asked once; points found are kept."""

    matrix: Matrix
    whole: bool
    """Whether columns that must be whole are."""
    seen: list[tuple[float, ...]] = field(default_factory=list)
    """Points that the model allows, found while answering."""
    _known: dict[tuple[float, ...], float | None] = field(default_factory=dict)
    _form: StandardForm | None = None

    def least(self, direction: Sequence[float]) -> float | None:
        """The smallest value of `direction x`; -inf if there is none, None if no point is allowed.

        Raises:
            UndecidedError: The solver stopped early.
        """
        key = tuple(direction)
        if key not in self._known:
            self._known[key] = self._solved(key)
        return self._known[key]

    def optimum(self) -> float | None:
        """The objective of the best point, as in `least`."""
        value = self.least(self.matrix.cost)
        return None if value is None else value + self.matrix.offset

    def breaks(self, row: Row) -> bool:
        """Does an allowed point lie beyond `row`? Exact, up to the solver's tolerance."""
        row = row.plain()
        slack = _SLACK * max(1.0, abs(row.rhs))
        if any(beyond(row, point) for point in self.seen):
            return True
        greatest = self.least([-c + 0.0 for c in row.coefs])
        if greatest is not None and -greatest > row.rhs + slack:
            return True
        if not row.equal:
            return False
        smallest = self.least(row.coefs)
        return smallest is not None and smallest < row.rhs - slack

    def _solved(self, direction: tuple[float, ...]) -> float | None:
        """First without whole numbers, as integer solvers are slow to see that there is no end."""
        if self._form is None:
            self._form = _form(self.matrix, whole=self.whole)
        form = replace(self._form, cost=np.array(direction))
        if not form.integer.any():
            return self._value(form)
        loose = replace(form, integer=np.zeros_like(form.integer))
        outcome = get_backend("highs").solve(loose, LIMITS)
        if outcome.stop is Stop.INFEASIBLE:
            return None
        if outcome.stop is Stop.UNBOUNDED:
            # the data are rational: if there is a whole point, a ray of the relaxation has more
            anywhere = 0.0 if self.seen else self._value(replace(form, cost=np.zeros(form.n)))
            return None if anywhere is None else -math.inf
        if outcome.stop is Stop.OPTIMAL and outcome.x is not None and _is_whole(form, outcome.x):
            self.seen.append(tuple(map(float, outcome.x)))
            return outcome.objective
        return self._value(form)

    def _value(self, form: StandardForm) -> float | None:
        outcome = get_backend("highs").solve(form, LIMITS)
        if outcome.x is not None:
            self.seen.append(tuple(map(float, outcome.x)))
        match outcome.stop:
            case Stop.OPTIMAL:
                return outcome.objective
            case Stop.UNBOUNDED:
                return -math.inf
            case Stop.INFEASIBLE:
                return None
            case _:
                raise UndecidedError(outcome.raw_status)


def beyond(row: Row, point: Sequence[float]) -> bool:
    """Does `point` break `row`?"""
    activity = sum(c * x for c, x in zip(row.coefs, point, strict=True))
    over = activity - row.rhs
    slack = _SLACK * max(1.0, abs(row.rhs), *map(abs, point))
    return over > slack or (row.equal and over < -slack)


def facets(matrix: Matrix) -> Iterator[Row]:
    """Every row, and `x >= 0` where that holds."""
    yield from matrix.rows
    for j, low in enumerate(matrix.signed):
        if low:
            yield Row(tuple(-float(k == j) + 0.0 for k in range(matrix.n)), 0.0, equal=False)


def _is_whole(form: StandardForm, x: Floats) -> bool:
    whole = x[form.integer.astype(np.bool_)]
    return bool(np.all(np.abs(whole - np.rint(whole)) <= _WHOLE))


def _form(matrix: Matrix, *, whole: bool) -> StandardForm:
    rows = [row.plain() for row in matrix.rows]
    n, m = matrix.n, len(rows)
    entries = [(i, j, c) for i, row in enumerate(rows) for j, c in enumerate(row.coefs) if c]
    counts = np.bincount([i for i, _, _ in entries], minlength=m) if entries else np.zeros(m)
    upper = np.array([row.rhs for row in rows], dtype=np.float64)
    equal = np.array([row.equal for row in rows], dtype=np.bool_)
    integer = matrix.integer if whole and matrix.integer is not None else (False,) * n
    return StandardForm(
        sense="min",
        offset=0.0,
        cost=np.zeros(n),
        col_lower=np.where(np.array(matrix.signed, dtype=np.bool_), 0.0, -np.inf),
        col_upper=np.full(n, np.inf),
        integer=np.array(integer, dtype=np.int32),
        row_lower=np.where(equal, upper, -np.inf),
        row_upper=upper,
        starts=np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
        indices=np.array([j for _, j, _ in entries], dtype=np.int32),
        coefs=np.array([c for _, _, c in entries], dtype=np.float64),
        columns=(Block("x", 0, n),),
        rows=(Block("row", 0, m),),
    )
