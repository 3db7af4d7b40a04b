"""From the IR's sets and numbers to arrays, refusing what no solver should ever see.

Lives here: reading of `IndexSet`, `Parameter`, `Values` and of arrays given beside the model.
Never here: expressions (a set's `where` is handed on), rows, columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from solvers_bridge.compile.scope import Table
from solvers_bridge.compile.sets import Group, RangeKeys, TupleKeys
from solvers_bridge.errors import DataError, ModelError
from solvers_bridge.form import Floats, Ints, Key
from solvers_bridge.ir.model import Cell, IndexSet, Parameter, Values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


_MOST_COMBINATIONS = 2**62
"""Tuples are compared as one 64-bit number."""


def simple_group(item: IndexSet, *, where: str) -> Group:
    """A list or range set.

    Raises:
        ModelError: it has no elements, or is neither a list nor a range.
        DataError: an element is there twice.
    """
    if item.elements is not None:
        keys = item.elements
        seen: set[Key] = set()
        for position, key in enumerate(keys):
            if key in seen:
                raise DataError(
                    f"Set {item.name!r} has {key!r} twice.",
                    where=f"{where}.elements[{position}]",
                    fix="Keep one of the two.",
                )
            seen.add(key)
        group = Group(item.name, [(key,) for key in keys])
    elif item.first is not None and item.last is not None:
        size = max(item.last - item.first + 1, 0)
        group = Group(item.name, RangeKeys(item.first, size), first=item.first)
    else:
        raise ModelError(
            f"Set {item.name!r} says neither its elements nor a range nor tuples.",
            where=where,
            fix="Give `elements`, or `first` and `last`, or `tuples_of`.",
        )
    refuse_empty(group, where=where)
    return group


def refuse_empty(group: Group, *, where: str) -> None:
    """An empty set makes sums zero and rows vanish, silently: almost surely a mistake."""
    if not group.size:
        raise ModelError(
            f"Set {group.name!r} is empty.", where=where, fix="Give it elements, or remove it."
        )


def listed_group(item: IndexSet, dims: tuple[Group, ...], *, where: str) -> Group:
    """A tuple set given by its rows.

    Raises:
        DataError: a row has the wrong length, a key no set knows, or is there twice.
    """
    rows = item.rows or []
    for position, row in enumerate(rows):
        if len(row) != len(dims):
            raise DataError(
                f"{row!r} has {len(row)} keys, {item.name!r} needs {len(dims)}.",
                where=f"{where}.rows[{position}]",
                fix="Give one key per set, in the order of `tuples_of`.",
            )
    codes = tuple(dim.find_keys([row[k] for row in rows]) for k, dim in enumerate(dims))
    for dim, found in zip(dims, codes, strict=True):
        if (found < 0).any():
            position = int(np.flatnonzero(found < 0)[0])
            raise DataError(
                f"{rows[position]!r} has a key that is not in {dim.name!r}.",
                where=f"{where}.rows[{position}]",
                fix=f"Add it to {dim.name!r}, or correct the row.",
            )
    group = Group(item.name, TupleKeys(dims, codes), dims=dims, codes=codes)
    refuse_empty(group, where=where)
    if math.prod(dim.size for dim in dims) > _MOST_COMBINATIONS:
        raise ModelError(
            f"The sets of {item.name!r} have more than {_MOST_COMBINATIONS:g} combinations.",
            where=f"{where}.tuples_of",
            fix="Number the tuples with a set of their own, and look their parts up in parameters.",
        )
    twice = _first_repeat(group.flat_codes())
    if twice is not None:
        raise DataError(
            f"{rows[twice]!r} is there twice.",
            where=f"{where}.rows[{twice}]",
            fix="Keep one of the two.",
        )
    return group


def _first_repeat(codes: NDArray[np.integer]) -> int | None:
    """First position whose code an earlier position has."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    repeated = order[1:][ordered[1:] == ordered[:-1]]
    return int(repeated.min()) if repeated.size else None


def table_of(
    item: Parameter,
    groups: tuple[Group, ...],
    values: Values | None,
    given: ArrayLike | None,
) -> Table:
    """The numbers of one parameter, `given` before those of the model.

    Raises:
        DataError: missing, of the wrong shape, not finite, or a key that is wrong or there twice.
    """
    shape = tuple(group.size for group in groups)
    where = f"data[{item.name}]"
    if given is not None:
        return Table(item.name, groups, _from_array(given, shape, where=where))
    if values is None:
        raise DataError(
            f"Parameter {item.name!r} has no numbers.", where=where, fix="Add them to `data`."
        )
    if values.dense is not None:
        flat = _floats(values.dense, where=f"{where}.dense")
        if len(flat) != math.prod(shape):
            raise DataError(
                f"{len(flat):,} numbers for {math.prod(shape):,} keys {shape}.",
                where=f"{where}.dense",
                fix="Give one number per combination of keys, the last index running fastest.",
            )
        _refuse_not_finite(flat, where=f"{where}.dense")
        return Table(item.name, groups, flat.reshape(shape))
    return _from_cells(item.name, values, groups, where=where)


