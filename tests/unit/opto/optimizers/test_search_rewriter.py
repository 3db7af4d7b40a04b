"""The proposer that asks a model: what it shows and what it makes of the reply."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from opto.optimizers.errors import OptionError
from opto.optimizers.search import Rewriter, named
from opto.search import Candidate, Propose
from opto.search.results import Proposal


class Model:
    """Answers with one text and keeps the messages."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.messages: list[Mapping[str, str]] = []

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str:
        self.messages = list(messages)
        return self.answer


def block(name: str, value: str) -> str:
    return f"<variable>\n<name>{name}</name>\n<value>\n{value}\n</value>\n</variable>"


PARENT = Candidate({"prompt": "Be brief.", "top_k": 3})
ABOUT = {"prompt": "the instruction"}
MEASURED = [{"input": "2+2", "score": 0.0, "feedback": "said 5"}]


def propose(answer: str, payload: Mapping[str, Any] | None = None) -> tuple[Proposal, Model]:
    model = Model(answer)
    given = {"components": ["prompt", "top_k"], "about": ABOUT, "measured": MEASURED}
    given.update(payload or {})
    action = Propose("rewrite", given, (PARENT.id,))
    return Rewriter(model).propose(action, [PARENT], random.Random(0)), model  # noqa: S311


def test_the_prompt_shows_values_measurements_notes_and_what_to_change() -> None:
    _, model = propose(block("prompt", "x"), {"summary": "arithmetic fails"})

    text = model.messages[-1]["content"]
    for shown in ("Be brief.", "the instruction", "2+2", "said 5", "arithmetic fails", "top_k"):
        assert shown in text


def test_attempts_are_listed_with_their_scores_in_the_order_given() -> None:
    attempts = [{"values": {"prompt": f"try {n}"}, "score": n} for n in (10, 55, 90)]

    _, model = propose(block("prompt", "x"), {"attempts": attempts})

    text = model.messages[-1]["content"]
    assert text.index("try 10") < text.index("try 55") < text.index("try 90")
    assert "score: 55" in text


def test_variants_of_one_proposal_are_asked_for_in_different_words() -> None:
    prompts = {
        propose(block("prompt", "x"), {"variant": n})[1].messages[-1]["content"] for n in range(6)
    }

    assert len(prompts) == 6


def test_values_keep_their_types_and_untouched_components_their_values() -> None:
    found, _ = propose(f"<reasoning>more</reasoning>\n{block('top_k', '7')}")

    assert found.status == "ok"
    (child,) = found.candidates
    assert dict(child.values) == {"prompt": "Be brief.", "top_k": 7}
    assert child.parents == (PARENT.id,)
    assert child.op == "rewrite"
    assert found.note == "more"
    assert found.cost.llm == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I am unable to help.", ""),
        (block("top_k", "seven"), "top_k"),
        (block("colour", "red"), "colour"),
        ("<variable><name>prompt</name><value>cut of", "prompt"),
    ],
)
def test_what_cannot_be_read_is_malformed_and_costs_one_call(answer: str, why: str) -> None:
    found, _ = propose(answer)

    assert found.status == "malformed"
    assert found.candidates == ()
    assert why in found.note
    assert found.cost.llm == 1


def test_a_component_that_may_not_change_does_not() -> None:
    found, _ = propose(block("top_k", "9"), {"components": ["prompt"]})

    assert found.status == "malformed"


def test_a_value_cannot_open_a_slot_of_the_prompt() -> None:
    found, model = propose(block("prompt", "{{names}}"), {"summary": "{{parts}}"})

    assert "{{parts}}" in model.messages[-1]["content"]
    assert found.candidates[0].values["prompt"] == "{{names}}"


def test_a_model_that_fails_is_a_status() -> None:
    def broken(messages: Sequence[Mapping[str, str]]) -> str:
        raise ConnectionError("no route")

    action = Propose("rewrite", {"components": ["prompt"]}, (PARENT.id,))

    found = Rewriter(broken).propose(action, [PARENT], random.Random(0))  # noqa: S311

    assert found.status == "model_failed"
    assert "no route" in found.note


def test_notes_come_back_as_the_note_of_the_answer() -> None:
    model = Model("short sums fail")
    payload = {"evidence": [{"measured": MEASURED}], "summary": "before"}

    found = Rewriter(model).propose(
        Propose("summary", payload, (PARENT.id,)),
        [PARENT],
        random.Random(0),  # noqa: S311
    )

    assert found.note == "short sums fail"
    assert "before" in model.messages[-1]["content"]
    assert "said 5" in model.messages[-1]["content"]


def test_an_unknown_algorithm_is_answered_with_the_nearest() -> None:
    with pytest.raises(OptionError, match="Did you mean 'polca'"):
        named("polka")
