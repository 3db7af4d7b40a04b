"""Whether a gold form of a file is one: every field there, of its type, of the right length.

Lives here: reading the form and its recorded optima, and the first thing about them that is wrong.
Never here: solving forms (`forms`), comparing models with them (`benchmarks.scoring`).

A form that is not one is left out, for a typing error in it must not decide about an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.datasets.errors import DatasetError
from benchmarks.datasets.forms import OPEN, VERSIONS
from benchmarks.datasets.printed import accepted, shown
from solvers_bridge.check.scan import HUGE, TINY

_DOMAINS = ("integer", "real")
_SPELLED: Mapping[str, Mapping[str, Any]] = {
    "<=": {},
    ">=": {},
    "=": {},
    "==": {"op": "="},
    "<": {"op": "<=", "strict": True},
    ">": {"op": ">=", "strict": True},
}
"""Operators, and how the ones forms do not have are written in a form."""


def read_form(value: Any) -> tuple[dict[str, Any] | None, str]:
    """The form with every row marked strict or not, or None and what does not fit.

    Args:
        value: The field `gold_lp` of a record; None where it has none. See `Item.gold_model`.
    """
    if value is None:
        return None, ""
    if trouble := next(_troubles(value), ""):
        return None, f"gold_lp{trouble}"
    rows = [{"strict": False, **row, **_SPELLED[row["op"]]} for row in value["rows"]]
    return {**value, "rows": rows}, ""


def read_solved(value: Any) -> tuple[dict[str, Any], str]:
    """Recorded optima by version, or none and which of them is neither number nor verdict."""
    if value is None:
        return {}, ""
    if not isinstance(value, dict):
        return {}, f"solved is {shown(value)}, not an object"
    for name in VERSIONS:
        if name in value and not _is_optimum(value[name]):
            return {}, f"solved.{name} is {shown(value[name])}, neither a number nor a verdict"
    return value, ""


def _is_optimum(value: Any) -> bool:
    if not isinstance(value, str):
        return _is_number(value)
    try:
        return value in OPEN or bool(accepted(value))
    except DatasetError:
        return False


def _troubles(form: Any) -> Iterator[str]:
    """What does not fit, the field first."""
    if not isinstance(form, dict):
        yield f" is {shown(form)}, not an object"
        return
    names = form.get("vars")
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        yield f".vars {_is(form, 'vars')}, not a list of names"
        return
    if form.get("sense") not in ("max", "min"):
        yield f".sense {_is(form, 'sense')}, not max or min"
    yield from _numbers(form, "c", len(names), "")
    if "offset" in form and (odd := _odd(form["offset"])):
        yield f".offset {_is(form, 'offset')}, {odd}"
    yield from _domain(form, len(names))
    if not isinstance(form.get("rows"), list):
        yield f".rows {_is(form, 'rows')}, not a list"
        return
    for number, row in enumerate(form["rows"]):
        yield from _row(row, len(names), f".rows[{number}]")


def _domain(form: dict[str, Any], size: int) -> Iterator[str]:
    domain = form.get("domain")
    if isinstance(domain, list):
        if len(domain) != size:
            yield f".domain has {len(domain)} entries for {size} variables"
        odd = [one for one in domain if one not in _DOMAINS]
    else:
        odd = [] if domain is None or domain in _DOMAINS else [domain]
    if odd:
        yield f".domain says {shown(odd[0])}, not integer or real"


def _row(row: Any, size: int, where: str) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{where} is {shown(row)}, not an object"
        return
    yield from _numbers(row, "coef", size, where)
    if not (isinstance(row.get("op"), str) and row["op"] in _SPELLED):
        yield f"{where}.op {_is(row, 'op')}, not <=, >= or ="
    if odd := _odd(row.get("rhs")):
        yield f"{where}.rhs {_is(row, 'rhs')}, {odd}"
    if not isinstance(row.get("strict", False), bool):
        yield f"{where}.strict {_is(row, 'strict')}, not true or false"


def _numbers(owner: dict[str, Any], key: str, size: int, where: str) -> Iterator[str]:
    values = owner.get(key)
    if not isinstance(values, list):
        yield f"{where}.{key} {_is(owner, key)}, not a list of numbers"
        return
    if len(values) != size:
        yield f"{where}.{key} has {len(values)} numbers for {size} variables"
    for place, value in enumerate(values):
        if odd := _odd(value):
            yield f"{where}.{key}[{place}] is {shown(value)}, {odd}"


def _odd(value: Any) -> str:
    """Why a solver does not take a value of a form; empty where it does."""
    if not _is_number(value):
        return "not a number"
    fits = value == 0 or TINY < abs(value) < HUGE
    return "" if fits else f"and solvers take 0 or {TINY:g} to {HUGE:g} in size"


def _is_number(value: Any) -> bool:
    """Is it a finite number?"""
    try:
        return not isinstance(value, bool | str) and math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def _is(owner: dict[str, Any], key: str) -> str:
    return f"is {shown(owner[key])}" if key in owner else "is missing"
