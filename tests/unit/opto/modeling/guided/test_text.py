"""Where limits are stated, and which way they point."""

from __future__ import annotations

import pytest

from opto.modeling.guided.text import CLAUSE, Limit, cues, limits, sentences


def _stated(text: str) -> list[tuple[str, str | None]]:
    return [(text[limit.start : limit.end], limit.sense) for limit in limits(text)]


@pytest.mark.parametrize(
    ("text", "sense"),
    [
        ("They bake at most 12 tarts.", "<="),
        ("They cannot bake more than 12 tarts.", "<="),
        ("The oven is limited to 12 tarts.", "<="),
        ("The rules limit the number of tarts to only 12.", "<="),
        ("There is a budget of $12.", "<="),
        ("Tarts must be less than or equal to 12.", "<="),
        ("At least 12 tarts are needed.", ">="),
        ("They may not bake fewer than 12 tarts.", ">="),
        ("There is a demand for 12 tarts.", ">="),
        ("They bake 12 or more tarts.", ">="),
        ("They bake more than 12 tarts.", ">"),
        ("The tarts outnumber 12 scones.", ">"),
        ("They bake fewer than 12 tarts.", "<"),
        ("It stays under $12.", "<"),
        ("The oven runs for 12 hours.", None),
    ],
)
def test_the_words_around_a_number_give_its_direction(text: str, sense: str | None) -> None:
    assert [limit.sense for limit in limits(text)] == [sense]


def test_a_cue_knows_where_it_stands() -> None:
    text = "Bake at least 9 scones but no more than 12 tarts."

    found = cues(text)

    assert [cue.text for cue in found] == ["at least", "no more than"]
    assert [text[cue.start : cue.end] for cue in found] == [cue.text for cue in found]


def test_times_more_than_is_a_multiple_and_no_comparison() -> None:
    assert cues("They sell three times more scones than tarts.") == []


def test_a_title_or_an_abbreviation_does_not_end_a_sentence() -> None:
    text = "Mr. Loaf bakes on 40 sq. Meters of floor. Is it much? It is!\nHe thinks so"

    assert [text[a:b] for a, b in sentences(text)] == [
        "Mr. Loaf bakes on 40 sq. Meters of floor.",
        "Is it much?",
        "It is!",
        "He thinks so",
    ]


def test_empty_lines_are_no_sentences() -> None:
    assert sentences("\n\n  \n") == []


def test_a_comparison_is_shared_over_and() -> None:
    assert _stated("Bake at most 30 scones and 20 tarts.") == [("30", "<="), ("20", "<=")]


@pytest.mark.parametrize(
    "rest",
    [
        "and each tart needs 20 grams",  # what one takes
        "and there are 20 trays",  # a new statement
        "with 20 raisins",  # nothing joins the numbers
    ],
)
def test_a_comparison_does_not_reach_into_another_thought(rest: str) -> None:
    assert _stated(f"Bake at most 30 scones {rest}.") == [("30", "<="), ("20", None)]


def test_a_comparison_that_does_not_govern_the_first_number_is_not_shared() -> None:
    assert _stated("At most, each tart needs 30 grams and 20 raisins.") == [
        ("30", None),
        ("20", None),
    ]


def test_a_comparison_far_before_a_number_does_not_govern_it() -> None:
    text = (
        "They want to bake at most as many tarts as their new oven in the cellar bakes in 9 hours."
    )

    assert _stated(text) == [("9", None)]


def test_a_comparison_does_not_reach_into_the_next_sentence() -> None:
    assert _stated("Scones should be at most. Now 20 trays follow.") == [("20", None)]


def test_a_comparison_without_a_number_is_a_place_of_its_own() -> None:
    (found,) = limits("Bake more scones than tarts.")

    assert (found.quantity, found.sense, found.cue) == (None, ">", "more scones than")
    with pytest.raises(ValueError, match="without a number"):
        _ = found.number


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("The tarts must not exceed the scones.", ["must not exceed"]),
        ("The tarts are at most as many as the scones.", []),
        ("The tarts must be greater than or equal to zero.", []),
        ("They bake two types of bread.", []),
    ],
)
def test_only_comparisons_that_can_do_without_a_number_stand_alone(
    text: str, places: list[str]
) -> None:
    assert [limit.cue for limit in limits(text)] == places


@pytest.mark.parametrize(
    ("text", "firm"),
    [
        ("Bake at most 12 tarts.", True),
        ("A tray holds up to 12 tarts.", False),
        ("A tray has only 12 places.", False),
        ("The oven runs for 12 hours.", False),
        ("Bake at least two types of bread.", False),
    ],
)
def test_only_clear_words_about_an_amount_are_firm(text: str, firm: bool) -> None:
    (found,) = limits(text)

    assert found.firm is firm


def test_places_come_in_order_with_their_sentence() -> None:
    text = "Bake more scones than 5 rivals do. Use at most 40 eggs."

    found: list[Limit] = limits(text)

    assert [limit.start for limit in found] == sorted(limit.start for limit in found)
    assert [limit.sentence for limit in found] == [text[a:b] for a, b in sentences(text)]
    assert [limit.number.value for limit in found] == [5, 40]


def test_a_clause_begins_where_something_new_is_stated() -> None:
    assert CLAUSE.search("and it has an oven")
    assert not CLAUSE.search("trays for scones and tarts")
