"""How long it takes to have a model inside a solver: ours, raw arrays, and other modeling layers.

Lives here: one transport model written for each front end, and the timing of one cell.
Never here: opinions about the result, published numbers.

The model: ship from S sources to D sinks at least cost; S*D variables, S+D rows, two entries per
variable. Every path ends with the model inside HiGHS. Seconds are CPU seconds of a fresh process
after imports and data; memory is the rise of its peak above that point.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np

from solvers_bridge.form import Floats

INSTALL = "not installed: pip install 'optolab[peers]'"


@dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """Data of one instance; whole numbers, so all front ends agree exactly."""

    cost: Floats
    supply: Floats
    demand: Floats


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement of one front end."""

    build_s: float
    """CPU seconds from the data to the front end's own model."""
    load_s: float
    """CPU seconds from there to the model inside HiGHS."""
    peak_mb: float
    """Rise of the process's peak memory over both, in MiB."""
    entries: int
    """Nonzeros the solver holds: the same for all, or the comparison is void."""


def transport(variables: int) -> Transport:
    """A square instance with about `variables` variables."""
    sources = max(2, round(math.sqrt(variables)))
    sinks = max(2, variables // sources)
    rng = np.random.default_rng(1)
    cost = rng.integers(1, 100, (sources, sinks)).astype(np.float64)
    demand = rng.integers(5, 50, sinks).astype(np.float64)
    supply = np.full(sources, math.ceil(demand.sum() * 1.2 / sources), np.float64)
    return Transport(cost, supply, demand)


class Clock:
    """CPU time and peak memory of this process, from its creation on."""

    def __init__(self) -> None:
        self._memory_mb = _peak_mb()
        self._laps = [time.process_time()]

    def lap(self) -> None:
        """End of a stage."""
        self._laps.append(time.process_time())

    def cell(self, solver: Any) -> Cell:
        """The two stages, with what `solver` (a `highspy.Highs`) holds."""
        start, built, loaded = self._laps
        rise = _peak_mb() - self._memory_mb
        return Cell(built - start, loaded - built, rise, int(solver.getNumNz()))


def _peak_mb() -> float:
    resource = import_module("resource")
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _ours(data: Transport) -> Cell:
    """Algebraic strings, compiled, validated and loaded by this package."""
    compile_model = import_module("solvers_bridge.compile").compile_model
    load = import_module("solvers_bridge.backends.highs").load
    model = transport_model(*data.cost.shape)
    numbers = {"c": data.cost, "supply": data.supply, "demand": data.demand}
    clock = Clock()
    form = compile_model(model, numbers)
    clock.lap()
    form.validate()
    solver = load(form)
    clock.lap()
    return clock.cell(solver)


def transport_model(sources: int, sinks: int) -> Any:
    """The transport model in the IR, without numbers."""
    ir = import_module("solvers_bridge.ir.model")
    words = {"meaning": "", "quote": ""}
    sets = [
        ir.IndexSet(
            name=name, elements=None, first=0, last=size - 1, tuples_of=None, rows=None, where=None,
            **words,
        )
        for name, size in (("I", sources), ("J", sinks))
    ]  # fmt: skip
    parameters = [
        ir.Parameter(name=name, index=index, unit=None, **words)
        for name, index in (("c", ["I", "J"]), ("supply", ["I"]), ("demand", ["J"]))
    ]
    variable = ir.Variable(
        name="x", index=["I", "J"], domain="real", why_domain="", lower=0, upper=None, unit=None,
        **words,
    )  # fmt: skip
    rows = [
        ("ship", "i in I", "sum(x[i,j] for j in J)", "<=", "supply[i]"),
        ("meet", "j in J", "sum(x[i,j] for i in I)", ">=", "demand[j]"),
    ]
    constraints = [
        ir.Constraint(
            name=name, forall=forall, lhs=lhs, relation=relation, rhs=rhs, kind="stated", unit=None,
            **words,
        )
        for name, forall, lhs, relation, rhs in rows
    ]  # fmt: skip
    objective = ir.Objective(
        sense="min", expr="sum(c[i,j]*x[i,j] for i in I for j in J)", unit=None, **words
    )
    return ir.Model(
        ir_version="1", name="transport", sets=sets, parameters=parameters, variables=[variable],
        constraints=constraints, objective=objective, assumptions=[], data=[],
    )  # fmt: skip


def _raw(data: Transport) -> Cell:
    """What an expert writes by hand: CSR arrays from numpy, one call of `passModel`."""
    highspy = import_module("highspy")
    clock = Clock()
    sources, sinks = data.cost.shape
    size = sources * sinks
    column = np.arange(size, dtype=np.int32)
    indices = np.concatenate([column, column.reshape(sources, sinks).T.ravel()])
    starts = np.concatenate(
        [np.arange(sources) * sinks, size + np.arange(sinks + 1) * sources]
    ).astype(np.int32)
    row_lower = np.concatenate([np.full(sources, -np.inf), data.demand])
    row_upper = np.concatenate([data.supply, np.full(sinks, np.inf)])
    coefs, lower, upper = np.ones(2 * size), np.zeros(size), np.full(size, np.inf)
    clock.lap()
    solver = highspy.Highs()
    solver.silent()
    status = solver.passModel(
        size, sources + sinks, 2 * size, int(highspy.MatrixFormat.kRowwise), 1, 0.0,
        data.cost.ravel(), lower, upper, row_lower, row_upper, starts, indices, coefs,
        np.zeros(size, np.int32),
    )  # fmt: skip
    if status != highspy.HighsStatus.kOk:
        raise RuntimeError(status)
    clock.lap()
    return clock.cell(solver)


def _linopy(data: Transport) -> Cell:
    """Labeled arrays of linopy, handed over in memory."""
    linopy, xarray = import_module("linopy"), import_module("xarray")
    import_module("highspy")
    sources, sinks = (np.arange(size) for size in data.cost.shape)
    clock = Clock()
    model = linopy.Model()
    x = model.add_variables(lower=0, coords={"i": sources, "j": sinks}, dims=("i", "j"), name="x")
    supply = xarray.DataArray(data.supply, coords={"i": sources})
    demand = xarray.DataArray(data.demand, coords={"j": sinks})
    cost = xarray.DataArray(data.cost, coords={"i": sources, "j": sinks})
    model.add_constraints(x.sum("j") <= supply, name="ship")
    model.add_constraints(x.sum("i") >= demand, name="meet")
    model.add_objective((cost * x).sum())
    clock.lap()
    solver = model.to_highspy()
    clock.lap()
    return clock.cell(solver)


def _pyomo(data: Transport) -> Cell:
    """A concrete Pyomo model, handed to its in-memory HiGHS interface."""
    pyo = import_module("pyomo.environ")
    highs = import_module("pyomo.contrib.appsi.solvers").Highs()
    sources, sinks = (range(size) for size in data.cost.shape)
    cost, supply, demand = data.cost.tolist(), data.supply.tolist(), data.demand.tolist()
    clock = Clock()
    model = pyo.ConcreteModel()
    model.I, model.J = pyo.RangeSet(0, len(supply) - 1), pyo.RangeSet(0, len(demand) - 1)
    model.x = pyo.Var(model.I, model.J, domain=pyo.NonNegativeReals)
    x = model.x
    model.ship = pyo.Constraint(
        model.I, rule=lambda _, i: pyo.quicksum(x[i, j] for j in sinks) <= supply[i]
    )
    model.meet = pyo.Constraint(
        model.J, rule=lambda _, j: pyo.quicksum(x[i, j] for i in sources) >= demand[j]
    )
    model.cost = pyo.Objective(
        expr=pyo.quicksum(cost[i][j] * x[i, j] for i in sources for j in sinks)
    )
    clock.lap()
    highs.set_instance(model)
    clock.lap()
    solver = highs._solver_model  # noqa: SLF001 - Pyomo has no public way to its solver
    return clock.cell(solver)


PATHS: dict[str, Callable[[Transport], Cell]] = {
    "raw arrays": _raw,
    "solvers_bridge": _ours,
    "linopy": _linopy,
    "pyomo": _pyomo,
}
SLOW = ("pyomo",)
"""Measured at a tenth of the size unless asked otherwise."""


def measure(path: str, variables: int) -> dict[str, Any]:
    """One cell, in this process."""
    return asdict(PATHS[path](transport(variables)))


def in_fresh_process(path: str, variables: int) -> dict[str, Any]:
    """One cell, in a process of its own; `{"error": ...}` when it did not get there."""
    command = [sys.executable, "-m", "benchmarks.peers", "cell", path, str(variables)]
    done = subprocess.run(  # noqa: S603 - this very module
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        missing = "ModuleNotFoundError" in lines[-1]
        return {"error": INSTALL if missing else lines[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # solvers greet first
    return answer


def rounds(paths: Sequence[tuple[str, int]], repeats: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """All cells `repeats` times, taking turns, so that a busy minute hits all of them."""
    failed: set[str] = set()
    for _ in range(repeats):
        for path, variables in paths:
            if path not in failed:
                found = in_fresh_process(path, variables)
                if "error" in found:
                    failed.add(path)
                yield path, found


def compare(variables: int, *, repeats: int, slow_variables: int) -> dict[str, Any]:
    """Median CPU seconds and peak memory per front end, and ratios to raw arrays.

    Args:
        variables: Size of the model for the fast paths.
        repeats: Runs per path.
        slow_variables: Size for the paths in `SLOW`.
    """
    paths = [(path, slow_variables if path in SLOW else variables) for path in PATHS]
    cells: dict[str, list[dict[str, Any]]] = {path: [] for path, _ in paths}
    for path, found in rounds(paths, repeats):
        cells[path].append(found)
    sizes = dict(paths)
    table = [{"path": path, "variables": sizes[path], **_summary(cells[path])} for path in cells]
    raw = table[0].get("total_s")
    for row in table:
        if raw and row.get("total_s") and row["variables"] == variables:
            row["times_raw"] = round(row["total_s"] / raw, 2)
    return {"model": "transport", "unit": "CPU seconds, median of repeats", "paths": table}


def _summary(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    good = [cell for cell in cells if "error" not in cell]
    if not good:
        return {"error": cells[-1]["error"]}
    totals = [cell["build_s"] + cell["load_s"] for cell in good]
    medians = {
        name: statistics.median(cell[name] for cell in good)
        for name in ("build_s", "load_s", "peak_mb")
    }
    return {
        **{name: round(value, 4) for name, value in medians.items()},
        "total_s": round(statistics.median(totals), 4),
        "total_range_s": [round(min(totals), 4), round(max(totals), 4)],
        "entries": good[0]["entries"],
        "repeats": len(good),
    }
