"""Questions to the modeller that the words of the problem raise."""

from __future__ import annotations

import pytest
from drafts import GOOD, HOURS, MINIMUM, TEXT, constraint, draft

from opto.modeling.audit import audit
from opto.modeling.bind import bind
from opto.modeling.draft import Draft
from opto.modeling.problem import Problem


def codes(model: Draft, text: str = TEXT) -> list[tuple[str, str]]:
    problem = Problem(text)
    return [(finding.code, finding.path) for finding in audit(bind(model, problem), problem)]


def test_a_faithful_model_raises_no_question() -> None:
    assert codes(GOOD) == []


def test_a_rule_left_out_shows_as_an_unused_number() -> None:
    assert codes(draft(HOURS)) == [("number-unused", "")]


def test_a_number_the_text_does_not_give_is_named_with_its_path() -> None:
    other = MINIMUM.model_copy(update={"rhs": "17"})

    assert ("number-unknown", "constraints[1].rhs") in codes(draft(HOURS, other))


@pytest.mark.parametrize(
    ("quote", "lhs", "relation", "rhs", "asked"),
    [
        ("at least 10 chairs", "chairs", "<=", "10", True),
        ("at least 10 chairs", "10", ">=", "chairs", True),
        ("at least 10 chairs", "10", "<=", "chairs", False),
        ("no more than 10 chairs", "chairs", "<=", "10", False),
        ("no more than 10 chairs", "chairs", ">=", "10", True),
        ("cannot hold more than 10 chairs", "chairs", "<=", "10", False),
        ("cannot hold more than 10 chairs", "chairs", ">=", "10", True),
        ("no fewer than 10 chairs", "chairs", "<", "10", True),
        ("must not exceed 10 chairs", "chairs", ">=", "10", True),
        ("must exceed 10 chairs", "chairs", "<=", "10", True),
        ("at least 10 and at most 10 chairs", "chairs", "<=", "10", False),
        ("exactly 10 chairs", "chairs", "==", "10", False),
    ],
)
def test_words_and_relation_are_compared(
    quote: str, lhs: str, relation: str, rhs: str, asked: bool
) -> None:
    text = f"Maximize profit: a chair earns 5, a table 8. There are {quote}."
    model = draft(constraint(quote, lhs, relation, rhs, name="rule"))

    found = [path for code, path in codes(model, text) if code == "direction"]

    assert found == (["constraints[0].relation"] if asked else [])


def test_a_quote_that_is_not_in_the_text_is_questioned() -> None:
    made_up = HOURS.model_copy(update={"quote": "at most 60 hours of overtime"})

    assert ("quote-not-found", "constraints[0].quote") in codes(draft(made_up, MINIMUM))


def test_a_quote_may_differ_in_case_and_punctuation() -> None:
    same = HOURS.model_copy(update={"quote": "At most 60 hours are available."})

    assert codes(draft(same, MINIMUM)) == []


def test_an_expression_that_cannot_be_parsed_does_not_break_the_audit() -> None:
    broken = HOURS.model_copy(update={"lhs": "2 chairs +"})

    assert "number-unused" in [code for code, _ in codes(draft(broken, MINIMUM))]


def test_the_digits_of_a_color_code_are_no_numbers_of_the_text() -> None:
    colored = TEXT.replace("chairs", "\x1b[31mchairs\x1b[0m", 1).replace(
        "tables", "\x9b1;32mtables"
    )
    assert colored.count("31m") == colored.count("32m") == 1

    assert codes(GOOD, colored) == codes(GOOD) == []
