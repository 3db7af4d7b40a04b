"""Each fault of a model is found, at its path, under its code, with a way to fix it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from solvers_bridge.check import Finding, check
from solvers_bridge.ir.model import IndexSet, Model, Values, Variable
from tests.support.parts import (
    cells,
    constraint,
    dense,
    index_set,
    model,
    objective,
    parameter,
    transport,
    variable,
)

PLANTS, MARKETS = transport().sets


def found(bad: Model, data: Any = None) -> dict[str, str]:
    """Path to code of every finding; a path with two findings keeps an error, the first."""
    findings = sorted(check(bad, data), key=lambda finding: finding.severity == "warning")
    assert all(finding.fix and finding.message for finding in findings)
    return {finding.path: finding.code for finding in reversed(findings)}


def message(bad: Model, path: str) -> str:
    return next(finding.message for finding in check(bad) if finding.path == path)


def with_row(lhs: str, forall: str = "", **given: Any) -> Model:
    """A transport model with one more row, `lhs <= 100`."""
    usual = transport()
    row = constraint(lhs, given.pop("relation", "<="), given.pop("rhs", "100"), forall, name="more")
    return transport(constraints=[*usual.constraints, row], **given)


def test_a_good_model_has_no_findings() -> None:
    assert check(transport()) == []


def test_a_finding_reads_as_path_message_and_fix() -> None:
    [finding] = check(with_row("sum(shp[p, m] for p in PLANTS for m in MARKETS)"))

    assert finding == Finding(
        path="constraints[2].lhs",
        code="unknown-name",
        severity="error",
        message='unknown name "shp"; did you mean "ship"?',
        fix='Write "ship", or declare "shp".',
    )
    assert str(finding) == (
        'constraints[2].lhs: unknown name "shp"; did you mean "ship"? '
        'Write "ship", or declare "shp".'
    )


ROWS = [
    ("ship['north', m", "", "syntax", "lhs"),
    ("ship['north', 'a'].x", "", "syntax", "lhs"),
    ("ship['north', 'a']", "p in PLANTS, m in MARKETS", "syntax", "forall"),
    ("ship['north', 'z']", "", "wrong-index-set", "lhs"),
    ("ship['nort', 'a']", "", "wrong-index-set", "lhs"),
    ("ship[1, 'a']", "", "wrong-index-set", "lhs"),
    ("ship['north']", "", "wrong-arity", "lhs"),
    ("ship", "", "wrong-arity", "lhs"),
    ("ship[p, 'a']", "", "unknown-name", "lhs"),
    ("ship[north, 'a']", "", "unknown-name", "lhs"),
    ("ship[m, p]", "p in PLANTS for m in MARKETS", "wrong-index-set", "lhs"),
    ("ship[p, 'a']", "p in PLANT", "unknown-name", "forall"),
    ("ship[p, 'a']", "(p, q) in PLANTS", "wrong-arity", "forall"),
    ("ship['north', 'a']", "p in PLANTS", "unused-index", "forall"),
    ("ship[p, 'a']", "p in PLANTS if ship[p, 'a'] > 0", "nonlinear", "forall"),
    ("ship[p, 'a']", "p in PLANTS if p > 'a'", "wrong-type", "forall"),
    ("ship[p, 'a']", "p in PLANTS if p != 3", "wrong-type", "forall"),
    ("ship[p, 'a']", "p in PLANTS if p != 'nroth'", "wrong-index-set", "forall"),
    ("ship[p, 'a']", "p in PLANTS if (p, p) in PLANTS", "wrong-arity", "forall"),
    ("ship[p, 'a']", "p in PLANTS if p in NOWHERE", "unknown-name", "forall"),
    ("ship[p, 'a'] * ship[p, 'b']", "p in PLANTS", "nonlinear", "lhs"),
    ("demand['a'] / ship[p, 'b']", "p in PLANTS", "nonlinear", "lhs"),
    ("ship[p, 'b']**2", "p in PLANTS", "nonlinear", "lhs"),
    ("abs(ship[p, 'b'])", "p in PLANTS", "nonlinear", "lhs"),
    ("max(ship[p, m] for m in MARKETS)", "p in PLANTS", "nonlinear", "lhs"),
    ("min(ship[p, 'a'], 3)", "p in PLANTS", "nonlinear", "lhs"),
    ("p * ship[p, 'b']", "p in PLANTS", "wrong-type", "lhs"),
    ("ship[p-1, 'b']", "p in PLANTS", "wrong-type", "lhs"),
    ("PLANTS * ship['north', 'b']", "", "wrong-type", "lhs"),
    ("p[1] * ship['north', 'b']", "p in PLANTS", "wrong-type", "lhs"),
    ("sum(ship[p, 'a'] for p in PLANTS)", "p in PLANTS", "duplicate-name", "lhs"),
    ("ship[cost, 'a']", "cost in PLANTS", "duplicate-name", "forall"),
    ("sum(ship['north', 'a'] for m in MARKETS)", "", "unused-index", "lhs"),
    ("1e15 * ship['north', 'a']", "", "coefficient-range", "lhs"),
    ("1e-9 * ship['north', 'a']", "", "coefficient-range", "lhs"),
    ("ship['north', 'a'] + cost['north', 'a']", "", "unit-mismatch", "lhs"),
    ("ship['north', 'a'] / (demand['a'] - 6 - 1)", "", "not-computable", "lhs"),
    ("ship[p, 'a']", "p in PLANTS if p != 'north' and p != 'south'", "empty-set", "forall"),
]


@pytest.mark.parametrize(("lhs", "forall", "code", "part"), ROWS)
def test_a_bad_row_is_found(lhs: str, forall: str, code: str, part: str) -> None:
    assert found(with_row(lhs, forall))[f"constraints[2].{part}"] == code


@pytest.mark.parametrize(
    ("lhs", "forall"),
    [
        ("ship[p, m]", "p in PLANTS for m in MARKETS if demand[m] > 5 and p != 'south'"),
        ("sum(ship[p, m] for p in PLANTS if p in PLANTS)", "m in MARKETS if not m == 'a'"),
        ("ship['north', 'a'] + max(demand[m] for m in MARKETS)", ""),
        ("3 * (ship['north', 'a'] - 2 * ship['south', 'a']) / 4 + supply['north']**2/100", ""),
        ("sum(1 for m in MARKETS) * ship['north', 'a']", ""),
    ],
)
def test_a_good_row_has_no_findings(lhs: str, forall: str) -> None:
    assert check(with_row(lhs, forall)) == []


SETS = [
    (index_set("S"), "sets[2]", "bad-set"),
    (index_set("S", elements=[1], first=1, last=2), "sets[2]", "bad-set"),
    (index_set("S", first=1), "sets[2]", "bad-set"),
    (index_set("S", elements=[1], where="i0 > 1"), "sets[2]", "bad-set"),
    (index_set("S", tuples_of=["PLANTS"]), "sets[2]", "bad-set"),
    (index_set("S", tuples_of=[], rows=[]), "sets[2]", "bad-set"),
    (index_set("S", tuples_of=["S"], rows=[]), "sets[2].tuples_of[0]", "bad-set"),
    (index_set("S", tuples_of=["PLANT"], rows=[]), "sets[2].tuples_of[0]", "unknown-name"),
    (index_set("S", elements=[]), "sets[2].elements", "empty-set"),
    (index_set("S", first=3, last=2), "sets[2]", "empty-set"),
    (index_set("S", first=1, last=10**400), "sets[2]", "too-large"),
    (index_set("S", elements=[10**5000]), "sets[2].elements", "too-large"),
    (index_set("S", elements=["a", "b", "a"]), "sets[2].elements", "duplicate-key"),
    (index_set("S", elements=["a", 1]), "sets[2].elements", "wrong-type"),
    (index_set("S", tuples_of=["PLANTS"], rows=[["x"]]), "sets[2].rows[0][0]", "wrong-index-set"),
    (index_set("S", tuples_of=["PLANTS"], rows=[[]]), "sets[2].rows[0]", "wrong-arity"),
    (
        index_set("S", tuples_of=["PLANTS"], rows=[["north"], ["north"]]),
        "sets[2].rows",
        "duplicate-key",
    ),
    (index_set("S", tuples_of=["PLANTS"], where="i1 == 'a'"), "sets[2].where", "unknown-name"),
    (index_set("S", tuples_of=["PLANTS"], where="i0 in S"), "sets[2].where", "bad-set"),
    (index_set("S", tuples_of=["PLANTS"], where="ship"), "sets[2].where", "syntax"),
    (index_set("S", tuples_of=["PLANTS"], where="1 > 2"), "sets[2].where", "empty-set"),
    (index_set("PLANTS", elements=["x"]), "sets[2].name", "duplicate-name"),
    (index_set("sum", elements=["x"]), "sets[2].name", "reserved-name"),
    (index_set("lambda", elements=["x"]), "sets[2].name", "reserved-name"),
    (index_set("__x__", elements=["x"]), "sets[2].name", "reserved-name"),
    (index_set("i0", elements=["x"]), "sets[2].name", "reserved-name"),
]


@pytest.mark.parametrize(("bad", "path", "code"), SETS)
def test_a_bad_set_is_found(bad: IndexSet, path: str, code: str) -> None:
    assert found(transport(sets=[PLANTS, MARKETS, bad]))[path] == code


DATA = [
    ([dense("cost", 1, 2, 3)], "data[0].dense", "wrong-size"),
    ([dense("cost", 1, 2, 3, 4, 5, float("nan"))], "data[0].dense[5]", "not-finite"),
    ([dense("cost", 1, 2, 3, 4, 5, float("-inf"))], "data[0].dense[5]", "not-finite"),
    ([dense("cost", 1, 2, 3, 4, 1e15, 6)], "data[0].dense[4]", "coefficient-range"),
    ([dense("cost", 1, 2, 3, 4, -(10**400), 6)], "data[0].dense[4]", "coefficient-range"),
    ([dense("cost", 1, 2, 3, 4, -1e-9, 6)], "data[0].dense[4]", "coefficient-range"),
    ([dense("cots", 1)], "data[0].parameter", "unknown-name"),
    ([dense("supply", 1, 2), dense("supply", 1, 2)], "data[1]", "duplicate-name"),
    ([cells("supply", [(["north"], 1)])], "data[0]", "missing-data"),
    ([cells("supply", [])], "data[0]", "missing-data"),
    ([cells("supply", [(["north"], 1), (["north"], 2)], 0)], "data[0].cells", "duplicate-key"),
    ([cells("supply", [(["nroth"], 1)], 0)], "data[0].cells[0].key", "wrong-index-set"),
    ([cells("supply", [(["north", "a"], 1)], 0)], "data[0].cells[0].key", "wrong-arity"),
    ([cells("supply", [(["north"], 1e300)], 0)], "data[0].cells[0].value", "coefficient-range"),
    ([cells("supply", [], float("nan"))], "data[0].default", "not-finite"),
    ([], "parameters[0]", "missing-data"),
]


@pytest.mark.parametrize(("data", "path", "code"), DATA)
def test_bad_numbers_are_found(data: list[Values], path: str, code: str) -> None:
    assert found(transport(data=data))[path] == code


def test_a_parameter_that_has_both_a_table_and_cells_is_found() -> None:
    both = Values(parameter="supply", dense=[1, 2], cells=[], default=None)

    assert found(transport(data=[both]))["data[0]"] == "bad-data"


VARIABLES = [
    (variable("x", lower=2, upper=1), "variables[1]", "bounds-crossed"),
    (variable("x", domain="integer", lower=0.2, upper=0.8), "variables[1]", "bounds-crossed"),
    (variable("x", lower="3", upper="2"), "variables[1]", "bounds-crossed"),
    (variable("x", domain="binary", upper=2), "variables[1].upper", "binary-bounds"),
    (variable("x", domain="binary", lower=-1), "variables[1].lower", "binary-bounds"),
    (variable("x", upper=float("inf")), "variables[1].upper", "not-finite"),
    (variable("x", upper=1e20), "variables[1].upper", "coefficient-range"),
    (variable("x", upper="ship['north', 'a']"), "variables[1].upper", "nonlinear"),
    (variable("x", upper="suply['north']"), "variables[1].upper", "unknown-name"),
    (variable("x", ["PLANTS"], upper="supply[i1]"), "variables[1].upper", "unknown-name"),
    (variable("x", ["MARKETS"], upper="supply[i0]"), "variables[1].upper", "wrong-index-set"),
    (variable("x", upper="1 +"), "variables[1].upper", "syntax"),
    (variable("x", ["PLANT"]), "variables[1].index[0]", "unknown-name"),
    (variable("ship"), "variables[1].name", "duplicate-name"),
    (variable("x"), "variables[1]", "unused-variable"),
    (variable("x", unit="USD", upper="supply['north']"), "variables[1].upper", "unit-mismatch"),
]


@pytest.mark.parametrize(("bad", "path", "code"), VARIABLES)
def test_a_bad_variable_is_found(bad: Variable, path: str, code: str) -> None:
    assert found(transport(variables=[transport().variables[0], bad]))[path] == code


def test_a_bound_may_use_parameters_at_the_key_of_its_variable() -> None:
    bounded = variable(
        "ship", ["PLANTS", "MARKETS"], unit="t", upper="min(supply[i0], demand[i1]) * 2"
    )

    assert check(transport(variables=[bounded])) == []


def test_what_nothing_uses_is_a_warning() -> None:
    idle = transport()
    idle = transport(
        sets=[*idle.sets, index_set("IDLE", first=1, last=2)],
        parameters=[*idle.parameters, parameter("spare")],
        data=[*idle.data, dense("spare", 1)],
    )

    assert found(idle) == {"sets[2]": "unused-set", "parameters[3]": "unused-parameter"}


def test_a_row_without_variables_and_a_constant_objective_are_errors() -> None:
    bad = with_row("supply['north']", objective=objective("3"))

    assert found(bad)["constraints[2]"] == "no-variables"
    assert found(bad)["objective.expr"] == "constant-objective"


def test_a_row_that_loses_its_variables_to_a_filter_and_cannot_hold_is_a_warning() -> None:
    bad = with_row("sum(ship[p, 'a'] for p in PLANTS if supply[p] > 50)", relation=">=", rhs="1")

    assert found(bad) == {"constraints[2]": "no-variables"}
    assert "0 >= 1 is false" in message(bad, "constraints[2]")


def test_two_rows_of_one_name_are_an_error() -> None:
    rows = [constraint("ship['north', 'a']", "<=", str(limit)) for limit in (1, 2)]

    assert found(transport(constraints=rows))["constraints[1].name"] == "duplicate-name"


def test_a_strict_row_over_reals_is_a_warning_and_over_integers_none() -> None:
    real, whole = with_row("ship['north', 'a']", relation="<"), transport().variables[0]
    whole = whole.model_copy(update={"domain": "integer"})

    assert found(real) == {"constraints[2].relation": "strict-on-reals"}
    assert check(with_row("ship['north', 'a']", relation="<", variables=[whole])) == []


def periods(lhs: str, forall: str) -> Model:
    return model(
        sets=[index_set("T", first=1, last=4), index_set("U", first=1, last=4)],
        variables=[variable("x", ["T"])],
        constraints=[constraint(lhs, ">=", "1", forall)],
        objective=objective("sum(x[t] for t in T)"),
    )


def test_a_shifted_key_outside_its_set_is_an_error_with_the_index_it_happens_at() -> None:
    bad = periods("x[t] - x[t-1]", "t in T")

    assert found(bad)["constraints[0].lhs"] == "outside-set"
    assert message(bad, "constraints[0].lhs").startswith("at t=1: x[0] does not exist")


@pytest.mark.parametrize(
    "forall", ["t in T if t >= 2", "t in T if t-1 in T", "t in T if not t == 1"]
)
def test_a_filter_makes_a_shifted_key_right(forall: str) -> None:
    assert "constraints[0].lhs" not in found(periods("x[t] - x[t-1]", forall))


def test_an_index_of_another_set_with_the_same_numbers_is_a_warning() -> None:
    [finding] = check(periods("x[u]", "u in U"))

    assert (finding.code, finding.severity) == ("wrong-index-set", "warning")


def test_units_are_silent_in_doubt() -> None:
    pairs = [("USD/unit", "USD"), (None, "kg"), ("kg", None), ("??", "kg"), ("", "kg")]
    for left, right in pairs:
        usual = model(
            variables=[variable("x", unit=left), variable("y", unit=right)],
            constraints=[constraint("x + y", "<=", "3"), constraint("60 * x", "<=", "y", name="b")],
        )
        assert [finding for finding in check(usual) if finding.code == "unit-mismatch"] == []


def test_numbers_given_as_arrays_replace_the_tables_of_the_model() -> None:
    bare = transport(data=[])
    data = {"cost": np.ones((2, 3)), "supply": [1, 2], "demand": np.array([1.0, 2.0, 3.0])}

    assert check(bare, data) == []
    assert found(bare, data | {"cost": np.ones((3, 2))}) == {"data['cost']": "wrong-size"}
    assert found(bare, data | {"supply": [1, "x"]}) == {"data['supply']": "not-finite"}
    assert found(bare, data | {"suply": [1]}) == {"data['suply']": "unknown-name"}


def test_a_bad_number_of_an_array_is_named_by_its_key() -> None:
    cost = np.ones((2, 3))
    cost[1, 2] = np.nan
    data = {"cost": cost, "supply": [1, 2], "demand": [1, 2, 3]}

    [finding] = check(transport(data=[]), data)

    assert (finding.path, finding.code) == ("data['cost'][5]", "not-finite")
    assert "['south', 'c']" in finding.message


class CountingArray(np.ndarray[Any, np.dtype[np.float64]]):
    """An array that counts how often one element is taken out of it."""

    taken = 0

    def __getitem__(self, place: Any) -> Any:
        CountingArray.taken += 1
        return super().__getitem__(place)


def test_a_large_table_is_not_walked_element_by_element() -> None:
    large = model(
        sets=[index_set("I", first=1, last=1000)],
        parameters=[parameter("c", ["I", "I"])],
        variables=[variable("x", ["I", "I"])],
        constraints=[constraint("sum(x[i, j] for j in I)", ">=", "1", "i in I")],
        objective=objective("sum(c[i, j] * x[i, j] for i in I for j in I)"),
    )
    table = np.ones((1000, 1000)).view(CountingArray)

    assert check(large, {"c": table}) == []
    assert CountingArray.taken < 20_000


def test_a_small_model_is_checked_without_numpy() -> None:
    code = (
        "import sys; from tests.support.parts import transport;"
        "from solvers_bridge.check import check; assert check(transport()) == [];"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
