"""Why a model has no solution: few names, and no longer than allowed."""

from __future__ import annotations

import threading

import numpy as np
from standard_forms import INF, form_of

from solvers_bridge.backends.highs import Highs
from solvers_bridge.diagnose import find_conflict, find_growth
from solvers_bridge.form import StandardForm
from solvers_bridge.outcome import Limits, Outcome


def clash() -> StandardForm:
    return form_of("max", [1, 1], [[1, 0], [1, 1], [0, 1]], rows=[(4, INF), (-INF, 3), (-INF, 9)])


def test_a_conflict_names_the_rows_and_bounds_it_needs_and_no_other() -> None:
    conflict = find_conflict(clash(), Highs())

    assert conflict is not None
    assert conflict.constraints == ("r0", "r1")
    assert conflict.bounds == ("x1",)  # x1 >= 0
    assert conflict.irreducible


def test_who_interrupts_gets_what_is_left_of_the_model() -> None:
    stop = threading.Event()

    class InterruptedOnce(Highs):
        def solve(self, form: StandardForm, limits: Limits) -> Outcome:
            outcome = super().solve(form, limits)
            stop.set()
            return outcome

    conflict = find_conflict(clash(), InterruptedOnce(), interrupt=stop)

    assert conflict is not None
    assert conflict.constraints == ("r0", "r1", "r2")
    assert not conflict.irreducible


def test_what_grows_is_named() -> None:
    form = form_of("max", [1, 1], [[1, 0]], rows=[(-INF, 3)])

    assert find_growth(form, Highs()) == ("x1",)
    assert np.isinf(form.col_upper).all()  # the form itself was not boxed in
