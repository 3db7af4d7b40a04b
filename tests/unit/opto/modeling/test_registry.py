"""Which pipeline is taken when none is named."""

from __future__ import annotations

import pytest

from opto.errors import InputError
from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.modeling.pipelines.registry import PIPELINES, choose_pipeline


def lm(name: str) -> LM:
    return LM(Scripted([], name=name))


@pytest.mark.parametrize(
    ("model", "tables", "name"),
    [
        ("llamacpp:small", False, "guided"),
        ("llamacpp:small", True, "standard"),
        ("openai:gpt-4.1", False, "orthought"),
        ("openai:gpt-4.1", True, "orthought"),
    ],
)
def test_the_pipeline_suits_the_model_and_the_problem(model: str, tables: bool, name: str) -> None:
    assert choose_pipeline(None, lm(model), tables=tables).name == name


@pytest.mark.parametrize("name", PIPELINES)
def test_a_named_pipeline_is_taken(name: str) -> None:
    assert choose_pipeline(name, lm("llamacpp:small")).name == name


def test_a_near_miss_is_named() -> None:
    with pytest.raises(InputError, match="no pipeline 'guide'") as caught:
        choose_pipeline("guide", lm("llamacpp:small"))

    assert "'guided'" in caught.value.fix
