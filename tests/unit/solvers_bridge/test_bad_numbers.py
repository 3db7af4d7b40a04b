"""Numbers that solvers swallow and then answer wrongly: refused, by their own path."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from standard_forms import form_of
from written_models import cells, index_set, model_of, variable

from solvers_bridge.backends.highs import Highs
from solvers_bridge.compile import compile_model
from solvers_bridge.errors import DataError, ModelError, SolverError
from solvers_bridge.ir.model import Model
from solvers_bridge.outcome import Limits

NAN, INF = math.nan, math.inf
I = index_set("I", "a", "b", "c")  # noqa: E741 - the set's name


def with_cost(numbers: list[float]) -> Model:
    return model_of(
        ["sum(x[i] for i in I) >= 1"],
        objective="min sum(c[i]*x[i] for i in I)",
        sets=[I],
        variables=[variable("x", "I")],
        parameters={"c": ["I"]},
        data={"c": numbers},
    )


def with_coefficient(number: float) -> Model:
    return model_of(
        ["a*x >= 1"], variables=[variable("x")], parameters={"a": []}, data={"a": [number]}
    )


def with_right_side(number: float) -> Model:
    return model_of(
        ["x >= b"], variables=[variable("x")], parameters={"b": []}, data={"b": [number]}
    )


def with_bounds(lower: Any, upper: Any, **given: Any) -> Model:
    return model_of(variables=[variable("y"), variable("x", lower=lower, upper=upper, **given)])


CORPUS = [
    (with_cost([1, NAN, 2]), "data[c].dense[1]"),
    (with_cost([1, 2, INF]), "data[c].dense[2]"),
    (with_cost([-INF, 2, INF]), "data[c].dense[0]"),
    (with_cost([1, 2, 1e15]), "data[c].dense[2]"),
    (with_cost([1, 1e-10, 5]), "data[c].dense[1]"),
    (with_cost([1, 2]), "data[c].dense"),
    (with_cost([1, 2, 10**400]), "data[c].dense"),
    (with_coefficient(NAN), "data[a].dense[0]"),
    (with_coefficient(INF), "data[a].dense[0]"),
    (with_coefficient(-1e15), "data[a].dense[0]"),
    (with_coefficient(1e-10), "data[a].dense[0]"),
    (with_coefficient(-1e-9), "data[a].dense[0]"),
    (with_right_side(NAN), "data[b].dense[0]"),
    (with_right_side(-INF), "data[b].dense[0]"),
    (with_right_side(1e20), "data[b].dense[0]"),
    (with_bounds(NAN, 1), "variables[1].lower"),
    (with_bounds(0, NAN), "variables[1].upper"),
    (with_bounds(INF, None), "variables[1].lower"),
    (with_bounds(0, 1e20), "variables[1].upper"),
    (with_bounds(3, 2), "variables[1].lower"),
    (with_bounds("2*3", "5"), "variables[1].lower"),
    (with_bounds(2, None, domain="binary"), "variables[1].lower"),
    (with_bounds(0, "1/0"), "variables[1].upper"),
    (model_of(["1e-10*x >= 1"], variables=[variable("x")]), "constraints[0].lhs"),
    (model_of(["x >= 1", "x <= 1e9*1e9"], variables=[variable("x")]), "constraints[1]"),
    (model_of(sets=[index_set("E", first=3, last=2)], variables=[variable("x")]), "sets[0]"),
    (
        model_of(
            sets=[I, index_set("P", tuples_of=["I", "I"], where="i0 != i0")],
            variables=[variable("x")],
        ),
        "sets[1].where",
    ),
    (
        model_of(sets=[index_set("I", "a", "b", "a")], variables=[variable("x")]),
        "sets[0].elements[2]",
    ),
    (
        model_of(
            sets=[I, index_set("P", tuples_of=["I"], rows=[["a"], ["b"], ["a"]])],
            variables=[variable("x")],
        ),
        "sets[1].rows[2]",
    ),
    (
        model_of(
            sets=[I, index_set("P", tuples_of=["I"], rows=[["a"], ["z"]])],
            variables=[variable("x")],
        ),
        "sets[1].rows[1]",
    ),
    (
        model_of(
            sets=[I],
            variables=[variable("x")],
            parameters={"c": ["I"]},
            data={"c": cells("c", a=1, z=2)},
        ),
        "data[c].cells[1]",
    ),
    (model_of(variables=[variable("x")], parameters={"c": []}), "data[c]"),
    (model_of(variables=[variable("x")], data={"c": [1]}), "data[c]"),
    (model_of(), "variables"),
]


@pytest.mark.parametrize(("model", "where"), CORPUS, ids=lambda item: str(item)[:24])
def test_a_bad_number_is_refused_by_its_path(model: Model, where: str) -> None:
    with pytest.raises((DataError, ModelError)) as caught:
        compile_model(model)
    assert caught.value.where == where


def test_a_key_given_twice_is_refused() -> None:
    twice = cells("c", a=1, b=2, c=3)
    twice = twice.model_copy(update={"cells": [*(twice.cells or []), *(twice.cells or [])[:1]]})
    model = with_cost([1, 2, 3]).model_copy(update={"data": [twice]})
    with pytest.raises(DataError) as caught:
        compile_model(model)
    assert caught.value.where == "data[c].cells[3]"


@pytest.mark.parametrize(
    ("array", "where"),
    [
        (np.array([1.0, NAN, 2.0]), "data[c].dense[1]"),
        (np.array([1.0, 2.0]), "data[c]"),
        (np.ones((3, 1)), "data[c]"),
        (np.array(["1", "2", "3"]), "data[c]"),
        (np.array([1.0, 2.0, 1e-12]), "data[c].dense[2]"),
    ],
)
def test_an_array_beside_the_model_is_looked_at_as_well(array: Any, where: str) -> None:
    with pytest.raises(DataError) as caught:
        compile_model(with_cost([1, 2, 3]), {"c": array})
    assert caught.value.where == where


def test_numbers_for_an_unknown_parameter_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        compile_model(with_cost([1, 2, 3]), {"cost": np.ones(3)})
    assert caught.value.where == "data[cost]"


def test_coefficients_that_only_a_sum_makes_too_small_are_refused() -> None:
    model = model_of(
        ["0.3*x - 0.1*x - 0.2*x >= -1"], variables=[variable("x")]
    )  # 0.3 - 0.1 - 0.2 is -2.8e-17 in doubles
    with pytest.raises(DataError) as caught:
        compile_model(model)
    assert caught.value.where == "constraints[0]"


GOOD = form_of("min", [1.0, 2.0], [[1, 1]], rows=[(1, INF)])


def planted(name: str, value: Any) -> Any:
    array = getattr(GOOD, name).copy()
    array[0] = value
    return replace(GOOD, **{name: array})


@pytest.mark.parametrize(
    "form",
    [
        planted("cost", NAN),
        planted("cost", INF),
        planted("coefs", NAN),
        planted("coefs", -INF),
        planted("coefs", 1e-10),
        planted("coefs", 1e15),
        planted("col_lower", NAN),
        planted("col_lower", INF),
        planted("col_upper", -INF),
        planted("col_upper", -1.0),
        planted("row_lower", NAN),
        planted("row_upper", NAN),
        planted("row_upper", 0.0),
        planted("indices", 1),
        planted("indices", 2),
        planted("starts", 1),
        replace(GOOD, offset=NAN),
        replace(GOOD, cost=np.ones(3)),
        replace(GOOD, integer=np.zeros(1, np.int32)),
    ],
)
def test_a_form_with_a_bad_number_is_never_called_optimal(form: Any) -> None:
    with pytest.raises((DataError, SolverError)) as refused:
        Highs().solve(form, Limits(time_limit_s=5))
    assert refused.value.what
