"""Drafts of small models, as a language model would write them."""

from __future__ import annotations

from opto.modeling.draft import Draft, DraftConstraint, DraftObjective, DraftVariable

TEXT = (
    "A workshop makes chairs and tables. A chair takes 2 hours and a table 3 hours; at most 60 "
    "hours are available. At least 10 chairs must be made. A chair earns $5 and a table $8. "
    "Maximize profit."
)


def variable(name: str) -> DraftVariable:
    return DraftVariable(
        name=name,
        meaning=f"number of {name} made",
        index=[],
        why_domain=f"{name} are whole",
        domain="integer",
        lower=0,
        upper=None,
        unit=name,
    )


def constraint(quote: str, lhs: str, relation: str, rhs: str, *, name: str) -> DraftConstraint:
    return DraftConstraint.model_validate(
        {
            "quote": quote,
            "meaning": quote,
            "name": name,
            "kind": "stated",
            "forall": "",
            "lhs": lhs,
            "relation": relation,
            "rhs": rhs,
        }
    )


HOURS = constraint(
    "at most 60 hours are available", "2*chairs + 3*tables", "<=", "60", name="hours"
)
MINIMUM = constraint("At least 10 chairs must be made", "chairs", ">=", "10", name="minimum")


def draft(*constraints: DraftConstraint, expr: str = "5*chairs + 8*tables") -> Draft:
    return Draft(
        sets=[],
        parameters=[],
        variables=[variable("chairs"), variable("tables")],
        objective=DraftObjective(
            quote="Maximize profit", meaning="profit", sense="max", expr=expr, unit="$"
        ),
        constraints=list(constraints),
        assumptions=[],
    )


GOOD = draft(HOURS, MINIMUM)
