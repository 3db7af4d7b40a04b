"""Numbers as people write them in problems."""

from __future__ import annotations

import pytest

from benchmarks.datasets.numerals import number


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("$1,000", 1000),
        ("20.", 20),
        (".5", 0.5),
        ("30%", 0.3),
        ("thirty percent", 0.3),
        ("33 cents", 0.33),
        ("1/3", 1 / 3),
        ("a third", 1 / 3),
        ("two thirds", 2 / 3),
        ("half", 0.5),
        ("twice", 2),
        ("three times", 3),
        ("1.5 times", 1.5),
        ("one hundred thousand", 100_000),
        ("two hundred and five", 205),
        ("twenty-five", 25),
        ("2 million", 2_000_000),
        ("three thousand four hundred", 3400),
    ],
)
def test_a_number_in_words_or_digits_is_read(words, value) -> None:
    assert number(words) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("words", ["", "many", "of the", "as much as possible"])
def test_words_without_a_number_are_refused(words) -> None:
    with pytest.raises(ValueError, match="no number"):
        number(words)
