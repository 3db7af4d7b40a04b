"""What `<` and `>` mean for real variables, where solvers only know `<=` and `>=`.

Lives here: whether the optimum of the closure is reached by a point that keeps the strict rows,
is only a limit, or whether no point keeps them at all.
Never here: rows over whole variables (the compiler tightens those exactly), the first solve.

Every strict row gets the same margin t, 0 <= t <= 1, and t is maximized: over the best points
first, then over all points. A margin within the solver's tolerance counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import Any

import numpy as np
import numpy.typing as npt

from solvers_bridge.backends import Backend
from solvers_bridge.form import Block, StandardForm, no_strict_rows
from solvers_bridge.outcome import Limits, Outcome, Stop

_MARGIN = 1e-6
_SAME_OBJECTIVE = 1e-10


@unique
class Strict(StrEnum):
    """How the answer of the closure stands to the strict rows."""

    HELD = "held"
    """There are none over reals, or the point keeps them all with room."""
    LIMIT = "limit"
    """Points come as close to the objective as one likes, none reaches it."""
    IMPOSSIBLE = "impossible"
    """No point keeps the strict rows, although some keep their closure."""
    UNKNOWN = "unknown"
    """The solver did not decide in time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to keep, and how it stands to the strict rows."""

    outcome: Outcome
    strict: Strict


def loose_rows(form: StandardForm) -> npt.NDArray[np.int32]:
    """Strict rows that the form holds as their closure."""
    return form.strict.rows[~form.strict.tightened]


def touched_rows(form: StandardForm, x: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Strict rows, taken as their closure, that hold at `x` with no more than tolerance."""
    loose = loose_rows(form)
    activity = form.activities(x)[loose]
    room = np.minimum(activity - form.row_lower[loose], form.row_upper[loose] - activity)
    return loose[room <= _MARGIN]


def settle(form: StandardForm, outcome: Outcome, backend: Backend, limits: Limits) -> Settled:
    """Look for a point that keeps the strict rows where that of `outcome` only touches them.

    Args:
        form: What was solved.
        outcome: Optimal or unbounded for the closure; others are settled already.
        backend: Asked at most twice more.
        limits: Of each of those solves.

    Returns:
        The outcome, with another point of the same objective if there is one with room.
    """
    touches = outcome.x is None or bool(len(touched_rows(form, outcome.x)))
    asked = outcome.stop in (Stop.OPTIMAL, Stop.UNBOUNDED) and len(loose_rows(form)) > 0
    if not asked or not touches:
        return Settled(outcome, Strict.HELD)
    if outcome.stop is Stop.OPTIMAL and outcome.objective is not None:
        best = backend.solve(_with_margin(form, objective=outcome.objective), limits)
        if best.x is not None and best.x[-1] > _MARGIN:
            x = best.x[:-1]
            return Settled(replace(outcome, x=x, objective=form.objective(x)), Strict.HELD)
    anywhere = backend.solve(_with_margin(form, objective=None), limits)
    if anywhere.x is not None and anywhere.x[-1] > _MARGIN:
        held = outcome.stop is Stop.UNBOUNDED
        return Settled(outcome, Strict.HELD if held else Strict.LIMIT)
    decided = anywhere.stop in (Stop.OPTIMAL, Stop.INFEASIBLE)
    return Settled(outcome, Strict.IMPOSSIBLE if decided else Strict.UNKNOWN)


def _with_margin(form: StandardForm, *, objective: float | None) -> StandardForm:
    """Maximize the common margin; with `objective`, only over points that have it."""
    loose = loose_rows(form)
    sign = np.where(np.isfinite(form.row_upper[loose]), 1.0, -1.0)
    row_of: list[npt.NDArray[Any]] = [np.repeat(np.arange(form.m), np.diff(form.starts)), loose]
    columns: list[npt.NDArray[Any]] = [form.indices, np.full(len(loose), form.n)]
    coefs = [form.coefs, sign]
    lower, upper, rows = form.row_lower, form.row_upper, form.rows
    if objective is not None:
        priced = np.flatnonzero(form.cost)
        row_of.append(np.full(len(priced), form.m))
        columns.append(priced)
        coefs.append(form.cost[priced])
        slack = _SAME_OBJECTIVE * max(1.0, abs(objective))
        lower = np.append(lower, objective - form.offset - slack)
        upper = np.append(upper, objective - form.offset + slack)
        rows = (*rows, Block("same objective", form.m, 1))
    owner = np.concatenate(row_of)
    order = np.argsort(owner, kind="stable")
    return StandardForm(
        sense="max",
        offset=0.0,
        cost=np.append(np.zeros(form.n), 1.0),
        col_lower=np.append(form.col_lower, 0.0),
        col_upper=np.append(form.col_upper, 1.0),
        integer=np.append(form.integer, 0).astype(np.int32),
        row_lower=lower,
        row_upper=upper,
        starts=np.searchsorted(owner[order], np.arange(len(lower) + 1)).astype(np.int32),
        indices=np.concatenate(columns)[order].astype(np.int32),
        coefs=np.concatenate(coefs)[order],
        columns=(*form.columns, Block("margin", form.n, 1)),
        rows=rows,
        strict=no_strict_rows(),
    )
