"""A gold form that is not one is left out and named; its problem is judged on its answer."""

from __future__ import annotations

import json

import pytest

from benchmarks.audit import run_audit
from benchmarks.datasets import DatasetError, load
from benchmarks.running.judge import Facts, judged
from opto.llm.budget import Spent

FORM = {
    "vars": ["carts", "horses"],
    "sense": "max",
    "c": [10, 0],
    "rows": [
        {"coef": [1, -1], "op": "<=", "rhs": 0, "strict": True},
        {"coef": [0, 1], "op": "<=", "rhs": 3},
    ],
}
"""30: as many carts as horses."""


def broken_row(**fields):
    return {**FORM, "rows": [FORM["rows"][0], {**FORM["rows"][1], **fields}]}


SIZES = ", and solvers take 0 or 1e-09 to 1e+15 in size"
MISFITS = [
    ("as said", "gold_lp is 'as said', not an object"),
    ([1], "gold_lp is a list of 1, not an object"),
    ({"x": 1}, "gold_lp.vars is missing, not a list of names"),
    ({**FORM, "vars": 2}, "gold_lp.vars is 2, not a list of names"),
    ({**FORM, "vars": [], "c": []}, "gold_lp.vars is a list of 0, not a list of names"),
    ({**FORM, "sense": "up"}, "gold_lp.sense is 'up', not max or min"),
    ({**FORM, "sense": ["max"]}, "gold_lp.sense is a list of 1, not max or min"),
    ({**FORM, "c": [10]}, "gold_lp.c has 1 numbers for 2 variables"),
    ({**FORM, "c": "10, 0"}, "gold_lp.c is '10, 0', not a list of numbers"),
    ({**FORM, "c": ["a", 1]}, "gold_lp.c[0] is 'a', not a number"),
    ({**FORM, "c": [True, 1]}, "gold_lp.c[0] is True, not a number"),
    ({**FORM, "c": [float("nan"), 1]}, "gold_lp.c[0] is nan, not a number"),
    ({**FORM, "c": [10**400, 1]}, f"gold_lp.c[0] is 1{'0' * 39}…, not a number"),
    ({**FORM, "c": [1e300, 1]}, f"gold_lp.c[0] is 1e+300{SIZES}"),
    (broken_row(coef=[0, 1e-12]), f"gold_lp.rows[1].coef[1] is 1e-12{SIZES}"),
    (broken_row(rhs=-1e20), f"gold_lp.rows[1].rhs is -1e+20{SIZES}"),
    ({**FORM, "offset": None}, "gold_lp.offset is None, not a number"),
    ({**FORM, "domain": "complex"}, "gold_lp.domain says 'complex', not integer or real"),
    ({**FORM, "domain": ["real", 1]}, "gold_lp.domain says 1, not integer or real"),
    ({**FORM, "domain": ["real"]}, "gold_lp.domain has 1 entries for 2 variables"),
    ({**FORM, "rows": {}}, "gold_lp.rows is an object of 0, not a list"),
    ({**FORM, "rows": ["x <= 3"]}, "gold_lp.rows[0] is 'x <= 3', not an object"),
    (broken_row(coef=[0, 1, 2]), "gold_lp.rows[1].coef has 3 numbers for 2 variables"),
    (broken_row(coef=None), "gold_lp.rows[1].coef is None, not a list of numbers"),
    (broken_row(op="~"), "gold_lp.rows[1].op is '~', not <=, >= or ="),
    (broken_row(op=["<="]), "gold_lp.rows[1].op is a list of 1, not <=, >= or ="),
    (broken_row(rhs=None), "gold_lp.rows[1].rhs is None, not a number"),
    (broken_row(strict="no"), "gold_lp.rows[1].strict is 'no', not true or false"),
    (broken_row(op="\x1b[31m"), "gold_lp.rows[1].op is '\\x1b[31m', not <=, >= or ="),
]


@pytest.fixture
def written(tmp_path):
    def write(*records):
        file = tmp_path / "set.jsonl"
        file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(("form", "trouble"), MISFITS)
def test_a_form_that_does_not_fit_is_left_out_and_its_problem_kept(written, form, trouble) -> None:
    dataset = load(written({"id": "p7", "question": "Q?", "answer": 30, "gold_lp": form}))

    (item,) = dataset
    assert (item.accepted, item.gold_model) == (("30",), None)
    assert f"1 with a gold form that does not fit and is left out: p7: {trouble}" in dataset.notes


@pytest.mark.parametrize(("form", "trouble"), MISFITS)
def test_an_audit_goes_on_without_a_form_that_does_not_fit(written, form, trouble) -> None:
    audit = run_audit(
        written(
            {"id": "p7", "question": "Q?", "answer": 30, "gold_lp": form},
            {"id": "p8", "question": "R?", "answer": 30, "gold_lp": FORM},
        )
    )

    assert (audit.agreeing, audit.without_model) == (1, 1)
    assert audit.notes == (f"p7: {trouble}, left out",)
    assert audit.to_json()["notes"] == list(audit.notes)
    assert "Note: p7: gold\\_lp" in audit.to_markdown()


def test_a_right_answer_stays_right_beside_a_broken_form(written) -> None:
    form = {**FORM, "c": [10]}
    (item,) = load(written({"id": "p", "question": "Q?", "answer": 30, "gold_lp": form}))

    result = judged(item, 0, Facts("optimal", "p", value=30.0), spent=Spent(), seconds=0.1)

    assert (result.main, result.error, result.same_model) == (True, None, None)


def test_an_answer_version_of_broken_forms_alone_says_what_is_broken(written) -> None:
    file = written({"id": "p", "question": "Q?", "answer": 30, "gold_lp": {**FORM, "sense": "up"}})

    with pytest.raises(DatasetError) as loaded:
        load(file, answers="integer")
    with pytest.raises(DatasetError) as audited:
        run_audit(file)

    assert "p: gold_lp.sense is 'up'" in loaded.value.where
    assert "p: gold_lp.sense is 'up'" in audited.value.where


@pytest.mark.parametrize("value", ["maybe", None, True, [30], float("inf")])
def test_a_recorded_optimum_that_is_none_is_left_out(written, value) -> None:
    record = {"id": "p", "question": "Q?", "answer": 30, "solved": {"integer": value}}

    dataset = load(written(record))

    assert dataset.items[0].accepted == ("30",)
    assert any(note.partition(": ")[2].startswith("p: solved.integer") for note in dataset.notes)


def test_rows_may_leave_strict_out_and_spell_operators_as_programs_do(written) -> None:
    form = {
        **FORM,
        "rows": [{"coef": [1, -1], "op": "==", "rhs": 0}, broken_row(op="<")["rows"][1]],
    }
    file = written({"id": "p", "question": "Q?", "answer": 99, "gold_lp": form})

    (item,) = load(file, answers="any")

    assert item.accepted == ("30", "20")
    assert [(row["op"], row["strict"]) for row in item.gold_model["rows"]] == [
        ("=", False),
        ("<=", True),
    ]


def test_the_offset_of_a_form_is_part_of_its_optimum(written) -> None:
    form = {**FORM, "offset": 5.5}
    file = written({"id": "p", "question": "Q?", "answer": 35.5, "gold_lp": form})

    assert load(file, answers="integer").items[0].accepted == ("35.5",)
    assert run_audit(file, versions=["integer"]).agreeing == 1
