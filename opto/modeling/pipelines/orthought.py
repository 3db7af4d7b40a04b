"""Understand first, then build step by step.

Lives here: the two-call pipeline after ORThought's expert-guided prompt, with the model as data
instead of generated code. Source: ORThought, "Automated Optimization Modeling through Expert-Guided
Large Language Model Reasoning", 2025, model agent.
"""

from __future__ import annotations

from dataclasses import dataclass

from opto.llm.client import LM
from opto.llm.structured import Unreadable
from opto.llm.types import Message, Request
from opto.modeling.draft import Draft
from opto.modeling.pipelines.base import Formulated, ask, messages
from opto.modeling.problem import Problem
from opto.prompts.render import render

UNDERSTANDING_TOKENS = 2_000


@dataclass(frozen=True, slots=True)
class Orthought:
    """Prompts `understand.md` and `build.md`, one conversation."""

    name: str = "orthought"
    repairs: int = 3

    async def formulate(self, problem: Problem, lm: LM) -> Formulated | Unreadable:
        opening = messages(
            render("understand", problem=problem.text, tables=problem.tables_in_words)
        )
        understood = await lm.acomplete(
            Request(
                messages=opening,
                temperature=0.0,
                max_tokens=UNDERSTANDING_TOKENS,
                purpose="understand",
            )
        )
        conversation = (
            *opening,
            Message("assistant", understood.text.strip()),
            *messages(render("build")),
        )
        draft = await ask(lm, conversation, Draft, purpose="formulate")
        if isinstance(draft, Unreadable):
            return draft
        return Formulated(draft, (*conversation, Message("assistant", draft.model_dump_json())))
