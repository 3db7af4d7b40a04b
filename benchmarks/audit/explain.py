"""Why a label differs from the optimum of its text's gold form.

Lives here: the classes of difference, each found by comparing texts, by evaluating the label's own
point, or by solving the form with one change.
Never here: deciding that a label is right; a change that gives the label is a hint where to look.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from benchmarks.audit.result import Reason
from benchmarks.datasets.forms import OPEN, VERSIONS, optimum
from benchmarks.datasets.printed import agree
from benchmarks.datasets.text import differences, normalized

UNEXPLAINED = "unexplained"
_TURNED = {"<=": ">=", ">=": "<=", "=": "="}
_NUMBERS = re.compile(r"\d[\d,]*\.?\d*%?")
_FIT = 1e-6
_INFINITE = 1e20
"""What solvers take for infinite."""
_MOST_ORDERED = 4
"""Variables up to which all orders are tried."""
_POWERS = tuple(power for power in range(-6, 7) if power)
Form = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A label that disagrees, and all that is known of its text."""

    label: tuple[str, ...]
    text: str
    """As the source of the labels prints it."""
    original: str
    """As the data with the form prints it."""
    form: Form
    optima: Mapping[str, str]
    point: tuple[float, ...] = ()
    """The label's own values of the variables, in its own order; empty when unknown."""
    versions: tuple[str, ...] = tuple(VERSIONS)


def reasons(case: Case) -> tuple[Reason, ...]:
    """What explains the difference, the strongest first; `unexplained` where nothing does.

    An edited text explains by itself, so the form is searched for a change only where the text is
    the same.
    """
    found = [*_text(case), *_verdict(case), *_version(case), *_nothing(case)]
    if not found:
        found = [*_one_change(case)]
    found += [*_scale(case), *_at_point(case)]
    return tuple(found) or (Reason(UNEXPLAINED, ""),)


def _text(case: Case) -> Iterator[Reason]:
    if normalized(case.text) != normalized(case.original):
        yield Reason("text edited", differences(case.original, case.text))


def _verdict(case: Case) -> Iterator[Reason]:
    values = set(case.optima.values())
    for verdict in ("infeasible", "unbounded"):
        if verdict in values:
            names = [name for name, value in case.optima.items() if value == verdict]
            which = "in every version" if len(names) == len(case.optima) else ", ".join(names)
            yield Reason(f"form {verdict}", f"{verdict} as annotated, {which}")

    if open_ends := sorted(values & OPEN):
        yield Reason("form not settled", f"the solver's verdict is {', '.join(open_ends)}")


def _version(case: Case) -> Iterator[Reason]:
    rest = {name: value for name, value in case.optima.items() if name not in case.versions}
    names = [name for name, value in rest.items() if agree(case.label, (value,))]
    if names:
        yield Reason("another version", f"the label is the optimum of {', '.join(names)}")


def _nothing(case: Case) -> Iterator[Reason]:
    """Labels that say nothing of the problem, so that a change that gives them explains nothing."""
    for label in case.label:
        size = _size(label)
        if size == 0.0:
            yield Reason("label of zero", "what a minimum is worth when its demands are missing")
        elif size >= _INFINITE:
            yield Reason("label without end", "the value of an unbounded program where it stopped")


def _size(label: str) -> float:
    try:
        return abs(float(label))
    except ValueError:
        return math.nan


def _scale(case: Case) -> Iterator[Reason]:
    for name, value in case.optima.items():
        for label in case.label:
            power = _power(label, value)
            if power:
                yield Reason("other unit", f"the label is 1e{power} times the optimum of {name}")
                return


def _power(label: str, value: str) -> int | None:
    """The power of ten from `value` to `label`, or None when there is none."""
    try:
        one, other = float(label), float(value)
    except ValueError:
        return None
    if not one or not other:
        return None
    fits = (p for p in _POWERS if math.isclose(one, other * 10.0**p, rel_tol=_FIT))
    return next(fits, None)


def _at_point(case: Case) -> Iterator[Reason]:
    """What the form says of the label's own point."""
    if len(case.point) != len(case.form["c"]):
        return
    point = min(_orders(case), default=None, key=lambda one: _broken(case.form, one))
    if point is None:
        value = _value(case.form, case.point)
        yield Reason("point of another value", f"the label's own point is worth {value:g}")
        return
    broken = [
        f"row {number + 1} ({row.get('direction') or row['op']}) by {by:g}"
        for number, row in enumerate(case.form["rows"])
        if (by := _excess(row, point)) > 0
    ]
    if broken:
        yield Reason("point breaks the form", f"the label's point breaks {', '.join(broken)}")
    else:
        yield Reason(
            "point not best",
            "the label's point meets every row, and the form has a better one: it lacks a row or a "
            "coefficient, or the label is not optimal",
        )