def _from_array(given: ArrayLike, shape: tuple[int, ...], *, where: str) -> Floats:
    try:
        array = np.asarray(given)
    except ValueError as fault:
        raise DataError(
            f"Not an array: {fault}.", where=where, fix="Make all rows equal."
        ) from None
    if array.dtype.kind not in "iufb" and array.dtype != object:
        raise DataError(f"An array of type {array.dtype} is not numbers.", where=where)
    if array.shape != shape and not (array.shape == (1,) and not shape):
        raise DataError(
            f"The array has shape {array.shape}, its index sets need {shape}.",
            where=where,
            fix="Give one axis per index set, in the order of `index`.",
        )
    values = _floats(array, where=where).reshape(shape)
    _refuse_not_finite(values.reshape(-1), where=f"{where}.dense")
    return values


def _floats(numbers: ArrayLike, *, where: str) -> Floats:
    try:
        return np.asarray(numbers, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as fault:
        raise DataError(f"Not usable as numbers: {fault}.", where=where) from None


def _refuse_not_finite(flat: Floats, *, where: str) -> None:
    with np.errstate(all="ignore"):
        total = flat.sum()  # finite proves that all are finite, in one pass and without a copy
    if np.isfinite(total):
        return
    wrong = np.flatnonzero(~np.isfinite(flat))
    if wrong.size:
        raise DataError(
            f"A value is {flat[wrong[0]]}.",
            where=f"{where}[{wrong[0]}]",
            fix="Solvers ignore such values silently; put in the right number.",
        )


def _from_cells(name: str, values: Values, groups: tuple[Group, ...], *, where: str) -> Table:
    """Values of listed keys, NaN where neither a cell nor a default gives one."""
    cells: Sequence[Cell] = values.cells or []
    default = math.nan if values.default is None else values.default
    if values.default is not None and not math.isfinite(default):
        raise DataError(f"The default is {default}.", where=f"{where}.default", fix="Correct it.")
    flat = np.full(math.prod(group.size for group in groups), default, np.float64)
    positions = _positions(cells, groups, where=where)
    repeat = _first_repeat(positions)
    if repeat is not None:
        raise DataError(
            f"Key {cells[repeat].key!r} is there twice.",
            where=f"{where}.cells[{repeat}]",
            fix="Keep one of the two.",
        )
    numbers = _floats([cell.value for cell in cells], where=f"{where}.cells")
    _refuse_not_finite(numbers, where=f"{where}.cells")
    flat[positions] = numbers
    full = values.default is not None or len(cells) == len(flat)
    shaped = flat.reshape([group.size for group in groups])
    return Table(name, groups, shaped, full=full, cells=positions)


def _positions(cells: Sequence[Cell], groups: tuple[Group, ...], *, where: str) -> Ints:
    """Row-major position of each cell's key."""
    arity = sum(group.arity for group in groups)
    for number, cell in enumerate(cells):
        if len(cell.key) != arity:
            raise DataError(
                f"Key {cell.key!r} has {len(cell.key)} parts, {arity} are needed.",
                where=f"{where}.cells[{number}]",
                fix="Give one part per index.",
            )
    flat = np.zeros(len(cells), np.int64)
    start = 0
    for group in groups:
        if group.dims:
            parts = [
                dim.find_keys([cell.key[start + k] for cell in cells])
                for k, dim in enumerate(group.dims)
            ]
            found = group.find_tuples(parts)
        else:
            found = group.find_keys([cell.key[start] for cell in cells])
        if (found < 0).any():
            number = int(np.flatnonzero(found < 0)[0])
            raise DataError(
                f"Key {cells[number].key!r} is not in {group.name!r}.",
                where=f"{where}.cells[{number}]",
                fix="Correct the key, or add it to the set.",
            )
        flat = flat * group.size + found
        start += group.arity
    return flat.astype(np.int32)


def refuse_unknown(names: Iterable[str], known: Sequence[str]) -> None:
    """Numbers for a parameter that does not exist are a typo, not a detail.

    Raises:
        DataError: a name is not among the parameters.
    """
    for name in names:
        if name not in known:
            raise DataError(
                f"{name!r} is not a parameter of the model.",
                where=f"data[{name}]",
                fix=f"Parameters: {', '.join(known) or 'none'}.",
            )
