"""One structured call: the whole model in one answer.

Lives here: the baseline every other pipeline has to beat.
"""

from __future__ import annotations

from dataclasses import dataclass

from opto.llm.client import LM
from opto.llm.structured import Unreadable
from opto.llm.types import Message
from opto.modeling.draft import Draft
from opto.modeling.pipelines.base import Formulated, ask, messages
from opto.modeling.problem import Problem
from opto.prompts.render import render


@dataclass(frozen=True, slots=True)
class Standard:
    """Prompt `standard.md`, answer `Draft`."""

    name: str = "standard"
    repairs: int = 3

    async def formulate(self, problem: Problem, lm: LM) -> Formulated | Unreadable:
        prompt = render("standard", problem=problem.text, tables=problem.tables_in_words)
        conversation = messages(prompt)
        draft = await ask(lm, conversation, Draft, purpose="formulate")
        if isinstance(draft, Unreadable):
            return draft
        return Formulated(draft, (*conversation, Message("assistant", draft.model_dump_json())))
