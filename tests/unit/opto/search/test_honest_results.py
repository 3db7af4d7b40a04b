"""What a newcomer was misled by: failures that vanish from means, examples nobody reads."""

from __future__ import annotations

from typing import Any

import pytest

import opto
from opto.optimizers.search import Rewriter, named
from opto.search import exact_match
from opto.search.errors import EvaluationError, SearchError
from opto.search.guide import contains
from opto.search.progress import last_line
from opto.search.task import input_of, target_of

WORSE = "<variable><name>prompt</name><value>risky</value></variable>"


def _model(messages: list[dict[str, str]], **options: Any) -> str:
    return WORSE


def _program(texts: dict[str, str], number: int) -> str:
    if texts["prompt"] == "risky" and number > 5:
        raise ValueError("I do not know")
    return "right" if texts["prompt"] == "risky" or number < 14 else "wrong"


@pytest.mark.parametrize("name", ["opto", "beam", "revert", "gepa", "promst", "polca", "opro"])
def test_a_candidate_that_fails_where_its_parent_did_not_is_not_recommended(name: str) -> None:
    examples = [(number, "right") for number in range(20)]

    result = opto.optimize(
        ({"prompt": "safe"}, _program),
        examples,
        exact_match,
        optimizer=named(name).algorithm(Rewriter(_model)),
        budget=opto.Budget(metric=200, llm=10),
        workers=1,
    )

    assert result.values["prompt"] == "safe"


def test_a_pair_may_be_a_list() -> None:
    assert (input_of(["a", "4"]), target_of(["a", "4"])) == ("a", "4")
    assert exact_match("4", ["a", "4"]).value == 1.0


@pytest.mark.parametrize("guide", [exact_match, contains])
def test_an_example_without_a_target_is_explained_not_scored(guide: Any) -> None:
    with pytest.raises(EvaluationError, match="An example has no target"):
        opto.optimize(
            ({"prompt": "safe"}, lambda texts, value: "4"),
            [{"question": "a", "answer": "4"}] * 12,
            guide,
            optimizer=named("opto").algorithm(Rewriter(_model)),
            budget=opto.Budget(metric=60, llm=5),
        )


def test_a_warning_shows_what_happened_not_how_to_mend_it() -> None:
    explained = "There is no key.\nopenai:gpt\nSet OPENAI_API_KEY."
    traceback = 'Traceback\n  File "x.py", line 3, in f\nValueError: bad'

    assert last_line(explained) == "There is no key."
    assert last_line(traceback) == "ValueError: bad"
    assert last_line("") == ""


@pytest.mark.parametrize(
    ("examples", "guide", "said"),
    [
        (None, exact_match, "Examples are a list, not NoneType"),
        ((pair for pair in [("a", "b")]), exact_match, "Examples are a list, not generator"),
        ([("a", "b")], None, "A guide is a function"),
        ([("a", "b")], "exact_match", "A guide is a function"),
    ],
)
def test_slips_are_explained_before_anything_is_spent(examples: Any, guide: Any, said: str) -> None:
    with pytest.raises(SearchError, match=said):
        opto.optimize(
            ({"prompt": "safe"}, _program),
            examples,
            guide,
            optimizer=named("opto").algorithm(Rewriter(_model)),
            budget=opto.Budget(metric=60, llm=5),
        )
