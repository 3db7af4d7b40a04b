"""Asking a model for a value of a type.

Lives here: the call with a schema, and at most one repair turn that shows the exact mistake.
Never here: finding JSON in text (`opto.llm.parse`), prompts of a task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from opto.llm.client import LM
from opto.llm.errors import Truncated, UnexpectedTool
from opto.llm.loop import BACKGROUND
from opto.llm.parse import Problem, reader_of
from opto.llm.types import Message, Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that is not the value asked for, after all repairs."""

    text: str
    """What the model wrote last."""
    why: str
    """The mistakes, one per line, each with its path."""
    attempts: int
    """Calls that were made."""


def ask_structured(lm: LM, request: Request, kind: type[T], *, repairs: int = 1) -> T | Unreadable:
    """A value of type `kind` from the model; see `aask_structured`."""
    return BACKGROUND.run(aask_structured(lm, request, kind, repairs=repairs))


async def aask_structured(
    lm: LM, request: Request, kind: type[T], *, repairs: int = 1
) -> T | Unreadable:
    """A value of type `kind` from the model.

    The schema of `kind` goes along (unless the request has its own schema or grammar), the answer
    is read by the parse ladder, and only a failed reading costs a further call: the model is shown
    its answer and the exact mistakes.

    Args:
        lm: Whom to ask.
        request: The question. A `prefill` counts as the start of the answer.
        kind: A pydantic model, or any type pydantic can validate.
        repairs: Most repair turns, each one call.

    Returns:
        The value, or `Unreadable`; a bad answer is data, not an exception.

    Raises:
        ModelCallError: There was no answer at all, or the model refused.
    """
    reader = reader_of(kind)
    if request.schema is None and request.grammar is None:
        request = replace(request, schema=reader.schema)
    asked = request
    attempts = 0
    while True:
        attempts += 1
        text, problem = await _answer(lm, asked)
        if problem is None:
            value = reader.read(text)
            if not isinstance(value, Problem):
                return value
            problem = value
        if attempts > repairs:
            return Unreadable(text, problem.why, attempts)
        asked = _repair_turn(request, text, problem)


async def _answer(lm: LM, request: Request) -> tuple[str, Problem | None]:
    """The text of an answer, and a problem when it must not be parsed: cut off, or no answer."""
    start = request.prefill or ""
    try:
        return start + (await lm.acomplete(request)).text, None
    except Truncated as error:
        text = "" if error.completion is None else error.completion.text
        limit = f"The answer was cut off at {request.max_tokens} tokens; write a shorter one."
        return start + text, Problem(limit)
    except UnexpectedTool as error:
        text = "" if error.completion is None else error.completion.text
        return start + text, Problem("No tools can be called here; the answer itself is needed.")


def _repair_turn(request: Request, text: str, problem: Problem) -> Request:
    """The question, the answer in full, and what is wrong with it."""
    told = (
        f"That answer cannot be used:\n{problem.why}\n"
        "Write the whole answer again with these mistakes corrected, as JSON and nothing else."
    )
    turns = (Message("assistant", text or "(nothing)"), Message("user", told))
    return replace(request, messages=(*request.messages, *turns))
