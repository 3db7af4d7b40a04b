"""The conversation of one attempt at a problem, stage by stage, up to a sketch of the model.

Lives here: what is asked in which order, and when no question is needed.
Never here: the rules that narrow the answers, choosing among attempts.
"""

from __future__ import annotations

from collections.abc import Sequence

from opto.llm.client import LM
from opto.llm.types import Message, Request
from opto.modeling.guided.comparisons import limit_choices
from opto.modeling.guided.directions import limit_places, listed_places
from opto.modeling.guided.goal import goal_choices, goal_quote
from opto.modeling.guided.known import Known
from opto.modeling.guided.naming import VARIABLES_GRAMMAR, read_variables
from opto.modeling.guided.places import quote, snippet
from opto.modeling.guided.sketch import Sketch, read_answer
from opto.modeling.guided.table import (
    Entry,
    alternatives,
    measure_words,
    read_table,
    table_grammar,
)
from opto.modeling.guided.text import Limit
from opto.modeling.pipelines.base import messages
from opto.prompts.render import render

_VARIABLES_TOKENS = 90
_TOKENS_PER_NUMBER = 20
_CHOICE_TOKENS = 40


class Talk:
    """One conversation; it only grows, so a server's prompt cache always fits.

    It opens with the same worked examples for every problem, which a server keeps between problems.
    """

    def __init__(self, lm: LM, *, sample: int, temperature: float) -> None:
        """Begin attempt number `sample` at `temperature`."""
        self.turns: list[Message] = []
        self.reply = ""
        """What the model said last, also when it was of no use."""
        self._lm, self._sample, self._temperature = lm, sample, temperature

    async def sketch(self, text: str) -> Sketch:
        """A sketch of the model of `text`.

        Raises:
            ValueError: A reply is not what its grammar asks for.
            opto.llm.errors.ModelCallError: There was no answer, or it was cut off.
        """
        variables = await self._variables(text)
        entries = await self._table(text, variables)
        known = Known(text, variables, measure_words(text, entries, variables))
        places = limit_places(text, totals=[entry.variable is None for entry in entries])
        answers = [limit_choices(known, place) for place in places]
        goals = goal_choices(known, [answer for choices in answers for answer in choices])
        goal = await self._choose(ask_goal(text), goals)
        limits = []
        for place, choices in zip(places, answers, strict=True):
            limits += read_answer(place, await self._choose(ask_limit(text, place), choices))
        return Sketch(known, tuple(entries), goal, tuple(limits))

    async def _variables(self, text: str) -> dict[str, str]:
        question = messages(render("guided", problem=text))
        reply = await self._ask(question, VARIABLES_GRAMMAR, max_tokens=_VARIABLES_TOKENS)
        variables = read_variables(reply)
        self._settle(question, "\n".join(f"{name}: {what}" for name, what in variables.items()))
        return variables

    async def _table(self, text: str, variables: dict[str, str]) -> list[Entry]:
        places = listed_places(text)
        if not places:
            return []
        question = ask_numbers(text, places)
        grammar = table_grammar(text, places, variables)
        reply = await self._ask(question, grammar, max_tokens=_TOKENS_PER_NUMBER * len(places))
        entries = read_table(reply, text, places=places, variables=variables)
        self._settle(question, "\n".join(entry.line for entry in entries))
        return entries

    async def _choose(self, question: Sequence[Message], choices: Sequence[str]) -> str:
        """One of the choices; a single one needs no call, and still becomes part of the talk."""
        reply = choices[0]
        if len(choices) > 1:
            grammar = f"root ::= {alternatives(choices)}"
            reply = await self._ask(question, grammar, max_tokens=_CHOICE_TOKENS)
            if reply not in choices:
                raise ValueError(f"{reply!r} is none of the possible answers")
        self._settle(question, reply)
        return reply

    async def _ask(self, question: Sequence[Message], grammar: str, *, max_tokens: int) -> str:
        """The model's reply; code may correct it before it is settled."""
        request = Request(
            messages=(*self.turns, *question),
            grammar=grammar,
            temperature=self._temperature,
            max_tokens=max_tokens,
            seed=self._sample,
            sample=self._sample,
            purpose="formulate",
        )
        self.reply = (await self._lm.acomplete(request)).text
        return self.reply

    def _settle(self, question: Sequence[Message], answer: str) -> None:
        self.turns += [*question, Message("assistant", answer)]


def ask_numbers(text: str, places: Sequence[Limit]) -> tuple[Message, ...]:
    """The question what each of the numbers is."""
    shown = "\n".join(snippet(text, place) for place in places)
    return messages(render("guided_numbers", snippets=shown))


def ask_goal(text: str) -> tuple[Message, ...]:
    """The question what the goal is."""
    return messages(render("guided_goal", quote=goal_quote(text)))


def ask_limit(text: str, place: Limit) -> tuple[Message, ...]:
    """The question what the limit at a place says."""
    return messages(render("guided_limit", quote=quote(text, place)))
