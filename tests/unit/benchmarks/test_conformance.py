"""The conformance command agrees with true records and fails on a false one."""

from __future__ import annotations

import json

import pytest

from benchmarks.conformance.__main__ import main
from benchmarks.conformance.nl4opt import model_of, run

FORM = {
    "vars": ["loaves", "cakes"],
    "sense": "max",
    "c": [3.0, 7.0],
    "rows": [
        {"coef": [2.0, 5.0], "op": "<=", "rhs": 24.0, "direction": "at most", "strict": False},
        {"coef": [-1.0, 1.0], "op": "<=", "rhs": 0.0, "direction": "less", "strict": True},
    ],
}
TRUE = {
    "continuous": 24 * 3 / 2,
    "integer": 36.0,
    "continuous_strict": 36.0,
    "integer_strict": 36.0,
}
ENDLESS = {**FORM, "rows": FORM["rows"][1:]}
IMPOSSIBLE = {
    **FORM,
    "rows": [*FORM["rows"], {**FORM["rows"][0], "op": ">=", "rhs": 30.0}],
}


@pytest.fixture
def records(tmp_path):
    def write(*items):
        file = tmp_path / "forms.jsonl"
        lines = [
            json.dumps({"id": f"form{i}", "gold_lp": form, "solved": solved})
            for i, (form, solved) in enumerate(items)
        ]
        file.write_text("\n".join(lines), encoding="utf-8")
        return file

    return write


def test_true_records_pass(records, capsys) -> None:
    file = records(
        (FORM, TRUE),
        (ENDLESS, dict.fromkeys(TRUE, "unbounded")),
        (IMPOSSIBLE, dict.fromkeys(TRUE, "infeasible")),
    )

    code = main(["nl4opt", "--data", str(file), "--no-second"])

    summary = json.loads(capsys.readouterr().out)
    assert code == 0
    assert summary["agreed"] == dict.fromkeys(TRUE, 3)


@pytest.mark.parametrize("variant", ["continuous", "integer", "integer_strict"])
def test_a_false_record_is_listed_and_fails(records, capsys, variant) -> None:
    file = records((FORM, {**TRUE, variant: 37.0}))

    code = main(["nl4opt", "--data", str(file), "--no-second", "--json"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert json.loads(lines[1])["variant"] == variant
    assert json.loads(lines[1])["got"] == 36.0


def test_strict_rows_over_reals_are_reported_but_do_not_decide(records) -> None:
    report = run(records((FORM, {**TRUE, "continuous_strict": 0.0})), second=False)

    assert report.passed
    assert [miss.variant for miss in report.misses()] == ["continuous_strict"]


def test_a_miss_that_comes_from_the_margin_of_the_record_is_explained(records) -> None:
    form = {**FORM, "sense": "min", "rows": [{**FORM["rows"][1], "coef": [-1.0, 0.0]}]}
    recorded = dict.fromkeys(TRUE, 0.0) | {"integer_strict": 3.0, "continuous_strict": 3e-5}

    (truly,) = run(records((form, recorded)), second=False).misses()
    (moved,) = run(
        records(({**form, "c": [30.0, 7.0]}, recorded | {"integer_strict": 30.0})), second=False
    ).misses()

    assert truly.why.endswith("(not as recorded)")
    assert moved.why.endswith("(as recorded)")


def test_no_forms_are_no_success(records) -> None:
    assert not run(records(), second=False).passed


def test_strict_rows_become_strict_relations_only_when_asked() -> None:
    relations = [
        [row.relation for row in model_of(FORM, domain="real", strict=strict).constraints]
        for strict in (False, True)
    ]

    assert relations == [["<=", "<="], ["<=", "<"]]
