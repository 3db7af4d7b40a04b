"""The rules that narrow what the model may answer, each on a sentence of its own."""

from __future__ import annotations

from fractions import Fraction

import pytest

from opto.modeling.guided.comparisons import limit_choices
from opto.modeling.guided.directions import direction, limit_places, listed_places
from opto.modeling.guided.goal import goal_choices, goal_quote, goal_sense
from opto.modeling.guided.known import Known
from opto.modeling.guided.naming import is_whole, measured_in, read_variables
from opto.modeling.guided.places import quote, show, snippet, words_behind
from opto.modeling.guided.table import Entry, measure_words, read_table, sums, table_grammar
from opto.modeling.guided.text import limits

CAKES = {"scone": "number of scones", "tart": "number of tarts"}
TRIPLE = {**CAKES, "bun": "number of buns"}
MEASURES = {"butter": {"butter"}, "cost": {"cost"}}


def choices(
    text: str,
    *,
    variables: dict[str, str] = CAKES,
    measures: dict[str, set[str]] = MEASURES,
) -> list[str]:
    return limit_choices(Known(text, variables, measures), limits(text)[0])


@pytest.mark.parametrize(
    ("text", "sense"),
    [
        ("They must bake at least 12 tarts.", ">="),
        ("They cannot bake more than 12 tarts.", "<="),
        ("There are 12 trays and 9 racks available.", "<="),
        ("The shelter needs 12 blankets.", ">="),
        ("The oven runs for 12 hours.", "<="),
        ("Bake more tarts than scones.", ">"),
        ("The recipe has 12 steps, so use 30% rye.", "<="),
        ("Each tray holds 12 tarts.", None),
    ],
)
def test_direction_comes_from_comparison_words_then_from_having_or_needing(
    text: str, sense: str | None
) -> None:
    assert direction(text, limits(text)[0]) == sense


def test_a_number_in_a_list_shares_the_direction_of_the_one_before_it() -> None:
    text = "The bakery owns 12 trays and 9 racks."

    assert direction(text, limits(text)[1]) == "<="


def test_numbers_that_comparison_words_govern_are_not_listed() -> None:
    text = "A tart needs 35 grams. They bake at least 12 tarts and twice as many scones as tarts."

    assert [place.number.value for place in listed_places(text)] == [35]
    assert [place.start for place in limit_places(text, totals=[False])] == [42, 55]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("At least 30% of the pastries must be tarts.", "tart >= 0.3*count"),
        ("There must be at least three times as many scones as tarts.", "scone >= 3*tart"),
        ("The number of tarts must be at most half the number of scones.", "tart <= 0.5*scone"),
        ("There must be fewer tarts than scones.", "tart < scone"),
        ("The number of scones must not exceed the number of tarts.", "scone <= tart"),
        ("At most 40 scones can be sold.", "scone <= 40"),
        ("At least 25 kg of butter must be used.", "butter >= 25"),
        ("There are 500 trays for scones and tarts.", "count <= 500"),
        ("At most $80 can be spent.", "cost <= 80"),
        ("At least 5 of each type must be baked.", "scone >= 5 and tart >= 5"),
        ("At most 40 pastries in total can be sold.", "count <= 40"),
    ],
)
def test_one_answer_is_left_where_the_words_say_it(text: str, answer: str) -> None:
    assert choices(text) == [answer]


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("At least 12 must be chilled.", {"butter >= 12", "cost >= 12", "count >= 12"}),
        ("At most 30% must be chilled.", {"scone <= 0.3*count", "tart <= 0.3*count"}),
        ("There must be at least twice as many.", {"scone >= 2*tart", "tart >= 2*scone"}),
    ],
)
def test_all_answers_are_offered_where_the_words_leave_it_open(text: str, some: set[str]) -> None:
    assert set(choices(text)) == some


def test_a_place_without_comparison_words_may_state_no_limit() -> None:
    assert choices("It was founded 80 years ago.")[-1] == "none"


def test_two_of_three_variables_together_can_be_limited() -> None:
    found = choices("At most 40 scones and tarts can be sold.", variables=TRIPLE)

    assert "scone + tart <= 40" in found


def test_money_spread_over_the_variables_is_everything_together() -> None:
    funds = {"stock": "dollars in stocks", "bond": "dollars in bonds"}

    found = choices("He has $9000 to invest.", variables=funds, measures={"return": {"return"}})

    assert found == ["count <= 9000"]


@pytest.mark.parametrize(
    ("text", "said", "sense"),
    [
        ("They bake 3 tarts. How many maximize profit?", "maximize profit?", "maximize"),
        ("Bake 3 tarts. What has the lowest cost?", "What has the lowest cost?", "minimize"),
        ("If 3 tarts are baked, how many cost as little as possible?",
         "how many cost as little as possible?", "minimize"),
        ("What is the minimum number of tarts? Use at least 3.",
         "What is the minimum number of tarts?", "minimize"),
        ("Bake 3 tarts. What is best?", "What is best?", None),
    ],
)  # fmt: skip
def test_the_goal_is_the_last_clause_that_states_one(
    text: str, said: str, sense: str | None
) -> None:
    assert goal_quote(text).endswith(said)
    assert goal_sense(text) == sense


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Minimize the cost.", ["minimize cost"]),
        ("Minimize the number of tarts.", ["minimize tart"]),
        ("Maximize the number of pastries.", ["maximize count"]),
        ("Maximize joy.", ["maximize butter", "maximize cost", "maximize scone", "maximize tart",
                           "maximize count"]),
    ],
)  # fmt: skip
def test_the_goal_is_a_measure_a_variable_or_everything(text: str, found: list[str]) -> None:
    assert goal_choices(Known(text, CAKES, MEASURES), []) == found


