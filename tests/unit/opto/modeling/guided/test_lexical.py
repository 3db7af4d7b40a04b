"""Which variable or measure a phrase names."""

from __future__ import annotations

import pytest

from opto.modeling.guided.lexical import (
    EVERYTHING,
    distinctive,
    mentions,
    named_measures,
    named_variables,
    same,
    shared,
    stem,
    vocabulary,
    words,
)

TRIPS = {"van": "number of van trips", "truck": "number of truck trips"}


@pytest.mark.parametrize(
    ("word", "singular"),
    [
        ("Sandwiches", "sandwich"),
        ("berries", "berry"),
        ("ties", "tie"),
        ("boxes", "box"),
        ("vans", "van"),
        ("gas", "gas"),
        ("glass", "glass"),
        ("A", "A"),
    ],
)
def test_plurals_meet_their_singulars(word: str, singular: str) -> None:
    assert stem(word) == singular


@pytest.mark.parametrize(
    ("phrase", "content"),
    [
        ("The number of apple pies", ["apple", "pie"]),
        ("A cake of kind A, x", ["cake", "kind", "A"]),
        ("batchA_of process2", ["batch", "A", "process", "2"]),
        ("as much as it can", []),
    ],
)
def test_only_words_that_tell_something_are_kept(phrase: str, content: list[str]) -> None:
    assert words(phrase) == content


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("tart", "tart", True),
        ("bake", "bakery", True),
        ("pie", "piece", False),
        ("hour", "time", True),
        ("hour", "cost", False),
        ("dollar", "profit", True),
        ("dollar", "budget", True),
    ],
)
def test_words_are_the_same_by_stem_beginning_or_family(a: str, b: str, alike: bool) -> None:
    assert same(a, b) is alike
    assert same(b, a) is alike


def test_what_all_variables_share_distinguishes_none() -> None:
    assert distinctive(TRIPS) == {"van": {"van"}, "truck": {"truck"}}
    assert shared(TRIPS) == {"trip"}


def test_a_name_of_one_letter_counts_as_that_letter() -> None:
    loaves = {"a": "number of sweet loaves", "b": "number of sour loaves"}

    assert named_variables("at least 5 of kind B", loaves) == ["b"]


@pytest.mark.parametrize(
    ("phrase", "place"), [("the eggs of a tart", 2), ("tarts", 1), ("eggs only", 0)]
)
def test_a_mention_has_a_place_among_the_content_words(phrase: str, place: int) -> None:
    assert mentions(phrase, {"tart"}) == place


@pytest.mark.parametrize(
    ("phrase", "named"),
    [
        ("at most 9 truck trips", ["truck"]),
        ("trucks must not outnumber vans", ["truck", "van"]),
        ("vans must not outnumber trucks", ["van", "truck"]),
        ("at most 9 trips", []),
    ],
)
def test_a_phrase_names_variables_in_its_own_order(phrase: str, named: list[str]) -> None:
    assert named_variables(phrase, TRIPS) == named


@pytest.mark.parametrize(
    ("phrase", "named"),
    [
        ("900 minutes", ["oven_time", "rest_time"]),
        ("900 minutes of oven", ["oven_time"]),
        ("40 eggs", []),
    ],
)
def test_the_measure_with_most_matching_words_is_named(phrase: str, named: list[str]) -> None:
    measures = {"oven_time": {"oven", "time"}, "rest_time": {"rest", "time"}}

    assert named_measures(phrase, measures) == named


def test_words_said_about_two_measures_belong_to_neither() -> None:
    said = {"butter": ["grams of soft butter"], "dough": ["grams of rye", "grams of dough"]}

    assert vocabulary(said) == {"butter": {"butter", "soft"}, "dough": {"dough", "rye"}}


@pytest.mark.parametrize(
    ("phrase", "all_of_it"),
    [("scones and tarts combined", True), ("In total 40", True), ("totally 40 scones", False)],
)
def test_some_words_speak_about_everything(phrase: str, all_of_it: bool) -> None:
    assert bool(EVERYTHING.search(phrase)) is all_of_it
