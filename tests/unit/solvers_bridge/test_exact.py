"""Fractions decide what doubles cannot."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from standard_forms import INF, form_of

from solvers_bridge.exact import (
    bound_residual,
    dual_bound,
    exact_dot,
    polished_duals,
    reduced_costs,
    row_residual,
)
from solvers_bridge.implied import implied_bounds


def test_a_sum_that_doubles_lose_is_exact() -> None:
    assert exact_dot([1e16, 1.0, -1e16], [1.0, 1.0, 1.0]) == 1
    assert exact_dot([0.1, 0.2], [3.0, 5e-324]) == Fraction(0.1) * 3 + Fraction(0.2) * Fraction(
        5e-324
    )
    assert exact_dot([], []) == 0


def test_a_row_whose_terms_cancel_is_decided_in_fractions() -> None:
    form = form_of("min", [0, 0, 0], [[1e16, 1, -1e16]], rows=[(1, 1)])

    residual = row_residual(form, np.ones(3), tol=0.0)

    assert residual.worst == 0
    assert residual.broken == 0
    assert residual.doubtful == 1


@pytest.mark.parametrize(("excess", "broken"), [(2.0**-20, 0), (2.0**-20 + 2.0**-52, 1)])
def test_a_violation_of_exactly_the_tolerance_is_allowed_and_one_bit_more_is_not(
    excess, broken
) -> None:
    form = form_of("min", [0.0], [[0.0]], rows=[(-INF, -excess)])

    assert row_residual(form, np.zeros(1), tol=2.0**-20).broken == broken


@pytest.mark.parametrize(("x", "broken"), [(1 + 2.0**-20, 0), (1 + 2.0**-20 + 2.0**-52, 1)])
def test_bounds_are_decided_to_the_last_bit(x, broken) -> None:
    form = form_of("min", [0.0], [[1.0]], rows=[(-INF, INF)], bounds=[(0, 1)])

    assert bound_residual(form, np.array([x]), tol=2.0**-20).broken == broken


def test_verdicts_equal_those_of_fractions_on_random_rows() -> None:
    random = np.random.default_rng(3)
    matrix = random.integers(-9, 10, size=(60, 8)) / 7
    x = random.integers(-9, 10, size=8) / 3
    tol = 1e-6
    truth = [exact_dot(row, x) for row in matrix.tolist()]
    sides = [float(value) - tol * step for value, step in zip(truth, [0, 1, 2] * 20, strict=True)]
    form = form_of("min", [0] * 8, matrix, rows=[(-INF, side) for side in sides])

    residual = row_residual(form, x, tol=tol)

    noise = 2.0**-50 * (np.abs(matrix) @ np.abs(x))
    excess = [value - Fraction(side) for value, side in zip(truth, sides, strict=True)]
    slack = [Fraction(tol + grant) for grant in noise.tolist()]
    assert residual.broken == sum(e > s for e, s in zip(excess, slack, strict=True)) == 20
    assert residual.worst == max(excess)
    assert residual.where == excess.index(max(excess))


def test_overflow_in_doubles_is_not_overlooked() -> None:
    form = form_of("min", [0, 0], [[1e200, -1e200]], rows=[(0, 0)])

    assert row_residual(form, np.array([1e200, 1e200]), tol=1e-6).broken == 0
    assert row_residual(form, np.array([2e200, 1e200]), tol=1e-6).broken == 1


def test_weak_duality_gives_the_textbook_bound() -> None:
    form = form_of(
        "max",
        [3, 5],
        [[1, 0], [0, 2], [3, 2]],
        rows=[(-INF, 4), (-INF, 12), (-INF, 18)],
        offset=1.0,
    )

    assert dual_bound(form, [Fraction(0), Fraction(3, 2), Fraction(1)]) == 37
    assert dual_bound(form, [Fraction(3), Fraction(5, 2), Fraction(0)]) == 43
    assert dual_bound(form, [Fraction(0), Fraction(0), Fraction(0)]) is None


def test_a_dual_of_the_wrong_sign_is_as_good_as_none() -> None:
    form = form_of("min", [1], [[1]], rows=[(-INF, 4)])

    assert dual_bound(form, [Fraction(1)]) == 0


def test_bounds_that_hold_for_better_points_let_rough_duals_prove() -> None:
    form = form_of("max", [50, 30], [[10, 8], [1, -1]], rows=[(-INF, 200), (-INF, 0)])
    rough = [Fraction(40 / 9) - Fraction(1, 10**12), Fraction(50 / 9)]
    assert dual_bound(form, rough) is None

    bound = dual_bound(form, rough, box=implied_bounds(form, 888.0))

    assert 0 <= bound - Fraction(8000, 9) < Fraction(1, 10**9)


def test_implied_bounds_contain_every_point_that_is_not_worse() -> None:
    form = form_of(
        "min", [1, 2, 0], [[1, 1, 0], [0, 1, -1]], rows=[(2, INF), (1, 5)],
        bounds=[(0, INF), (-INF, INF), (-INF, 7)], offset=3.0,
    )  # fmt: skip

    lower, upper = implied_bounds(form, 13.0)

    assert lower[0] == 0
    assert upper[2] == 7
    assert upper[1] == pytest.approx(5, abs=1e-3)  # 1 x0 + 2 x1 <= 10
    assert upper[0] == INF  # x0 + 2 x1 <= 10 while x1 may fall: only x2 could stop it
    assert lower[1] == -INF


def test_implied_bounds_follow_each_other() -> None:
    form = form_of("max", [0, 0, 1], [[1, 0, 0], [-1, 1, 0], [0, -2, 1]], rows=[(-INF, 4)] * 3)

    _, upper = implied_bounds(form, 0.0)

    assert upper == pytest.approx([4, 8, 20], abs=1e-3)


def test_duals_as_doubles_are_polished_until_reduced_costs_vanish() -> None:
    form = form_of("max", [50, 30], [[10, 8], [1, -1]], rows=[(-INF, 200), (-INF, 0)])
    rough = np.array([40 / 9, 50 / 9])
    assert any(reduced_costs(form, [Fraction(dual) for dual in rough.tolist()]))

    polished = polished_duals(form, rough, max_rows=10)

    assert polished == [Fraction(40, 9), Fraction(50, 9)]
    assert dual_bound(form, polished) == Fraction(8000, 9)


def test_degenerate_equations_that_contradict_are_left_alone() -> None:
    form = form_of("min", [1.0, 1.0 + 1e-12], [[1, 1]], rows=[(2, INF)])

    polished = polished_duals(form, np.array([1.0]), max_rows=10)

    assert polished == [Fraction(1)]
    assert dual_bound(form, polished) == 2


def test_polishing_is_refused_when_it_would_take_too_long() -> None:
    form = form_of("min", [1.0], [[1.0]] * 5, rows=[(1, INF)] * 5)

    assert polished_duals(form, np.ones(5), max_rows=4) is None
