"""Small standard forms for tests that need no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from solvers_bridge.form import Block, StandardForm
from solvers_bridge.outcome import Outcome, Stop

INF = float("inf")


def form_of(  # noqa: PLR0913 - every part of a form, most with a default
    sense: Any,
    cost: Sequence[float],
    matrix: Sequence[Sequence[float]],
    *,
    rows: Sequence[tuple[float, float]],
    bounds: Sequence[tuple[float, float]] | None = None,
    integer: bool | Sequence[int] = False,
    offset: float = 0.0,
) -> StandardForm:
    """A form with scalar columns x0, x1, ... and rows r0, r1, ...; bounds default to [0, inf)."""
    n, m = len(cost), len(rows)
    dense = np.asarray(matrix, dtype=float).reshape(m, n)
    row_of, indices = np.nonzero(dense)
    bounds = bounds or [(0.0, INF)] * n
    whole = [int(integer)] * n if isinstance(integer, bool) else list(integer)
    return StandardForm(
        sense=sense,
        offset=offset,
        cost=np.array(cost, dtype=float),
        col_lower=np.array([low for low, _ in bounds], dtype=float),
        col_upper=np.array([high for _, high in bounds], dtype=float),
        integer=np.array(whole, dtype=np.int32),
        row_lower=np.array([low for low, _ in rows], dtype=float),
        row_upper=np.array([high for _, high in rows], dtype=float),
        starts=np.searchsorted(row_of, np.arange(m + 1)).astype(np.int32),
        indices=indices.astype(np.int32),
        coefs=dense[row_of, indices],
        columns=tuple(Block(f"x{j}", j, 1) for j in range(n)),
        rows=tuple(Block(f"r{i}", i, 1) for i in range(m)),
    )


def claimed(  # noqa: PLR0913 - every part of an outcome, most with a default
    form: StandardForm,
    x: Sequence[float] | None,
    *,
    stop: Stop = Stop.OPTIMAL,
    objective: float | None = None,
    bound: float | None = None,
    duals: Sequence[float] | None = None,
    engine: str = "Planted 1.0",
) -> Outcome:
    """An outcome somebody claims for `form`; objective and bound default to those of `x`."""
    point = None if x is None else np.array(x, dtype=float)
    value = form.objective(point) if objective is None and point is not None else objective
    return Outcome(
        stop=stop,
        x=point,
        objective=value,
        bound=value if bound is None else bound,
        gap=0.0,
        raw_status="planted",
        engine=engine,
        seconds=0.0,
        duals=None if duals is None else np.array(duals, dtype=float),
        message="",
    )
