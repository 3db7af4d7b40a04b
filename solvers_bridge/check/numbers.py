"""Checks of the numbers of a model: tables that fit their index sets, and constant bounds.

Lives here: missing, doubled and misplaced values, numbers no solver can use, crossed bounds.
Never here: expressions. A large table is never walked number by number in Python.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from solvers_bridge.check.findings import Report
from solvers_bridge.check.scan import HUGE, scan
from solvers_bridge.check.symbols import Symbols, type_hint
from solvers_bridge.errors import BridgeError
from solvers_bridge.ir.model import Cell, Values, Variable
from solvers_bridge.ir.tables import Axis, Keys, brief, flattened, key_at, place_in, shown

_FEW = 3
_FINITE_FIX = "Give the number; leave out what does not exist."
_RANGE_FIX = "Choose units in which the numbers are between 1e-6 and 1e6."


def check_numbers(symbols: Symbols, report: Report) -> None:
    """Report what is wrong with `model.data`, the data given over it, and constant bounds."""
    model, data = symbols.model, symbols.data
    seen: dict[str, int] = {}
    for at, values in enumerate(model.data):
        path = f"data[{at}]"
        if values.parameter not in symbols.parameters:
            known = symbols.parameters
            report.unknown(f"{path}.parameter", "parameter", values.parameter, known)
        elif seen.setdefault(values.parameter, at) != at:
            message = f'"{values.parameter}" has numbers in data[{seen[values.parameter]}] too'
            report.error(path, "duplicate-name", message, "Keep one of the two.")
        elif values.parameter not in data:
            _check_values(symbols, values, path=path, report=report)
    for name, table in data.items():
        path = f"data[{name!r}]"
        if name not in symbols.parameters:
            report.unknown(path, "parameter", name, symbols.parameters)
        else:
            _check_table(symbols.axes(symbols.parameters[name].index), table, path, report)
    for at, parameter in enumerate(model.parameters):
        if parameter.name not in seen and parameter.name not in data:
            fix = f'Add an entry for "{parameter.name}" to `data`, with `dense` or `cells`.'
            message = f'parameter "{parameter.name}" has no numbers'
            report.error(f"parameters[{at}]", "missing-data", message, fix)
    for at, variable in enumerate(model.variables):
        _check_bounds(variable, f"variables[{at}]", report)


def _check_values(symbols: Symbols, values: Values, *, path: str, report: Report) -> None:
    parameter = symbols.parameters[values.parameter]
    axes = symbols.axes(parameter.index)
    if values.dense is not None and (values.cells is not None or values.default is not None):
        fix = "Use `dense` alone, or `cells` with or without `default`; null for the others."
        report.error(path, "bad-data", "`dense` has all values already", fix)
    elif values.dense is not None:
        _check_table(axes, values.dense, f"{path}.dense", report)
    else:
        cells = values.cells or []
        numbers = [cell.value for cell in cells]
        _report_scan(numbers, path, report, at_path="{}.cells[{}].value")
        if values.default is not None:
            _report_scan([values.default], path, report, at_path="{}.default")
        if axes is not None:
            _check_cells(cells, axes, f"{path}.cells", report)
            _check_holes(values, axes, path, report)


def _check_table(axes: tuple[Axis, ...] | None, table: Any, path: str, report: Report) -> None:
    flat = table
    if axes is not None:
        sizes = tuple(axis.size for axis in axes)
        shape = (math.prod(sizes),) if path.endswith(".dense") else sizes
        try:
            flat = flattened(table, shape, where=path)
        except BridgeError as fault:
            need = " x ".join(f"{axis.name} ({axis.size})" for axis in axes)
            fix = f"{fault.fix} The index is {need or 'empty: one number'}."
            report.error(path, "wrong-size", _sentence(fault.what), fix)
            if shape != sizes:
                _report_scan(table, path, report)
            return
    elif hasattr(table, "shape") or not isinstance(table, list):
        return  # what a table without known sets should look like cannot be said
    _report_scan(flat, path, report, axes=axes)


def _report_scan(
    values: Any,
    path: str,
    report: Report,
    *,
    at_path: str = "{}[{}]",
    axes: tuple[Axis, ...] | None = None,
) -> None:
    found = scan(values)
    if found is None:
        report.error(path, "not-finite", "not all values are numbers", "Give numbers only.")
        return
    for (at, count), code, what in (
        (found.not_finite, "not-finite", "is not a finite number"),
        (found.huge, "coefficient-range", "is 1e15 or more, which solvers refuse"),
        (found.tiny, "coefficient-range", "is 1e-9 or less, which solvers take for 0"),
    ):
        if not count:
            continue
        more = f", and {count - 1} more like it" if count > 1 else ""
        key = f" at key {shown(key_at(axes, at))}" if axes else ""
        message = f"{brief(_plain(values[at]))}{key} {what}{more}"
        fix = _FINITE_FIX if code == "not-finite" else _RANGE_FIX
        add = report.warn if what.startswith("is 1e-9") else report.error
        add(at_path.format(path, at), code, message, fix)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _check_cells(cells: Sequence[Cell], axes: tuple[Axis, ...], path: str, report: Report) -> None:
    keys: list[Keys] = [tuple(cell.key) for cell in cells]
    width = sum(axis.width for axis in axes)
    outside = [at for at, key in enumerate(keys) if place_in(axes, key) is None]
    for at in outside[:_FEW]:
        where = f"{path}[{at}].key"
        if len(keys[at]) != width:
            message = f"{len(keys[at])} keys where the parameter has {width}"
            report.error(where, "wrong-arity", message, "Give one key per index set.")
        else:
            message = f"{shown(keys[at])} is not a key{_misfit(keys[at], axes)}"
            report.error(where, "wrong-index-set", message, "Correct the key, or extend the set.")
    if len(set(keys)) != len(keys):
        key, count = Counter(keys).most_common(1)[0]
        message = f"key {shown(key)} is there {count} times"
        report.error(path, "duplicate-key", message, "Keep one value per key.")


def _misfit(key: Keys, axes: tuple[Axis, ...]) -> str:
    """Which set a key of the right length does not fit."""
    start = 0
    for axis in axes:
        part = key[start : start + axis.width]
        start += axis.width
        if axis.place(part) is None:
            return f' of "{axis.name}"' + (type_hint(part[0], axis) if len(part) == 1 else "")
    return ""


def _check_holes(values: Values, axes: tuple[Axis, ...], path: str, report: Report) -> None:
    size = math.prod(axis.size for axis in axes)
    filled = {place_in(axes, tuple(cell.key)) for cell in values.cells or []} - {None}
    if values.default is not None or len(filled) >= size:
        return
    message = f'{size - len(filled)} of {size} keys of "{values.parameter}" have no value'
    fix = "Add the missing cells, or a `default` if the others have one value, such as 0."
    report.error(path, "missing-data", message, fix)


def _check_bounds(variable: Variable, path: str, report: Report) -> None:
    constant: dict[str, Fraction] = {}
    for side, bound in (("lower", variable.lower), ("upper", variable.upper)):
        if bound is None or isinstance(bound, str):
            continue
        where = f"{path}.{side}"
        if isinstance(bound, float) and not math.isfinite(bound):
            report.error(where, "not-finite", f"the bound is {bound}", "Use null for no bound.")
        elif abs(bound) >= HUGE:
            message = f"the bound {brief(bound)} is 1e15 or more"
            report.error(where, "coefficient-range", message, "Use null for no bound.")
        else:
            constant[side] = Fraction(bound)
            if variable.domain == "binary" and not 0 <= bound <= 1:
                fix = 'Use bounds within 0 and 1, or the domain "integer".'
                message = f"a binary variable cannot have the bound {brief(bound)}"
                report.error(where, "binary-bounds", message, fix)
    lower, upper = constant.get("lower"), constant.get("upper")
    if lower is None or upper is None:
        return
    if lower > upper:
        message = f"the lower bound {brief(lower)} is above the upper bound {brief(upper)}"
        report.error(path, "bounds-crossed", message, "Exchange or correct them.")
    elif variable.domain != "real" and math.ceil(lower) > math.floor(upper):
        message = f"no whole number is between {brief(lower)} and {brief(upper)}"
        report.error(path, "bounds-crossed", message, "Correct a bound or the domain.")


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