def _orders(case: Case) -> list[tuple[float, ...]]:
    """The label's point in those orders of its variables that give the label.

    Sources name variables in their own words and order.
    """
    if len(case.point) != len(case.form["c"]):
        return []
    few = len(case.point) <= _MOST_ORDERED
    orders = permutations(case.point) if few else iter([case.point])
    return [one for one in orders if agree((repr(_value(case.form, one)),), case.label)]


def _broken(form: Form, point: Sequence[float]) -> int:
    return sum(_excess(row, point) > 0 for row in form["rows"])


def _value(form: Form, point: Sequence[float]) -> float:
    """The form's objective at a point."""
    worth = math.fsum(gain * x for gain, x in zip(form["c"], point, strict=True))
    return worth + float(form.get("offset", 0.0))


def _excess(row: Mapping[str, Any], point: Sequence[float]) -> float:
    """How far the point is outside the row read without strictness; 0 when it is inside."""
    left = math.fsum(a * x for a, x in zip(row["coef"], point, strict=True))
    over = left - float(row["rhs"])
    by = {"<=": over, ">=": -over, "=": abs(over)}[row["op"]]
    return by if by > _FIT * max(1.0, abs(float(row["rhs"]))) else 0.0


def _one_change(case: Case) -> Iterator[Reason]:
    """The first change of one place of the form that makes the label its optimum."""
    points = _orders(case)
    for code, text, form in _changes(case):
        if points and all(_broken(form, point) for point in points):
            continue  # spares a solve: the label's own point must meet the changed form
        strict = any(row.get("strict") for row in form["rows"])
        for version, (_, keeps) in VERSIONS.items():
            if (strict or not keeps) and agree(case.label, (optimum(form, version),)):
                yield Reason(code, f"{text} makes the label the optimum ({version})")
                return


def _changes(case: Case) -> Iterator[tuple[str, str, Form]]:
    rows = case.form["rows"]
    for number, row in enumerate(rows):
        name = f"row {number + 1} ({row.get('direction') or row['op']})"
        yield from (
            (code, f"{name} {words}", _with(case.form, number, changed))
            for code, words, changed in (
                ("row left out", "left out", None),
                ("row turned over", "turned over", {**row, "op": _TURNED[row["op"]]}),
                ("row as equality", "as an equality", {**row, "op": "=", "strict": False}),
            )
            if changed is None or changed["op"] != row["op"]
        )
    yield from _other_numbers(case)


def _other_numbers(case: Case) -> Iterator[tuple[str, str, Form]]:
    """The form with one of its numbers exchanged for one of the text.

    Rows of a share have coefficients made from it, and their limit is 0 by nature: no single number
    of the text stands there.
    """
    numbers = _numbers(case.text)
    for number, row in enumerate(case.form["rows"]):
        for place, old in enumerate(row["coef"] if row.get("type") != "ratio" else ()):
            name = f"{old:g} of {case.form['vars'][place]} in row {number + 1}"
            for new in numbers:
                if new not in (old, -old):
                    changed = {**row, "coef": [*row["coef"]]}
                    changed["coef"][place] = new
                    words = f"{name} as {new:g}"
                    yield "number of the text", words, _with(case.form, number, changed)
        for new in numbers if row["rhs"] else ():
            if new != row["rhs"]:
                words = f"limit {row['rhs']:g} of row {number + 1} as {new:g}"
                changed = {**row, "rhs": new}
                yield "number of the text", words, _with(case.form, number, changed)


def _with(form: Form, number: int, row: Mapping[str, Any] | None) -> Form:
    """The form with one row exchanged, or left out."""
    rows = [*form["rows"][:number], *([row] if row else []), *form["rows"][number + 1 :]]
    return {**form, "rows": rows}


def _numbers(text: str) -> list[float]:
    """The numbers written in digits, each once; percentages as shares."""
    found = []
    for word in _NUMBERS.findall(text):
        digits = word.rstrip("%.").replace(",", "")
        found.append(float(digits) / 100 if word.endswith("%") else float(digits))
    return list(dict.fromkeys(found))
