"""Why a model has no solution, or no best one, in terms of its own constraints.

Lives here: a deletion filter over named constraints and variable bounds, and the search for what
grows without limit. Never here: words for people, language models.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers_bridge.outcome import Limits, Stop

if TYPE_CHECKING:
    from threading import Event

    from solvers_bridge.backends import Backend
    from solvers_bridge.form import StandardForm

_HORIZON = 1e6
"""Box used to see what grows: far beyond sensible quantities, small enough for the tolerances."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Constraints and bounds that cannot hold together."""

    constraints: tuple[str, ...]
    """Names of IR constraints; leaving out any single member (if irreducible) removes the clash."""
    bounds: tuple[str, ...]
    """Names of IR variables whose bounds take part."""
    irreducible: bool
    """False when the time ran out before every member had been tried."""


def find_conflict(
    form: StandardForm,
    backend: Backend,
    *,
    time_limit_s: float = 20.0,
    interrupt: Event | None = None,
) -> Conflict | None:
    """A small set of constraints of an infeasible model that is infeasible by itself.

    Each named constraint (all its rows at once), then each variable's bounds, is left out in
    turn; what is not needed for infeasibility stays out. At most one solve per name. Setting
    `interrupt` is like running out of time.

    Returns:
        The conflict, or None if the model turns out not to be infeasible.
    Source: deletion filter, Chinneck & Dravnieks, ORSA J. Computing 3(2), 1991.
    """
    deadline = time.monotonic() + time_limit_s

    def infeasible(part: StandardForm) -> bool:
        left = max(1.0, deadline - time.monotonic())
        limits = Limits(time_limit_s=left, interrupt=interrupt)
        return backend.solve(part, limits).stop is Stop.INFEASIBLE

    core = replace(form, sense="satisfy", cost=np.zeros_like(form.cost), offset=0.0)
    if not infeasible(core):
        return None
    irreducible = True
    kept: list[tuple[str, str]] = []
    members = [("row", block.name) for block in form.rows]
    members += [("column", block.name) for block in form.columns]
    for kind, name in members:
        if time.monotonic() > deadline or (interrupt is not None and interrupt.is_set()):
            irreducible = False
            kept.append((kind, name))
            continue
        without = _without_rows(core, name) if kind == "row" else _without_bounds(core, name)
        if infeasible(without):
            core = without
        else:
            kept.append((kind, name))
    return Conflict(
        tuple(name for kind, name in kept if kind == "row"),
        tuple(name for kind, name in kept if kind == "column" and _bounded(form, name)),
        irreducible,
    )


def find_growth(
    form: StandardForm, backend: Backend, *, interrupt: Event | None = None
) -> tuple[str, ...]:
    """Names of the variables that run off to the horizon when an unbounded model is boxed in."""
    boxed = replace(
        form,
        col_lower=np.maximum(form.col_lower, -_HORIZON),
        col_upper=np.minimum(form.col_upper, _HORIZON),
    )
    outcome = backend.solve(boxed, Limits(time_limit_s=20.0, interrupt=interrupt))
    if outcome.x is None:
        return ()
    far = np.abs(outcome.x) >= 0.99 * _HORIZON
    return tuple(b.name for b in form.columns if bool(far[b.start : b.start + b.size].any()))


def _without_rows(form: StandardForm, name: str) -> StandardForm:
    lower, upper = form.row_lower.copy(), form.row_upper.copy()
    for block in form.rows:
        if block.name == name:
            lower[block.start : block.start + block.size] = -np.inf
            upper[block.start : block.start + block.size] = np.inf
    return replace(form, row_lower=lower, row_upper=upper)


def _without_bounds(form: StandardForm, name: str) -> StandardForm:
    lower, upper = form.col_lower.copy(), form.col_upper.copy()
    for block in form.columns:
        if block.name == name:
            lower[block.start : block.start + block.size] = -np.inf
            upper[block.start : block.start + block.size] = np.inf
    return replace(form, col_lower=lower, col_upper=upper)


def _bounded(form: StandardForm, name: str) -> bool:
    for block in form.columns:
        if block.name == name:
            part = slice(block.start, block.start + block.size)
            return bool(
                np.isfinite(form.col_lower[part]).any() or np.isfinite(form.col_upper[part]).any()
            )
    return False
