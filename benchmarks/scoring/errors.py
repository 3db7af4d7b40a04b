"""What went wrong where an answer is not right: one class per sample.

Lives here: the classes and the rules that choose one.
Never here: anything that changes an answer or a verdict; the gold answer only names what happened.

The rules, first match wins:

1. `no-answer`, `no-model`: the status says so. `invalid-model`: not solved, with a finding that
   kept the model from the solver. `not-solved`: any other model without a proved answer.
2. With a gold model (`diff`): `objective` if the objective differs; `direction` if a row is turned
   round; `unit` if a row's numbers are off by a factor such as 60 or 1000; `coefficient` if a row
   has another number; `missing-constraint`; `extra-constraint`; `wrong-domain` if only whole
   numbers differ. If nothing differs, rule 4 for readings; then `label`: the gold answer does not
   fit the gold model.
3. `status`: infeasible or unbounded where a number is accepted, or the other way round. (After 2,
   because the row that made it so says more.)
4. The same rules read another way: `strict-word` if the model with `<` as `<=` and `>` as `>=` has
   an accepted value; `wrong-domain` if its twin, with all variables whole or all real, has one.
   Then from the numbers: `unit` if the answer is an accepted value times 60, 100, 1000 ...;
   `objective` if it is its negative.
5. From the findings of checks that know no gold answer: `direction`, `unit` (unit-mismatch),
   `coefficient` (number-unused and number-unknown: one stands where the other should),
   `missing-constraint` (number-unused), `coefficient` (number-unknown), `objective` (all-zero).
6. `other`.

Without a gold model rules 4 to 6 guess: `is_guess` says which classes are no more than that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmarks.items import ItemResult
from benchmarks.scoring.verdict import read_number, verdicts

if TYPE_CHECKING:
    from benchmarks.scoring.diff import Diff

CLASSES = (
    "no-answer",
    "no-model",
    "invalid-model",
    "not-solved",
    "status",
    "objective",
    "direction",
    "unit",
    "coefficient",
    "missing-constraint",
    "extra-constraint",
    "strict-word",
    "wrong-domain",
    "label",
    "other",
)
"""Every value `error_class` gives, from the crude to the subtle."""
MEANINGS: Mapping[str, str] = {
    "no-answer": "the language model refused, was cut off or gave nothing",
    "no-model": "the reply could not be read as a model",
    "invalid-model": "the model has a fault that kept it from the solver",
    "not-solved": "the solver proved no answer for the model",
    "status": "infeasible or unbounded where a number is accepted, or the other way round",
    "objective": "the objective is another one, or turned round",
    "direction": "a constraint is turned round",
    "unit": "a number is off by a factor such as 60 or 1000",
    "coefficient": "a number of the model is another than in the text",
    "missing-constraint": "a constraint is missing",
    "extra-constraint": "the model has a constraint too many",
    "strict-word": "a strict inequality is where one that may hold with equality should be",
    "wrong-domain": "whole numbers where there should be real ones, or the other way round",
    "label": "the model agrees with the gold model: the accepted answer does not fit that",
    "other": "none of the other classes",
}
"""Each class in words."""

_DOUBTS = {
    "direction": "direction",
    "unit-mismatch": "unit",
    "number-unused": "missing-constraint",
    "number-unknown": "coefficient",
    "all-zero": "objective",
}
"""Code of a warning to the class it suggests, in the order they are believed."""
_SWAPPED = frozenset({"number-unused", "number-unknown"})
"""Together: another number stands where one of the text should."""
_SEEN = frozenset({"no-answer", "no-model", "invalid-model", "not-solved", "status"})
"""Classes that status and answer alone decide."""
_HARMLESS = frozenset(
    {
        *_DOUBTS,
        "infeasible",
        "unbounded",
        "quote-not-found",
        "unused-set",
        "unused-parameter",
        "unused-variable",
        "unused-index",
        "unused-objective",
        "strict-on-reals",
        "empty-set",
        "wrong-index-set",
        "coefficient-range",
        "no-variables",
    }
)
"""Codes of findings that do not, or need not, keep a model from the solver."""
UNITS = (60.0, 3600.0, 100.0, 1000.0, 1e6, 12.0, 7.0, 24.0, 30.0, 52.0, 365.0)
"""Factors by which a number is off where a unit was misread."""
_CLOSE = 1e-4


def error_class(
    result: ItemResult,
    *,
    diff: Diff | None = None,
    twin: float | None = None,
    closed: float | None = None,
) -> str | None:
    """The class of the error of a sample, by the rules of the module docstring.

    Args:
        result: With `accepted`, `status`, `answer`, `main` and `findings` filled in.
        diff: Its model against the gold model, where there is one.
        twin: Objective of the same model with every variable whole, or if all are, with none.
        closed: Objective of the same model with `<` as `<=` and `>` as `>=`, if it has such rows.

    Returns:
        One of `CLASSES`; None where the answer is right or nothing says what is.
    """
    if result.main or not result.accepted:
        return None
    unsolved = _unsolved(result.status, [finding.get("code", "") for finding in result.findings])
    if unsolved is not None:
        return unsolved
    if diff is not None and not diff.note:
        return _by_gold_model(diff) or _by_reading(result, twin, closed) or "label"
    if _is_number(result.answer) != any(read_number(gold) is not None for gold in result.accepted):
        return "status"
    return (
        _by_reading(result, twin, closed)
        or _by_value(result.answer, result.accepted)
        or _by_findings(result.findings)
        or "other"
    )


def is_guess(error: str | None, *, gold_model: bool) -> bool:
    """Is the class no more than a guess, for want of a gold model to compare with?"""
    return error is not None and not gold_model and error not in _SEEN


def _unsolved(status: str, codes: Sequence[str]) -> str | None:
    match status:
        case "no answer":
            return "no-answer"
        case "no model":
            return "no-model"
        case "not solved":
            return "invalid-model" if any(c not in _HARMLESS for c in codes) else "not-solved"
        case _:
            return None


def _by_gold_model(diff: Diff) -> str | None:
    slips = {kind for kind, _ in diff.slips}
    named = (
        ("objective", diff.objective != "same"),
        ("direction", "turned" in slips),
        ("unit", "unit" in slips),
        ("coefficient", "number" in slips),
        ("missing-constraint", bool(diff.missing)),
        ("extra-constraint", bool(diff.extra)),
        ("wrong-domain", diff.whole is False),
    )
    return next((name for name, holds in named if holds), None)


def _by_reading(result: ItemResult, twin: float | None, closed: float | None) -> str | None:
    """The same rules read another way, where that gives an accepted value."""
    for other, name in ((closed, "strict-word"), (twin, "wrong-domain")):
        if other is not None and verdicts(other, result.accepted).main:
            return name
    return None


def _by_value(answer: float | str | None, accepted: Sequence[str]) -> str | None:
    if not isinstance(answer, int | float):
        return None
    for printed in accepted:
        gold = float(read_number(printed) or 0)
        if gold and answer and math.isfinite(answer):
            ratio = answer / gold
            if any(_close(ratio, unit) or _close(ratio * unit, 1.0) for unit in UNITS):
                return "unit"
            if _close(ratio, -1.0):
                return "objective"
    return None


def _by_findings(findings: Iterable[Mapping[str, str]]) -> str | None:
    codes = {finding.get("code", "") for finding in findings}
    if codes >= _SWAPPED:
        codes = codes - _SWAPPED | {"number-unknown"}
    return next((name for code, name in _DOUBTS.items() if code in codes), None)


def _is_number(answer: float | str | None) -> bool:
    return isinstance(answer, int | float)


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _CLOSE * abs(other)
