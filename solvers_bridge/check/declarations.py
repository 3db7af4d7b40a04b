"""Checks of what a model declares: its names, its index sets, the index lists.

Lives here: clashes and reserved names, sets that are not well made, index sets that do not exist.
Never here: expressions (`check.algebra`), tables of numbers (`check.numbers`).
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Sequence

from solvers_bridge.check.findings import Report
from solvers_bridge.check.symbols import Symbols, type_hint
from solvers_bridge.ir.grammar import FUNCTIONS, MAX_LITERAL
from solvers_bridge.ir.model import IndexSet, Key
from solvers_bridge.ir.tables import Axis, brief

_RESERVED = re.compile(r"__.*|i[0-9]+")
_FEW = 3


def check_declarations(symbols: Symbols, report: Report) -> None:
    """Report what is wrong with the declarations of `symbols.model`, and mark the sets in use."""
    model = symbols.model
    _check_names(symbols, report)
    for at, item in enumerate(model.sets):
        _check_set(symbols, item, f"sets[{at}]", report)
    lists = [(f"parameters[{at}]", item.index) for at, item in enumerate(model.parameters)]
    lists += [(f"variables[{at}]", item.index) for at, item in enumerate(model.variables)]
    for path, index in lists:
        symbols.used.update(index)
        for place, name in enumerate(index):
            if name not in symbols.sets:
                report.unknown(f"{path}.index[{place}]", "set", name, symbols.sets)


def _check_names(symbols: Symbols, report: Report) -> None:
    model = symbols.model
    names = [(f"sets[{at}]", item.name) for at, item in enumerate(model.sets)]
    names += [(f"parameters[{at}]", item.name) for at, item in enumerate(model.parameters)]
    names += [(f"variables[{at}]", item.name) for at, item in enumerate(model.variables)]
    _check_clashes(names, report)
    _check_clashes([(f"constraints[{a}]", c.name) for a, c in enumerate(model.constraints)], report)
    for path, name in names:
        if keyword.iskeyword(name) or name in FUNCTIONS or _RESERVED.fullmatch(name):
            fix = (
                "Choose another name; Python's words, sum, min, max, abs and i0, i1 ... are taken."
            )
            report.error(f"{path}.name", "reserved-name", f'"{name}" cannot be used as a name', fix)


def _check_clashes(names: Sequence[tuple[str, str]], report: Report) -> None:
    seen: dict[str, str] = {}
    for path, name in names:
        if name in seen:
            message = f'"{name}" is also the name of {seen[name]}'
            fix = "Give one of them another name."
            report.error(f"{path}.name", "duplicate-name", message, fix)
        seen.setdefault(name, path)


def _check_set(symbols: Symbols, item: IndexSet, path: str, report: Report) -> None:
    ranged = item.first is not None or item.last is not None
    kinds = (item.elements is not None) + ranged + (item.tuples_of is not None)
    if kinds != 1:
        fix = "Give `elements`, or `first` and `last`, or `tuples_of`; null for the others."
        found = "more than one kind" if kinds else "no kind at all"
        report.error(path, "bad-set", f'set "{item.name}" is of {found}', fix)
    elif item.elements is not None:
        _check_elements(item.name, item.elements, f"{path}.elements", report)
    elif item.tuples_of is not None:
        _check_tuples(symbols, item, item.tuples_of, path=path, report=report)
    else:
        _check_range(item, path, report)
    if item.tuples_of is None and (item.rows is not None or item.where is not None):
        fix = "Set `tuples_of` to the sets that the keys are from, or rows and where to null."
        report.error(path, "bad-set", "`rows` and `where` belong to a tuple set", fix)


def _check_range(item: IndexSet, path: str, report: Report) -> None:
    if item.first is None or item.last is None:
        report.error(path, "bad-set", "a range needs both ends", "Give `first` and `last`.")
    elif max(abs(item.first), abs(item.last)) > MAX_LITERAL:
        message = f"the range ends at {brief(item.last)}"
        report.error(path, "too-large", message, "Number the elements from 1.")
    elif item.last < item.first:
        message = f'set "{item.name}" is empty: {item.first} to {item.last}'
        report.error(path, "empty-set", message, "Check `first` and `last`.")


def _check_elements(name: str, elements: Sequence[Key], path: str, report: Report) -> None:
    if not elements:
        report.error(path, "empty-set", f'set "{name}" is empty', "List its elements.")
    if len(set(elements)) != len(elements):
        twice = Counter(elements).most_common(1)[0][0]
        report.error(path, "duplicate-key", f"{brief(twice)} is there twice", "Leave one out.")
    if len(set(map(type, elements))) > 1:
        fix = "Write all of them as text or all as whole numbers."
        report.error(path, "wrong-type", f'set "{name}" mixes text and numbers', fix)
    large = [key for key in elements if isinstance(key, int) and abs(key) > MAX_LITERAL]
    if large:
        message = f"the key {brief(large[0])} is too large"
        report.error(path, "too-large", message, "Use text keys for long numbers.")


def _check_tuples(
    symbols: Symbols, item: IndexSet, tuples_of: Sequence[str], *, path: str, report: Report
) -> None:
    axes: list[Axis | None] = []
    for place, name in enumerate(tuples_of):
        symbols.used.add(name)
        axes.append(symbols.base(name))
        if name not in symbols.sets:
            report.unknown(f"{path}.tuples_of[{place}]", "set", name, symbols.sets)
        elif symbols.sets[name].tuples_of is not None:
            fix = "Name the list or range sets that its keys are from."
            message = f'"{name}" is a tuple set itself'
            report.error(f"{path}.tuples_of[{place}]", "bad-set", message, fix)
    if not tuples_of:
        report.error(path, "bad-set", "`tuples_of` is empty", "Name the sets of the keys.")
    if (item.rows is None) == (item.where is None):
        fix = "Give `rows`, or a condition in `where`, and null for the other."
        report.error(path, "bad-set", "a tuple set needs either `rows` or `where`", fix)
    elif item.rows is not None:
        _check_rows(item.rows, axes, f"{path}.rows", report)


def _check_rows(
    rows: Sequence[Sequence[Key]], axes: Sequence[Axis | None], path: str, report: Report
) -> None:
    if not rows:
        report.error(path, "empty-set", "there is no tuple", "List the tuples.")
    lengths = [at for at, row in enumerate(rows) if len(row) != len(axes)]
    for at in lengths[:_FEW]:
        message = f"{len(rows[at])} keys where `tuples_of` names {len(axes)} sets"
        report.error(f"{path}[{at}]", "wrong-arity", message, "Give one key per set.")
    if lengths:
        return
    for place, axis in enumerate(axes):
        if axis is None:
            continue
        outside = [at for at, row in enumerate(rows) if axis.place((row[place],)) is None]
        for at in outside[:_FEW]:
            key = rows[at][place]
            message = f'{brief(key)} is not in set "{axis.name}"{type_hint(key, axis)}'
            fix = f'Correct the key, or add it to "{axis.name}".'
            report.error(f"{path}[{at}][{place}]", "wrong-index-set", message, fix)
    if len(set(map(tuple, rows))) != len(rows):
        report.error(path, "duplicate-key", "a tuple is there twice", "Leave one out.")
