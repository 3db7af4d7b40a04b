"""One try on a page: the verdict first, then what explains it."""

from __future__ import annotations

import pytest

from benchmarks.items import Item
from benchmarks.report.one import gold_lines, one_line, one_page

GOLD = {
    "vars": ["chairs", "tables"],
    "sense": "max",
    "c": [5, -1],
    "offset": 3,
    "domain": ["integer", "real"],
    "rows": [
        {"coef": [2, 3], "op": "<=", "rhs": 60, "strict": False},
        {"coef": [1, 0], "op": ">=", "rhs": 10.5, "strict": True},
        {"coef": [0, 0], "op": "=", "rhs": 0},
    ],
}
ANSWER = {
    "model": {
        "name": "m",
        "variables": [{"name": "x", "domain": "integer", "lower": 0, "upper": None}],
        "objective": {"sense": "max", "expr": "5*x", "quote": "", "meaning": "profit"},
        "constraints": [],
    },
    "solution": [{"variable": "x", "key": ["a", 1], "value": 4.0, "unit": "chairs"}],
}


@pytest.fixture
def item():
    return Item(id="p", set="toy", question="How many\nchairs?", accepted=("14",), gold_model=GOLD)


def test_the_headline_says_verdict_answer_accepted_and_what_the_class_means(tried) -> None:
    finding = {"code": "number-unused", "path": "", "message": "no 30"}
    page = one_page(
        tried("p", 12.5, "14", "15", error="coefficient", findings=(finding,)), None, None
    )

    head = page.splitlines()
    assert head[0] == "p: wrong"
    assert "answer    12.5" in head[1]
    assert "accepted  14 or 15" in head[2]
    assert (
        "coefficient (a guess, without a gold model): a number of the model is another" in head[4]
    )
    assert "because   number-unused: no 30" in head[5]


def test_right_and_without_a_gold_answer_are_said_too(tried) -> None:
    assert one_page(tried("p", 14.0, "14"), None, None).startswith("p: right\n")
    bare = one_page(tried("p", 14.0), None, None)
    assert bare.startswith("p: no gold answer\n")
    assert "the set has no answer" in bare


def test_of_several_samples_it_says_which(tried) -> None:
    third = tried("p", None, "14", sample=2, error="no-model")

    assert one_page(third, None, None, samples=4).startswith("p, sample 2 (of 0 to 3): wrong")
    assert one_line(third, samples=4).startswith("p sample 2  no-model: None for 14")
    assert one_line(third, samples=1).startswith("p  no-model: None for 14")


def test_a_class_that_a_gold_model_confirms_is_no_guess(tried) -> None:
    known = tried("p", 1.0, "14", error="unit", declarations={"errors": 1, "declared": 3})

    assert "guess" not in one_line(known, samples=1) + one_page(known, None, None)


def test_question_model_solution_and_gold_model_follow(tried, item) -> None:
    page = one_page(tried("p", 12.0, "14"), ANSWER, item)

    order = [
        "Question\n  How many\n  chairs?",
        "Model\n",
        "5·x",
        "Solution\n  x[a, 1] = 4 chairs",
        "Gold",
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)


def test_a_model_of_another_version_is_no_fault(tried, item) -> None:
    page = one_page(tried("p", 12.0, "14"), {"model": {"x": 1}, "solution": []}, item)

    assert "in a form of another version" in page


def test_a_gold_model_reads_as_algebra() -> None:
    assert gold_lines(GOLD) == [
        "maximize  5 chairs - tables + 3",
        "  2 chairs + 3 tables <= 60",
        "  chairs > 10.5",
        "  0 = 0",
        "  chairs integer, tables real",
    ]
    assert gold_lines(GOLD | {"domain": "real", "offset": 0})[-1] == "  all real"
