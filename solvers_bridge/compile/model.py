"""The compiler: a `Model` and its numbers to a `StandardForm`.

Lives here: `compile_model` and the order of its work.
Never here: how expressions are read (`evaluate`), how entries are written (`rows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from solvers_bridge.compile.blame import Blamer
from solvers_bridge.compile.columns import bounds_of, columns_of, grid_frame
from solvers_bridge.compile.conditions import Conditions
from solvers_bridge.compile.evaluate import Evaluator
from solvers_bridge.compile.frames import MAX_CELLS, Frame
from solvers_bridge.compile.load import (
    listed_group,
    refuse_empty,
    refuse_unknown,
    simple_group,
    table_of,
)
from solvers_bridge.compile.rows import LARGE, RowBlock, add_costs, row_block
from solvers_bridge.compile.scope import Scope, Table
from solvers_bridge.compile.sets import Group, TupleKeys
from solvers_bridge.compile.strict import tightened
from solvers_bridge.compile.terms import ONE, Linear
from solvers_bridge.errors import ModelError
from solvers_bridge.form import (
    Block,
    Floats,
    Ints,
    LabelColumn,
    Labels,
    StandardForm,
    StrictRows,
)
from solvers_bridge.ir.expression import parse_condition, parse_expression, parse_forall
from solvers_bridge.ir.model import Constraint, IndexSet, Model, Parameter

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def compile_model(model: Model, data: Mapping[str, ArrayLike] | None = None) -> StandardForm:
    """`model` as arrays.

    Args:
        model: Structure, and the numbers of parameters that `data` does not give.
        data: Parameter name to an array with one axis per index set, in the order of the sets.

    Returns:
        Columns in the order of `model.variables`, rows in that of `model.constraints`; keys
        row-major in the order of their sets.

    Raises:
        ModelError: not linear, unknown name, key outside its set, empty set, too large.
        DataError: a number is missing, not finite, or too large or small for solvers to respect.
        ExpressionError: an expression is outside the grammar.
        All with the path of the fault in `where`.
    """
    scope = _scope_of(model, data)
    scope.load_all()
    columns_of(model, scope)
    size = sum(columns.size for columns in scope.variables.values())
    lower, upper, integer = bounds_of(model, scope)
    cost, offset = _costs(model, scope, size)
    plans = [
        _planned(scope, constraint, f"constraints[{number}]")
        for number, constraint in enumerate(model.constraints)
    ]
    matrix = _written(plans)
    row_lower, row_upper, strict = _row_bounds(plans, matrix, integer)
    return StandardForm(
        sense=model.objective.sense,
        offset=offset,
        cost=cost,
        col_lower=lower,
        col_upper=upper,
        integer=integer,
        row_lower=row_lower,
        row_upper=row_upper,
        starts=matrix.starts,
        indices=matrix.indices,
        coefs=matrix.coefs,
        columns=_column_blocks(scope),
        rows=_row_blocks(plans),
        strict=strict,
    )


def _scope_of(model: Model, data: Mapping[str, ArrayLike] | None) -> Scope:
    known = [item.name for item in model.parameters]
    _refuse_repeats([item.name for item in model.sets], "sets")
    _refuse_repeats(known + [item.name for item in model.variables], "parameters and variables")
    _refuse_repeats([item.name for item in model.constraints], "constraints")
    _refuse_repeats([item.parameter for item in model.data], "data")
    values = {item.parameter: item for item in model.data}
    refuse_unknown(values, known)
    given = dict(data or {})
    refuse_unknown(given, known)

    def table(number: int, item: Parameter) -> Table:
        where = f"parameters[{number}].index"
        groups = tuple(scope.group(name, where=where) for name in item.index)
        return table_of(item, groups, values.get(item.name), given.get(item.name))

    def group(number: int, item: IndexSet) -> Group:
        return _group(scope, item, where=f"sets[{number}]")

    scope = Scope(
        {item.name: partial(group, number, item) for number, item in enumerate(model.sets)},
        {item.name: partial(table, number, item) for number, item in enumerate(model.parameters)},
    )
    return scope


def _refuse_repeats(names: Sequence[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ModelError(
                f"{name!r} is declared twice among {what}.",
                where=what.partition(" ")[0],
                fix="Rename one of the two.",
            )


def _group(scope: Scope, item: IndexSet, *, where: str) -> Group:
    if item.tuples_of is None:
        return simple_group(item, where=where)
    parts = tuple(scope.group(name, where=f"{where}.tuples_of") for name in item.tuples_of)
    if not parts:
        raise ModelError("Tuples of no sets.", where=f"{where}.tuples_of", fix="Name the sets.")
    dims = tuple(dim for part in parts for dim in (part.dims or (part,)))
    if item.rows is not None:
        return listed_group(item, dims, where=where)
    frame = grid_frame(parts, where=f"{where}.where")
    if item.where is not None:
        condition = parse_condition(item.where, where=f"{where}.where")
        evaluator = Evaluator(scope, f"{where}.where")
        frame = frame.filtered(
            Conditions(scope, evaluator.where, evaluator.number).mask(condition, frame)
        )
    codes = tuple(
        np.broadcast_to(frame.bound[f"i{k}"].array(frame.shape), frame.shape).ravel()
        for k in range(len(dims))
    )
    group = Group(item.name, TupleKeys(dims, codes), dims=dims, codes=codes)
    refuse_empty(group, where=f"{where}.where")
    return group


def _costs(model: Model, scope: Scope, size: int) -> tuple[Floats, float]:
    """Costs and constant of the objective."""
    where = "objective.expr"
    node = parse_expression(model.objective.expr, where=where)
    linear = Evaluator(scope, where).linear(node, Frame(where=where))
    if model.objective.sense == "satisfy" and linear.has_terms:
        raise ModelError(
            "The objective has variables, but its sense is `satisfy`.",
            where=where,
            fix="Write 0, or choose the sense `min` or `max`.",
        )
    cost = np.zeros(size)
    blamer = Blamer(scope, where, {where: node})
    add_costs(cost, linear, blame=blamer.coefficient)
    constant = float(linear.constant)
    if not abs(constant) < LARGE:
        blamer.right_side(constant)
    return cost, constant


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The rows of one constraint, before there is a matrix."""

    item: Constraint
    names: tuple[str, ...]
    frame: Frame
    block: RowBlock
    limits: Floats
    """Right sides, shape (rows,)."""


