"""Guides: how an output is scored and what is said about it.

A guide is any callable `guide(output, example)` that returns a number, `(number, feedback)` or a
`Score`; it may be async. Its attribute `error_score`, 0.0 if it has none, is the score of a run in
which the program raised; its attribute `best_score`, if it has one, is the highest score there can
be, and ends a search that has reached it.

Lives here: `Score`, reading of what guides return, the simple guides.
Never here: models (`opto.search.judge`), running programs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from opto.search.cost import Cost
from opto.search.demos import written
from opto.search.errors import SearchError
from opto.search.results import NO_SCORES, Outcome
from opto.search.task import Example, target_of

Guide: TypeAlias = Callable[[Any, Example], Any]


@dataclass(frozen=True, slots=True)
class Score:
    """A verdict on one output. Higher is better."""

    value: float
    feedback: str = ""
    """For whoever improves the program: what is wrong and what was wanted."""
    values: Mapping[str, float] = field(default_factory=lambda: NO_SCORES)
    """Further objectives by name, higher is better."""


def score_of(verdict: Any) -> Score:
    """What a guide returned, as a Score.

    Raises:
        SearchError: It is none of the three forms.
    """
    if isinstance(verdict, Score):
        return verdict
    if isinstance(verdict, tuple) and len(verdict) == 2 and isinstance(verdict[1], str):  # noqa: PLR2004
        return Score(_number(verdict[0]), verdict[1])
    return Score(_number(verdict))


def outcome_of(verdict: Any, trace: str = "", *, output: Any = None) -> Outcome:
    """The outcome of an evaluation with this verdict on this output (plain data)."""
    score = score_of(verdict)
    return Outcome(score.value, score.values, score.feedback, trace, Cost(), written(output))


def exact_match(output: Any, example: Example) -> Score:
    """1 if the output is the target of the example, as stripped text, else 0."""
    said, wanted = _text(output), _wanted(example)
    if said == wanted:
        return Score(1.0, "Correct.")
    return Score(0.0, f"Wrong: expected {wanted!r}, got {said!r}.")


exact_match.best_score = 1.0  # type: ignore[attr-defined]


def contains(output: Any, example: Example) -> Score:
    """1 if the output holds the target of the example, letter case aside, else 0."""
    said, wanted = _text(output), _wanted(example)
    if wanted.casefold() in said.casefold():
        return Score(1.0, "Correct.")
    return Score(0.0, f"Wrong: {wanted!r} is missing in {said!r}.")


contains.best_score = 1.0  # type: ignore[attr-defined]


def _wanted(example: Example) -> str:
    """The target as text.

    Raises:
        SearchError: The example has none.
    """
    target = target_of(example)
    if target is None:
        has = f"the keys {', '.join(map(repr, example))}" if isinstance(example, Mapping) else ""
        raise SearchError(
            f"An example has no target: it is {type(example).__name__} {has}".rstrip() + ".",
            fix='Give (input, target) pairs, {"input": ..., "target": ...}, or a guide of yours.',
        )
    return _text(target)


def _text(value: Any) -> str:
    return str(value).strip()


def _number(value: Any) -> float:
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise SearchError(
            f"A guide returned {type(value).__name__}.",
            fix="Return a number, (number, feedback) or Score(number, feedback).",
        ) from None
