"""Numbers of a text, in digits and in words."""

from __future__ import annotations

from fractions import Fraction

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


def test_the_nearest_forms_decide_as_all_of_them_would() -> None:
    scales = (1, 100, 60, 1000, 7, 12, 24)
    stated = (0.0, 0.3, 2 / 3, 1.0, 2.0, 7.5, 480.0, 1e6)
    close = (1.0, 1 + 0.5e-9, 1 - 0.5e-9, 1 + 3e-9, 1.01)
    values = {base * s * off for base in stated for s in scales for off in close}

    for origin in stated:
        forms = [origin, *([1 / origin] if origin else [])]
        forms += [1 - origin, 1 + origin] if origin < 1 else []
        all_forms = {form * s for form in forms for s in scales}
        all_forms |= {form / s for form in forms for s in scales}
        for value in values:
            same = any(abs(value - f) <= 1e-9 * max(1.0, value, f) for f in all_forms)
            assert matches(value, origin) is same, (value, origin)


def test_an_unused_quantity_is_not_accounted_for() -> None:
    stated = quantities("at most 480 hours")[0]

    assert accounted(stated, [3.0, 480.0])
    assert not accounted(stated, [3.0, 470.0])


def test_numbers_in_names_are_weak_and_amounts_are_not() -> None:
    text = "Machine 1 and machine 2 run; machine 1 needs 2 kg, machine 2 needs 5 kg."

    strong = [quantity.value for quantity in quantities(text) if not quantity.weak]

    assert strong == [2, 5]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Oven 2 bakes a hundred thousand rolls", [2, 100_000]),
        ("Machine 2 bakes 90 rolls", [90]),
        ("Machine 12 bakes 90 rolls", [12, 90]),
        ("Line 3% faster, group 2 times as large", [0.03, 2]),
        ("flour (2) and type-3 sugar in a 4-seater", []),
        ("a 30-minute walk to 3-times as many shops", [30, 3]),
        ("more than 0 scones, an amount equal to 0, yet 0 grams of salt", [0]),
        ("two and three hours, one hundred and ten minutes", [2, 3, 110]),
        ("their half-hour break, half the rye", [0.5]),
        ("a couple of tarts for the couple next door", [2]),
        ("1,5 and 1,500 and 2 billion", [1, 5, 1500, 2_000_000_000]),
        ("35 percent or 12.5 per cent", [0.35, 0.125]),
        ("quadruple the yeast, a tenth of it", [4, 0.1]),
    ],
)
def test_numbers_are_told_from_names_and_from_what_goes_without_saying(
    text: str, values: list[float]
) -> None:
    assert [quantity.value for quantity in quantities(text)] == pytest.approx(values)


def test_values_are_exact() -> None:
    assert [quantity.value for quantity in quantities("0.1 kg, a third, 7%")] == [
        Fraction(1, 10),
        Fraction(1, 3),
        Fraction(7, 100),
    ]


def test_what_is_written_holds_the_percent_sign() -> None:
    (found,) = quantities("It keeps 35 % of the rye.")

    assert found.written == "35 %"


@pytest.mark.parametrize(
    ("text", "percent", "ratio"),
    [
        ("30% of the pastries", True, True),
        ("a third of all pastries", True, True),
        ("1/4 of the total", True, True),
        ("a third of the number of tarts", False, True),
        ("twice the tarts", False, True),
        ("3 times as many tarts", False, True),
        ("3 times a day", False, False),
        ("5 dozen tarts", False, False),
        ("12 tarts", False, False),
    ],
)
def test_shares_and_multiples_are_told_from_amounts(text: str, percent: bool, ratio: bool) -> None:
    found = quantities(text)[0]

    assert (found.percent, found.ratio) == (percent, ratio)


@pytest.mark.parametrize(
    ("text", "soft"),
    [
        ("They bake two types of bread", [True]),
        ("A tart needs two eggs", [False]),
        ("A tart needs 40 grams of butter and two eggs", [False, False]),
        ("It takes two different flours", [True]),
        ("Two ovens and three tables are there", [True, True]),
        ("An oven for 1 tart", [True]),
        ("An oven with 1 door", [False]),
        ("They hire five bakers", [False]),
    ],
)
def test_counts_that_need_not_enter_a_model_are_soft(text: str, soft: list[bool]) -> None:
    assert [quantity.soft for quantity in quantities(text)] == soft


def test_weakness_is_about_names_and_bare_small_words() -> None:
    text = "Tank 1 holds 3 liters, tank 2 loses one percent of two mixes."

    weak = [quantity.written for quantity in quantities(text) if quantity.weak]

    assert weak == ["1", "2", "two"]


def test_a_number_after_a_verb_is_an_amount_although_the_word_may_name_machines_too() -> None:
    text = "Process 1 is old. A worker can process 5 cars."

    assert [quantity.value for quantity in quantities(text)] == [5]