def _planned(scope: Scope, item: Constraint, where: str) -> _Plan:
    clauses = parse_forall(item.forall, where=f"{where}.forall")
    reading = Evaluator(scope, f"{where}.forall")
    conditions = Conditions(scope, reading.where, reading.number)
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        frame = conditions.expanded(clauses, Frame(where=reading.where))
    sides = {
        f"{where}.{side}": parse_expression(text, where=f"{where}.{side}")
        for side, text in (("lhs", item.lhs), ("rhs", item.rhs))
    }
    linear = Linear()
    if frame.cells:
        left, right = (
            Evaluator(scope, path).linear(node, frame.at(path)) for path, node in sides.items()
        )
        linear = left.plus(right.times(-ONE, frame))
    blamer = Blamer(scope, where, sides)
    block = row_block(linear, frame.at(f"{where}.lhs"), blame=blamer.coefficient)
    limits = np.broadcast_to(0.0 - linear.constant, frame.shape).reshape(-1)
    if limits.size and not np.abs(limits).max() < LARGE:
        blamer.right_side(float(np.abs(limits).max()))
    names = tuple(dict.fromkeys(name for clause in clauses for name in clause.names))
    return _Plan(item, names, frame, block, limits)


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    starts: Ints
    indices: Ints
    coefs: Floats


def _written(plans: Sequence[_Plan]) -> _Matrix:
    """All rows below each other."""
    entries = sum(plan.block.entries for plan in plans)
    rows = sum(plan.block.rows for plan in plans)
    if max(entries, rows) > MAX_CELLS:
        raise ModelError(
            f"{rows:,} rows with {entries:,} entries are too many; the limit is {MAX_CELLS:,}.",
            where="constraints",
            fix="Use tuple sets that hold only the combinations that matter.",
        )
    starts = np.zeros(rows + 1, np.int32)
    indices, coefs = np.empty(entries, np.int32), np.empty(entries)
    row = entry = 0
    for plan in plans:
        block = plan.block
        if block.rows:
            part = slice(entry, entry + block.entries)
            ends = starts[row + 1 : row + 1 + block.rows]
            block.write(ends, indices[part], coefs[part], offset=entry)
        row, entry = row + block.rows, entry + block.entries
    return _Matrix(starts, indices, coefs)


def _row_bounds(
    plans: Sequence[_Plan], matrix: _Matrix, integer: Ints
) -> tuple[Floats, Floats, StrictRows]:
    rows = len(matrix.starts) - 1
    lower, upper = np.full(rows, -np.inf), np.full(rows, np.inf)
    numbers, exact = [np.zeros(0, np.int32)], [np.zeros(0, np.bool_)]
    row = 0
    for plan in plans:
        part = slice(row, row + plan.block.rows)
        relation, limits = plan.item.relation, plan.limits
        if relation in ("<", ">"):
            limits, done = _tightened(plan, matrix, integer, row=row)
            numbers.append(np.arange(part.start, part.stop, dtype=np.int32))
            exact.append(done)
        if relation in ("<", "<=", "=="):
            upper[part] = limits
        if relation in (">", ">=", "=="):
            lower[part] = limits
        row = part.stop
    return lower, upper, StrictRows(np.concatenate(numbers), np.concatenate(exact))


def _tightened(
    plan: _Plan, matrix: _Matrix, integer: Ints, *, row: int
) -> tuple[Floats, NDArray[np.bool_]]:
    starts = matrix.starts[row : row + plan.block.rows + 1]
    entries = slice(int(starts[0]), int(starts[-1]))
    whole = integer[matrix.indices[entries]] == 1
    sign = 1.0 if plan.item.relation == "<" else -1.0
    limits, exact = tightened(sign * plan.limits, starts - starts[0], matrix.coefs[entries], whole)
    return sign * limits, exact


def _column_blocks(scope: Scope) -> tuple[Block, ...]:
    blocks = []
    for columns in scope.variables.values():
        shape = tuple(group.size for group in columns.groups)
        labels = tuple(LabelColumn(a, None, group.keys) for a, group in enumerate(columns.groups))
        blocks.append(Block(columns.name, columns.first, columns.size, Labels(shape, labels)))
    return tuple(blocks)


def _row_blocks(plans: Sequence[_Plan]) -> tuple[Block, ...]:
    blocks = []
    start = 0
    for plan in plans:
        bounds = [plan.frame.bound[name] for name in plan.names] if plan.block.rows else []
        labels = tuple(
            LabelColumn(bound.axis, bound.codes, bound.group.keys)
            for bound in bounds
            if bound.group is not None
        )
        size = plan.block.rows
        blocks.append(Block(plan.item.name, start, size, Labels(plan.frame.shape, labels)))
        start += size
    return tuple(blocks)
