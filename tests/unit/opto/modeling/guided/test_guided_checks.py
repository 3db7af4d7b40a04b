"""What speaks against a sketch, one fault at a time."""

from __future__ import annotations

import asyncio

import pytest

from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.modeling.evaluate import evaluate
from opto.modeling.guided.checks import doubts
from opto.modeling.guided.talk import Talk
from opto.modeling.problem import Problem
from solvers_bridge.outcome import Limits

VARIABLES = "scone: number of scones\ntart: number of tarts"


def kinds(text: str, *replies: str) -> list[str]:
    model = Scripted([VARIABLES, *replies])
    sketch = asyncio.run(Talk(LM(model), sample=0, temperature=0.0).sketch(text))
    model.assert_all_used()
    attempt = asyncio.run(evaluate(sketch.draft(), Problem(text), limits=Limits()))
    return [doubt.kind for doubt in doubts(sketch, attempt)]


@pytest.mark.parametrize(
    ("text", "replies", "found"),
    [
        (
            "Scones earn $2 and tarts earn $3. Sell at most 9 in total. Maximize profit.",
            ["2 profit per scone\n3 profit per tart"],
            [],
        ),
        (
            "Scones earn $2 and tarts earn $3. Sell at most 9 in total. Maximize profit.",
            ["2 profit per scone\n3 profit per scone"],
            ["number-twice", "goal-partial"],
        ),
        (
            "Scones earn $2 and tarts earn $3. At most 9 tarts can be sold. Maximize profit.",
            ["2 profit per scone\n3 profit per tart"],
            ["no-optimum"],
        ),
        (
            "Scones cost $2 and tarts cost $3. Sell at most 9 in total. Minimize cost.",
            ["2 cost per scone\n3 cost per tart"],
            ["all-zero"],
        ),
        (
            "Scones earn $2 and tarts earn $3 of tax. Sell at most 9 in total. Maximize profit.",
            ["2 profit per scone\n3 tax per tart"],
            ["goal-partial", "measure-unused"],
        ),
        (
            "Scones earn $2. At most 9 scones can be sold. Maximize profit.",
            ["2 profit per scone"],
            ["goal-partial", "variable-unused"],
        ),
    ],
    ids=["clean", "twice", "no-limit", "nothing", "unused-measure", "unused-variable"],
)
def test_faults_of_a_sketch(text: str, replies: list[str], found: list[str]) -> None:
    assert sorted(kinds(text, *replies)) == sorted(found)
