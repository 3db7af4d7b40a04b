"""Printed answers keep their digits; words, placeholders and lists mean what they say."""

from __future__ import annotations

import math

import pytest

from benchmarks.datasets import DatasetError
from benchmarks.datasets.printed import Printed, accepted, agree, plain, same_label


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.50", ("12.50",)),
        (Printed("12.50"), ("12.50",)),
        (3, ("3",)),
        (3.0, ("3",)),
        (0.1, ("0.1",)),
        ("1,234.5", ("1234.5",)),
        ("$ 40", ("40",)),
        ("-0.0", ("-0.0",)),
        ("4e35", ("4e35",)),
        ("Infeasible.", ("infeasible",)),
        ("No Best Solution", ("infeasible", "unbounded")),
        (["1.0", 2, "infeasible", "1.0"], ("1.0", "2", "infeasible")),
        (None, ()),
        ("", ()),
        ("None", ()),
        ("-99999", ()),
        (-99999.0, ()),
        ([None, "-99999"], ()),
    ],
)
def test_an_answer_is_read_as_printed(value, expected) -> None:
    assert accepted(value) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1e999999999", "'1e999999999' is not a finite number"),
        ("9" * 5000, f"'{'9' * 60}' of 5000 characters is not a finite number"),
        (Printed("9" * 400), "of 400 characters is not a finite number"),
        (10**400, "too long for a float"),
        (math.nan, "'nan' is not a finite number"),
        (-math.inf, "'-inf' is not a finite number"),
        ([5, math.inf], "'inf' is not a finite number"),
        (True, "true is neither a number"),
    ],
)
def test_values_that_are_no_answer_are_refused_by_name(value, shown) -> None:
    with pytest.raises(DatasetError, match=shown):
        accepted(value)


@pytest.mark.parametrize("value", ["about 5", "x = 3", "5 6", "10%", "NaN"])
def test_words_that_are_no_answer_are_refused(value) -> None:
    with pytest.raises(DatasetError, match="neither a number nor a word"):
        accepted(value)


def test_computed_numbers_are_written_shortest() -> None:
    assert [plain(x) for x in (880.0, 0.5, -2.0, 1e300)] == ["880", "0.5", "-2", "1e+300"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2333.33", "2333.3333", True),
        ("1000", "1001", True),
        ("1000", "1002", False),
        ("0.60", "0.6075", True),
        ("0.5", "0.52", False),
        ("infeasible", "infeasible", True),
        ("infeasible", "unbounded", False),
        ("0", "infeasible", False),
    ],
)
def test_labels_agree_within_a_cent_or_a_thousandth(one, other, same) -> None:
    assert same_label(one, other) is same


def test_sources_agree_when_one_answer_of_each_does() -> None:
    assert agree(("1", "2"), ("3", "2.0"))
    assert not agree(("1",), ())
