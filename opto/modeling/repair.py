"""Correct one located item of a draft, or think the whole over; taken only if findings shrink.

Lives here: the repair turn. Never here: finding what is wrong (`audit`, `solvers_bridge.check`).

Source: located repair after OptiMUS v0.2; the hint at the failing step after CALM/STORM. The
model's own confidence is never a reason to accept a change.
"""

from __future__ import annotations

import re
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from opto.llm.client import LM
from opto.llm.structured import Unreadable
from opto.modeling.draft import (
    Draft,
    DraftConstraint,
    DraftObjective,
    DraftParameter,
    DraftPart,
    DraftSet,
    DraftVariable,
)
from opto.modeling.pipelines.base import Formulated, ask, messages
from opto.modeling.problem import Problem
from opto.prompts.render import render
from solvers_bridge.check import Finding

T = TypeVar("T", bound=DraftPart)

_ITEM = re.compile(r"^(sets|parameters|variables|constraints)\[(\d+)\]")
_DATA = re.compile(r"^data\[(\w+)\]")


class Edit(BaseModel, Generic[T]):
    """What to do with one item."""

    why: str
    action: Literal["replace", "drop", "keep"]
    item: T | None


class Rethought(DraftPart):
    """The whole model again, or why it is right as it stands."""

    why: str
    model: Draft | None


_EDITS: dict[str, type[Edit[Any]]] = {
    "sets": Edit[DraftSet],
    "parameters": Edit[DraftParameter],
    "variables": Edit[DraftVariable],
    "constraints": Edit[DraftConstraint],
    "objective": Edit[DraftObjective],
}


async def repair(
    formulated: Formulated, problem: Problem, lm: LM, *, finding: Finding
) -> Formulated | None:
    """A corrected draft, or None where the model keeps it or gives no readable answer."""
    located = _locate(finding.path, formulated.draft)
    if located is None:
        return await _rethink(formulated, lm, finding=finding)
    field, index = located
    part = getattr(formulated.draft, field)
    item: DraftPart = part if index is None else part[index]
    prompt = render(
        "repair",
        problem=problem.text,
        tables=problem.tables_in_words,
        model=formulated.draft.model_dump_json(),
        path=field if index is None else f"{field}[{index}]",
        item=item.model_dump_json(),
        finding=describe(finding),
    )
    edit = await ask(lm, messages(prompt), _EDITS[field], purpose="repair")
    if isinstance(edit, Unreadable) or edit.action == "keep":
        return None
    draft = _apply(formulated.draft, edit, field=field, index=index)
    return None if draft is None else Formulated(draft, formulated.conversation)


async def _rethink(formulated: Formulated, lm: LM, *, finding: Finding) -> Formulated | None:
    conversation = (
        *formulated.conversation,
        *messages(render("rethink", finding=describe(finding))),
    )
    again = await ask(lm, conversation, Rethought, purpose="repair")
    if isinstance(again, Unreadable) or again.model in (None, formulated.draft):
        return None
    return Formulated(again.model, formulated.conversation)


def describe(finding: Finding) -> str:
    """`finding` in one line, for a prompt or a person."""
    where = f"{finding.path}: " if finding.path else ""
    return f"{where}{finding.message}. {finding.fix}".strip()


def _locate(path: str, draft: Draft) -> tuple[str, int | None] | None:
    """Field and position of the draft's item that `path`, a path in the IR, leads to."""
    if path.startswith("objective"):
        return "objective", None
    if item := _ITEM.match(path):
        return item[1], int(item[2])
    if data := _DATA.match(path):
        for index, parameter in enumerate(draft.parameters):
            if data[1] in (parameter.name, str(index)):
                return "parameters", index
    return None


def _apply(draft: Draft, edit: Edit[Any], *, field: str, index: int | None) -> Draft | None:
    if index is None:
        return None if edit.item is None else draft.model_copy(update={field: edit.item})
    items = list(getattr(draft, field))
    if edit.action == "drop":
        del items[index]
    elif edit.item is None:
        return None
    else:
        items[index] = edit.item
    return draft.model_copy(update={field: items})
