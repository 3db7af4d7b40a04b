"""HiGHS behind the `Backend` Protocol, called the way it can be trusted.

Lives here: everything that knows the package highspy.
Never here: models, expressions, other solvers.

Every rule below was taught by a wrong answer: a NaN that HiGHS ignores, a refused model that
`run()` then "solves", an all-zero vector after a time limit, an interrupt that stays set.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import highspy
import numpy as np

from solvers_bridge.errors import SolverError
from solvers_bridge.form import Floats, StandardForm
from solvers_bridge.outcome import Limits, Outcome, Stop

_STATUS = highspy.HighsModelStatus
_STOPS = {
    _STATUS.kOptimal: Stop.OPTIMAL,
    _STATUS.kInfeasible: Stop.INFEASIBLE,
    _STATUS.kUnbounded: Stop.UNBOUNDED,
    _STATUS.kUnboundedOrInfeasible: Stop.INFEASIBLE_OR_UNBOUNDED,
    _STATUS.kTimeLimit: Stop.TIME_LIMIT,
    _STATUS.kInterrupt: Stop.INTERRUPTED,
    _STATUS.kMemoryLimit: Stop.MEMORY_LIMIT,
    _STATUS.kUnknown: Stop.NUMERIC,
}
_WORDS = {
    Stop.OPTIMAL: "Solved to the requested gap.",
    Stop.INFEASIBLE: "No point satisfies all rows and bounds.",
    Stop.UNBOUNDED: "The objective improves without end; a bound or a row is missing.",
    Stop.INFEASIBLE_OR_UNBOUNDED: "Infeasible or unbounded; the time left was too short to tell.",
    Stop.TIME_LIMIT: "Stopped at the time limit",
    Stop.INTERRUPTED: "Interrupted",
    Stop.MEMORY_LIMIT: "Out of memory",
    Stop.NUMERIC: "The solver could not vouch for its own result; check the size of the numbers",
    Stop.ERROR: "The solver broke down",
}
_ENGINE = f"HiGHS {version('highspy')}"
_FEASIBLE = 2
"""HiGHS: `kSolutionStatusFeasible`."""

_PATIENCE = 2
"""Ctrl-C this often asks the solver to stop; once more leaves without it."""

_SMALL = 1_000
"""Matrix entries below which the feasibility jump is left out: it takes about 5 ms however small a
model is, ten times the rest of the solve, and only looks for a first point."""

_scheduler = threading.local()
"""HiGHS has one scheduler per thread (`size` here), so solves in several threads do not meet."""


class Highs:
    """The HiGHS solver for linear and mixed-integer models."""

    name = "highs"

    def solve(self, form: StandardForm, limits: Limits) -> Outcome:
        """Solve; Ctrl-C stops the solver and gives what it has found so far.

        Several threads may solve at the same time; `limits.interrupt` reaches all of them.

        Raises:
            DataError: the arrays hold NaN, infinity or lengths that do not fit.
            SolverError: HiGHS refuses the model or would change it.
        """
        form.validate()
        began = time.perf_counter()
        try:
            outcome = _read(form, _solved(form, limits, use_cost=True))
        except MemoryError:
            outcome = _empty(Stop.MEMORY_LIMIT, "std::bad_alloc")
        if _is_unsure(outcome.stop, form):
            left = limits.time_limit_s - (time.perf_counter() - began)
            outcome = _told_apart(form, replace(limits, time_limit_s=max(left, 0.1)), outcome)
        return replace(outcome, seconds=time.perf_counter() - began)


def load(form: StandardForm, *, use_cost: bool = True) -> Any:
    """A `highspy.Highs` holding `form`.

    Raises:
        SolverError: HiGHS refused the model, or took it only after changing numbers.
    """
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    status = _pass(solver, form, use_cost=use_cost)
    if status != highspy.HighsStatus.kOk:
        raise SolverError(
            f"HiGHS does not take this model as it is: {_log_of(form) or status.name}",
            where="form",
            fix="Scale the numbers so that coefficients lie between 1e-9 and 1e15.",
        )
    return solver


def _pass(solver: Any, form: StandardForm, *, use_cost: bool) -> Any:
    return solver.passModel(
        form.n,
        form.m,
        len(form.coefs),
        int(highspy.MatrixFormat.kRowwise),
        -1 if form.sense == "max" else 1,
        form.offset,
        form.cost if use_cost else np.zeros(form.n),
        form.col_lower,
        form.col_upper,
        form.row_lower,
        form.row_upper,
        form.starts,
        form.indices,
        form.coefs,
        form.integer,
    )


def _log_of(form: StandardForm) -> str:
    """What HiGHS says when it is given `form`: the reason of a warning is only in its log."""
    lines: list[str] = []
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.setOptionValue("output_flag", True)  # noqa: FBT003 - HiGHS takes (name, value)
    solver.setOptionValue("log_to_console", False)  # noqa: FBT003
    solver.cbLogging.subscribe(lambda event: lines.append(event.message.strip()))
    _pass(solver, form, use_cost=True)
    return " ".join(line for line in lines if line.startswith(("WARNING", "ERROR")))


@dataclass(frozen=True, slots=True, eq=False)
class _Finished:
    """A solver after its run."""

    solver: Any
    run_status: Any


def _solved(
    form: StandardForm, limits: Limits, *, use_cost: bool, presolve: str = "choose"
) -> _Finished:
    solver = load(form, use_cost=use_cost)
    options = {
        "time_limit": float(limits.time_limit_s),
        "mip_rel_gap": float(limits.mip_gap),
        "mip_abs_gap": 0.0 if limits.mip_gap == 0 else 1e-6,
        "threads": int(limits.threads),
        "random_seed": int(limits.seed),
        "presolve": presolve,
        "mip_heuristic_run_feasibility_jump": len(form.coefs) >= _SMALL,
    }
    for option, value in options.items():
        if solver.setOptionValue(option, value) != highspy.HighsStatus.kOk:
            raise SolverError(
                f"HiGHS refuses {option} = {value!r}.", where="limits", fix="Use a value in range."
            )
    if threading.current_thread() is threading.main_thread():
        return _Finished(solver, _run_interruptibly(solver, limits))
    if limits.interrupt is not None:
        _listen(solver, limits.interrupt)
    return _Finished(solver, _run(solver, limits.threads))


def _run(solver: Any, threads: int) -> Any:
    """`solver.run()` in this thread; a second value of `threads` in one would be an error."""
    if getattr(_scheduler, "size", threads) != threads:
        highspy.Highs.resetGlobalScheduler(True)  # noqa: FBT003 - HiGHS takes a flag
    _scheduler.size = threads
    return solver.run()


def _listen(solver: Any, *stops: threading.Event) -> None:
    """Make `solver` stop soon after one of `stops` is set."""

    def obey(event: Any) -> None:
        # assigned on every call: once True, HiGHS keeps it for all later runs
        event.data_in.user_interrupt = any(stop.is_set() for stop in stops)

    for callback in (solver.cbMipInterrupt, solver.cbSimplexInterrupt, solver.cbIpmInterrupt):
        callback.subscribe(obey)


def _run_interruptibly(solver: Any, limits: Limits) -> Any:
    """`_run` in a thread, so that Ctrl-C, which only the main thread hears, finds it waiting."""
    ctrl_c, done = threading.Event(), threading.Event()
    result: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(_run(solver, limits.threads))
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            failure.append(error)
        finally:
            done.set()

    _listen(solver, ctrl_c, *([limits.interrupt] if limits.interrupt else []))
    worker = threading.Thread(target=run, name="highs", daemon=True)
    worker.start()
    asked = 0
    while not done.is_set():
        try:
            done.wait(0.1)  # not `join`: an interrupted join takes the thread for finished
        except KeyboardInterrupt:
            asked += 1
            ctrl_c.set()
            if asked > _PATIENCE:
                raise
    worker.join()
    if failure:
        raise failure[0]
    return result[0]


def _read(form: StandardForm, finished: _Finished) -> Outcome:
    """The answer, from the status of the *point*, not from the vector that is always there."""
    solver = finished.solver
    status = solver.getModelStatus()
    info, solution = solver.getInfo(), solver.getSolution()
    stop = _STOPS.get(status, Stop.ERROR)
    x = None
    if info.primal_solution_status == _FEASIBLE and solution.value_valid:
        x = np.array(solution.col_value, dtype=np.float64)
    if stop is Stop.OPTIMAL and x is None:
        stop = Stop.NUMERIC
    if stop is Stop.INFEASIBLE:
        x = None
    if finished.run_status == highspy.HighsStatus.kError:
        stop, x = Stop.ERROR, None
    bound = _bound(form, stop, info)
    objective = None if x is None else form.objective(x)
    raw = solver.modelStatusToString(status)
    return replace(
        _empty(stop, raw),
        x=x,
        objective=objective,
        bound=bound,
        gap=_gap(objective, bound),
        duals=_duals(form, stop, solution),
        message=_message(stop, has_point=x is not None),
    )


def _bound(form: StandardForm, stop: Stop, info: Any) -> float | None:
    if form.integer.any():
        bound = float(info.mip_dual_bound)
        if stop in (Stop.ERROR, Stop.INFEASIBLE, Stop.UNBOUNDED, Stop.INFEASIBLE_OR_UNBOUNDED):
            return None
        return bound if abs(bound) < highspy.kHighsInf and math.isfinite(bound) else None
    return float(info.objective_function_value) if stop is Stop.OPTIMAL else None


def _gap(objective: float | None, bound: float | None) -> float | None:
    if objective is None or bound is None:
        return None
    return abs(objective - bound) / max(abs(objective), 1e-10) if objective != bound else 0.0


def _duals(form: StandardForm, stop: Stop, solution: Any) -> Floats | None:
    if stop is not Stop.OPTIMAL or form.integer.any() or not solution.dual_valid:
        return None
    return np.array(solution.row_dual, dtype=np.float64)


def _is_unsure(stop: Stop, form: StandardForm) -> bool:
    """Is feasibility open, or worth a second look?

    HiGHS may call an infeasible integer model unbounded, and 1.15.1 takes some unbounded models for
    infeasible in presolve, such as the greatest x with z <= y, y <= x + 1 and x <= y + z.
    """
    return (
        stop is Stop.INFEASIBLE_OR_UNBOUNDED
        or (stop is Stop.UNBOUNDED and bool(form.integer.any()))
        or (stop is Stop.INFEASIBLE and bool(form.cost.any()))
    )


def _told_apart(form: StandardForm, limits: Limits, first: Outcome) -> Outcome:
    """`first` decided by a solve without objective: feasible means unbounded."""
    try:
        second = _read(form, _solved(form, limits, use_cost=False))
    except MemoryError:
        return first
    if first.stop is Stop.INFEASIBLE and second.x is None:
        return first
    if first.stop is Stop.INFEASIBLE:  # it is not, as the point shows
        return _without_presolve(form, limits, first)
    raw = f"{first.raw_status}; without objective: {second.raw_status}"
    if second.stop is Stop.INFEASIBLE:
        stop, x = Stop.INFEASIBLE, None
    elif second.x is not None:
        stop, x = Stop.UNBOUNDED, second.x
    elif second.stop is Stop.INTERRUPTED:
        stop, x = Stop.INTERRUPTED, None
    else:
        stop, x = Stop.INFEASIBLE_OR_UNBOUNDED, None
    return replace(_empty(stop, raw), x=x, objective=None if x is None else form.objective(x))


def _without_presolve(form: StandardForm, limits: Limits, first: Outcome) -> Outcome:
    """The answer to a feasible model that presolve took for infeasible."""
    again = _read(form, _solved(form, limits, use_cost=True, presolve="off"))
    raw = f"{first.raw_status}, but it has points; without presolve: {again.raw_status}"
    if again.stop is Stop.INFEASIBLE:
        return _empty(Stop.NUMERIC, raw)
    return replace(again, raw_status=raw)


def _empty(stop: Stop, raw_status: str) -> Outcome:
    return Outcome(
        stop=stop,
        x=None,
        objective=None,
        bound=None,
        gap=None,
        raw_status=raw_status,
        engine=_ENGINE,
        seconds=0.0,
        duals=None,
        message=_message(stop, has_point=False),
    )


def _message(stop: Stop, *, has_point: bool) -> str:
    words = _WORDS[stop]
    if words.endswith("."):
        return words
    return f"{words}, {'with' if has_point else 'without'} a feasible point."
