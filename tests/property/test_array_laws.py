"""Laws of the arrays: files read back as they were, fast residuals say what fractions say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers_bridge.backends.highs import Highs
from solvers_bridge.exact import dual_bound, exact_dot, polished_bound, row_residual
from solvers_bridge.form import Block, StandardForm
from solvers_bridge.formats.lp import write_lp
from solvers_bridge.formats.mps import write_mps
from solvers_bridge.implied import implied_bounds
from solvers_bridge.outcome import Limits, Stop
from solvers_bridge.verify import TOLERANCE


@st.composite
def forms(draw: st.DrawFn) -> StandardForm:
    """Random arrays with open, fixed and two-sided bounds, and doubles of every kind."""
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    number = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-6)
    matrix = np.array(draw(st.lists(number, min_size=n * m, max_size=n * m))).reshape(m, n)
    row_of, indices = np.nonzero(matrix)

    def sides(count: int) -> tuple[np.ndarray, np.ndarray]:
        pairs = [sorted([draw(number), draw(number)]) for _ in range(count)]
        low = [pair[0] if draw(st.booleans()) else -np.inf for pair in pairs]
        high = [
            pair[1] if draw(st.booleans()) or low[i] == -np.inf else np.inf
            for i, pair in enumerate(pairs)
        ]
        return np.array(low), np.array(high)

    (col_lower, col_upper), (row_lower, row_upper) = sides(n), sides(m)
    return StandardForm(
        sense=draw(st.sampled_from(["min", "max"])),
        offset=draw(number),
        cost=np.array(draw(st.lists(number, min_size=n, max_size=n))),
        col_lower=col_lower,
        col_upper=col_upper,
        integer=np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), np.int32),
        row_lower=row_lower,
        row_upper=row_upper,
        starts=np.searchsorted(row_of, np.arange(m + 1)).astype(np.int32),
        indices=indices.astype(np.int32),
        coefs=matrix[row_of, indices],
        columns=tuple(Block(f"x{j}", j, 1) for j in range(n)),
        rows=tuple(Block(f"r{i}", i, 1) for i in range(m)),
    )


@settings(max_examples=150, deadline=None)
@given(form=forms())
def test_an_mps_file_reads_back_as_the_same_arrays(tmp_path_factory, form) -> None:
    file = tmp_path_factory.getbasetemp() / "random.mps"
    write_mps(form, file)

    lp = read(file)

    assert lp.offset_ == form.offset
    assert (lp.sense_ == highspy.ObjSense.kMaximize) == (form.sense == "max")
    assert np.array_equal(form.cost, lp.col_cost_)
    assert np.array_equal(form.col_lower, lp.col_lower_)
    assert np.array_equal(form.col_upper, lp.col_upper_)
    whole = [int(kind) for kind in lp.integrality_] or [0] * form.n
    assert whole == form.integer.tolist()
    rows = dict(zip(lp.row_names_, range(lp.num_row_), strict=True))
    matrix, mine = dense_of(lp), dense(form)
    for i in range(form.m):
        low, high = rows[f"r{i}"], rows.get(f"r{i}_up", rows[f"r{i}"])
        assert lp.row_lower_[low] == form.row_lower[i]
        assert lp.row_upper_[high] == form.row_upper[i]
        assert np.array_equal(matrix[low], mine[i])
        assert np.array_equal(matrix[high], mine[i])


@settings(max_examples=150, deadline=None)
@given(form=forms())
def test_an_lp_file_reads_back_with_the_same_columns_and_sides(tmp_path_factory, form) -> None:
    file = tmp_path_factory.getbasetemp() / "random.lp"
    write_lp(form, file)

    lp = read(file)

    order = [list(lp.col_names_).index(f"x{j}") for j in range(form.n)]
    assert lp.offset_ == form.offset
    assert np.array_equal(form.cost, np.array(lp.col_cost_)[order])
    assert np.array_equal(form.col_lower, np.array(lp.col_lower_)[order])
    assert np.array_equal(form.col_upper, np.array(lp.col_upper_)[order])
    rows = dict(zip(lp.row_names_, range(lp.num_row_), strict=True))
    matrix, mine = dense_of(lp)[:, order], dense(form)
    for i in range(form.m):
        low = rows.get(f"r{i}_lo", rows.get(f"r{i}"))
        high = rows.get(f"r{i}_up", rows.get(f"r{i}"))
        assert lp.row_lower_[low] == form.row_lower[i]
        assert lp.row_upper_[high] == form.row_upper[i]
        assert np.array_equal(matrix[low], mine[i])
        assert np.array_equal(matrix[high], mine[i])


def read(file: Any) -> Any:
    solver = highspy.Highs()
    solver.silent()
    assert solver.readModel(str(file)) == highspy.HighsStatus.kOk
    return solver.getLp()


def dense(form: StandardForm) -> np.ndarray:
    out = np.zeros((form.m, form.n))
    out[np.repeat(np.arange(form.m), np.diff(form.starts)), form.indices] = form.coefs
    return out


def dense_of(lp: Any) -> np.ndarray:
    out = np.zeros((lp.num_row_, lp.num_col_))
    starts, indices = (np.array(part, int) for part in (lp.a_matrix_.start_, lp.a_matrix_.index_))
    out[indices, np.repeat(np.arange(lp.num_col_), np.diff(starts))] = lp.a_matrix_.value_
    return out


@settings(max_examples=200, deadline=None)
@given(form=forms(), data=st.data())
def test_fast_residuals_say_what_fractions_say(form: StandardForm, data: st.DataObject) -> None:
    number = st.floats(-1e9, 1e9, allow_nan=False)
    x = np.array(data.draw(st.lists(number, min_size=form.n, max_size=form.n)))

    residual = row_residual(form, x, tol=TOLERANCE)

    matrix = dense(form)
    broken = 0
    for i in range(form.m):
        value = exact_dot(matrix[i].tolist(), x.tolist())
        sides = [value - Fraction(form.row_upper[i])] if np.isfinite(form.row_upper[i]) else []
        sides += [Fraction(form.row_lower[i]) - value] if np.isfinite(form.row_lower[i]) else []
        size = sum(abs(Fraction(a) * Fraction(b)) for a, b in zip(matrix[i], x, strict=True))
        slack = Fraction(TOLERANCE) + size * Fraction(2) ** -50
        margin = max(sides) - slack
        if abs(margin) > size * Fraction(2) ** -95 + Fraction(1, 10**18):
            broken += margin > 0
        else:
            return  # the slack itself is a double
    assert residual.broken == broken


@st.composite
def linear_programs(draw: st.DrawFn) -> StandardForm:
    """Small whole numbers everywhere, so that optima are free of tolerance effects."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    small = st.integers(-5, 5).map(float)
    matrix = np.array(draw(st.lists(small, min_size=n * m, max_size=n * m))).reshape(m, n)
    row_of, indices = np.nonzero(matrix)
    ends = [sorted([draw(small), draw(small)]) for _ in range(m)]
    for pair in ends:
        cut = draw(st.sampled_from(["neither", "below", "above"]))
        pair[0] = -np.inf if cut == "below" else pair[0]
        pair[1] = np.inf if cut == "above" else pair[1]
    tops = [draw(st.sampled_from([5.0, np.inf])) for _ in range(n)]
    return StandardForm(
        sense=draw(st.sampled_from(["min", "max"])),
        offset=draw(small),
        cost=np.array(draw(st.lists(small, min_size=n, max_size=n))),
        col_lower=np.array([draw(st.sampled_from([0.0, -3.0, -np.inf])) for _ in range(n)]),
        col_upper=np.array(tops),
        integer=np.zeros(n, np.int32),
        row_lower=np.array([low for low, _ in ends]),
        row_upper=np.array([high for _, high in ends]),
        starts=np.searchsorted(row_of, np.arange(m + 1)).astype(np.int32),
        indices=indices.astype(np.int32),
        coefs=matrix[row_of, indices],
        columns=tuple(Block(f"x{j}", j, 1) for j in range(n)),
        rows=tuple(Block(f"r{i}", i, 1) for i in range(m)),
    )


