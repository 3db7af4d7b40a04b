"""On small integer models, trying everything, HiGHS, CP-SAT and SCIP give one answer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers_bridge.api import Verdict, solve_model
from solvers_bridge.backends.ortools import OrTools
from solvers_bridge.compile import compile_model
from solvers_bridge.interpret import evaluate
from solvers_bridge.ir.model import Constraint, Model, Objective, Variable
from solvers_bridge.outcome import Limits, Stop
from solvers_bridge.verify import TOLERANCE, verify

UNSAID: dict[str, Any] = {"unit": None, "meaning": "", "quote": ""}
LIMITS = Limits(time_limit_s=20.0)
NUMBERS = st.integers(-12, 12).map(lambda quarters: quarters / 4)
needs_ortools = pytest.mark.skipif(find_spec("ortools") is None, reason="ortools is not installed")


@st.composite
def integer_models(draw: st.DrawFn) -> Model:
    """Up to four whole variables in small boxes, up to four rows, quarters as numbers."""
    names = ["a", "b", "c", "d"][: draw(st.integers(1, 4))]
    lows = [draw(st.integers(-2, 1)) for _ in names]
    variables = [
        Variable(
            name=name,
            index=[],
            domain="integer",
            why_domain="",
            lower=low,
            upper=low + draw(st.integers(0, 3)),
            **UNSAID,
        )
        for name, low in zip(names, lows, strict=True)
    ]

    def combination() -> str:
        return " + ".join(f"{draw(NUMBERS)}*{name}" for name in names)

    constraints = [
        Constraint(
            name=f"row{i}",
            forall="",
            lhs=combination(),
            relation=draw(st.sampled_from(["<=", ">=", "==", "<", ">"])),
            rhs=str(draw(NUMBERS)),
            kind="stated",
            **UNSAID,
        )
        for i in range(draw(st.integers(0, 4)))
    ]
    sense = draw(st.sampled_from(["min", "max"]))
    objective = Objective(sense=sense, expr=f"{combination()} + {draw(NUMBERS)}", **UNSAID)
    return Model(
        ir_version="1",
        name="random",
        sets=[],
        parameters=[],
        variables=variables,
        constraints=constraints,
        objective=objective,
        assumptions=[],
        data=[],
    )


def best_by_trying_all(model: Model) -> Fraction | None:
    """The optimum according to the interpreter; None when no point is feasible."""
    ranges = [range(int(v.lower), int(v.upper) + 1) for v in model.variables]
    names = [v.name for v in model.variables]
    found = []
    for point in itertools.product(*ranges):
        said = evaluate(model, {n: {(): Fraction(x)} for n, x in zip(names, point, strict=True)})
        if said.feasible:
            found.append(said.objective)
    choose = min if model.objective.sense == "min" else max
    return choose(found, default=None)


@pytest.fixture(scope="module")
def ortools():
    backend = OrTools()
    yield backend
    backend.close()


@needs_ortools
@settings(max_examples=150, deadline=None)
@given(model=integer_models())
def test_trying_all_equals_highs_equals_or_tools(model: Model) -> None:
    truth = best_by_trying_all(model)

    solved = solve_model(model, limits=LIMITS)

    assert solved.opinion.agrees is True
    if truth is None:
        assert solved.verdict is Verdict.INFEASIBLE
    else:
        assert solved.verdict is Verdict.OPTIMAL
        assert solved.certificate.objective_exact == truth


@needs_ortools
@settings(max_examples=60, deadline=None)
@given(model=integer_models())
def test_scip_agrees_too_when_a_real_variable_keeps_cp_sat_away(ortools, model: Model) -> None:
    truth = best_by_trying_all(model)
    idle = model.variables[0].model_copy(
        update={"name": "idle", "domain": "real", "lower": 0, "upper": 1}
    )
    form = compile_model(model.model_copy(update={"variables": [*model.variables, idle]}))

    outcome = ortools.solve(form, LIMITS)

    assert outcome.engine.endswith("SCIP")
    if truth is None:
        assert outcome.stop is Stop.INFEASIBLE
    else:
        assert outcome.stop is Stop.OPTIMAL
        assert outcome.objective == pytest.approx(float(truth), abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(model=integer_models(), nudge=st.sampled_from([1e-4, 0.3, 1.0, -1.0]), data=st.data())
def test_no_nudged_optimum_keeps_its_certificate(
    model: Model, nudge: float, data: st.DataObject
) -> None:
    solved = solve_model(model, limits=LIMITS, second=False)
    if solved.outcome.x is None:
        return
    at = data.draw(st.integers(0, solved.form.n - 1))
    x = solved.outcome.x.copy()
    x[at] += nudge

    forged = verify(model, solved.form, replace(solved.outcome, x=x))

    said = evaluate(
        model, {v.name: {(): Fraction(n)} for v, n in zip(model.variables, x.tolist(), strict=True)}
    )
    still_true = said.feasible and abs(said.objective - Fraction(solved.objective)) < TOLERANCE
    assert forged.holds == still_true
