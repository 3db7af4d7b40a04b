"""Numbers of a text, in digits and in words."""

from __future__ import annotations

import pytest

from opto.modeling.quantities import accounted, matches, quantities


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("at least 15% of 1,200 units", [0.15, 1200]),
        ("thirty percent of one hundred and twenty thousand", [0.3, 120_000]),
        ("twenty-five trucks, twice as many cars", [25, 2]),
        ("a third of the cake, two thirds, half of it", [1 / 3, 2 / 3, 0.5]),
        ("1/4 of 2.5 million", [0.25, 2_500_000]),
        ("costs $0.75 and .5 kg, 40k", [0.75, 0.5, 40_000]),
        ("three hundred dozen", [300, 12]),
        ("model x12 and B2B sell well", []),
        ("3-5 days", [3, 5]),
    ],
)
def test_quantities_are_read_in_order(text: str, values: list[float]) -> None:
    assert [quantity.value for quantity in quantities(text)] == pytest.approx(values)


def test_a_quantity_knows_where_it_stands() -> None:
    text = "Each truck carries 1,200 kg."

    (found,) = quantities(text)

    assert text[found.start : found.end] == "1,200"
    assert not found.weak


def test_one_and_two_in_words_are_weak() -> None:
    assert [quantity.weak for quantity in quantities("one of two machines, three shifts")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("value", "stated", "same"),
    [
        (0.7, 0.3, True),
        (30, 0.3, True),
        (120, 2, True),
        (-4, 4, True),
        (5, 4, False),
        (0, 9, False),
    ],
)
def test_a_number_in_a_model_may_be_a_usual_form_of_the_stated_one(
    value: float, stated: float, same: bool
) -> None:
    assert matches(value, stated) is same


def test_an_unused_quantity_is_not_accounted_for() -> None:
    stated = quantities("at most 480 hours")[0]

    assert accounted(stated, [3.0, 480.0])
    assert not accounted(stated, [3.0, 470.0])


def test_numbers_in_names_are_weak_and_amounts_are_not() -> None:
    text = "Machine 1 and machine 2 run; machine 1 needs 2 kg, machine 2 needs 5 kg."

    strong = [quantity.value for quantity in quantities(text) if not quantity.weak]

    assert strong == [2, 5]
