"""Laws of the IR: random models are understood, hostile ones are refused, never a crash."""

from __future__ import annotations

import ast
from contextlib import suppress
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from solvers_bridge.check import check
from solvers_bridge.compile import compile_model
from solvers_bridge.errors import BridgeError, ExpressionError
from solvers_bridge.interpret import evaluate
from solvers_bridge.ir.expression import parse_expression
from solvers_bridge.ir.model import Model
from solvers_bridge.ir.reference import Reference
from solvers_bridge.ir.tables import Keys, combinations
from solvers_bridge.render import render
from tests.property.models import models, points

ROOMY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NASTY_TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "x0",
            "x0[",
            "x0[0, 'a']",
            "__import__('os')",
            "().__class__",
            "(" * 500,
            "-" * 5000 + "1",
            "x0+" * 5000 + "x0",
            "9" * 5000,
            "1e999",
            "((((9**16)**16)**16)**16)**16",
            "sum(sum(sum(x0 for i in S0) for i in S0) for i in S0)",
            "i in S0 for j in S0 for k in S0 for l in S0",
            "\ud800",
            "\x00",
            "S0",
            "ARCS0",
        ]
    ),
    st.text(max_size=20),
    st.text(alphabet="x0p1S[](),+-*/ iforn<=", max_size=30),
)
NASTY_NUMBERS = st.sampled_from(
    [0, -1, 1e15, 1e-9, 1e308, float("inf"), float("nan"), 10**400, -(10**5000), 2**63, True]
)


@given(models())
@ROOMY
def test_a_model_that_is_right_by_construction_has_no_errors(model: Model) -> None:
    errors = [finding for finding in check(model) if finding.severity == "error"]

    assert {finding.code for finding in errors} <= {"empty-set"}


@given(models(), st.data())
@ROOMY
def test_the_interpreter_says_what_python_says(model: Model, data: st.DataObject) -> None:
    point = data.draw(points(model))
    names = python_names(model, point)

    found = evaluate(model, point)

    assert found.objective == run(model.objective.expr, names)
    assert [row.activity for row in found.rows] == [
        activity for item in model.constraints for activity in activities(item, names)
    ]


@given(models(), st.data())
@ROOMY
def test_a_spoilt_model_gives_findings_and_never_a_crash(model: Model, data: st.DataObject) -> None:
    spoilt = model.model_dump()
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(spoilt, data)
    try:
        bad = Model.model_validate(spoilt)
    except ValidationError:
        return

    findings = check(bad)

    assert all(finding.path and finding.code and finding.fix for finding in findings)
    assert render(bad)
    if not any(finding.severity == "error" for finding in findings):
        sane_or_ours(bad)
        assert compile_model(bad).n >= 0  # what passes the checks compiles


@given(
    st.text(max_size=200) | st.text(alphabet="x0[]()+-*/.,:=<>!'\" ifornlamd_#\\\n", max_size=200)
)
def test_any_text_is_an_expression_or_an_error_of_ours(text: str) -> None:
    with suppress(ExpressionError):
        assert isinstance(parse_expression(text, where=""), ast.expr)


def sane_or_ours(model: Model) -> None:
    """Evaluate at 0: what `check` could not afford to look at may still be an error of ours."""
    reference = Reference(model, max_steps=20_000)
    try:
        zero = {
            item.name: dict.fromkeys(combinations(reference.axes(item.index)), 0)
            for item in model.variables
            if all(axis.size < 100 for axis in reference.axes(item.index))
        }
        evaluate(model, zero)
    except BridgeError:
        pass


def spoil(part: Any, data: st.DataObject) -> None:
    """Replace one leaf of nested dicts and lists by something nasty of its kind, in place."""
    while True:
        places = list(part) if isinstance(part, dict) else list(range(len(part)))
        places = [at for at in places if not (isinstance(part[at], list) and not part[at])]
        if not places:
            return
        at = data.draw(st.sampled_from(places))
        if not isinstance(part[at], (dict, list)):
            break
        part = part[at]
    nasty = NASTY_TEXTS if isinstance(part[at], str) else NASTY_NUMBERS
    part[at] = data.draw(nasty | st.none() | NASTY_TEXTS)


# -- the model as Python sees it: dicts and lists, and `eval` of texts this test made itself ----


def python_names(model: Model, point: dict[str, dict[Keys, Fraction]]) -> dict[str, Any]:
    reference = Reference(model)
    names: dict[str, Any] = {"sum": sum, "min": min, "max": max, "abs": abs}
    for item in model.sets:
        names[item.name] = [bare(key) for key in reference.axis(item.name)]
    tables: dict[str, dict[Keys, Any]] = dict(point)
    for values, parameter in zip(model.data, model.parameters, strict=True):
        keys = list(combinations(reference.axes(parameter.index)))
        given = {tuple(cell.key): cell.value for cell in values.cells or []}
        numbers = values.dense or [given.get(key, values.default) for key in keys]
        tables[parameter.name] = {k: Fraction(n) for k, n in zip(keys, numbers, strict=True)}
    for name, table in tables.items():
        names[name] = table[()] if () in table else {bare(key): table[key] for key in table}
    return names


def bare(key: Keys) -> Any:
    return key[0] if len(key) == 1 else key


def run(text: str, names: dict[str, Any]) -> Any:
    return eval(text, {"__builtins__": {}, **names})  # noqa: S307 - made by models(), not read


def activities(item: Any, names: dict[str, Any]) -> list[Fraction]:
    difference = f"({item.lhs}) - ({item.rhs})"
    return run(f"[{difference} for {item.forall}]" if item.forall else f"[{difference}]", names)
