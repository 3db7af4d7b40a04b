"""One call: model in, checked answer out."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from small_models import model_of
from standard_forms import claimed

import solvers_bridge
from solvers_bridge import api as api_module
from solvers_bridge import opinion as opinion_module
from solvers_bridge.api import Solved, Verdict, solve_model
from solvers_bridge.compile import compile_model
from solvers_bridge.errors import MissingSolverError
from solvers_bridge.opinion import Opinion
from solvers_bridge.outcome import Stop
from solvers_bridge.strictness import Strict
from solvers_bridge.verify import verify

TRIPS = model_of(
    "max",
    "50*rickshaws + 30*carts",
    {"rickshaws": ("integer", 0, None), "carts": ("integer", 0, None)},
    [("10*rickshaws + 8*carts", "<=", "200"), ("rickshaws", "<=", "carts")],
)
NOBODY = Opinion(None, "", None, None, "not asked: test")
needs_ortools = pytest.mark.skipif(find_spec("ortools") is None, reason="ortools is not installed")


def judged(x, *, opinion: Opinion = NOBODY, strict: Strict = Strict.HELD, **claim) -> Solved:
    form = compile_model(TRIPS)
    outcome = claimed(form, x, **claim)
    return Solved(TRIPS, form, outcome, verify(TRIPS, form, outcome), opinion, strict)


@needs_ortools
def test_an_answer_is_solved_checked_and_confirmed() -> None:
    solved = solve_model(TRIPS)

    assert solved.verdict is Verdict.OPTIMAL
    assert solved.objective == 880
    assert solved.values() == {"rickshaws": {(): 11.0}, "carts": {(): 11.0}}
    assert solved.opinion.agrees is True


@needs_ortools
def test_either_engine_may_be_first() -> None:
    solved = solve_model(TRIPS, backend="ortools")

    assert solved.outcome.engine.startswith("OR-Tools")
    assert solved.opinion.engine.startswith("HiGHS")
    assert solved.verdict is Verdict.OPTIMAL


def test_without_a_second_opinion_that_is_said() -> None:
    solved = solve_model(TRIPS, second=False)

    assert solved.verdict is Verdict.OPTIMAL
    assert solved.opinion.note.startswith("not asked")


def test_a_missing_second_solver_is_noted_and_a_missing_first_one_is_an_error(monkeypatch) -> None:
    def missing(name: str):
        raise MissingSolverError("not there", fix="pip install it")

    monkeypatch.setattr(opinion_module, "_backend", missing)

    assert solve_model(TRIPS).opinion.note == "not asked: not there pip install it"
    with pytest.raises(MissingSolverError):
        solve_model(TRIPS, backend="nobody")


def test_who_interrupts_the_first_solve_is_not_kept_waiting_by_a_second(monkeypatch) -> None:
    form = compile_model(TRIPS)
    stopped = claimed(form, [1, 1], stop=Stop.INTERRUPTED, bound=900.0)

    class Interrupted:
        name = "interrupted"

        def solve(self, form, limits):
            return stopped

    monkeypatch.setattr(api_module, "get_backend", lambda name: Interrupted())
    monkeypatch.setattr(opinion_module, "_backend", lambda name: pytest.fail("was asked"))

    solved = solve_model(TRIPS)

    assert solved.verdict is Verdict.FEASIBLE
    assert "interrupted" in solved.opinion.note


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([("rickshaws", ">=", "5"), ("rickshaws", "<=", "4")], Verdict.INFEASIBLE),
        ([("rickshaws - carts", "<=", "3")], Verdict.UNBOUNDED),
    ],
)
def test_no_optimum_is_a_verdict_too(rows, verdict) -> None:
    model = model_of(
        "max", "rickshaws + carts",
        {"rickshaws": ("integer", 0, None), "carts": ("integer", 0, None)}, rows,
    )  # fmt: skip

    assert solve_model(model).verdict is verdict


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"x": [11, 11]}, Verdict.OPTIMAL),
        ({"x": [12, 11]}, Verdict.DISPUTED),
        ({"x": [11, 11], "objective": 890.0}, Verdict.DISPUTED),
        ({"x": [11, 11], "bound": 800.0}, Verdict.DISPUTED),
        ({"x": None}, Verdict.DISPUTED),
        ({"x": [1, 1], "stop": Stop.TIME_LIMIT}, Verdict.FEASIBLE),
        ({"x": [12, 1], "stop": Stop.TIME_LIMIT}, Verdict.DISPUTED),
        ({"x": None, "stop": Stop.TIME_LIMIT}, Verdict.UNDECIDED),
        ({"x": None, "stop": Stop.ERROR}, Verdict.UNDECIDED),
        ({"x": None, "stop": Stop.INFEASIBLE_OR_UNBOUNDED}, Verdict.UNDECIDED),
        ({"x": None, "stop": Stop.INFEASIBLE}, Verdict.INFEASIBLE),
        ({"x": [11, 11], "strict": Strict.LIMIT}, Verdict.LIMIT),
        ({"x": [11, 11], "strict": Strict.IMPOSSIBLE}, Verdict.INFEASIBLE),
        ({"x": [11, 11], "strict": Strict.UNKNOWN}, Verdict.UNDECIDED),
    ],
)
def test_only_a_checked_claim_becomes_optimal(claim, verdict) -> None:
    assert judged(**claim).verdict is verdict


@pytest.mark.parametrize("stop", [Stop.OPTIMAL, Stop.INFEASIBLE, Stop.UNBOUNDED])
def test_when_two_solvers_differ_nothing_is_claimed(stop) -> None:
    against = replace(NOBODY, agrees=False, note="they differ")

    solved = judged([11, 11] if stop is Stop.OPTIMAL else None, stop=stop, opinion=against)

    assert solved.verdict is Verdict.DISPUTED


@pytest.mark.parametrize(
    ("rows", "verdict", "objective"),
    [
        ([("x", "<", "4")], Verdict.LIMIT, 4.0),
        ([("x", "<", "4"), ("x", ">=", "4")], Verdict.INFEASIBLE, 4.0),
        ([("x", "<", "4"), ("x", "<=", "3")], Verdict.OPTIMAL, 3.0),
        ([("x", ">", "4")], Verdict.UNBOUNDED, None),
        ([("x", ">", "4"), ("x + y", "<=", "4")], Verdict.INFEASIBLE, 4.0),
    ],
)
def test_strict_rows_over_reals_are_taken_at_their_word(rows, verdict, objective) -> None:
    model = model_of("max", "x", {"x": ("real", 0, None), "y": ("real", 0, None)}, rows)

    solved = solve_model(model, second=False)

    assert solved.verdict is verdict
    if verdict is not Verdict.UNBOUNDED:
        assert solved.objective == objective


def test_among_equal_optima_one_that_keeps_the_strict_row_is_given() -> None:
    model = model_of(
        "max",
        "x + y",
        {"x": ("real", 0, None), "y": ("real", 0, None)},
        [("x + y", "<=", "4"), ("x", ">", "1"), ("x", "<", "3")],
    )

    solved = solve_model(model, second=False)

    x = solved.values()["x"][()]
    assert solved.verdict is Verdict.OPTIMAL
    assert 1 < x < 3
    assert solved.certificate.optimal == "proved"


def test_tables_may_come_from_outside() -> None:
    model = TRIPS.model_copy(
        update={
            "parameters": [
                {"name": "money", "index": [], "unit": None, "meaning": "", "quote": ""}
            ],
            "constraints": [
                TRIPS.constraints[0].model_copy(update={"rhs": "money"}),
                TRIPS.constraints[1],
            ],
        }
    )
    model = type(model).model_validate(model.model_dump(warnings=False))

    solved = solve_model(model, {"money": np.array(100.0)}, second=False)

    assert solved.verdict is Verdict.OPTIMAL
    assert solved.objective == 430


def test_the_record_is_plain_json_without_special_numbers() -> None:
    solved = solve_model(TRIPS, second=False)

    text = json.dumps(solved.to_json(), allow_nan=False)

    assert json.loads(text)["objective_exact"] == "880"


def test_values_round_what_must_be_whole() -> None:
    solved = judged([11 - 1e-9, 11 + 1e-9])

    assert solved.values()["carts"][()] == 11.0


def test_every_exported_name_is_there_and_all_are_listed() -> None:
    for name in solvers_bridge.__all__:
        assert getattr(solvers_bridge, name) is not None
    assert set(solvers_bridge.__all__) == {"OWNER", *solvers_bridge._EXPORTS}
    assert set(solvers_bridge.__all__) <= set(dir(solvers_bridge))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = solvers_bridge.nothing


@pytest.mark.parametrize("name", ["check", "render", "verify"])
def test_a_function_is_not_replaced_by_its_module_once_that_is_loaded(name: str) -> None:
    code = (
        f"import solvers_bridge.{name}, solvers_bridge;"
        f"assert callable(solvers_bridge.{name}), solvers_bridge.{name};"
        f"from solvers_bridge import {name} as function;"
        f"assert function is sys.modules['solvers_bridge.{name}'].{name}"
    )

    subprocess.run([sys.executable, "-c", f"import sys; {code}"], check=True)  # noqa: S603
