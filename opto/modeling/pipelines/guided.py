"""For small models: tiny constrained questions, with rules of language around them.

Lives here: several attempts at a problem, and which of them to take.
Never here: the questions and the rules (`opto.modeling.guided`).

What a model of one or two billion parameters does well is naming the variables and saying what a
number in its clause is an amount of. The rest is bookkeeping and grammar of English, so code does
it: which places state limits, in which direction, and which comparisons can be meant. Mostly one
can, and the model is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from opto.errors import InputError
from opto.llm.client import LM
from opto.llm.errors import Truncated
from opto.llm.structured import Unreadable
from opto.llm.types import Message
from opto.modeling.draft import Draft, DraftAssumption
from opto.modeling.evaluate import evaluate
from opto.modeling.guided.checks import doubts, objective_of
from opto.modeling.guided.talk import Talk
from opto.modeling.pipelines.base import Formulated, messages
from opto.modeling.problem import Problem
from opto.modeling.quantities import quantities
from opto.prompts.render import render
from solvers_bridge.outcome import Limits

_OTHERS = "Use another pipeline: --pipeline compact, orthought or standard."
_SOLVE_S = 10.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """The draft of one attempt, what speaks against it, and what it solves to."""

    draft: Draft
    """What speaks against it is among its assumptions: one with doubts is mostly wrong."""
    weight: int
    """Of all doubts; 0 means none."""
    objective: float | None


@dataclass(frozen=True, slots=True)
class Guided:
    """Prompts `guided*.md`; the first attempt is greedy, further ones are drawn only if needed."""

    name: str = "guided"
    repairs: int = 0
    attempts: int = 3
    """Most attempts; one without doubts ends them."""
    temperature: float = 0.7

    async def formulate(self, problem: Problem, lm: LM) -> Formulated | Unreadable:
        """A draft of the model of `problem`.

        Raises:
            InputError: The model takes no grammar, or the problem has tables or no numbers.
            opto.llm.errors.ModelCallError: The model gave no answer at all.
        """
        _refuse(problem, lm)
        candidates: list[Candidate] = []
        unread = Unreadable("", "", 0)
        for sample in range(self.attempts):
            talk = Talk(lm, sample=sample, temperature=self.temperature if sample else 0.0)
            try:
                candidates.append(await _candidate(talk, problem))
            except (ValueError, Truncated) as error:  # one lost attempt
                unread = Unreadable(talk.reply, str(error), sample + 1)
                continue
            if not candidates[-1].weight:
                break
        if not candidates:
            return unread
        draft = best(candidates).draft
        prompt = messages(render("standard", problem=problem.text, tables=problem.tables_in_words))
        return Formulated(draft, (*prompt, Message("assistant", draft.model_dump_json())))


def _refuse(problem: Problem, lm: LM) -> None:
    """An explanation instead of questions that lead nowhere."""
    if not lm.capabilities.grammar:
        raise InputError(
            f"{lm.name} does not take grammars, which the pipeline 'guided' needs.",
            fix=f"{_OTHERS} Or use a model on this machine (llamacpp:).",
        )
    if problem.tables:
        names = ", ".join(table.name for table in problem.tables)
        raise InputError(
            "The pipeline 'guided' reads numbers from the text only, not from tables.",
            where=f"tables: {names}",
            fix="Use --pipeline orthought or standard with a larger model, or write the numbers "
            "into the text.",
        )
    if not quantities(problem.text):
        raise InputError(
            "The pipeline 'guided' builds the model around the numbers of the text; it has none.",
            fix=f"Write the numbers into the text. {_OTHERS}",
        )


async def _candidate(talk: Talk, problem: Problem) -> Candidate:
    """One attempt, solved and questioned."""
    sketch = await talk.sketch(problem.text.strip())
    draft = sketch.draft()
    attempt = await evaluate(draft, problem, limits=Limits(time_limit_s=_SOLVE_S))
    found = doubts(sketch, attempt)
    told = [DraftAssumption(quote="", text=d.text, alternatives=[]) for d in found if d.text]
    draft = draft.model_copy(update={"assumptions": told})
    return Candidate(draft, sum(doubt.weight for doubt in found), objective_of(attempt))


def best(candidates: list[Candidate]) -> Candidate:
    """The candidate with the least doubts; among equals the objective most of them agree on."""
    least = min(candidate.weight for candidate in candidates)
    good = [candidate for candidate in candidates if candidate.weight == least]
    votes = [sum(_same(one.objective, other.objective) for other in good) for one in good]
    return good[votes.index(max(votes))]


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    return abs(one - other) <= 1e-6 * max(1.0, abs(one))
