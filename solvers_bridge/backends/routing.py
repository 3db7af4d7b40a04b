"""Which OR-Tools solver gets a model, and the integers CP-SAT gets instead of decimals.

Lives here: the choice by problem class and exact scaling of rows to integers.
Never here: processes, ortools itself, outcomes.

CP-SAT knows only integers. Reached with real columns or unscaled decimals it rounds them and can
call a feasible model infeasible, so it is chosen only where nothing is lost: every column whole
and bounded, every number a decimal of at most nine places (the double is the nearest one to that
decimal, which is checked), and no row can leave 53 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from solvers_bridge.form import StandardForm

Floats = npt.NDArray[np.float64]
Solver = Literal["GLOP", "PDLP", "SCIP", "CP-SAT"]

_PLACES = 9
_HUGE_COLUMNS = 1_000_000
_HUGE_NONZEROS = 10_000_000
_LARGEST_WHOLE = 2.0**53
_CP_SAT_COLUMNS = 100_000
_NEAR_WHOLE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A solver, the form it gets, and why it was chosen."""

    solver: Solver
    form: StandardForm
    why: str
    unit: float = 1.0
    """Cost of `form` is `unit` times the cost that was given."""


def choose(form: StandardForm) -> Route:
    """Solver by class: LP to GLOP (PDLP when huge), integers to CP-SAT if exact, else SCIP."""
    columns, nonzeros = form.n, len(form.coefs)
    if not form.integer.any():
        if columns > _HUGE_COLUMNS or nonzeros > _HUGE_NONZEROS:
            return Route("PDLP", form, "huge linear program")
        return Route("GLOP", form, "linear program")
    scaled = whole_form(form)
    if scaled is None:
        return Route("SCIP", form, "real columns, open bounds or numbers without exact decimals")
    return Route("CP-SAT", scaled[0], "whole, bounded columns and exact decimals", scaled[1])


def whole_form(form: StandardForm) -> tuple[StandardForm, float] | None:
    """`form` in integers and the factor of its objective; None when that is not exact.

    A row is multiplied by the power of ten that makes its coefficients whole, and its sides are
    then rounded inwards, which changes no feasible point.
    """
    bounded = np.isfinite(form.col_lower).all() and np.isfinite(form.col_upper).all()
    if not (form.integer.all() and bounded and 0 < form.n <= _CP_SAT_COLUMNS):
        return None
    lower, upper = np.ceil(form.col_lower - _NEAR_WHOLE), np.floor(form.col_upper + _NEAR_WHOLE)
    places = decimal_places(form.coefs)
    cost_places = decimal_places(form.cost)
    if (lower > upper).any() or (places < 0).any() or (cost_places < 0).any():
        return None
    rows = form.m
    row_of = np.repeat(np.arange(rows), np.diff(form.starts))
    row_places = np.zeros(rows, dtype=np.int64)
    np.maximum.at(row_places, row_of, places)
    scale = np.power(10.0, row_places).astype(np.float64)
    coefs = np.round(form.coefs * scale[row_of])
    unit = 10.0 ** int(cost_places.max(initial=0))
    cost = np.round(form.cost * unit)
    reach = np.maximum(np.abs(lower), np.abs(upper))
    activity = np.bincount(row_of, np.abs(coefs) * reach[form.indices], minlength=rows)
    if max(activity.max(initial=0.0), float(np.abs(cost) @ reach)) >= _LARGEST_WHOLE:
        return None
    row_lower = _inwards(form.row_lower * scale, up=True)
    row_upper = _inwards(form.row_upper * scale, up=False)
    if (row_lower > row_upper).any():  # no whole number between the sides; CP-SAT takes no such row
        return None
    whole = replace(
        form,
        offset=0.0,
        cost=cost,
        col_lower=lower,
        col_upper=upper,
        coefs=coefs,
        row_lower=row_lower,
        row_upper=row_upper,
    )
    return whole, unit


def decimal_places(values: Floats) -> npt.NDArray[np.int64]:
    """Fewest places (0 to 9) of the decimal that each double is nearest to; -1 when more."""
    places = np.full(len(values), -1, dtype=np.int64)
    for place in range(_PLACES, -1, -1):
        shifted = np.round(values * 10.0**place)
        exact = (shifted / 10.0**place == values) & (np.abs(shifted) < _LARGEST_WHOLE)
        places[exact] = place
    return places


def _inwards(sides: Floats, *, up: bool) -> Floats:
    """Sides of rows with whole activities: rounded to whole, keeping what is whole up to noise."""
    noise = _NEAR_WHOLE * np.maximum(1.0, np.abs(np.where(np.isfinite(sides), sides, 0.0)))
    return np.ceil(sides - noise) if up else np.floor(sides + noise)
