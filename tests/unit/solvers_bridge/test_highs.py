"""HiGHS: why it stopped, what it found and what it proved are kept apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from standard_forms import INF, form_of

from solvers_bridge.backends import backend_names, get_backend
from solvers_bridge.backends.highs import Highs
from solvers_bridge.errors import MissingSolverError, SolverError
from solvers_bridge.form import StandardForm
from solvers_bridge.outcome import Limits, Outcome, Stop

LIMITS = Limits(time_limit_s=20)


def hard_knapsack(columns: int = 200, rows: int = 30) -> StandardForm:
    """A multi-row knapsack that takes HiGHS much longer than a second."""
    rng = np.random.default_rng(5)
    weights = rng.integers(5, 95, (rows, columns))
    return form_of(
        "max",
        (weights.mean(axis=0) + rng.integers(0, 12, columns)).tolist(),
        weights.tolist(),
        rows=[(-INF, float(total // 2)) for total in weights.sum(axis=1)],
        bounds=[(0, 1)] * columns,
        integer=True,
    )


def test_a_maximum_with_a_constant_is_exact_in_the_sense_of_the_model() -> None:
    form = form_of("max", [3, 2], [[1, 1], [1, 3]], rows=[(-INF, 4), (-INF, 6)], offset=10.0)

    outcome = Highs().solve(form, LIMITS)

    assert outcome.stop is Stop.OPTIMAL
    assert outcome.x is not None
    assert outcome.x.tolist() == [4, 0]
    assert outcome.objective == outcome.bound == 22
    assert outcome.gap == 0
    assert outcome.raw_status == "Optimal"
    assert outcome.engine.startswith("HiGHS 1.")


@pytest.mark.parametrize(("sense", "sign"), [("max", 1.0), ("min", -1.0)])
def test_a_dual_is_the_change_of_the_objective_per_unit_of_right_side(
    sense: str, sign: float
) -> None:
    def optimum(limit: float) -> tuple[float, float]:
        cost = [sign * 3, sign * 2]
        form = form_of(sense, cost, [[1, 1], [1, 3]], rows=[(-INF, limit), (-INF, 60)])
        outcome = Highs().solve(form, LIMITS)
        assert outcome.objective is not None
        assert outcome.duals is not None
        return outcome.objective, float(outcome.duals[0])

    (before, dual), (after, _) = optimum(4), optimum(5)
    assert dual == pytest.approx(after - before)


def test_an_integer_program_has_bound_and_gap_and_no_duals() -> None:
    form = form_of("min", [-5, -4], [[6, 4], [1, 2]], rows=[(-INF, 24), (-INF, 6)], integer=True)

    outcome = Highs().solve(form, LIMITS)

    assert outcome.objective == pytest.approx(-20)
    assert outcome.bound == pytest.approx(-20)
    assert outcome.gap == pytest.approx(0)
    assert outcome.duals is None


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("sense", ["min", "max"])
@pytest.mark.parametrize(
    ("unbounded", "infeasible", "stop"),
    [
        (False, True, Stop.INFEASIBLE),
        (True, False, Stop.UNBOUNDED),
        (True, True, Stop.INFEASIBLE),
    ],
)
def test_infeasible_and_unbounded_are_told_apart(
    integer: bool, sense: str, unbounded: bool, infeasible: bool, stop: Stop
) -> None:
    sign = 1.0 if sense == "max" else -1.0
    matrix, rows = [[1, -1, 0], [0, 0, 1]], [(-INF, 3.0), (-INF, 2.0)]
    if not unbounded:
        matrix, rows = [*matrix, [1, 1, 0]], [*rows, (-INF, 9.0)]
    if infeasible:
        matrix, rows = [*matrix, [0, 1, 2], [0, 1, 2]], [*rows, (5.0, INF), (-INF, 4.0)]
    form = form_of(sense, [sign, sign, 0], matrix, rows=rows, integer=integer)

    outcome = Highs().solve(form, LIMITS)

    assert outcome.stop is stop
    assert outcome.bound is None
    if integer and unbounded and not infeasible:
        assert "without objective: Optimal" in outcome.raw_status
        assert outcome.x is not None
    if infeasible:
        assert outcome.x is None
        assert outcome.objective is None


def test_an_unbounded_model_that_presolve_takes_for_infeasible_is_unbounded() -> None:
    form = form_of(
        "max",
        [1, 0, 0],
        [[0, -1, 1], [-1, 1, 0], [1, -1, -1]],  # z <= y, y <= x + 1, x <= y + z
        rows=[(-INF, 0), (-INF, 1), (-INF, 0)],
    )

    outcome = Highs().solve(form, LIMITS)

    assert outcome.stop is Stop.UNBOUNDED, outcome.raw_status
    assert "without presolve" in outcome.raw_status


def test_whole_numbers_can_make_an_unbounded_relaxation_infeasible() -> None:
    form = form_of("max", [1, 0], [[0, 2]], rows=[(1.0, 1.0)], integer=True)

    outcome = Highs().solve(form, LIMITS)

    assert outcome.stop is Stop.INFEASIBLE
    assert outcome.x is None


def test_satisfy_finds_a_point() -> None:
    form = form_of("satisfy", [0, 0], [[3, 5]], rows=[(11.0, 11.0)], integer=True)

    outcome = Highs().solve(form, LIMITS)

    assert outcome.stop is Stop.OPTIMAL
    assert outcome.x is not None
    assert outcome.x.tolist() == [2, 1]
    assert outcome.objective == 0


def test_columns_without_rows_and_rows_without_columns_are_models_too() -> None:
    free = Highs().solve(form_of("max", [1], [], rows=[], bounds=[(0, 7)], integer=True), LIMITS)
    empty_row = Highs().solve(form_of("min", [1], [[0]], rows=[(1.0, INF)]), LIMITS)

    assert (free.stop, free.objective) == (Stop.OPTIMAL, 7)
    assert empty_row.stop is Stop.INFEASIBLE


def test_a_time_limit_with_a_point_and_without_one_are_not_the_same() -> None:
    form = hard_knapsack()

    with_point = Highs().solve(form, Limits(time_limit_s=0.6))
    without = Highs().solve(form, Limits(time_limit_s=0.0))

    assert with_point.stop is without.stop is Stop.TIME_LIMIT
    assert with_point.x is not None
    assert with_point.objective is not None
    assert with_point.bound is not None
    assert with_point.bound > with_point.objective
    assert with_point.gap
    assert "with a feasible point" in with_point.message
    assert without.x is None
    assert without.objective is None
    assert "without a feasible point" in without.message


def test_a_gap_may_be_asked_for() -> None:
    outcome = Highs().solve(hard_knapsack(), Limits(time_limit_s=60, mip_gap=0.2))

    assert outcome.stop is Stop.OPTIMAL
    assert outcome.gap is not None
    assert outcome.gap <= 0.2


def test_threads_may_change_between_solves_of_one_process() -> None:
    form = form_of("min", [1], [[1]], rows=[(2.0, INF)], integer=True)

    stops = [Highs().solve(form, Limits(threads=threads)).stop for threads in (1, 2, 1)]

    assert stops == [Stop.OPTIMAL] * 3


def test_solves_of_several_threads_run_side_by_side_with_thread_counts_of_their_own() -> None:
    form = form_of("min", [1], [[1]], rows=[(2.0, INF)], integer=True)
    found: list[float | None] = []

    def solve(threads: int) -> None:
        for number in (threads, 3 - threads, threads):
            found.append(Highs().solve(form, Limits(threads=number)).objective)  # noqa: PERF401

    workers = [threading.Thread(target=solve, args=(1 + k % 2,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert found == [2.0] * 12


def test_a_long_solve_does_not_keep_another_thread_waiting() -> None:
    stop = threading.Event()
    limits = Limits(time_limit_s=60, interrupt=stop)
    long = threading.Thread(target=Highs().solve, args=(hard_knapsack(), limits))
    long.start()

    short = Highs().solve(form_of("min", [1], [[1]], rows=[(2.0, INF)], integer=True), LIMITS)
    still_going = long.is_alive()
    stop.set()
    long.join()

    assert short.stop is Stop.OPTIMAL
    assert still_going


def solve_here(form: StandardForm, limits: Limits) -> Outcome:
    return Highs().solve(form, limits)


def solve_in_a_thread(form: StandardForm, limits: Limits) -> Outcome:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(Highs().solve, form, limits).result()


@pytest.mark.parametrize("solve", [solve_here, solve_in_a_thread])
def test_an_event_ends_a_solve_which_keeps_its_point(
    solve: Callable[[StandardForm, Limits], Outcome],
) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.7, stop.set)
    timer.start()

    outcome = solve(hard_knapsack(), Limits(time_limit_s=60, interrupt=stop))
    timer.join()

    assert outcome.stop is Stop.INTERRUPTED
    assert outcome.x is not None
    assert outcome.seconds < 10


INTERRUPTED = """
import sys
sys.path.insert(0, {folder!r})
from test_highs import hard_knapsack
from solvers_bridge.backends.highs import Highs
from solvers_bridge.outcome import Limits
print("ready", flush=True)
outcome = Highs().solve(hard_knapsack(), Limits(time_limit_s=60))
print(outcome.stop.value, outcome.x is not None, flush=True)
from standard_forms import form_of
again = Highs().solve(form_of("min", [1], [[1]], rows=[(2.0, 9.0)], integer=True), Limits())
print(again.stop.value, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_stops_the_solver_keeps_its_point_and_spoils_no_later_solve() -> None:
    folder = str(Path(__file__).parent)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", INTERRUPTED.format(folder=folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    answer, _ = process.communicate(timeout=60)

    assert answer.splitlines() == ["interrupted True", "optimal"]


def test_an_option_out_of_range_is_refused() -> None:
    form = form_of("min", [1], [[1]], rows=[(2.0, INF)])
    with pytest.raises(SolverError, match="mip_rel_gap"):
        Highs().solve(form, Limits(mip_gap=-1.0))


def test_the_registry_names_what_it_knows() -> None:
    assert isinstance(get_backend("highs"), Highs)
    assert backend_names() == ("highs", "ortools")
    with pytest.raises(MissingSolverError) as caught:
        get_backend("hihgs")
    assert "'highs'" in caught.value.fix
