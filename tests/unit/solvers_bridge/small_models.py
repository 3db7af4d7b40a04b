"""Index-free models written in one line, for tests of everything after the expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solvers_bridge.ir.model import Constraint, Domain, Model, Objective, Relation, Sense, Variable

Bounds = tuple[Domain, float | None, float | None]


def model_of(
    sense: Sense,
    expr: str,
    variables: Mapping[str, Bounds],
    rows: Sequence[tuple[str, Relation, str]],
) -> Model:
    """Variables are name to (domain, lower, upper); rows are named c0, c1, ..."""
    unsaid = {"unit": None, "meaning": "", "quote": ""}
    return Model(
        ir_version="1",
        name="test",
        sets=[],
        parameters=[],
        variables=[
            Variable(
                name=name, index=[], domain=domain, why_domain="", lower=low, upper=high, **unsaid
            )
            for name, (domain, low, high) in variables.items()
        ],
        constraints=[
            Constraint(
                name=f"c{i}",
                forall="",
                lhs=lhs,
                relation=relation,
                rhs=rhs,
                kind="stated",
                **unsaid,
            )
            for i, (lhs, relation, rhs) in enumerate(rows)
        ],
        objective=Objective(sense=sense, expr=expr, **unsaid),
        assumptions=[],
        data=[],
    )
