"""Asking for a value: one call when it can be read, one repair turn when not."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from opto.llm.client import LM
from opto.llm.errors import Refused, ServerError
from opto.llm.scripted import Reply, Scripted
from opto.llm.structured import Unreadable, aask_structured, ask_structured
from opto.llm.types import Completion, Message, Request


class Answer(BaseModel):
    profit: int


QUESTION = Request.of("what profit?", purpose="formulate")


def ask(*replies: Reply, repairs: int = 1) -> tuple[Answer | Unreadable, Scripted]:
    model = Scripted(replies)
    return ask_structured(LM(model), QUESTION, Answer, repairs=repairs), model


def test_a_readable_answer_costs_one_call_and_the_schema_goes_along() -> None:
    value, model = ask('```json\n{"profit": 7}\n```')

    assert value == Answer(profit=7)
    (asked,) = model.asked
    assert asked.schema == Answer.model_json_schema()


def test_the_repair_turn_shows_the_whole_answer_and_the_exact_mistake() -> None:
    wrong = '{"profit": "seven", "note": "' + "x" * 3000 + '"}'

    value, model = ask(wrong, '{"profit": 7}')

    assert value == Answer(profit=7)
    question, answer, told = model.asked[1].messages
    assert question == QUESTION.messages[0]
    assert answer == Message("assistant", wrong)
    assert "profit: Input should be a valid integer" in told.content


def test_after_the_last_repair_the_answer_is_unreadable_and_says_why() -> None:
    value, _ = ask("seven", "eight")

    assert value == Unreadable("eight", "There is no JSON in the answer.", 2)


def test_no_repair_means_one_call() -> None:
    value, model = ask("seven", repairs=0)

    assert isinstance(value, Unreadable)
    assert len(model.asked) == 1


def test_an_answer_that_was_cut_off_is_never_parsed() -> None:
    cut = Completion(text='{"profit": 7}', finish="length")

    value, model = ask(cut, '{"profit": 70}')

    assert value == Answer(profit=70)
    assert "cut off at 4096 tokens" in model.asked[1].messages[-1].content


def test_a_given_start_is_part_of_the_answer() -> None:
    model = Scripted(["7}"])
    request = Request(messages=QUESTION.messages, prefill='{"profit": ')

    assert ask_structured(LM(model), request, Answer) == Answer(profit=7)


def test_a_schema_or_grammar_of_the_caller_is_kept() -> None:
    model = Scripted(['{"profit": 7}'])
    request = Request(messages=QUESTION.messages, grammar="root ::= object")

    ask_structured(LM(model), request, Answer)

    assert model.asked == [request]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Completion(text="no", finish="filter"), Refused), (ServerError("x"), ServerError)],
)
def test_no_answer_at_all_is_an_error(reply: Reply, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(reply)


def test_it_works_in_async_code() -> None:
    lm = LM(Scripted(['{"profit": 7}']))

    assert asyncio.run(aask_structured(lm, QUESTION, Answer)) == Answer(profit=7)