def test_the_only_measure_nothing_limits_is_the_goal() -> None:
    known = Known("Maximize joy.", CAKES, MEASURES)

    assert goal_choices(known, ["cost <= 3", "scone <= 4"]) == ["maximize butter"]


def test_totals_and_goals_are_no_variables() -> None:
    reply = "scone: number of scones\ntart: number of tarts\ntotal: all pastries\nz: profit made"

    assert read_variables(reply) == CAKES


def test_names_that_are_not_in_their_meaning_are_replaced() -> None:
    reply = "red: number of trays\nfor: number for sale\ntart: number of tarts"

    assert list(read_variables(reply)) == ["tray", "sale", "tart"]


def test_names_that_would_be_taken_get_a_number() -> None:
    assert list(read_variables("x: big tray\nyes: big tray")) == ["x", "big_tray"]
    assert list(read_variables("if: if one\nno: 3")) == ["v1_if", "v2_3"]


@pytest.mark.parametrize(
    ("meaning", "text", "whole", "unit"),
    [
        ("number of vans", "", True, None),
        ("kilograms of rye", "", False, "kilograms"),
        ("kilograms of rye", "The kilograms should be integers.", True, "kilograms"),
        ("amount of rye", "", False, None),
    ],
)
def test_counted_things_are_whole(meaning: str, text: str, whole: bool, unit: str | None) -> None:
    assert is_whole(meaning, text) is whole
    assert measured_in(meaning) == unit


def table(text: str, reply: str, variables: dict[str, str] = CAKES) -> list[Entry]:
    return read_table(reply, text, places=listed_places(text), variables=variables)


def test_two_numbers_of_one_measure_and_variable_are_told_apart_by_their_words() -> None:
    text = "A tart needs 35 grams of butter and 40 grams of flour."

    entries = table(text, "35 grams per tart\n40 grams per tart")

    assert [entry.line for entry in entries] == ["35 butter per tart", "40 flour per tart"]


def test_singular_and_plural_are_one_measure() -> None:
    text = "A tart needs 35 eggs. A scone needs 1 egg."

    entries = table(text, "35 eggs per tart\n1 egg per scone")

    assert sums(entries) == {"eggs": {"tart": Fraction(35), "scone": Fraction(1)}}


def test_a_measure_cannot_have_the_name_of_a_variable() -> None:
    text = "A box holds 6 tarts."

    assert table(text, "6 tart in total")[0].measure == "tart_amount"


def test_words_after_the_numbers_speak_of_the_measure_but_not_those_of_variables() -> None:
    text = "A tart needs 35 kg of sifted flour."

    entries = table(text, "35 kg per tart")

    assert measure_words(text, entries, CAKES) == {"kg": {"kg", "sifted", "flour"}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A tart needs 35 grams.", '"35 " word " per tart"'),
        ("There are 35 trays available for tarts.", '"35 " word " in total"'),
        ("The shop has 35 shelves.", '"35 " word " in total"'),
        ("For tarts 35 are known.", '"35 " word role'),
    ],
)
def test_the_role_is_in_the_grammar_where_the_words_decide_it(text: str, line: str) -> None:
    assert table_grammar(text, listed_places(text), CAKES).split("\n")[0] == f"root ::= {line}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(12), "12"),
        (Fraction(1, 4), "0.25"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 10**7), "1/10000000"),
    ],
)
def test_numbers_are_exact_in_algebra(value: Fraction, text: str) -> None:
    assert show(value) == text


LONG = (
    "Since the ovens are small and the bakers are few in this town, the shop bakes at most 40 "
    "tarts on each day of the week, but the market wants many more of them."
)


def test_a_long_sentence_is_cut_to_the_clause_of_the_limit() -> None:
    place = limits(LONG)[0]

    assert quote(LONG, place) == "the shop bakes at most [40] tarts on each day of the week"
    assert words_behind(LONG, place) == "the shop bakes at most 40 tarts on each day of the week"


def test_an_item_of_a_list_is_shown_with_the_words_before_it() -> None:
    text = "The shop has available 40 eggs, 20 pears and they also own 9 racks."
    places = limits(text)

    assert words_behind(text, places[1]) == "The shop has available 40 eggs, 20 pears"
    assert words_behind(text, places[2]) == "they also own 9 racks"


def test_a_snippet_ends_at_the_numbers_beside_it() -> None:
    text = "A tart earns $3 and needs 35 grams of butter, 40 grams of flour."

    assert [snippet(text, place) for place in limits(text)] == [
        "A tart earns $[3] and needs",
        "and needs [35] grams of butter",
        "grams of butter, [40] grams of flour",
    ]
