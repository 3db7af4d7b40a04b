"""Two engines: when they agree, when they do not, and when nobody was asked."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest
from standard_forms import INF, claimed, form_of

from solvers_bridge import opinion as module
from solvers_bridge.errors import MissingSolverError, SolverError
from solvers_bridge.opinion import compare, second_opinion
from solvers_bridge.outcome import Limits, Outcome, Stop

LIMITS = Limits(time_limit_s=20.0)
TRIPS = form_of("max", [50, 30], [[10, 8], [1, -1]], rows=[(-INF, 200), (-INF, 0)], integer=True)
BEST = claimed(TRIPS, [11, 11], engine="HiGHS 1")
needs_ortools = pytest.mark.skipif(find_spec("ortools") is None, reason="ortools is not installed")


class Scripted:
    """A backend that gives one prepared answer, and remembers that it was asked."""

    name = "scripted"

    def __init__(self, answer: Outcome | Exception) -> None:
        self.answer = answer
        self.asked = 0

    def solve(self, form, limits) -> Outcome:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def other(monkeypatch):
    """Make the second engine whatever the test says; gives the names that were looked up."""
    names: list[str] = []

    def install(answer) -> list[str]:
        def backend(name: str) -> Scripted:
            names.append(name)
            if isinstance(answer, MissingSolverError):
                raise answer
            return Scripted(answer)

        monkeypatch.setattr(module, "_backend", backend)
        return names

    return install


@needs_ortools
def test_or_tools_confirms_a_true_optimum() -> None:
    opinion = second_opinion(TRIPS, BEST, LIMITS)

    assert opinion.agrees is True
    assert opinion.engine.startswith("OR-Tools")
    assert opinion.objective == 880


@needs_ortools
def test_or_tools_refutes_a_planted_optimum() -> None:
    planted = claimed(TRIPS, [10, 12], engine="HiGHS 1")

    opinion = second_opinion(TRIPS, planted, LIMITS)

    assert opinion.agrees is False
    assert opinion.note == "both say optimal, but 860 and 880"


@needs_ortools
def test_or_tools_refutes_a_planted_infeasibility() -> None:
    planted = claimed(TRIPS, None, stop=Stop.INFEASIBLE, engine="HiGHS 1")

    assert second_opinion(TRIPS, planted, LIMITS).agrees is False


def test_highs_is_asked_about_an_answer_of_or_tools(other) -> None:
    names = other(BEST)

    second_opinion(TRIPS, replace(BEST, engine="OR-Tools 9.15 SCIP"), LIMITS)
    second_opinion(TRIPS, BEST, LIMITS)

    assert names == ["highs", "ortools"]


def test_a_missing_second_solver_is_said_with_the_line_to_type(other) -> None:
    other(MissingSolverError("Solver 'ortools' is not there.", fix="pip install it"))

    opinion = second_opinion(TRIPS, BEST, LIMITS)

    assert opinion.agrees is None
    assert opinion.note == "not asked: Solver 'ortools' is not there. pip install it"


def test_a_solver_that_refuses_the_model_has_no_opinion(other) -> None:
    other(SolverError("too large numbers"))

    opinion = second_opinion(TRIPS, BEST, LIMITS)

    assert opinion.agrees is None
    assert "too large numbers" in opinion.note


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Stop.INFEASIBLE, Stop.UNBOUNDED),
        (Stop.UNBOUNDED, Stop.INFEASIBLE),
        (Stop.INFEASIBLE, Stop.OPTIMAL),
        (Stop.OPTIMAL, Stop.UNBOUNDED),
    ],
)
def test_different_decisions_disagree(first, second) -> None:
    runs = [
        claimed(TRIPS, [11, 11] if stop is Stop.OPTIMAL else None, stop=stop)
        for stop in (first, second)
    ]

    assert compare(TRIPS, *runs, LIMITS)[0] is False


@pytest.mark.parametrize("stop", [Stop.INFEASIBLE, Stop.UNBOUNDED])
def test_equal_decisions_agree(stop) -> None:
    run = claimed(TRIPS, None, stop=stop)

    assert compare(TRIPS, run, run, LIMITS) == (True, f"both say {stop.value}")


@pytest.mark.parametrize(
    "stop", [Stop.TIME_LIMIT, Stop.INFEASIBLE_OR_UNBOUNDED, Stop.NUMERIC, Stop.ERROR]
)
def test_an_undecided_engine_neither_agrees_nor_disagrees(stop) -> None:
    silent = claimed(TRIPS, None, stop=stop)

    agrees, note = compare(TRIPS, BEST, silent, LIMITS)

    assert agrees is None
    assert stop.value in note


def test_a_better_point_refutes_an_optimum_even_without_a_proof_of_its_own() -> None:
    worse = claimed(TRIPS, [10, 12])
    unfinished = claimed(TRIPS, [11, 11], stop=Stop.TIME_LIMIT)

    assert compare(TRIPS, worse, unfinished, LIMITS)[0] is False
    assert compare(TRIPS, unfinished, worse, LIMITS)[0] is False


def test_a_worse_unfinished_point_refutes_nothing() -> None:
    unfinished = claimed(TRIPS, [10, 12], stop=Stop.TIME_LIMIT)

    assert compare(TRIPS, BEST, unfinished, LIMITS)[0] is None


def test_an_unfinished_point_refutes_infeasibility() -> None:
    unfinished = claimed(TRIPS, [1, 1], stop=Stop.TIME_LIMIT)
    infeasible = claimed(TRIPS, None, stop=Stop.INFEASIBLE)

    assert compare(TRIPS, infeasible, unfinished, LIMITS)[0] is False


@pytest.mark.parametrize(
    ("gap", "objective", "agrees"),
    [(0.0, 880.0001, True), (0.0, 880.01, False), (0.01, 890.0, True), (0.01, 900.0, False)],
)
def test_optima_may_differ_by_the_gaps_that_were_asked_for(gap, objective, agrees) -> None:
    other = claimed(TRIPS, [11, 11], objective=objective)

    assert compare(TRIPS, BEST, other, Limits(mip_gap=gap))[0] is agrees


def test_points_that_merely_satisfy_agree_whatever_they_are() -> None:
    form = replace(TRIPS, sense="satisfy")

    agrees, _ = compare(form, claimed(form, [0, 0]), claimed(form, [1, 5]), LIMITS)

    assert agrees is True
