"""Demonstrations: worked examples as the value of a component.

A component is a set of demonstrations if its first value says so: a list that is empty, or whose
items are all mappings with exactly the keys `input` and `output`. So `node([], trainable=True)`
used by a program, or `{"demos": []}` among the texts of a task, is one, without any declaration.

A demonstration never helps with itself: when an example is measured, those with the same input are
left out of what the program sees.

Lives here: recognizing them, making one, leaving one out, outputs as text.
Never here: choosing them (`opto.search.strategies.bootstrap`, `subsets`), prompts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opto.search.candidate import Candidate
from opto.search.canon import JSON, canonical, clean
from opto.search.errors import SearchError
from opto.search.task import Example, Task, input_of, target_of
from traces.errors import EventError
from traces.events import dumps

MAX_OUTPUT = 20_000
"""Longest output that is kept with a rollout, in characters of JSON. A longer one is not kept at
all: half an answer would be a wrong demonstration."""
_KEYS = {"input", "output"}


def is_demos(value: JSON) -> bool:
    """Is it a list of demonstrations, or an empty list?"""
    return isinstance(value, list) and all(
        isinstance(item, Mapping) and item.keys() == _KEYS for item in value
    )


def demo_components(task: Task, named: Sequence[str] | None = None) -> tuple[str, ...]:
    """The components whose first value is a set of demonstrations; if some are named, only those.

    Raises:
        SearchError: One that is named is no such component.
    """
    values = task.seed.values
    found = tuple(name for name in task.components if is_demos(values[name]))
    if odd := [name for name in named or () if name not in found]:
        raise SearchError(
            f"The component {odd[0]!r} is no list of demonstrations.",
            fix='Its first value must be [] or a list of {"input": ..., "output": ...}.',
        )
    return found if named is None else tuple(name for name in found if name in named)


def demonstration(example: Example, output: JSON) -> JSON:
    """One: the input of the example and this output. None where they are no JSON."""
    try:
        return {"input": clean(input_of(example)), "output": clean(output)}
    except EventError:
        return None


def labeled(example: Example) -> JSON:
    """The demonstration that the target of an example makes; None where there is no target."""
    target = target_of(example)
    return None if target is None else demonstration(example, target)


def without(candidate: Candidate, names: Iterable[str], example: Example) -> dict[str, JSON]:
    """The values of a candidate, less the demonstrations of this very example.

    Args:
        candidate: Its values are not changed.
        names: Components that are demonstrations.
        example: What is about to be measured.
    """
    values = dict(candidate.values)
    filled = [name for name in names if values[name]]
    if not filled:
        return values
    try:
        asked = canonical(clean(input_of(example)))
    except EventError:
        return values  # no demonstration can have an input that is no JSON
    for name in filled:
        demos = values[name]
        if isinstance(demos, list):
            values[name] = [item for item in demos if not _has_input(item, asked)]
    return values


def written(output: Any) -> str:
    """An output as JSON text; empty where there is none, it is no data, or it is too long."""
    if output is None:
        return ""
    try:
        text = dumps(clean(output))
    except EventError:
        return ""
    return text if len(text) <= MAX_OUTPUT else ""


def read(text: str) -> JSON:
    """The output that `written` wrote; None where there is none."""
    found: JSON = json.loads(text) if text else None
    return found


def _has_input(item: JSON, asked: str) -> bool:
    return isinstance(item, Mapping) and canonical(item.get("input")) == asked
