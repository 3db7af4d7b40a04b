"""Our own problems: every gold form gives the printed answer, and they ship."""

from __future__ import annotations

from importlib.resources import files

from benchmarks.datasets import load
from benchmarks.datasets.forms import optimum
from benchmarks.datasets.printed import agree

VERSION = {"real": "continuous_strict", "integer": "integer_strict"}


def test_every_gold_form_gives_the_printed_answer() -> None:
    for item in load("demo"):
        assert item.gold_model is not None
        solved = optimum(item.gold_model, VERSION[item.gold_model["domain"]])
        assert agree(item.accepted, (solved,)), item.id


def test_there_are_linear_and_integer_problems_and_both_ways_to_have_no_optimum() -> None:
    demo = load("demo")

    assert len(demo) == 10
    assert {item.kind for item in demo} == {"lp", "milp"}
    words = sorted(answer for item in demo for answer in item.accepted if answer.isalpha())
    assert words == ["infeasible", "unbounded"]


def test_the_numbers_of_a_form_stand_in_its_text() -> None:
    """A form made for another text would not pass: limits above 5 are quoted in the question."""
    for item in load("demo"):
        assert item.gold_model is not None
        said = item.question.replace(",", "")
        for row in item.gold_model["rows"]:
            assert row["rhs"] <= 5 or f"{row['rhs']:g}" in said, (item.id, row)


def test_the_problems_are_part_of_the_package() -> None:
    assert files("benchmarks.datasets").joinpath("demo.jsonl").is_file()
