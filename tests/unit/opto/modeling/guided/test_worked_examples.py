"""The worked examples ask what the code would ask: else the model learns from other questions."""

from __future__ import annotations

import asyncio

import pytest

from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.llm.types import Message
from opto.modeling.evaluate import evaluate
from opto.modeling.guided.checks import doubts
from opto.modeling.guided.sketch import Sketch
from opto.modeling.guided.talk import Talk
from opto.modeling.pipelines.base import messages
from opto.modeling.problem import Problem
from opto.prompts.render import render
from solvers_bridge.outcome import Limits


def _examples() -> list[list[Message]]:
    """Each worked example as the conversation it is."""
    found: list[list[Message]] = []
    for turn in messages(render("guided", problem=""))[1:-1]:
        if turn.content.startswith("Problem: "):
            found.append([])
        found[-1].append(turn)
    return found


EXAMPLES = _examples()


def _text(example: list[Message]) -> str:
    return example[0].content.removeprefix("Problem: ").removesuffix("\nDecision variables?")


def _replayed(example: list[Message]) -> tuple[Talk, Sketch]:
    answers = {q.content: a.content for q, a in zip(example[::2], example[1::2], strict=True)}
    model = Scripted(lambda request: answers[request.messages[-1].content])
    talk = Talk(LM(model), sample=0, temperature=0.0)
    return talk, asyncio.run(talk.sketch(_text(example)))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: _text(example)[:20])
def test_an_example_is_the_conversation_its_answers_lead_to(example: list[Message]) -> None:
    talk, _ = _replayed(example)

    assert talk.turns[-len(example) :] == example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: _text(example)[:20])
def test_an_example_is_a_model_that_nothing_speaks_against(example: list[Message]) -> None:
    _, sketch = _replayed(example)

    problem = Problem(_text(example))
    attempt = asyncio.run(evaluate(sketch.draft(), problem, limits=Limits()))

    told = [doubt.text for doubt in doubts(sketch, attempt) if doubt.text]
    found = {finding.code for finding in attempt.findings}
    assert told == []
    assert found <= {"strict-on-reals", "infeasible"}  # true of two of the stories
