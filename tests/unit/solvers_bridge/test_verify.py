"""A planted wrong "optimal" is caught, whatever is wrong with it; a true one is certified."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from small_models import model_of
from standard_forms import INF, claimed, form_of

from solvers_bridge import verify as exported
from solvers_bridge.backends import get_backend
from solvers_bridge.compile import compile_model
from solvers_bridge.outcome import Limits, Stop
from solvers_bridge.verify import Certificate, rounded_point, verify

TRIPS = model_of(
    "max",
    "50*rickshaws + 30*carts",
    {"rickshaws": ("integer", 0, None), "carts": ("integer", 0, None)},
    [("10*rickshaws + 8*carts", "<=", "200"), ("rickshaws", "<=", "carts")],
)
RELAXED = TRIPS.model_copy(
    update={"variables": [v.model_copy(update={"domain": "real"}) for v in TRIPS.variables]}
)


def certificate_of(model, x, **claim) -> Certificate:
    form = compile_model(model)
    return verify(model, form, claimed(form, x, **claim))


def failed(certificate: Certificate) -> list[str]:
    return [check.name for check in certificate.how if not check.passed]


def test_a_true_optimum_holds_and_its_objective_is_an_exact_fraction() -> None:
    certificate = certificate_of(TRIPS, [11, 11])

    assert certificate.holds
    assert certificate.objective_exact == Fraction(880)
    assert certificate.optimal == "within gap"
    assert not failed(certificate)


def test_a_point_that_breaks_a_row_is_caught_and_the_row_is_named() -> None:
    certificate = certificate_of(TRIPS, [12, 11])

    assert not certificate.feasible
    assert certificate.worst_row == "c0"
    assert certificate.worst_violation == 8.0
    assert certificate.optimal == "not shown"
    assert failed(certificate) == ["rows", "model", "optimality"]


def test_a_point_outside_its_bounds_is_caught_and_the_variable_is_named() -> None:
    certificate = certificate_of(TRIPS, [-1, 11])

    assert not certificate.feasible
    assert certificate.worst_row == "rickshaws"
    assert "bounds" in failed(certificate)


def test_a_misreported_objective_is_caught_though_the_point_is_fine() -> None:
    certificate = certificate_of(TRIPS, [11, 11], objective=890.0)

    assert certificate.feasible
    assert not certificate.objective_matches
    assert not certificate.holds
    assert failed(certificate) == ["objective from the model", "objective as given"]


def test_an_integer_that_is_not_whole_is_caught() -> None:
    certificate = certificate_of(TRIPS, [11.4, 10.75])

    assert not certificate.feasible
    assert certificate.rounded
    assert certificate.drift == pytest.approx(0.4)
    assert "whole numbers" in failed(certificate)


def test_drift_within_tolerance_is_rounded_away_and_reported() -> None:
    certificate = certificate_of(TRIPS, [11 - 1e-9, 11 + 1e-9])

    assert certificate.holds
    assert certificate.rounded
    assert certificate.objective_exact == 880


def test_trickle_flow_through_a_switch_that_is_almost_off_is_caught() -> None:
    pump = model_of(
        "min",
        "flow + 95*open",
        {"flow": ("real", 0, 5), "open": ("binary", 0, 1)},
        [("flow", "<=", "10000000*open"), ("flow", ">=", "5")],
    )

    certificate = certificate_of(pump, [5.0, 5e-7])

    assert not certificate.feasible
    assert certificate.worst_violation == 5.0
    assert "rows after rounding" in failed(certificate)
    assert "rows" not in failed(certificate)


def test_a_point_that_its_own_bound_disproves_is_not_optimal() -> None:
    certificate = certificate_of(TRIPS, [11, 11], bound=870.0)

    assert certificate.holds
    assert certificate.optimal == "not shown"


def test_a_wrong_matrix_is_caught_by_the_interpreter() -> None:
    form = compile_model(TRIPS)
    wrong = replace(form, coefs=np.where(form.coefs == 10.0, 1.0, form.coefs))  # a compiler's slip
    x = [12.0, 12.0]

    certificate = verify(TRIPS, wrong, claimed(wrong, x))

    assert not certificate.feasible
    assert failed(certificate)[0] == "model"


def test_a_wrong_cost_is_caught_by_the_interpreter() -> None:
    form = compile_model(TRIPS)
    wrong = replace(form, cost=form.cost * 2)

    certificate = verify(TRIPS, wrong, claimed(wrong, [11, 11]))

    assert certificate.objective_exact == 880
    assert failed(certificate) == ["objective from the model"]


def test_a_bound_the_form_forgot_is_caught_by_the_interpreter() -> None:
    model = model_of("max", "x", {"x": ("real", 0, 7)}, [("x", "<=", "9")])
    form = compile_model(model)
    wrong = replace(form, col_upper=np.array([INF]))

    certificate = verify(model, wrong, claimed(wrong, [9.0]))

    assert "model" in failed(certificate)


@pytest.mark.parametrize("x", [[float("nan"), 1.0], [float("inf"), 1.0], [1.0]])
def test_what_is_not_a_point_is_not_feasible(x) -> None:
    form = compile_model(TRIPS)
    outcome = replace(claimed(form, [11, 11]), x=np.array(x))

    certificate = verify(TRIPS, form, outcome)

    assert not certificate.holds
    assert failed(certificate) == ["point"]


def test_no_point_is_nothing_to_certify() -> None:
    form = compile_model(TRIPS)
    outcome = claimed(form, None, stop=Stop.INFEASIBLE)

    certificate = verify(TRIPS, form, outcome)

    assert not certificate.feasible
    assert certificate.objective_exact is None
    assert "nothing to certify" in repr(certificate)


def test_an_objective_without_a_point_is_a_misreport() -> None:
    form = compile_model(TRIPS)

    assert not verify(TRIPS, form, claimed(form, None, objective=880.0)).objective_matches


@pytest.mark.parametrize("sense", ["max", "min"])
def test_a_linear_optimum_is_proved_in_fractions_from_the_duals_of_the_solver(sense) -> None:
    model = RELAXED if sense == "max" else RELAXED.model_copy(
        update={"objective": RELAXED.objective.model_copy(
            update={"sense": "min", "expr": "-50*rickshaws - 30*carts + 7"})}
    )  # fmt: skip
    form = compile_model(model)
    outcome = get_backend("highs").solve(form, Limits())

    certificate = verify(model, form, outcome)

    truth = Fraction(8000, 9) if sense == "max" else 7 - Fraction(8000, 9)
    assert certificate.optimal == "proved"
    assert certificate.bound_exact == truth


def test_duals_that_prove_nothing_leave_optimality_to_the_solver() -> None:
    certificate = certificate_of(RELAXED, [100 / 9, 100 / 9], duals=[0.0, 0.0])

    assert certificate.bound_exact > 888
    assert certificate.optimal == "within gap"


def test_many_duals_prove_through_the_bounds_of_better_points(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules[Certificate.__module__], "_POLISHED_ROWS", 1)
    form = compile_model(RELAXED)
    outcome = get_backend("highs").solve(form, Limits())

    certificate = verify(RELAXED, form, outcome)

    assert certificate.optimal == "proved"
    assert 0 <= certificate.bound_exact - certificate.objective_exact < Fraction(1, 10**9)


def test_a_worse_vertex_that_claims_to_be_optimal_is_refuted_by_true_duals() -> None:
    certificate = certificate_of(RELAXED, [0, 25], duals=[40 / 9, 50 / 9])

    assert certificate.feasible
    assert certificate.optimal == "not shown"
    assert certificate.bound_exact == Fraction(8000, 9)


def test_a_stop_at_a_limit_is_never_optimal() -> None:
    certificate = certificate_of(TRIPS, [1, 1], stop=Stop.TIME_LIMIT, bound=900.0)

    assert certificate.holds
    assert certificate.optimal == "not shown"


def test_any_feasible_point_satisfies() -> None:
    model = model_of("satisfy", "0", {"x": ("integer", 0, 9)}, [("3*x", ">=", "10")])

    assert certificate_of(model, [4]).optimal == "proved"


def test_a_strict_row_that_only_touches_is_said() -> None:
    model = model_of("max", "x", {"x": ("real", 0, None)}, [("x", "<", "4")])

    certificate = certificate_of(model, [4.0])

    assert certificate.feasible
    assert "strict rows" in failed(certificate)


def test_an_integer_strict_row_is_kept_exactly() -> None:
    model = model_of("max", "x", {"x": ("integer", 0, None)}, [("x", "<", "4")])

    assert certificate_of(model, [3.0]).holds
    assert not certificate_of(model, [4.0]).feasible


def test_a_model_too_large_to_interpret_is_judged_on_its_arrays(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules[Certificate.__module__], "_INTERPRETED", 3)

    certificate = certificate_of(TRIPS, [11, 11])

    assert certificate.objective_exact == 880
    assert any("not interpreted" in check.note for check in certificate.how)


def test_rounding_leaves_reals_alone_and_gives_no_negative_zero() -> None:
    form = form_of("min", [1, 1, 1], [[1, 1, 1]], rows=[(0, INF)], integer=[1, 0, 1])

    point = rounded_point(form, np.array([2.9999999, 0.25, -1e-9]))

    assert point.tolist() == [3.0, 0.25, 0.0]
    assert not np.signbit(point).any()


def test_the_function_is_not_hidden_by_its_module() -> None:
    assert exported is verify
