"""Drafts joined with tables."""

from __future__ import annotations

import pytest
from drafts import GOOD

from opto.modeling.bind import BindError, bind
from opto.modeling.draft import Draft, DraftParameter, DraftSet
from opto.modeling.problem import Column, Problem, Table

ROUTES = Table(
    "routes",
    (
        Column("plant", ("A", "A", "B")),
        Column("depot", ("X", "Y", "X")),
        Column("cost", ("4", "6.5", "9")),
        Column("note", ("fast", "slow", "slow")),
    ),
)
SUPPLY = Table("supply", (Column("plant", ("B", "A")), Column("tons", ("20", "10"))))
PROBLEM = Problem("Ship at least cost.", (ROUTES, SUPPLY))


def test_sets_and_sparse_values_come_from_columns() -> None:
    model = bind(_draft(_parameter("cost", ["P", "D"], "routes.cost")), PROBLEM)

    assert [s.elements for s in model.sets] == [["A", "B"], ["X", "Y"]]
    cells = model.data[0].cells
    assert cells is not None
    assert [(cell.key, cell.value) for cell in cells] == [
        (["A", "X"], 4),
        (["A", "Y"], 6.5),
        (["B", "X"], 9),
    ]


def test_a_key_column_of_the_same_name_in_another_table_serves() -> None:
    model = bind(_draft(_parameter("supply", ["P"], "supply.tons")), PROBLEM)

    cells = model.data[0].cells
    assert cells is not None
    assert {cell.key[0]: cell.value for cell in cells} == {"A": 10, "B": 20}


@pytest.mark.parametrize(
    ("column", "index", "said"),
    [
        ("routes.price", ["P", "D"], "no column 'price'"),
        ("prices.cost", ["P"], "no table 'prices'"),
        ("routes.note", ["P", "D"], "not numbers"),
        ("supply.tons", ["D"], "no column 'depot'"),
    ],
)
def test_what_a_table_does_not_have_is_named(column: str, index: list[str], said: str) -> None:
    with pytest.raises(BindError, match=said) as caught:
        bind(_draft(_parameter("c", index, column)), PROBLEM)

    assert caught.value.where.startswith("parameters[0]")
    assert caught.value.fix


def test_a_draft_without_tables_keeps_its_own_numbers() -> None:
    model = bind(GOOD, Problem("x"))

    assert model.variables[0].domain == "integer"
    assert model.constraints[0].rhs == "60"


def _parameter(name: str, index: list[str], column: str) -> DraftParameter:
    return DraftParameter(
        name=name, index=index, values=[], column=column, unit=None, meaning="", quote=""
    )


def _draft(parameter: DraftParameter) -> Draft:
    sets = [
        DraftSet(name=name, elements=[], first=None, last=None, column=column, meaning="")
        for name, column in (("P", "routes.plant"), ("D", "routes.depot"))
    ]
    return GOOD.model_copy(update={"sets": sets, "parameters": [parameter]})
