"""A file of predictions as rows: which problem, which answer.

Lives here: the shapes of such files, the names of their fields, and what a cell says.
Never here: which row belongs to which problem, verdicts (`benchmarks.scoring.predictions`).

A file is JSON lines of objects, one JSON list of objects, or one JSON object from id to answer. A
cell that cannot be read as an answer is kept as such, so that one odd row does not cost the rest.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.scoring.verdict import NO_BEST, read_number
from opto.errors import OptoError

KEYS = ("id", "index", "question", "en_question")
VALUES = ("execution_best_solution", "prediction", "predicted", "pred", "value", "answer")
"""Names of fields, in the order in which they are looked for."""
_STATUSES = {
    "infeasible": "infeasible",
    "no feasible solution": "infeasible",
    "no solution": "infeasible",
    "unbounded": "unbounded",
    NO_BEST: NO_BEST,
    "no optimal solution": NO_BEST,
    "infeasible or unbounded": NO_BEST,
}
_NO_ANSWER = re.compile(
    r"|none|null|nan|n/a|na|-|unknown|no answer|[+-]?inf(inity)?|[+-]?[\d.]+e[+]?\d{3,}"
)
"""Nothing, or a number that is none."""
_SIGN = r"(?:us|ca|au)?\$|[€£¥]|usd|eur|gbp"
_MONEY = re.compile(
    rf"(?P<minus>-)?\s*(?:{_SIGN})?\s*(?P<number>[-+]?[\d.,]+)"
    rf"\s*(?:{_SIGN}|dollars?|euros?|pounds?|yuan|rupees?|units?)?\.?"
)
"""An amount with the name of its money, which scales nothing: no cents, no thousands."""
_LISTED = 5
_LONGEST_WHOLE = 400
"""Digits of a whole number beyond which it is no finite number either."""

Value = float | str | None


class PredictionsError(OptoError):
    """A file of predictions cannot be read, or does not fit the data."""

    code = "bench.predictions"


class Prediction(NamedTuple):
    """One row."""

    place: str
    """In the file, such as `line 3`."""
    name: Any
    """What the row calls its problem."""
    answer: Value
    odd: str
    """The cell, where it says something that is no answer; else empty."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The rows of a file, at least one, and the field by which they name problems."""

    key: str
    rows: tuple[Prediction, ...]


def read_predictions(
    file: Path, ids: Set[str], *, key: str | None = None, value: str | None = None
) -> Predictions:
    """Read a file of predictions.

    Args:
        file: See the module docstring.
        ids: Of the problems, to tell an object from id to answer from a single row.
        key: Field that names the problem; None looks for the first of `KEYS` in the first row.
        value: Field with the answer; None looks for the first of `VALUES`.

    Raises:
        PredictionsError: `where` is the file and the place in it.
    """
    rows: list[Prediction] = []
    for place, row in _rows(file, ids, key or "id", value or "value"):
        where = f"{file}, {place}"
        key = key or _first(KEYS, row, where, "names the problem", "--key")
        value = value or _first(VALUES, row, where, "holds the answer", "--value")
        name, cell = _field(row, key, where), _field(row, value, where)
        try:
            rows.append(Prediction(place, name, answer_of(cell), ""))
        except (TypeError, ValueError):
            rows.append(Prediction(place, name, None, short(cell)))
    if not rows or key is None:
        raise PredictionsError(
            "No prediction is in the file, it holds nothing.", where=str(file), fix=_SHAPES
        )
    if all(row.odd for row in rows):
        raise PredictionsError(
            f"No cell of {value!r} can be read: {rows[0].odd} is no answer.",
            where=f"{file}, {rows[0].place}",
            fix="Give a number, null, or one of: " + ", ".join(_STATUSES) + "; or say with --value "
            "which field has the answer.",
        )
    return Predictions(key, tuple(rows))


def answer_of(cell: Any) -> Value:
    """What a cell says: a number, a status, or None where it says nothing.

    Money is read as the gold answers are: `$1,250.50`, `351 dollars`.

    Raises:
        TypeError: A list, an object, true or false.
        ValueError: Some other text.
    """
    if cell is None:
        return None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        try:
            return float(cell) if math.isfinite(cell) else None
        except OverflowError:
            return None
    if not isinstance(cell, str):
        raise TypeError("neither a number nor a text")
    text = " ".join(cell.lower().split())
    number = read_number(cell)
    if number is None and (money := _MONEY.fullmatch(text)):
        number = read_number((money["minus"] or "") + money["number"])
    if number is not None:
        return float(number)
    text = text.rstrip(".")
    if _NO_ANSWER.fullmatch(text):
        return None
    if text in _STATUSES:
        return _STATUSES[text]
    raise ValueError("neither a number nor a word for no optimum")


def some(names: Sequence[Any]) -> str:
    """The first few of them, quoted."""
    shown = ", ".join(repr(short(name)) for name in names[:_LISTED])
    return (shown or "nothing") + (", ..." if len(names) > _LISTED else "")


def short(value: Any) -> str:
    """A value in a line."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - fits a line


_SHAPES = (
    'Give JSON lines such as {"id": ..., "value": 3}, one JSON list of such objects, or one JSON '
    "object from id to answer."
)


def _rows(file: Path, ids: Set[str], key: str, value: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row with its place."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionsError(
            f"The predictions cannot be read: {error}.", where=str(file), fix=_SHAPES
        ) from error
    whole = _whole(text)
    if isinstance(whole, list):
        for number, row in enumerate(whole, 1):
            yield f"row {number}", _checked(row, f"{file}, row {number}")
    elif isinstance(whole, dict) and _is_map(whole, ids, key, value):
        for name, cell in whole.items():
            row = {**cell, key: name} if isinstance(cell, dict) else {key: name, value: cell}
            yield f"entry {short(name)!r}", row
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                where = f"{file}, line {number}"
                yield f"line {number}", _checked(_parsed(line, where), where)


def _whole(text: str) -> Any:
    """The file as one JSON value; None where it is none, as JSON lines are."""
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _is_map(whole: dict[str, Any], ids: Set[str], key: str, value: str) -> bool:
    """Does the object lead from ids to answers? Else it is the only row."""
    if not ids.isdisjoint(whole):
        return True
    return {*KEYS, *VALUES, key, value}.isdisjoint(whole)


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise PredictionsError(f"This is no JSON: {said}.", where=where, fix=_SHAPES) from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else float(digits)


def _checked(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise PredictionsError("This is no JSON object.", where=where, fix=_SHAPES)
    return row


def _first(names: Sequence[str], row: dict[str, Any], where: str, role: str, flag: str) -> str:
    for name in names:
        if name in row:
            return name
    raise PredictionsError(
        f"No field of the row {role}: it has {some(list(row))}.",
        where=where,
        fix=f"Name it with {flag}; known are {', '.join(names)}.",
    )


def _field(row: dict[str, Any], name: str, where: str) -> Any:
    if name not in row:
        raise PredictionsError(
            f"The row has no field {name!r}: it has {some(list(row))}.",
            where=where,
            fix="Give every row the same fields; null says that there is no answer.",
        )
    return row[name]
