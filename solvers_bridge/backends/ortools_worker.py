"""The process OR-Tools runs in: arrays come in on stdin, an answer goes out on stdout.

Lives here: reading a request, calling one MathOpt solver, writing the answer. Start it with
`python -m solvers_bridge.backends.ortools_worker [MEGABYTES]`; it serves requests until stdin ends.
Never here: highspy (both packages ship a `libhighs` and cannot share a process), choosing the
solver, killing on time: the parent (`solvers_bridge.backends.ortools`) does that.

What a frame is, `solvers_bridge.backends.frames` says.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as mathopt
from pybind11_abseil.status import StatusNotOk

from solvers_bridge.backends.frames import Arrays, pack, read_frame, unpack, write_frame

_SOLVERS = {
    "GLOP": parameters_pb2.SOLVER_TYPE_GLOP,
    "PDLP": parameters_pb2.SOLVER_TYPE_PDLP,
    "SCIP": parameters_pb2.SOLVER_TYPE_GSCIP,
    "CP-SAT": parameters_pb2.SOLVER_TYPE_CP_SAT,
}
_FEASIBLE = 2  # SolutionStatusProto.SOLUTION_STATUS_FEASIBLE

_WITHOUT_OBJECTIVE = {
    "OPTIMAL": "UNBOUNDED",
    "INFEASIBLE": "INFEASIBLE",
    "INFEASIBLE_OR_UNBOUNDED": "INFEASIBLE",  # nothing grows without an objective
}


def limit_memory(megabytes: int) -> None:
    """Cap the address space of this process; without `resource` (Windows) there is no cap."""
    try:
        import resource  # noqa: PLC0415 - not everywhere
    except ImportError:
        return
    size = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def build(arrays: Arrays, *, objective: bool) -> model_pb2.ModelProto:
    """The MathOpt model of `arrays`, which are the fields of `StandardForm`.

    Without `objective` it only asks for a feasible point.
    """
    columns, rows = len(arrays["cost"]), len(arrays["row_lower"])
    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(columns))
    model.variables.lower_bounds.extend(arrays["col_lower"].tolist())
    model.variables.upper_bounds.extend(arrays["col_upper"].tolist())
    model.variables.integers.extend((arrays["integer"] != 0).tolist())
    if objective:
        model.objective.maximize = bool(arrays["maximize"])
        model.objective.offset = float(arrays["offset"])
        priced = np.flatnonzero(arrays["cost"])
        model.objective.linear_coefficients.ids.extend(priced.tolist())
        model.objective.linear_coefficients.values.extend(arrays["cost"][priced].tolist())
    model.linear_constraints.ids.extend(range(rows))
    model.linear_constraints.lower_bounds.extend(arrays["row_lower"].tolist())
    model.linear_constraints.upper_bounds.extend(arrays["row_upper"].tolist())
    row_of = np.repeat(np.arange(rows), np.diff(arrays["starts"]))
    order = np.lexsort((arrays["indices"], row_of))  # MathOpt wants sorted columns in a row
    order = order[arrays["coefs"][order] != 0]
    model.linear_constraint_matrix.row_ids.extend(row_of[order].tolist())
    model.linear_constraint_matrix.column_ids.extend(arrays["indices"][order].tolist())
    model.linear_constraint_matrix.coefficients.extend(arrays["coefs"][order].tolist())
    return model


def parameters(
    settings: Mapping[str, Any], *, seconds: float
) -> parameters_pb2.SolveParametersProto:
    """Limits in MathOpt's words; CP-SAT keeps all feasible solutions in presolve.

    Without that switch its presolve has returned a wrong "optimal" (OR-Tools 9.12 to 9.15).
    """
    chosen = parameters_pb2.SolveParametersProto(random_seed=int(settings["seed"]))
    chosen.time_limit.FromMilliseconds(max(1, int(seconds * 1000)))
    if settings["solver"] in ("SCIP", "CP-SAT"):
        chosen.relative_gap_tolerance = float(settings["mip_gap"])
        chosen.absolute_gap_tolerance = 0.0
    if settings["solver"] != "GLOP":
        chosen.threads = int(settings["threads"])
    if settings["solver"] == "CP-SAT":
        chosen.cp_sat.keep_all_feasible_solutions_in_presolve = True
    return chosen


def call(
    model: model_pb2.ModelProto, settings: Mapping[str, Any], *, seconds: float
) -> result_pb2.SolveResultProto:
    """One MathOpt solve by protos (its Python layer hides the text of errors)."""
    return mathopt.solve(
        model,
        _SOLVERS[settings["solver"]],
        parameters_pb2.SolverInitializerProto(),
        parameters(settings, seconds=seconds),
        model_parameters_pb2.ModelSolveParametersProto(),
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )


def reason_of(result: result_pb2.SolveResultProto) -> str:
    """`OPTIMAL`, `INFEASIBLE`, ...: the reason without its prefix."""
    name: str = result_pb2.TerminationReasonProto.Name(result.termination.reason)
    return name.removeprefix("TERMINATION_REASON_")


def answer(arrays: Arrays, settings: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Facts and arrays of one solve; after "infeasible or unbounded" of one with no objective."""
    begun = time.monotonic()
    result = call(build(arrays, objective=True), settings, seconds=settings["time_limit_s"])
    reason = reason_of(result)
    said = [f"{settings['solver']}: {reason} {result.termination.detail}".strip()]
    if reason == "INFEASIBLE_OR_UNBOUNDED":
        left = settings["time_limit_s"] - (time.monotonic() - begun)
        probe = reason_of(call(build(arrays, objective=False), settings, seconds=left))
        said.append(f"without objective: {probe}")
        reason = _WITHOUT_OBJECTIVE.get(probe, reason)
    facts: dict[str, Any] = {
        "reason": reason,
        "limit": result_pb2.LimitProto.Name(result.termination.limit).removeprefix("LIMIT_"),
        "raw_status": "; ".join(said),
        "bound": result.termination.objective_bounds.dual_bound,
    }
    out: dict[str, npt.NDArray[Any]] = {}
    if result.solutions and result.solutions[0].HasField("primal_solution"):
        primal = result.solutions[0].primal_solution
        if primal.feasibility_status == _FEASIBLE:
            out["x"] = _dense(primal.variable_values, len(arrays["cost"]))
            facts["objective"] = primal.objective_value
        dual = result.solutions[0].dual_solution
        if dual.feasibility_status == _FEASIBLE:
            out["duals"] = _dense(dual.dual_values, len(arrays["row_lower"]))
    return facts, out


def _dense(sparse: Any, size: int) -> npt.NDArray[np.float64]:
    """A MathOpt sparse vector with zeros filled in."""
    full = np.zeros(size)
    full[np.fromiter(sparse.ids, dtype=np.int64, count=len(sparse.ids))] = np.fromiter(
        sparse.values, dtype=np.float64, count=len(sparse.values)
    )
    return full


def refusal(words: str, *, reason: str = "OTHER_ERROR") -> tuple[dict[str, Any], Arrays]:
    """An answer without a point: the solver did not take the model, or ran out of memory."""
    return {"reason": reason, "limit": "UNSPECIFIED", "raw_status": words}, {}


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer frames until `requests` ends."""
    while (frame := read_frame(requests)) is not None:
        try:
            settings, arrays = unpack(frame)
            out = answer(arrays, settings)
        except StatusNotOk as refused:
            out = refusal(str(refused))
        except MemoryError:
            out = refusal("out of memory", reason="MEMORY")
        write_frame(answers, pack(*out))


def main(argv: list[str]) -> int:
    """Keep the real stdout for frames; whatever a solver prints goes to stderr."""
    if argv:
        limit_memory(int(argv[0]))
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
