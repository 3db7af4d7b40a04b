"""For small models: a short answer after worked examples, several samples, and a vote.

Lives here: the short form of a model, and choosing among samples by what they solve to.
Never here: tables (the short form has no sets), anything that knows the right answer.

Samples whose solved models agree on the objective vote together; each counts by what the checks
found in it, so a sample that leaves a number of the text unused weighs less than a clean one.
Source: self-consistency over objective values, as in OptiMind's majority vote (tolerances there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from opto.llm.client import LM
from opto.llm.structured import Unreadable, aask_structured
from opto.llm.types import Message, Request
from opto.modeling.draft import Draft, DraftConstraint, DraftObjective, DraftPart, DraftVariable
from opto.modeling.evaluate import Attempt, evaluate
from opto.modeling.pipelines.base import Formulated, messages
from opto.modeling.problem import Problem
from opto.prompts.render import render
from solvers_bridge.api import Verdict
from solvers_bridge.ir.model import Relation
from solvers_bridge.outcome import Limits

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
    """Prompt `compact.md`; the first sample is greedy, the others are drawn.

    With one sample nothing is solved while formulating.
    """

    name: str
    samples: int
    temperature: float = 0.7

    async def formulate(self, problem: Problem, lm: LM) -> Formulated | Unreadable:
        conversation = messages(render("compact", problem=problem.text))
        drafts: list[Draft] = []
        unread: Unreadable | None = None
        for sample in range(self.samples):
            request = Request(
                messages=conversation,
                temperature=self.temperature if sample else 0.0,
                seed=sample,
                sample=sample,
                max_tokens=ANSWER_TOKENS,
                purpose="formulate",
            )
            answer = await aask_structured(lm, request, CompactDraft, repairs=0)
            if isinstance(answer, Unreadable):
                unread = answer
            else:
                drafts.append(expand(answer))
        if not drafts and unread is not None:
            return unread
        draft = drafts[0] if len(drafts) == 1 else await elect(drafts, problem)
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


async def elect(drafts: Sequence[Draft], problem: Problem) -> Draft:
    """The best draft of the group of samples that weighs most; at least one draft is given."""
    limits = Limits(time_limit_s=10.0)
    attempts = [await evaluate(draft, problem, limits=limits) for draft in drafts]
    groups: list[list[Attempt]] = []
    for attempt in attempts:
        for group in groups:
            if _same(group[0], attempt):
                group.append(attempt)
                break
        else:
            groups.append([attempt])
    heaviest = max(groups, key=lambda group: sum(_vote(attempt) for attempt in group))
    return min(heaviest, key=lambda attempt: attempt.weight).draft


def _vote(attempt: Attempt) -> float:
    """1 for a sample nothing was found in; less for each finding, near 0 for one with errors."""
    if attempt.solved is None:
        return 0.001
    solved = 1.0 if attempt.solved.verdict is Verdict.OPTIMAL else 0.3
    return solved / (1 + len(attempt.findings))


def _same(one: Attempt, other: Attempt) -> bool:
    """Do two samples solve to the same answer?"""
    if one.solved is None or other.solved is None:
        return one.draft == other.draft
    if one.solved.verdict is not other.solved.verdict:
        return False
    a, b = one.solved.objective, other.solved.objective
    if a is None or b is None:
        return a is b
    return abs(a - b) <= max(1e-4, 1e-6 * max(abs(a), abs(b)))
