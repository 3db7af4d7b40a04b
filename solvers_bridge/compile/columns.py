"""Variables as consecutive columns with bounds.

Lives here: layout of the columns, their bounds and integrality.
Never here: constraints, objective, solvers.
"""

from __future__ import annotations

import math

import numpy as np

from solvers_bridge.compile.evaluate import Evaluator
from solvers_bridge.compile.frames import MAX_CELLS, Frame
from solvers_bridge.compile.rows import LARGE
from solvers_bridge.compile.scope import Columns, Scope
from solvers_bridge.compile.sets import Group
from solvers_bridge.errors import DataError, ModelError
from solvers_bridge.form import Floats, Ints
from solvers_bridge.ir.expression import parse_expression
from solvers_bridge.ir.model import Model, Variable


def columns_of(model: Model, scope: Scope) -> None:
    """Give every variable of `model` its columns, in order, as `scope.variables`.

    Raises:
        ModelError: no variables, or more columns than can be worked on.
    """
    first = 0
    for number, item in enumerate(model.variables):
        where = f"variables[{number}].index"
        groups = tuple(scope.group(name, where=where) for name in item.index)
        columns = Columns(item.name, number, groups, first)
        first += columns.size
        if first > MAX_CELLS:
            sizes = " x ".join(f"{group.size:,}" for group in groups)
            raise ModelError(
                f"Variable {item.name!r} ({sizes}) makes {first:,} columns; "
                f"the limit is {MAX_CELLS:,}.",
                where=where,
                fix="Index it over a tuple set that holds only the combinations that matter.",
            )
        scope.variables[item.name] = columns
    if not first:
        raise ModelError(
            "The model has no variables.", where="variables", fix="Declare what is to be decided."
        )


def grid_frame(groups: tuple[Group, ...], *, where: str) -> Frame:
    """All keys of `groups`, their parts called i0, i1, ..."""
    frame = Frame(where=where)
    start = 0
    for group in groups:
        names = tuple(f"i{start + k}" for k in range(group.arity))
        start += group.arity
        frame = frame.product(group, names)
    return frame


def bounds_of(model: Model, scope: Scope) -> tuple[Floats, Floats, Ints]:
    """Lower bounds, upper bounds and integrality of all columns.

    Raises:
        DataError: a bound is not finite or too large, or the lower is above the upper.
    """
    size = sum(columns.size for columns in scope.variables.values())
    lower, upper = np.empty(size), np.empty(size)
    integer = np.zeros(size, np.int32)
    for number, item in enumerate(model.variables):
        columns = scope.variables[item.name]
        part = slice(columns.first, columns.first + columns.size)
        where = f"variables[{number}]"
        low = _bound(item.lower, columns, scope, where=f"{where}.lower")
        high = _bound(item.upper, columns, scope, where=f"{where}.upper")
        low = np.asarray(-np.inf) if low is None else low
        high = np.asarray(np.inf) if high is None else high
        _refuse_crossed(item, columns, low, high, where=where)
        if item.domain == "binary":
            low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
            _refuse_crossed(item, columns, low, high, where=where)
        shape = tuple(group.size for group in columns.groups)
        lower[part].reshape(shape)[...] = low
        upper[part].reshape(shape)[...] = high
        if item.domain != "real":
            integer[part] = 1
    return lower, upper, integer


def _bound(
    value: float | str | None, columns: Columns, scope: Scope, *, where: str
) -> Floats | None:
    if value is None:
        return None
    if isinstance(value, str):
        frame = grid_frame(columns.groups, where=where)
        bound = Evaluator(scope, where).number(parse_expression(value, where=where), frame)
    else:
        bound = np.asarray(float(value) if abs(value) < LARGE else math.inf)
    usable = np.abs(bound) < LARGE
    if not usable.all():
        raise DataError(
            f"A bound of {columns.name!r} is not finite, or {LARGE:g} or more in size.",
            where=where,
            fix="Write null where there is no bound.",
        )
    return bound


def _refuse_crossed(
    item: Variable, columns: Columns, low: Floats, high: Floats, *, where: str
) -> None:
    crossed = np.asarray(low > high)
    if not crossed.any():
        return
    full = np.broadcast_to(crossed, tuple(group.size for group in columns.groups))
    cell = tuple(int(k) for k in np.argwhere(full)[0])
    pairs = zip(columns.groups, cell, strict=True)
    key = ", ".join(str(part) for group, k in pairs for part in group.keys[k])
    lowest = float(np.broadcast_to(low, full.shape)[cell])
    highest = float(np.broadcast_to(high, full.shape)[cell])
    raise DataError(
        f"The lower bound of {item.name}{f'[{key}]' if key else ''} ({lowest:g}) is above its "
        f"upper bound ({highest:g}).",
        where=f"{where}.lower",
        fix="Correct one of the two.",
    )
