"""What every pipeline is: a function from a problem to a draft, with its conversation.

Lives here: the Protocol and what pipelines share. Never here: a particular pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from opto.llm.client import LM
from opto.llm.structured import Unreadable, aask_structured
from opto.llm.types import Message, Request, Role
from opto.modeling.draft import Draft
from opto.modeling.problem import Problem
from opto.prompts.render import Turn

T = TypeVar("T", bound=BaseModel)

ANSWER_TOKENS = 6_000
"""Most tokens of one structured answer; a draft with 40 constraints takes about 4,000."""


@dataclass(frozen=True, slots=True)
class Formulated:
    """A draft, and the conversation a later correction can go on from."""

    draft: Draft
    conversation: tuple[Message, ...]


class Pipeline(Protocol):
    """Stateless and safe for parallel use; every model call goes through `lm`."""

    @property
    def name(self) -> str: ...

    @property
    def repairs(self) -> int:
        """Correction turns worth making; 0 for models too small to correct themselves."""
        ...

    async def formulate(self, problem: Problem, lm: LM) -> Formulated | Unreadable:
        """A draft of the model of `problem`, or the answer that could not be read as one.

        Raises:
            opto.llm.errors.ModelCallError: The model gave no answer at all.
        """
        ...


def messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Rendered prompt turns as messages."""
    return tuple(Message(_role(turn.role), turn.content) for turn in turns)


async def ask(
    lm: LM, conversation: Sequence[Message], answer: type[T], *, purpose: str
) -> T | Unreadable:
    """One structured answer to `conversation`, read with at most one repair turn."""
    request = Request(
        messages=tuple(conversation), temperature=0.0, max_tokens=ANSWER_TOKENS, purpose=purpose
    )
    return await aask_structured(lm, request, answer)


def _role(name: str) -> Role:
    match name:
        case "system" | "user" | "assistant":
            return name
    raise AssertionError(f"the renderer let the role {name!r} through")
