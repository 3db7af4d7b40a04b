"""What looks wrong in a sketch, found without knowing the answer.

Lives here: checks of a sketch's own structure, its table against the text, and its solution.
Never here: checks that hold for every model (`opto.modeling.audit`), calls to a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opto.modeling.evaluate import Attempt
from opto.modeling.guided.directions import AT_HAND, direction
from opto.modeling.guided.known import ALL
from opto.modeling.guided.places import NEW_CLAUSE, neighbors, snippet
from opto.modeling.guided.sketch import Sketch
from solvers_bridge.api import Verdict

_EACH = re.compile(r"\b(?:each|every|per|one|an?)\b", re.IGNORECASE)
_NOTHING = 1e-9
_WEIGHT = {"goal-partial": 2, "no-direction": 1, "all-zero": 2, "measure-unused": 2}
_SERIOUS = 3


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that looks wrong."""

    kind: str
    text: str
    """What a user should look at; empty where `opto.modeling.evaluate` says it already."""

    @property
    def weight(self) -> int:
        """How much it speaks against a sketch; what may well be right weighs less."""
        return _WEIGHT.get(self.kind, _SERIOUS)


def doubts(sketch: Sketch, attempt: Attempt) -> list[Doubt]:
    """What looks wrong in a sketch and in the solution of its draft."""
    return [*_table(sketch), *_unused(sketch), *_solution(attempt)]


def objective_of(attempt: Attempt) -> float | None:
    """The best objective value, None where there is none."""
    solved = attempt.solved
    if solved is None or solved.verdict not in (Verdict.OPTIMAL, Verdict.LIMIT):
        return None
    return solved.objective


def _table(sketch: Sketch) -> Iterator[Doubt]:
    """Numbers put twice into one total, or read against the words around them."""
    text = sketch.known.text
    seen: set[tuple[str, str]] = set()
    for entry in sketch.entries:
        where = snippet(text, entry.place)
        if entry.variable is None:
            if direction(text, entry.place) is None:
                yield Doubt("no-direction", f"not said whether at least or at most: {where}")
            continue
        if (entry.measure, entry.variable) in seen:
            yield Doubt("number-twice", f"a second {entry.measure} per {entry.variable}: {where}")
        seen.add((entry.measure, entry.variable))
        before, after = neighbors(text, entry.place)
        if AT_HAND.search(NEW_CLAUSE.split(after, maxsplit=1)[0]) and not _EACH.search(before):
            yield Doubt("stock-per-unit", f"per {entry.variable}, or in total? {where}")


def _unused(sketch: Sketch) -> Iterator[Doubt]:
    """Measures and variables that nothing uses, and a goal that leaves a variable out."""
    variables, totals = sketch.known.variables, sketch.totals
    used = {sketch.objective}.union(*(limit.names for limit in sketch.limits))
    for measure, total in totals.items():
        if measure not in used:
            yield Doubt("measure-unused", f"no limit and no goal uses {measure}")
        elif measure == sketch.objective and not variables.keys() <= total.keys():
            left_out = ", ".join(name for name in variables if name not in total)
            yield Doubt("goal-partial", f"{measure}, the goal, leaves out {left_out}")
    if ALL not in used:
        inside = used.union(*totals.values())
        for name in variables:
            if name not in inside:
                yield Doubt("variable-unused", f"no limit and no goal uses {name}")


def _solution(attempt: Attempt) -> Iterator[Doubt]:
    """No best choice, or a best choice of doing nothing."""
    if objective_of(attempt) is None:
        yield Doubt("no-optimum", "")
    elif _does_nothing(attempt):
        yield Doubt("all-zero", "")


def _does_nothing(attempt: Attempt) -> bool:
    best = None if attempt.solved is None else attempt.solved.outcome.x
    return best is not None and bool(abs(best).max() < _NOTHING)
