"""One answer out of several.

Lives here: one function per technique.
Never here: getting the answers (`opto.optimizers.generating`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from opto.optimizers.exchange import Question
from opto.optimizers.generating import Plan, numbered
from opto.optimizers.installing import read_out
from opto.optimizers.report import Outcome

_NUMBER = re.compile(r"\d+")
Chooser = Callable[[Plan, Question, Sequence[str]], str]


def last_of_n(plan: Plan, question: Question, answers: Sequence[str]) -> str:  # noqa: ARG001  (a Chooser)
    """The last answer."""
    return answers[-1]


def best_of_n(plan: Plan, question: Question, answers: Sequence[str]) -> str:  # noqa: ARG001
    """The answer whose number the model gives; the first one if it gives none that exists."""
    if len(set(answers)) == 1:
        return answers[0]
    text = _ask(plan, "multi_best", answers)
    for found in _NUMBER.findall(text or ""):
        if 1 <= int(found[:9]) <= len(answers):
            return answers[int(found) - 1]
    plan.record.problems.append("No answer was picked, so the first is taken.")
    return answers[0]


def moa(plan: Plan, question: Question, answers: Sequence[str]) -> str:  # noqa: ARG001
    """An answer that the model merges from all; the first one if it gives none."""
    if len(set(answers)) == 1:
        return answers[0]
    merged = _ask(plan, "multi_merge", answers)
    if merged is None:
        plan.record.problems.append("The answers were not merged, so the first is taken.")
        return answers[0]
    return merged


def majority(plan: Plan, question: Question, answers: Sequence[str]) -> str:  # noqa: ARG001
    """The answer whose values most answers give; of several, the earliest.

    Answers are compared after reading, so the form in which a value is written does not count.
    Those of which nothing can be read have no vote.
    """
    votes = [_values(question, text) for text in answers]
    counts = Counter(vote for vote in votes if vote)
    if not counts:
        return answers[0]
    best, _ = counts.most_common(1)[0]
    return answers[votes.index(best)]


CHOOSERS: dict[str, Chooser] = {
    "best_of_n": best_of_n,
    "moa": moa,
    "majority": majority,
    "last_of_n": last_of_n,
    "lastofn": last_of_n,
}


def _ask(plan: Plan, template: str, answers: Sequence[str]) -> str | None:
    from opto.prompts.render import render  # noqa: PLC0415  (prompts load when needed)

    turn = render(template, count=str(len(answers)), answers=numbered(answers))[0]
    picking: dict[str, Any] = dict(plan.options)
    if template == "multi_best":
        picking.pop("response_format", None)  # a number is no JSON object
    extra = {"role": turn.role, "content": turn.content}
    return plan.record.note(plan.ask((*plan.messages, extra), **picking)).text


def _values(question: Question, text: str) -> str:
    """The values of an answer as one text to compare; empty where nothing can be read."""
    readout = read_out(question.read(text), question.names)
    good: list[Outcome] = [item for item in readout.outcomes.values() if item.installed]
    return repr(sorted((item.name, repr(item.value)) for item in good)) if good else ""