@settings(max_examples=300, deadline=None)
@given(form=linear_programs(), data=st.data())
def test_no_duals_whatever_prove_more_than_the_optimum(
    form: StandardForm, data: st.DataObject
) -> None:
    best = Highs().solve(form, Limits())
    if best.stop is not Stop.OPTIMAL:
        return
    sign = -1 if form.sense == "max" else 1
    noise = st.fractions(-3, 3, max_denominator=4)
    drawn = data.draw(st.lists(noise, min_size=form.m, max_size=form.m))
    given_duals = [Fraction(dual) for dual in best.duals.tolist()]
    mixed = [a + b for a, b in zip(given_duals, drawn, strict=True)]
    box = implied_bounds(form, best.objective)

    for duals in (drawn, mixed, given_duals):
        for bound in (dual_bound(form, duals), dual_bound(form, duals, box=box)):
            assert bound is None or sign * bound <= sign * best.objective + 1e-6


@settings(max_examples=200, deadline=None)
@given(form=linear_programs())
def test_optima_of_small_linear_programs_are_proved(form: StandardForm) -> None:
    best = Highs().solve(form, Limits())
    if best.stop is not Stop.OPTIMAL:
        return

    bound = polished_bound(form, best.duals, max_rows=10)

    assert bound is not None
    assert float(bound) == pytest.approx(best.objective, abs=1e-7)
