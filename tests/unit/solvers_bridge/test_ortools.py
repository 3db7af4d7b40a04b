"""OR-Tools behind its worker process: right answers, normalized statuses, and no way to hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from standard_forms import INF, form_of

from solvers_bridge.backends import ortools as module
from solvers_bridge.backends.ortools import OrTools
from solvers_bridge.backends.routing import choose, decimal_places, whole_form
from solvers_bridge.compile import compile_model
from solvers_bridge.errors import DataError, MissingSolverError
from solvers_bridge.ir.model import Model
from solvers_bridge.outcome import Limits, Stop

needs_ortools = pytest.mark.skipif(find_spec("ortools") is None, reason="ortools is not installed")
LIMITS = Limits(time_limit_s=20.0)
BUDGET = [(-INF, 200.0), (-INF, 0.0)]
TRIPS = form_of("max", [50, 30], [[10, 8], [1, -1]], rows=BUDGET, offset=5.0)


@pytest.fixture(scope="module")
def solver():
    backend = OrTools()
    yield backend
    backend.close()


def test_a_linear_program_goes_to_glop() -> None:
    assert choose(TRIPS).solver == "GLOP"


def test_integers_without_upper_bounds_go_to_scip() -> None:
    assert choose(replace(TRIPS, integer=np.array([1, 1], np.int32))).solver == "SCIP"


def test_reals_next_to_integers_never_reach_cp_sat() -> None:
    form = form_of("max", [5, 3], [[1, 1]], rows=[(-INF, 4)], bounds=[(0, 9)] * 2, integer=[1, 0])

    assert choose(form).solver == "SCIP"


def test_bounded_integers_with_decimals_go_to_cp_sat_in_whole_numbers() -> None:
    form = form_of(
        "max",
        [5.25, 0.3],
        [[0.1, 8.5]],
        rows=[(-INF, 20.05)],
        bounds=[(0.2, 20), (0, 9)],
        integer=True,
    )

    route = choose(form)

    assert route.solver == "CP-SAT"
    assert route.unit == 100.0
    assert route.form.cost.tolist() == [525, 30]
    assert route.form.coefs.tolist() == [1, 85]
    assert route.form.row_upper.tolist() == [200]  # 200.5 rounded inwards
    assert route.form.col_lower.tolist() == [1, 0]


@pytest.mark.parametrize("number", [1 / 3, 0.1 + 0.2, 1e-12, 1e16 + 2])
def test_numbers_that_are_no_short_decimals_keep_a_model_from_cp_sat(number: float) -> None:
    form = form_of("max", [1.0], [[number]], rows=[(-INF, 4)], bounds=[(0, 9)], integer=True)

    assert whole_form(form) is None


def test_the_places_of_decimals_are_the_fewest_that_name_the_double() -> None:
    values = np.array([0.0, 7.0, -0.5, 0.125, 0.1, 123.456789, 1 / 3])

    assert decimal_places(values).tolist() == [0, 0, 1, 3, 1, 6, -1]


def test_rows_too_large_for_exact_integers_go_to_scip() -> None:
    form = form_of("max", [1.0], [[1e9]], rows=[(-INF, 1e18)], bounds=[(0, 1e9)], integer=True)

    assert choose(form).solver == "SCIP"


def test_without_the_package_the_error_names_the_line_to_type(monkeypatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)

    with pytest.raises(MissingSolverError) as caught:
        OrTools()

    assert "pip install 'optolab[ortools]'" in caught.value.fix


@needs_ortools
@pytest.mark.parametrize(
    ("integer", "bounds", "engine", "objective"),
    [
        (False, None, "GLOP", float(Fraction(8000, 9)) + 5),
        (True, None, "SCIP", 885.0),
        (True, [(0, 99)] * 2, "CP-SAT", 885.0),
    ],
)
def test_each_engine_finds_the_optimum_and_says_who_it_was(
    solver, integer, bounds, engine, objective
) -> None:
    form = form_of(
        "max", [50, 30], [[10, 8], [1, -1]], rows=BUDGET, bounds=bounds, integer=integer, offset=5.0
    )

    outcome = solver.solve(form, LIMITS)

    assert outcome.stop is Stop.OPTIMAL
    assert outcome.engine.endswith(engine)
    assert outcome.objective == pytest.approx(objective)
    assert outcome.bound == pytest.approx(objective)


@needs_ortools
def test_scaled_costs_come_back_in_the_units_of_the_model(solver) -> None:
    form = form_of(
        "max",
        [5.25, 0.3],
        [[10, 8.5], [1, -1]],
        rows=BUDGET,
        bounds=[(0, 20)] * 2,
        integer=True,
        offset=0.5,
    )

    outcome = solver.solve(form, LIMITS)

    assert outcome.engine.endswith("CP-SAT")
    assert outcome.objective == pytest.approx(56.3)
    assert outcome.bound == pytest.approx(56.3)


@needs_ortools
def test_duals_are_changes_per_unit_of_the_right_side(solver) -> None:
    outcome = solver.solve(TRIPS, LIMITS)

    assert outcome.duals == pytest.approx([40 / 9, 50 / 9])


@needs_ortools
@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("upper", [INF, 50.0])
def test_impossible_rows_are_infeasible_for_every_engine(solver, integer, upper) -> None:
    form = form_of(
        "max",
        [1, 1],
        [[1, 1], [1, 1]],
        rows=[(4, INF), (-INF, 3)],
        bounds=[(0, upper)] * 2,
        integer=integer,
    )

    assert solver.solve(form, LIMITS).stop is Stop.INFEASIBLE


@needs_ortools
@pytest.mark.parametrize("integer", [False, True])
def test_an_endless_objective_is_unbounded_not_a_riddle(solver, integer) -> None:
    form = form_of("max", [1, 1], [[1, -1]], rows=[(-INF, 3)], integer=integer)

    outcome = solver.solve(form, LIMITS)

    assert outcome.stop is Stop.UNBOUNDED
    assert outcome.x is None


@needs_ortools
@pytest.mark.parametrize("integer", [False, True])
def test_endless_and_impossible_is_infeasible(solver, integer) -> None:
    form = form_of(
        "max",
        [1, 1, 0],
        [[1, -1, 0], [0, 0, 1], [0, 0, 1]],
        rows=[(-INF, 3), (2, INF), (-INF, 1)],
        integer=integer,
    )

    assert solver.solve(form, LIMITS).stop is Stop.INFEASIBLE


@needs_ortools
def test_a_model_with_nothing_to_improve_gets_a_point(solver) -> None:
    form = form_of("satisfy", [0, 0], [[1, 1]], rows=[(3.5, 3.5)], integer=[1, 0])

    outcome = solver.solve(form, LIMITS)

    assert outcome.stop is Stop.OPTIMAL
    assert outcome.x.sum() == pytest.approx(3.5)


@needs_ortools
def test_no_number_never_becomes_an_answer(solver) -> None:
    with pytest.raises(DataError):
        solver.solve(form_of("max", [float("nan")], [[1]], rows=[(-INF, 3)]), LIMITS)


@needs_ortools
@pytest.mark.parametrize("integer", [False, True])
def test_crossed_bounds_are_infeasible(solver, integer) -> None:
    form = form_of(
        "max", [1, 1], [[1, 1]], rows=[(-INF, 3)], bounds=[(2, 1), (0, 1)], integer=integer
    )

    assert solver.solve(form, LIMITS).stop is Stop.INFEASIBLE


@needs_ortools
def test_a_row_without_a_whole_number_between_its_sides_is_infeasible(solver) -> None:
    form = form_of("min", [1], [[1]], rows=[(0.25, 0.75)], bounds=[(0, 9)], integer=True)

    assert solver.solve(form, LIMITS).stop is Stop.INFEASIBLE


@needs_ortools
def test_what_the_solver_refuses_is_an_error_with_its_words(solver) -> None:
    trips = replace(TRIPS, integer=np.array([1, 1], np.int32))

    outcome = solver.solve(trips, replace(LIMITS, mip_gap=-1.0))

    assert outcome.stop is Stop.ERROR
    assert "gap" in outcome.raw_status


def hard_form(*, engine: str = "SCIP"):
    """A correlated knapsack with 30 rows: far longer than any test may take, for every engine."""
    weights = np.random.default_rng(1).integers(1, 1000, size=(30, 250))
    profit = weights.mean(0).round() + np.random.default_rng(2).integers(0, 500, 250)
    rows = [(-INF, float(row.sum() // 2)) for row in weights]
    whole = [1] * 249 + [int(engine == "CP-SAT")]  # one real column keeps CP-SAT away
    return form_of("max", profit, weights, rows=rows, bounds=[(0, 1)] * 250, integer=whole)


@needs_ortools
@pytest.mark.parametrize("engine", ["SCIP", "CP-SAT"])
def test_at_the_time_limit_the_best_point_so_far_is_kept(engine: str) -> None:
    backend = OrTools()

    outcome = backend.solve(hard_form(engine=engine), Limits(time_limit_s=5.0))
    backend.close()

    assert outcome.engine.endswith(engine)
    assert outcome.stop is Stop.TIME_LIMIT
    assert outcome.x is not None
    assert outcome.bound >= outcome.objective


@needs_ortools
def test_a_worker_that_does_not_stop_is_killed_and_replaced() -> None:
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)
    os.kill(backend._kept[0].process.pid, signal.SIGSTOP)  # it will never answer again

    stuck = backend.solve(TRIPS, Limits(time_limit_s=0.2))
    after = backend.solve(TRIPS, LIMITS)
    backend.close()

    assert stuck.stop is Stop.TIME_LIMIT
    assert "killed" in stuck.raw_status
    assert after.stop is Stop.OPTIMAL


@needs_ortools
def test_a_worker_that_dies_is_an_error_not_a_crash() -> None:
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)
    process = backend._kept[0].process
    threading.Timer(0.3, process.kill).start()

    outcome = backend.solve(hard_form(), LIMITS)
    backend.close()

    assert outcome.stop is Stop.ERROR
    assert "worker died" in outcome.raw_status


@needs_ortools
def test_ctrl_c_ends_the_worker_and_reaches_the_caller() -> None:
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)
    process = backend._kept[0].process
    press = (threading.main_thread().ident, signal.SIGINT)
    threading.Timer(0.5, signal.pthread_kill, press).start()

    with pytest.raises(KeyboardInterrupt):
        backend.solve(hard_form(), LIMITS)

    assert process.returncode is not None
    assert backend.solve(TRIPS, LIMITS).stop is Stop.OPTIMAL
    backend.close()


@needs_ortools
def test_an_event_ends_a_solve_and_its_worker() -> None:
    backend = OrTools(workers=1)
    stop = threading.Event()
    backend.solve(TRIPS, LIMITS)
    process = backend._kept[0].process
    threading.Timer(0.3, stop.set).start()

    outcome = backend.solve(hard_form(), Limits(time_limit_s=60.0, interrupt=stop))
    after = backend.solve(TRIPS, LIMITS)
    backend.close()

    assert outcome.stop is Stop.INTERRUPTED
    assert outcome.seconds < 10
    assert process.returncode is not None
    assert after.stop is Stop.OPTIMAL


@needs_ortools
def test_two_solves_have_a_worker_each_and_a_third_waits_but_hears_the_event() -> None:
    backend = OrTools(workers=2)
    stop = threading.Event()
    limits = Limits(time_limit_s=60.0, interrupt=stop)
    with ThreadPoolExecutor(3) as threads:
        solves = [threads.submit(backend.solve, hard_form(), limits) for _ in range(3)]
        while len(backend._kept) < 2:
            time.sleep(0.01)
        running = len(backend._kept)
        stop.set()
        stops = [solve.result().stop for solve in solves]
    left = list(backend._kept)

    assert running == 2
    assert stops == [Stop.INTERRUPTED] * 3
    assert left == []


@needs_ortools
def test_solves_of_several_threads_share_few_workers() -> None:
    backend = OrTools(workers=2)
    with ThreadPoolExecutor(8) as threads:
        solves = [threads.submit(backend.solve, TRIPS, LIMITS) for _ in range(24)]
        objectives = {round(solve.result().objective, 6) for solve in solves}
    workers = len(backend._kept)
    backend.close()

    assert objectives == {round(8000 / 9 + 5, 6)}
    assert workers <= 2


@needs_ortools
def test_a_worker_that_died_while_nobody_used_it_is_replaced() -> None:
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)
    process = backend._kept[0].process
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    outcome = backend.solve(TRIPS, LIMITS)
    backend.close()

    assert outcome.stop is Stop.OPTIMAL


@needs_ortools
def test_closing_ends_the_solve_of_another_thread() -> None:
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)
    with ThreadPoolExecutor(1) as thread:
        solve = thread.submit(backend.solve, hard_form(), LIMITS)
        while backend._free:
            time.sleep(0.01)
        backend.close()
        outcome = solve.result()

    assert outcome.stop is Stop.ERROR
    assert backend._kept == []


@needs_ortools
def test_cp_sat_keeps_all_feasible_solutions_in_presolve() -> None:
    code = (
        "from solvers_bridge.backends.ortools_worker import parameters;"
        "asked = dict(solver='CP-SAT', seed=0, mip_gap=0.0, threads=1);"
        "assert parameters(asked, seconds=1.0).cp_sat.keep_all_feasible_solutions_in_presolve"
    )

    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def wide_form(n: int):
    """A trivial linear program whose arrays alone are large."""
    form = form_of("min", [1.0], [[1.0]], rows=[(1.0, INF)])
    return replace(
        form,
        cost=np.ones(n),
        col_lower=np.zeros(n),
        col_upper=np.full(n, INF),
        integer=np.zeros(n, np.int32),
        columns=(replace(form.columns[0], size=n),),
    )


@needs_ortools
def test_a_worker_that_stops_reading_is_killed_as_well() -> None:
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)
    os.kill(backend._kept[0].process.pid, signal.SIGSTOP)

    outcome = backend.solve(wide_form(50_000), Limits(time_limit_s=0.2))
    backend.close()

    assert outcome.stop is Stop.TIME_LIMIT
    assert "killed" in outcome.raw_status


@needs_ortools
@pytest.mark.skipif(sys.platform != "linux", reason="address space limits are enforced on Linux")
def test_a_worker_without_memory_says_so() -> None:
    backend = OrTools(memory_mb=400)
    form = wide_form(400_000)

    outcome = backend.solve(form, LIMITS)
    backend.close()

    assert outcome.stop is Stop.MEMORY_LIMIT


@needs_ortools
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_worker_does_not_inherit_secrets(monkeypatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "hush")
    backend = OrTools()
    backend.solve(TRIPS, LIMITS)

    environment = Path(f"/proc/{backend._kept[0].process.pid}/environ").read_bytes()
    backend.close()

    assert b"hush" not in environment


@needs_ortools
def test_the_worker_and_highspy_never_share_a_process() -> None:
    code = (
        "import sys, solvers_bridge.backends.ortools_worker;"
        "assert 'highspy' not in sys.modules;"
        "assert 'ortools' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def test_this_process_never_loads_ortools() -> None:
    assert "ortools" not in sys.modules


@needs_ortools
def test_a_model_that_cp_sat_breaks_down_on_is_asked_of_scip() -> None:
    upper = {"a": 1, "b": 1, "c": 2, "d": 1}
    columns = [
        {"name": name, "domain": "integer", "lower": 0, "upper": up} for name, up in upper.items()
    ]
    rows = [
        {"name": "some", "lhs": "c", "relation": ">=", "rhs": "1"},
        {"name": "even", "lhs": "3*a - 7*b + 3*c + 3*d", "relation": "==", "rhs": "0"},
    ]
    model = Model.model_validate(
        {"name": "m", "variables": columns, "constraints": rows}
        | {"objective": {"sense": "min", "expr": "a + b"}}
    )

    outcome = OrTools().solve(compile_model(model), LIMITS)

    assert outcome.stop is Stop.INFEASIBLE
    assert outcome.engine.endswith("SCIP")
