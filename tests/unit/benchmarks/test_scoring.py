"""A score that cannot be talked into being right."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from decimal import Decimal

import pytest

from benchmarks.items import ItemResult
from benchmarks.scoring import (
    CLASSES,
    MEANINGS,
    error_class,
    is_guess,
    is_right,
    mcnemar,
    paired_difference,
    pass_at_k,
    verdicts,
    wilson,
)
from benchmarks.scoring.statistics import quantile
from benchmarks.scoring.verdict import gold_status, half_unit


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        (3000.0, 3000.0, True),
        (3000.2, 3000.0, True),
        (3000.4, 3000.0, False),
        (888.89, 880.0, False),
        (0.61, 0.6075, False),
        (12.345, 12.3, True),
        (12.36, 12.3, False),
        (1.0, 0.0, False),
        (1e-7, 0.0, True),
        (None, 0.0, False),
        (None, "infeasible", False),
        ("infeasible", "infeasible", True),
        ("unbounded", "infeasible", False),
        ("infeasible", 5.0, False),
        (float("nan"), 5.0, False),
    ],
)
def test_the_main_rule(answer: float | str | None, gold: float | str, right: bool) -> None:
    assert is_right(answer, gold) is right


@pytest.mark.parametrize(
    ("answer", "printed", "expected"),
    [
        # strict, main, lenient
        (12.5, "12.50", "SML"),
        (12.604, "12.60", "-ML"),
        (12.606, "12.60", "--L"),
        (12.64, "12.6", "-ML"),
        (12.504, "12.50", "-M-"),  # 13 against 12: rounding first is not even lenient
        (3000.0029, "3000", "SML"),
        (3000.29, "3000", "-ML"),
        (3140.0, "3000", "--L"),
        (3151.0, "3000", "---"),
        (0.6, "0.6075", "--L"),
        (-3000.0, "3000", "---"),
        (3000.0, "-3000", "---"),
        (180000.0, "3000", "---"),
        (1250.0, "1,250.5", "--L"),
        (0.0, "0", "SML"),
        (0.4, "0", "--L"),
        (3000.0, "n/a", "---"),
        (float("inf"), "inf", "---"),
        (float("nan"), "nan", "---"),
        (1000.0, "1_000", "---"),
        (12.0, "1,2", "---"),
        ("infeasible", "Infeasible ", "SML"),
        ("unbounded", "infeasible", "---"),
        ("infeasible", "no best solution", "SML"),
        ("no best solution", "unbounded", "--L"),
        ("no best solution", "No Best Solution", "SML"),
        ("whatever", "whatever", "---"),
        ("3000", "3000", "---"),
        (None, "none", "---"),
    ],
)
def test_three_verdicts(answer: float | str | None, printed: str, expected: str) -> None:
    given = verdicts(answer, [printed])

    said = "".join(letter if right else "-" for letter, right in zip("SML", given, strict=True))
    assert said == expected


@pytest.mark.parametrize(
    ("printed", "half"),
    [
        ("12.50", 0.005),
        ("12.5", 0.05),
        ("12.0", 0.0),
        ("12.00", 0.005),
        ("12", 0.0),
        ("1200", 0.0),
        ("1.25e3", 0.0),
        ("4E5", 0.0),
        ("1.2345e2", 0.005),
        ("6.075e-1", 0.00005),
        ("-0.3", 0.05),
    ],
)
def test_the_printed_form_says_how_exact_a_gold_answer_is(printed: str, half: float) -> None:
    assert math.isclose(half_unit(Decimal(printed)), half)


def test_any_accepted_answer_will_do_and_without_one_nothing_is_right() -> None:
    assert verdicts(7.0, ["infeasible", "5", "7"]).main
    assert verdicts("infeasible", ["5", "infeasible"]).strict
    assert not any(verdicts(7.0, []))
    assert not any(verdicts(None, []))


def test_statuses_of_gold_answers() -> None:
    assert gold_status(["12.5"]) == "optimal"
    assert gold_status(["Unbounded"]) == "unbounded"
    assert gold_status(["12.5", "infeasible"]) == "infeasible or optimal"
    assert gold_status(["No Best Solution"]) == "infeasible or unbounded"
    assert gold_status(["about 5"]) == "other"
    assert gold_status([]) == "missing"


@pytest.mark.parametrize("factor", [-1.0, 60.0, 1 / 60, 100.0, 0.01, 1.1, 0.9])
@pytest.mark.parametrize("gold", [3000.0, 12.5, 0.6075, 1e7])
def test_no_rule_forgives_a_sign_or_a_unit(gold: float, factor: float) -> None:
    given = verdicts(gold * factor, [repr(gold)])

    assert not given.strict
    assert not given.main
    # ORLM's rule cannot see a factor on numbers that round to 0 or 1
    assert not given.lenient or abs(gold * factor) < 1.5


def test_a_verdict_costs_microseconds() -> None:
    result = sample(answer=12.3, accepted=("1234.50", "infeasible"), status="optimal")
    began = time.perf_counter()
    for _ in range(1000):
        verdicts(result.answer, result.accepted)
        error_class(result)

    assert time.perf_counter() - began < 0.2  # 0.2 ms each


def test_the_cheap_half_loads_neither_numpy_nor_a_solver() -> None:
    code = (
        "import sys, benchmarks.scoring; print({'numpy', 'highspy', 'pydantic'} & set(sys.modules))"
    )

    said = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "set()"


def test_the_interval_of_ten_in_forty() -> None:
    low, high = wilson(10, 40)

    assert (round(low, 3), round(high, 3)) == (0.142, 0.402)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_exact_paired_test() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 5) == 2 / 32
    assert mcnemar(12, 2) == mcnemar(2, 12) == pytest.approx(2 * (1 + 14 + 91) / 2**14)
    assert mcnemar(3000, 2000) < 1e-40


def test_the_paired_difference_is_that_of_the_published_example() -> None:
    difference, (low, high) = paired_difference(36, 12, 2, 0)

    # Newcombe (1998), table of worked examples: method 10
    assert difference == pytest.approx(0.2)
    assert (round(low, 4), round(high, 4)) == (0.0569, 0.3404)
    assert paired_difference(0, 0, 0, 0) == (0.0, (-1.0, 1.0))
    low, high = paired_difference(20, 4, 4, 2)[1]
    assert low == pytest.approx(-high)


def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_one() -> None:
    assert pass_at_k(8, 2, 1) == pytest.approx(2 / 8)
    assert pass_at_k(4, 2, 2) == pytest.approx(5 / 6)
    assert pass_at_k(4, 3, 2) == 1.0
    assert pass_at_k(4, 0, 4) == 0.0


def test_quantiles_are_values_that_were_seen() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 2
    assert quantile([1, 2, 3, 4], 0.95) == 4
    assert quantile([7], 0.5) == 7


def sample(**given) -> ItemResult:
    facts = {
        "id": "a", "set": "s", "sample": 0, "accepted": ("10",), "status": "optimal",
        "answer": 11.0, "strict": False, "main": False, "lenient": False,
    }  # fmt: skip
    return ItemResult(**(facts | given))


def doubts(*codes: str) -> tuple[dict[str, str], ...]:
    return tuple({"code": code, "path": "", "message": ""} for code in codes)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"main": True, "answer": 10.0}, None),
        ({"accepted": ()}, None),
        ({"status": "no answer", "answer": None}, "no-answer"),
        ({"status": "no model", "answer": None}, "no-model"),
        (
            {"status": "not solved", "answer": None, "findings": doubts("unknown-name")},
            "invalid-model",
        ),
        (
            {"status": "not solved", "answer": None, "findings": doubts("bridge.solver")},
            "invalid-model",
        ),
        (
            {"status": "not solved", "answer": None, "findings": doubts("number-unused")},
            "not-solved",
        ),
        ({"status": "infeasible", "answer": "infeasible"}, "status"),
        ({"accepted": ("infeasible",)}, "status"),
        ({"accepted": ("infeasible",), "answer": "unbounded"}, "other"),
        ({"answer": 600.0}, "unit"),
        ({"answer": 0.01}, "unit"),
        ({"answer": -10.0}, "objective"),
        ({"findings": doubts("number-unused", "direction")}, "direction"),
        ({"findings": doubts("unit-mismatch")}, "unit"),
        ({"findings": doubts("quote-not-found", "number-unused")}, "missing-constraint"),
        ({"findings": doubts("number-unknown")}, "coefficient"),
        ({"findings": doubts("number-unused", "number-unknown")}, "coefficient"),
        ({"findings": doubts("number-unused", "number-unknown", "direction")}, "direction"),
        ({"answer": 0.0, "findings": doubts("all-zero")}, "objective"),
        ({"findings": doubts("quote-not-found")}, "other"),
    ],
)
def test_classes_of_errors_without_a_gold_model(given, expected) -> None:
    assert error_class(sample(**given)) == expected


def test_a_class_is_a_guess_where_no_gold_model_and_no_status_decides_it() -> None:
    assert is_guess("coefficient", gold_model=False)
    assert not is_guess("coefficient", gold_model=True)
    assert not is_guess("no-model", gold_model=False)
    assert not is_guess(None, gold_model=False)


def test_every_class_is_put_in_words() -> None:
    assert tuple(MEANINGS) == CLASSES


def test_the_twin_says_that_only_whole_numbers_are_at_stake() -> None:
    assert error_class(sample(answer=10.4), twin=10.0) == "wrong-domain"
    assert error_class(sample(answer=10.4), twin=10.0, closed=10.0) == "strict-word"
    assert error_class(sample(answer=10.4), twin=10.0, closed=11.0) == "wrong-domain"
    assert error_class(sample(answer=10.4), twin=10.4) == "other"
