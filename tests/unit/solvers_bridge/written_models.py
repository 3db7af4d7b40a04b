"""Models written with few words, for tests of the compiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solvers_bridge.ir.model import (
    Cell,
    Constraint,
    IndexSet,
    Model,
    Objective,
    Parameter,
    Values,
    Variable,
)

WORDS = {"meaning": "", "quote": ""}


def index_set(name: str, *elements: str | int, **given: Any) -> IndexSet:
    """`index_set("I", "a", "b")`, `index_set("T", first=1, last=3)`."""
    fields = dict.fromkeys(["elements", "first", "last", "tuples_of", "rows", "where"]) | given
    if elements:
        fields["elements"] = list(elements)
    return IndexSet(name=name, **fields, **WORDS)


def variable(name: str, *index: str, **given: Any) -> Variable:
    """A variable >= 0 without upper bound, unless `given` says otherwise."""
    fields: dict[str, Any] = {"domain": "real", "lower": 0, "upper": None} | given
    return Variable(name=name, index=list(index), why_domain="", unit=None, **fields, **WORDS)


def cells(name: str, default: float | None = None, **given: float) -> Values:
    """A sparse parameter; `a_b=3` is the cell of key ["a", "b"]."""
    listed = [Cell(key=list(key.split("_")), value=value) for key, value in given.items()]
    return Values(parameter=name, dense=None, cells=listed, default=default)


def model_of(
    rows: Sequence[str | tuple[str, str]] = (),
    *,
    objective: str = "min 0",
    sets: Sequence[IndexSet] = (),
    variables: Sequence[Variable] = (),
    parameters: Mapping[str, Sequence[str]] | None = None,
    data: Mapping[str, Sequence[float] | Values] | None = None,
) -> Model:
    """A model whose rows are text: `"x + y <= 3"`, or `("i in I", "x[i] <= 3")`."""
    sense, _, expr = objective.partition(" ")
    values = [
        item
        if isinstance(item, Values)
        else Values(parameter=name, dense=list(item), cells=None, default=None)
        for name, item in (data or {}).items()
    ]
    return Model(
        ir_version="1",
        name="small",
        sets=list(sets),
        parameters=[
            Parameter(name=name, index=list(index), unit=None, **WORDS)
            for name, index in (parameters or {}).items()
        ],
        variables=list(variables),
        constraints=[_row(number, row) for number, row in enumerate(rows)],
        objective=Objective(sense=sense, expr=expr, unit=None, **WORDS),  # type: ignore[arg-type]
        assumptions=[],
        data=values,
    )


def _row(number: int, row: str | tuple[str, str]) -> Constraint:
    forall, text = ("", row) if isinstance(row, str) else row
    relation = next(sign for sign in (" <= ", " >= ", " == ", " < ", " > ") if sign in text)
    lhs, _, rhs = text.rpartition(relation)
    return Constraint(
        name=f"row{number}",
        forall=forall,
        lhs=lhs,
        relation=relation.strip(),  # type: ignore[arg-type]
        rhs=rhs,
        kind="stated",
        unit=None,
        **WORDS,
    )
