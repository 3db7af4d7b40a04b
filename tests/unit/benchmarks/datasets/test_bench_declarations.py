"""Declarations of the competition become the matrix form, type by type."""

from __future__ import annotations

import pytest

from benchmarks.datasets import DatasetError
from benchmarks.datasets.declarations import form_of


def record(*constraints, **objective):
    return {
        "document": "A print shop makes posters and flyers.",
        "vars": ["posters", "flyers"],
        "order_mapping": {"posters": 0, "poster": 0, "flyers": 1, "Flyers": 1},
        "obj_declaration": {
            "type": "objective",
            "direction": "maximize",
            "name": "profit",
            "terms": {"poster": "$4", "Flyers": "50 cents"},
            **objective,
        },
        "const_declarations": list(constraints),
    }


def row(**fields):
    (one,) = form_of(record({"direction": "at most", "operator": "LESS_OR_EQUAL", **fields}))[
        "rows"
    ]
    return one["coef"], one["op"], one["rhs"]


def test_the_objective_has_a_place_for_every_variable() -> None:
    form = form_of(record())

    assert (form["vars"], form["sense"], form["c"]) == (["posters", "flyers"], "max", [4.0, 0.5])


def test_an_objective_without_terms_counts_its_variables() -> None:
    counted = record(direction="minimize", type="objvar")
    del counted["obj_declaration"]["terms"]
    one = {**counted["obj_declaration"], "vars": ["flyers"]}

    assert (form_of(counted)["sense"], form_of(counted)["c"]) == ("min", [1.0, 1.0])
    assert form_of({**counted, "obj_declaration": one})["c"] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "linear", "terms": {"posters": "3"}, "limit": "60"}, ([3.0, 0.0], "<=", 60.0)),
        ({"type": "sum", "limit": "one hundred"}, ([1.0, 1.0], "<=", 100.0)),
        ({"type": "upperbound", "var": "flyers", "limit": "1,000"}, ([0.0, 1.0], "<=", 1000.0)),
        (
            {"type": "lowerbound", "var": "poster", "limit": "5", "operator": "GREATER_OR_EQUAL"},
            ([1.0, 0.0], ">=", 5.0),
        ),
        ({"type": "xby", "x_var": "posters", "param": "twice", "y_var": "flyers"}, ([1.0, -2.0],)),
        ({"type": "xy", "x_var": "flyers", "y_var": "posters"}, ([-1.0, 1.0],)),
        ({"type": "ratio", "var": "flyers", "limit": "75%"}, ([-0.75, 0.25],)),
        ({"type": "ratio", "var": "flyers", "limit": "75"}, ([-0.75, 0.25],)),
    ],
)
def test_every_type_becomes_a_row(fields, expected) -> None:
    padded = expected if len(expected) == 3 else (*expected, "<=", 0.0)

    assert row(**fields) == padded


@pytest.mark.parametrize(
    ("words", "strict"),
    [
        ("less than", True),
        ("must exceed", True),
        ("must be larger than", True),
        ("below", True),
        ("more", True),
        ("at most", False),
        ("no more than", False),
        ("cannot exceed", False),
        ("must not exceed", False),
        ("not be greater than", False),
        ("must be more", False),
    ],
)
def test_plain_comparisons_are_strict(words, strict) -> None:
    declared = {"type": "xy", "x_var": "flyers", "y_var": "posters", "direction": words}
    form = form_of(record({**declared, "operator": "LESS_OR_EQUAL"}))

    assert form["rows"][0]["strict"] is strict


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "cubic"}, "unknown type 'cubic'"),
        ({"type": "upperbound", "var": "bicycles", "limit": "5"}, "No variable is mentioned"),
        ({"type": "sum", "limit": "plenty"}, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(fields, words) -> None:
    with pytest.raises(DatasetError, match=words):
        row(**fields)
