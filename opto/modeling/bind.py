"""A draft becomes IR: the numbers of its lists, or of the tables, are joined to the structure.

Lives here: `bind`. Never here: prompts, calls to a model, judging whether the model is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opto.errors import InputError, OptoError
from opto.modeling.draft import Draft, DraftConstraint, DraftParameter, DraftSet, DraftVariable
from opto.modeling.problem import Column, Problem
from solvers_bridge.ir.model import (
    Assumption,
    Cell,
    Constraint,
    IndexSet,
    Key,
    Model,
    Objective,
    Parameter,
    Values,
    Variable,
)


class BindError(OptoError):
    """A draft names a table column that is not there, or that holds no numbers."""

    code = "opto.bind"


def bind(draft: Draft, problem: Problem, *, name: str = "model") -> Model:
    """`draft` as IR.

    Raises:
        BindError: A named table or column cannot be used; `where` is the path in the draft.
    """
    key_columns = {part.name: part.column for part in draft.sets}
    return Model(
        ir_version="1",
        name=name,
        sets=[_set(part, problem, path=f"sets[{i}]") for i, part in enumerate(draft.sets)],
        parameters=[
            Parameter(name=p.name, index=p.index, unit=p.unit, meaning=p.meaning, quote=p.quote)
            for p in draft.parameters
        ],
        variables=[_variable(part) for part in draft.variables],
        constraints=[_constraint(part) for part in draft.constraints],
        objective=Objective(**draft.objective.model_dump()),
        assumptions=[Assumption(**part.model_dump()) for part in draft.assumptions],
        data=[
            _values(part, key_columns, problem, path=f"parameters[{i}]")
            for i, part in enumerate(draft.parameters)
        ],
    )


def _set(part: DraftSet, problem: Problem, *, path: str) -> IndexSet:
    elements: list[Key] | None = list(part.elements)
    if part.column is not None:
        elements = list(dict.fromkeys(_keys(_column(problem, part.column, path=path))))
    elif part.first is not None and part.last is not None:
        elements = None
    return IndexSet(
        name=part.name,
        elements=elements,
        first=part.first if elements is None else None,
        last=part.last if elements is None else None,
        tuples_of=None,
        rows=None,
        where=None,
        meaning=part.meaning,
        quote="",
    )


def _variable(part: DraftVariable) -> Variable:
    return Variable(**part.model_dump(), quote="")


def _constraint(part: DraftConstraint) -> Constraint:
    return Constraint(**part.model_dump(), unit=None)


def _values(
    part: DraftParameter,
    key_columns: Mapping[str, str | None],
    problem: Problem,
    *,
    path: str,
) -> Values:
    if part.column is None:
        return Values(parameter=part.name, dense=list(part.values), cells=None, default=None)
    column = _column(problem, part.column, path=f"{path}.column")
    if not column.numeric:
        raise BindError(
            f"Column {part.column!r} holds values that are not numbers.",
            where=f"{path}.column",
            fix="Name a column of numbers; in the file, write decimals with a point and no unit.",
        )
    table = part.column.partition(".")[0]
    keys = [
        _keys(_key_column(problem, table, name, key_columns.get(name), path=f"{path}.index"))
        for name in part.index
    ]
    numbers = column.numbers()
    rows: Sequence[tuple[Key, ...]] = list(zip(*keys, strict=True)) if keys else [()] * len(numbers)
    cells = [Cell(key=list(key), value=value) for key, value in zip(rows, numbers, strict=True)]
    return Values(parameter=part.name, dense=None, cells=cells, default=None)


def _key_column(
    problem: Problem, table: str, set_name: str, reference: str | None, *, path: str
) -> Column:
    """The column of `table` with the keys of a set: the set's own, or one of the same name."""
    if reference is None:
        raise BindError(
            f"Set {set_name!r} does not come from a table, but indexes numbers of table {table!r}.",
            where=path,
            fix="Take the set from a column: set its `column` to `table.column`.",
        )
    return _column(problem, f"{table}.{reference.partition('.')[2]}", path=path)


def _column(problem: Problem, reference: str, *, path: str) -> Column:
    name, _, column = reference.partition(".")
    for table in problem.tables:
        if table.name == name:
            try:
                return table.column(column)
            except InputError as error:
                raise BindError(
                    f"{error.what} ({error.where})", where=path, fix=error.fix
                ) from error
    known = ", ".join(table.name for table in problem.tables) or "none"
    raise BindError(
        f"There is no table {name!r}.",
        where=path,
        fix=f"Tables given: {known}. Give the file with --data, or write the values out.",
    )


def _keys(column: Column) -> list[Key]:
    """Labels of a column; whole numbers stay numbers, so that `t - 1` works on them."""
    if not column.numeric:
        return list(column.values)
    numbers = column.numbers()
    if all(isinstance(number, int) for number in numbers):
        return [int(number) for number in numbers]
    return list(column.values)
