"""The compiler and the exact interpreter read the same model the same way."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from models import models, points

from solvers_bridge.compile import compile_model
from solvers_bridge.errors import ModelError
from solvers_bridge.form import StandardForm
from solvers_bridge.interpret import Evaluation, Row, evaluate
from solvers_bridge.ir.model import Model
from solvers_bridge.ir.reference import Reference

RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def has_empty_set(model: Model) -> bool:
    reference = Reference(model)
    return any(not reference.axis(item.name).size for item in model.sets)


def exact_activities(form: StandardForm, x: list[Fraction]) -> list[Fraction]:
    ends = form.starts.tolist()
    return [
        sum(
            (Fraction(form.coefs[k]) * x[form.indices[k]] for k in range(first, last)),
            start=Fraction(),
        )
        for first, last in pairwise(ends)
    ]


def assert_same_bounds(form: StandardForm, oracle: Evaluation) -> None:
    for j, bound in enumerate(oracle.bounds):
        assert form.column_key(j) == (bound.name, bound.key)
        assert form.integer[j] == bound.whole
        assert form.col_lower[j] == (-np.inf if bound.lower is None else bound.lower)
        assert form.col_upper[j] == (np.inf if bound.upper is None else bound.upper)


def assert_same_row(form: StandardForm, i: int, row: Row, activity: Fraction) -> None:
    assert form.row_key(i) == (row.name, row.key)
    strict = {int(r): bool(done) for r, done in zip(form.strict.rows, form.strict.tightened)}  # noqa: B905
    assert (i in strict) == (row.relation in ("<", ">"))
    if row.relation in ("<=", "==") or (row.relation == "<" and not strict[i]):
        assert activity - Fraction(form.row_upper[i]) == row.activity
    if row.relation in (">=", "==") or (row.relation == ">" and not strict[i]):
        assert activity - Fraction(form.row_lower[i]) == row.activity
    if row.relation in ("<=", "<"):
        assert form.row_lower[i] == -np.inf
    if row.relation in (">=", ">"):
        assert form.row_upper[i] == np.inf


@given(st.data())
@RELAXED
def test_objective_rows_and_bounds_are_those_of_the_interpreter(data: st.DataObject) -> None:
    model = data.draw(models())
    if has_empty_set(model):
        event("empty set")
        with pytest.raises(ModelError, match="is empty"):
            compile_model(model)
        return
    point = data.draw(points(model))

    form = compile_model(model)
    oracle = evaluate(model, point)

    x = [Fraction(bound.value) for bound in oracle.bounds]
    assert form.n == len(x)
    assert form.m == len(oracle.rows)
    form.validate()
    cost = sum((Fraction(c) * v for c, v in zip(form.cost, x, strict=True)), start=Fraction())
    assert cost + Fraction(form.offset) == oracle.objective
    assert_same_bounds(form, oracle)
    for i, (row, activity) in enumerate(zip(oracle.rows, exact_activities(form, x), strict=True)):
        assert_same_row(form, i, row, activity)


@given(st.data())
@RELAXED
def test_a_row_names_a_column_at_most_once_and_never_with_zero(data: st.DataObject) -> None:
    model = data.draw(models().filter(lambda model: not has_empty_set(model)))

    form = compile_model(model)

    assert (form.coefs != 0).all()
    for first, last in pairwise(form.starts.tolist()):
        columns = form.indices[first:last].tolist()
        assert len(set(columns)) == len(columns)


@given(st.data())
@RELAXED
def test_a_tightened_row_keeps_exactly_the_whole_points_of_the_strict_one(
    data: st.DataObject,
) -> None:
    model = data.draw(models().filter(lambda model: not has_empty_set(model)))
    whole = [item.name for item in model.variables if item.domain != "real"]
    point = {
        name: {key: Fraction(round(v)) if name in whole else v for key, v in values.items()}
        for name, values in data.draw(points(model)).items()
    }

    form = compile_model(model)
    oracle = evaluate(model, point)

    activities = exact_activities(form, [bound.value for bound in oracle.bounds])
    for i, tightened in zip(form.strict.rows, form.strict.tightened, strict=True):
        inside = form.row_lower[i] <= activities[i] <= form.row_upper[i]
        assert inside == oracle.rows[i].holds if tightened else inside or not oracle.rows[i].holds
