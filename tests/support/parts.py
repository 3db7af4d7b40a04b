"""Short spellings of IR parts for tests; whatever is not given is empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvers_bridge.ir.model import (
    Cell,
    Constraint,
    IndexSet,
    Key,
    Model,
    Objective,
    Parameter,
    Relation,
    Sense,
    Values,
    Variable,
)

WORDS = {"meaning": "", "quote": ""}


def index_set(name: str, **given: Any) -> IndexSet:
    kinds = dict.fromkeys(["elements", "first", "last", "tuples_of", "rows", "where"])
    return IndexSet(name=name, **{**kinds, **WORDS, **given})


def parameter(name: str, index: Sequence[str] = (), unit: str | None = None) -> Parameter:
    return Parameter(name=name, index=list(index), unit=unit, **WORDS)


def variable(name: str, index: Sequence[str] = (), **given: Any) -> Variable:
    usual = {"domain": "real", "why_domain": "", "lower": 0, "upper": None, "unit": None}
    return Variable(name=name, index=list(index), **{**usual, **WORDS, **given})


def constraint(
    lhs: str, relation: Relation, rhs: str, forall: str = "", **given: Any
) -> Constraint:
    usual = {"name": "row", "kind": "stated", "unit": None}
    return Constraint(
        lhs=lhs, relation=relation, rhs=rhs, forall=forall, **{**usual, **WORDS, **given}
    )


def dense(name: str, *numbers: float) -> Values:
    return Values(parameter=name, dense=list(numbers), cells=None, default=None)


def cells(name: str, table: Sequence[tuple[list[Key], float]], default: Any = None) -> Values:
    found = [Cell(key=key, value=value) for key, value in table]
    return Values(parameter=name, dense=None, cells=found, default=default)


def objective(expr: str, sense: Sense = "min", **given: Any) -> Objective:
    return Objective(sense=sense, expr=expr, **{"unit": None, **WORDS, **given})


def model(**given: Any) -> Model:
    usual: dict[str, Any] = {"ir_version": "1", "name": "test", "objective": objective("x")}
    for part in ("sets", "parameters", "variables", "constraints", "assumptions", "data"):
        usual[part] = []
    return Model(**{**usual, **given})


def transport(**given: Any) -> Model:
    """Two plants, three markets, ship at least cost; without errors and warnings."""
    usual: dict[str, Any] = {
        "name": "transport",
        "sets": [
            index_set("PLANTS", elements=["north", "south"]),
            index_set("MARKETS", elements=["a", "b", "c"]),
        ],
        "parameters": [
            parameter("cost", ["PLANTS", "MARKETS"], "USD/t"),
            parameter("supply", ["PLANTS"], "t"),
            parameter("demand", ["MARKETS"], "tonnes"),
        ],
        "variables": [variable("ship", ["PLANTS", "MARKETS"], unit="t")],
        "constraints": [
            constraint(
                "sum(ship[p, m] for m in MARKETS)", "<=", "supply[p]", "p in PLANTS", name="limit"
            ),
            constraint(
                "sum(ship[p, m] for p in PLANTS)", ">=", "demand[m]", "m in MARKETS", name="need"
            ),
        ],
        "objective": objective(
            "sum(cost[p, m] * ship[p, m] for p in PLANTS for m in MARKETS)", unit="USD"
        ),
        "data": [
            dense("cost", 2, 3, 1.5, 4, 1, 2.5),
            dense("supply", 10, 20),
            cells("demand", [(["c"], 5), (["a"], 7)], default=6),
        ],
    }
    return model(**{**usual, **given})
