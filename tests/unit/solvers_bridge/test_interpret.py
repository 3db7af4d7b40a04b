"""The interpreter says exactly what a model says about a point."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from solvers_bridge.errors import DataError, ExpressionError, ModelError
from solvers_bridge.interpret import evaluate
from solvers_bridge.ir.model import Model
from solvers_bridge.ir.reference import OutsideSetError, Reference, TooLargeError
from tests.support.parts import (
    cells,
    constraint,
    dense,
    index_set,
    model,
    objective,
    parameter,
    transport,
    variable,
)

SHIPPED = {
    ("north", "a"): 7,
    ("north", "b"): 0,
    ("north", "c"): 3.5,
    ("south", "a"): 0,
    ("south", "b"): 6,
    ("south", "c"): 1,
}


def one_row(lhs: str, forall: str = "", **given: object) -> Model:
    usual = {"variables": [variable("x")], "constraints": [constraint(lhs, "<=", "x", forall)]}
    return model(**{**usual, **given})


def value(text: str, **given: object) -> Fraction:
    """The value of `text` where the variable x is 10."""
    [row] = evaluate(one_row(text, **given), {"x": {(): 10}}).rows
    return row.activity + 10


def test_objective_and_rows_of_a_transport_plan() -> None:
    found = evaluate(transport(), {"ship": SHIPPED})

    assert found.objective == Fraction("14") + Fraction("5.25") + 6 + Fraction("2.5")
    assert [(row.name, row.key, row.activity, row.violation) for row in found.rows] == [
        ("limit", ("north",), Fraction("0.5"), Fraction("0.5")),
        ("limit", ("south",), -13, 0),
        ("need", ("a",), 0, 0),
        ("need", ("b",), 0, 0),
        ("need", ("c",), Fraction("-0.5"), Fraction("0.5")),
    ]
    assert not found.feasible


def test_data_given_as_arrays_replaces_the_tables_of_the_model() -> None:
    data = {"supply": np.array([10.5, 20.0]), "demand": [7, 6, 4.5], "cost": np.eye(2, 3)}

    found = evaluate(transport(), {"ship": SHIPPED}, data)

    assert found.feasible
    assert found.objective == 13


def test_a_decimal_is_the_double_that_a_solver_is_given() -> None:
    assert value("0.1") == Fraction(0.1)
    assert value("0.1") != Fraction(1, 10)
    assert value("1 / 3") == Fraction(1, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 - 3 - 4", -5),
        ("-x**2", -100),
        ("(-2)**2 + 2**-2", Fraction(17, 4)),
        ("x / 4 / 5", Fraction(1, 2)),
        ("sum(i * j for i in I for j in I if i < j)", 2 + 3 + 6),
        ("sum(i for i in I if i > 1 if i < 3)", 2),
        ("sum(i for i in I if i == 1 or not i < 3)", 4),
        ("sum(1 for i in I if 1 <= i <= 2)", 2),
        ("sum(1 for i in I if i-1 in I)", 2),
        ("sum(1 for (a, b) in PAIRS if (b, a) not in PAIRS)", 1),
        ("sum(sum(j for j in I if j < i) for i in I)", 0 + 1 + 3),
        ("max(p[i] for i in I) - min(p[i] for i in I)", 9),
        ("max(1, x, 3) + min(2, x) + abs(-4)", 16),
        ("sum(p[k] for k in I if p[k] > 0)", 10),
        ("p[jump[1]]", 7),
        ("sum(1 for s in S if s != 'a')", 1),
        ("sum(i for i in EMPTY)", 0),
        ("sum(p[i] for i in I for i in I)", 3 * (3 - 2 + 7)),
    ],
)
def test_expressions_mean_what_they_mean_in_python(text: str, expected: Fraction) -> None:
    sets = [
        index_set("I", first=1, last=3),
        index_set("S", elements=["a", "b"]),
        index_set("PAIRS", tuples_of=["I", "I"], rows=[[1, 2], [2, 1], [1, 3]]),
        index_set("EMPTY", first=1, last=0),
    ]
    data = [cells("p", [([3], 7), ([1], 3)], -2), dense("jump", 3, 3, 3)]
    parameters = [parameter("p", ["I"]), parameter("jump", ["I"])]

    assert value(text, sets=sets, parameters=parameters, data=data) == expected


def test_a_set_made_by_a_condition_keeps_the_order_of_the_product() -> None:
    wheres = model(
        sets=[
            index_set("I", elements=[3, 1, 2]),
            index_set("UP", tuples_of=["I", "I"], where="i0 < i1"),
        ],
        variables=[variable("x")],
    )

    assert list(Reference(wheres).axis("UP")) == [(1, 3), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("relation", "point", "holds", "violation"),
    [
        ("<=", 5, True, 0),
        ("<=", 6, False, 1),
        ("<", 5, False, 0),
        ("<", 4, True, 0),
        (">", 5, False, 0),
        (">=", 3, False, 2),
        ("==", 3, False, 2),
        ("==", 5, True, 0),
    ],
)
def test_relations_hold_as_written(relation: str, point: int, holds: bool, violation: int) -> None:
    usual = model(variables=[variable("x")], constraints=[constraint("x", relation, "5")])

    [row] = evaluate(usual, {"x": {(): point}}).rows

    assert (row.holds, row.violation) == (holds, violation)


def test_bounds_and_integrality_are_per_key() -> None:
    usual = model(
        sets=[index_set("I", first=1, last=2)],
        parameters=[parameter("cap", ["I"])],
        variables=[
            variable("x", ["I"], domain="integer", lower=None, upper="cap[i0] + i0"),
            variable("y", domain="binary", lower=None),
        ],
        objective=objective("y"),
        data=[dense("cap", 3, 4)],
    )

    found = evaluate(usual, {"x": {(1,): 4.25, (2,): 8}, "y": {(): Fraction(-1, 3)}})

    assert [(item.name, item.key, item.violation, item.fraction) for item in found.bounds] == [
        ("x", (1,), Fraction(1, 4), Fraction(1, 4)),
        ("x", (2,), 2, 0),
        ("y", (), Fraction(1, 3), Fraction(1, 3)),
    ]


BROKEN = [
    (one_row("y"), ModelError),
    (one_row("x.y"), ExpressionError),
    (one_row("1 / 0"), DataError),
    (one_row("1 / (2 - 2)"), DataError),
    (one_row("0**-1"), DataError),
    (one_row("x", "i in NOWHERE"), ModelError),
    (one_row("max(i for i in E)", sets=[index_set("E", first=1, last=0)]), DataError),
    (one_row("x", "i in S", sets=[index_set("S", first=1, last=10**15)]), TooLargeError),
    (
        one_row(
            "x",
            "(a, b) in S",
            sets=[
                index_set("R", first=1, last=10**15),
                index_set("S", tuples_of=["R", "R"], where="i0 == i1"),
            ],
        ),
        TooLargeError,
    ),
    (one_row("((((x**16)**16)**16)**16)**16"), ModelError),
    (one_row("x", "(a, b) in S", sets=[index_set("S", first=1, last=2)]), ModelError),
    (one_row("x", "a in S if a < 1", sets=[index_set("S", elements=["b"])]), ModelError),
    (one_row("a", "a in S", sets=[index_set("S", elements=["b"])]), ModelError),
    (one_row("x", "a in S if x > 1", sets=[index_set("S", elements=["b"])]), ModelError),
    (one_row("x[1]"), OutsideSetError),
    (one_row("p", parameters=[parameter("p")]), DataError),
    (one_row("p", parameters=[parameter("p")], data=[dense("p", 1, 2)]), DataError),
    (one_row("p", parameters=[parameter("p")], data=[dense("p", float("nan"))]), DataError),
    (one_row("p", parameters=[parameter("p")], data=[cells("p", [])]), DataError),
    (
        one_row("x", sets=[index_set("S", tuples_of=["S"], where="i0 == 1")], forall="s in S"),
        ModelError,
    ),
]


@pytest.mark.parametrize(("broken", "error"), BROKEN)
def test_a_broken_model_is_an_error_of_ours(broken: Model, error: type[Exception]) -> None:
    with pytest.raises(error):
        evaluate(broken, {"x": {(): 10}})


@pytest.mark.parametrize(
    "point", [{}, {"x": {}}, {"x": {(): float("nan")}}, {"x": {(): 1}, "z": {}}]
)
def test_a_point_must_have_a_number_for_every_variable_and_no_other(point: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(DataError):
        evaluate(one_row("x"), point)


def test_a_key_outside_its_set_is_named_where_it_is_used() -> None:
    shifted = one_row(
        "x + p[t-1]",
        "t in T",
        sets=[index_set("T", first=1, last=2)],
        parameters=[parameter("p", ["T"])],
        data=[dense("p", 1, 2)],
    )

    with pytest.raises(OutsideSetError) as caught:
        evaluate(shifted, {"x": {(): 1}})

    assert caught.value.where == "constraints[0].lhs"
    assert caught.value.what == "p[0] does not exist: keys are from T."
