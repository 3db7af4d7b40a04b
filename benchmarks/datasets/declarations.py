"""The layout of the NL4OPT competition: declarations of an objective and of constraints.

Lives here: turning one record into the matrix form the rest of the benchmarks use.
Never here: solving, texts, files.

Declarations name variables by any of their mentions; `order_mapping` gives the place. Types:
`linear` (terms, limit), `sum` (all variables, limit), `lowerbound` and `upperbound` (var, limit),
`ratio` (var against a share of the sum of all), `xby` (x against param times y), `xy` (x against
y). The operator is that of the annotation, even where the words say otherwise. A row is marked
strict where the words are a plain comparison such as "less than" or "must exceed".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.numerals import number

_STRICT = re.compile(
    r"(?<!no )(?<!not )\b(?:less|fewer|more|larger?|greater|bigger|higher|lower|smaller) than\b"
    r"|(?<!not )\bexceed\b|\bbelow\b|\bwithout exceeding\b|^more$"
)
_NEGATED = re.compile(r"\b(?:no|not|cannot|can't|n't)\b")
_OPERATORS = {"LESS_OR_EQUAL": "<=", "GREATER_OR_EQUAL": ">=", "EQUAL": "="}


def form_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The matrix form: `vars`, `sense`, `c`, `rows` of coef, op, rhs, strict, type, direction.

    Args:
        record: One problem as published, with `vars`, `order_mapping`, `obj_declaration` and
            `const_declarations`.

    Raises:
        DatasetError: A declaration is of an unknown type, or a name or number cannot be read.
    """
    names = list(record["vars"])
    places = {str(mention): int(place) for mention, place in record["order_mapping"].items()}
    objective = record["obj_declaration"]
    gains = [0.0] * len(names)
    if terms := objective.get("terms"):
        for mention, factor in terms.items():
            gains[_place(mention, places)] = _number(factor)
    else:
        for mention in objective.get("vars", names):
            gains[_place(mention, places)] = 1.0
    return {
        "vars": names,
        "sense": "max" if str(objective["direction"]).casefold().startswith("max") else "min",
        "c": gains,
        "objective_name": objective.get("name", ""),
        "objective_type": objective.get("type", ""),
        "rows": [_row(one, len(names), places) for one in record["const_declarations"]],
    }


def _row(declared: Mapping[str, Any], size: int, places: Mapping[str, int]) -> dict[str, Any]:
    kind = declared["type"]
    if kind not in _ROWS:
        raise DatasetError(
            f"A constraint is of the unknown type {kind!r}.", fix=f"Known: {', '.join(_ROWS)}."
        )
    words = str(declared.get("direction", "")).strip().casefold()
    coefficients, rhs = _ROWS[kind](declared, size, places)
    return {
        "type": kind,
        "coef": coefficients,
        "op": _OPERATORS[declared["operator"]],
        "rhs": rhs,
        "direction": declared.get("direction", ""),
        "strict": bool(_STRICT.search(words)) and not _NEGATED.search(words),
    }


def _linear(
    declared: Mapping[str, Any], size: int, places: Mapping[str, int]
) -> tuple[list[float], float]:
    row = [0.0] * size
    for mention, factor in declared["terms"].items():
        row[_place(mention, places)] = _number(factor)
    return row, _number(declared["limit"])


def _sum(declared: Mapping[str, Any], size: int, _: Mapping[str, int]) -> tuple[list[float], float]:
    return [1.0] * size, _number(declared["limit"])


def _bound(
    declared: Mapping[str, Any], size: int, places: Mapping[str, int]
) -> tuple[list[float], float]:
    row = [0.0] * size
    row[_place(declared["var"], places)] = 1.0
    return row, _number(declared["limit"])


def _ratio(
    declared: Mapping[str, Any], size: int, places: Mapping[str, int]
) -> tuple[list[float], float]:
    share = _number(declared["limit"])
    share = share / 100 if share > 1 else share  # some limits lack their percent sign
    row = [-share] * size
    row[_place(declared["var"], places)] = 1 - share
    return row, 0.0


def _against(
    declared: Mapping[str, Any], size: int, places: Mapping[str, int]
) -> tuple[list[float], float]:
    row = [0.0] * size
    row[_place(declared["x_var"], places)] = 1.0
    row[_place(declared["y_var"], places)] = -_number(declared.get("param", "1"))
    return row, 0.0


_ROWS: Mapping[
    str,
    Callable[[Mapping[str, Any], int, Mapping[str, int]], tuple[list[float], float]],
] = {
    "linear": _linear,
    "sum": _sum,
    "lowerbound": _bound,
    "upperbound": _bound,
    "ratio": _ratio,
    "xby": _against,
    "xy": _against,
}


def _place(mention: str, places: Mapping[str, int]) -> int:
    """The variable a mention stands for; spelling may be a little off."""
    if mention in places:
        return places[mention]
    folded = {known.casefold().strip(): place for known, place in places.items()}
    near: Sequence[str] = get_close_matches(mention.casefold().strip(), folded, n=1)
    if not near:
        raise DatasetError(
            f"No variable is mentioned as {mention!r}.", fix=f"Known: {', '.join(places)}."
        )
    return folded[near[0]]


def _number(written: Any) -> float:
    try:
        return float(written) if isinstance(written, int | float) else number(str(written))
    except ValueError as fault:
        raise DatasetError(f"A number of a declaration cannot be read: {fault}.") from fault
