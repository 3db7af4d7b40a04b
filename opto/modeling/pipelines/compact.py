"""For small models: one short answer after worked examples.

Lives here: the short form of a model, and writing it out as a draft.
Never here: tables (the short form has no sets).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from opto.llm.client import LM
from opto.llm.structured import Unreadable, aask_structured
from opto.llm.types import Message, Request
from opto.modeling.draft import Draft, DraftConstraint, DraftObjective, DraftPart, DraftVariable
from opto.modeling.pipelines.base import Formulated, messages
from opto.modeling.problem import Problem
from opto.prompts.render import render
from solvers_bridge.ir.model import Relation

ANSWER_TOKENS = 700
"""Most tokens of a short answer; one with six limits takes about 300."""

Short = Annotated[str, Field(max_length=160)]
Algebra = Annotated[str, Field(max_length=120)]


class CompactVariable(DraftPart):
    """What has to be chosen."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,24}$")]
    meaning: Annotated[str, Field(max_length=60)]
    whole: bool


class CompactLimit(DraftPart):
    """One rule of the text."""

    quote: Short
    lhs: Algebra
    relation: Relation
    rhs: Algebra


class CompactDraft(DraftPart):
    """A model of a few variables without sets."""

    variables: Annotated[list[CompactVariable], Field(min_length=1, max_length=6)]
    sense: Literal["min", "max"]
    objective: Algebra
    limits: Annotated[list[CompactLimit], Field(max_length=12)]


@dataclass(frozen=True, slots=True)
class Compact:
    """Prompt `compact.md`, one greedy answer."""

    name: str = "compact"
    repairs: int = 0

    async def formulate(self, problem: Problem, lm: LM) -> Formulated | Unreadable:
        conversation = messages(render("compact", problem=problem.text))
        request = Request(
            messages=conversation,
            temperature=0.0,
            max_tokens=ANSWER_TOKENS,
            purpose="formulate",
        )
        answer = await aask_structured(lm, request, CompactDraft, repairs=0)
        if isinstance(answer, Unreadable):
            return answer
        draft = expand(answer)
        return Formulated(draft, (*conversation, Message("assistant", draft.model_dump_json())))


def expand(compact: CompactDraft) -> Draft:
    """The short form as a full draft."""
    return Draft(
        sets=[],
        parameters=[],
        variables=[
            DraftVariable(
                name=variable.name,
                meaning=variable.meaning,
                index=[],
                why_domain="counted in pieces" if variable.whole else "can be divided",
                domain="integer" if variable.whole else "real",
                lower=0,
                upper=None,
                unit=None,
            )
            for variable in compact.variables
        ],
        objective=DraftObjective(
            quote="", meaning="", sense=compact.sense, expr=compact.objective, unit=None
        ),
        constraints=[
            DraftConstraint(
                quote=limit.quote,
                meaning=limit.quote,
                name=f"limit_{number}",
                kind="stated",
                forall="",
                lhs=limit.lhs,
                relation=limit.relation,
                rhs=limit.rhs,
            )
            for number, limit in enumerate(compact.limits, start=1)
        ],
        assumptions=[],
    )
