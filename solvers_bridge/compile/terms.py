"""Linear expressions over a frame: grids of entries that are written once, into the matrix.

Lives here: `Grid` and `Listed` entries, `Linear` and its algebra, summing out axes.
Never here: syntax trees, the IR types, row bounds.

A term such as `c[i,j]*x[i,j]` is not expanded: it keeps one small vector of positions per index
and the coefficients as the array they came in. The columns are added up when they are written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TypeAlias

import numpy as np

from solvers_bridge.compile.frames import Frame, along
from solvers_bridge.form import Floats, Ints

Operation: TypeAlias = Callable[[Floats, Floats], Floats]

ZERO: Floats = np.zeros(())
ONE: Floats = np.ones(())


@dataclass(frozen=True, slots=True, eq=False)
class Digit:
    """One index of a variable: `stride` columns per step of `codes`."""

    stride: int
    codes: Ints
    """Positions, with one axis per axis of the term."""
    axis: int = -1
    """The axis on which `codes` simply counts up; -1 when it does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Entries of one variable on a grid whose first axes are those of the frame it is in."""

    variable: int
    """Number of the variable in its model."""
    first: int
    """Column of the variable's first cell."""
    shape: tuple[int, ...]
    digits: tuple[Digit, ...]
    coefs: Floats
    """Broadcastable to `shape`."""

    def scaled(self, factor: Floats, operation: Operation) -> Grid:
        """Times (or over) a value of the frame."""
        trailing = len(self.shape) - factor.ndim
        spread = factor.reshape(factor.shape + (1,) * trailing) if factor.ndim else factor
        if self.coefs is not ONE or operation is not np.multiply:
            spread = operation(self.coefs, spread)  # else the table itself, not a copy of it
        return Grid(self.variable, self.first, self.shape, self.digits, spread)

    def width(self, rank: int) -> int:
        """Entries per cell of a frame of `rank` axes."""
        return math.prod(self.shape[rank:])

    def write_columns(self, out: Ints) -> None:
        """Column numbers into `out`, an array (or view) of the term's shape."""
        parts = self._parts()
        if not parts:
            out[...] = self.first
            return
        parts[0] = parts[0] + np.int32(self.first)
        if len(parts) == 1:
            out[...] = parts[0]
        else:
            np.add(reduce(np.add, parts[:-1]), parts[-1], out=out)

    def _parts(self) -> list[Ints]:
        """One array per axis that matters; digits on the same axis are added up."""
        parts: dict[tuple[int, ...], Ints] = {}
        for digit in self.digits:
            scaled = digit.codes * np.int32(digit.stride)
            key = scaled.shape
            parts[key] = parts[key] + scaled if key in parts else scaled
        return sorted(parts.values(), key=lambda part: part.size)

    def columns(self) -> Ints:
        """Column numbers, shape `shape`."""
        out = np.empty(self.shape, np.int32)
        self.write_columns(out)
        return out

    def is_injective(self, rank: int) -> bool:
        """Are the columns of one row surely distinct? Never a wrong yes."""
        own = {a for a in range(rank, len(self.shape)) if self.shape[a] > 1}
        by_axis: dict[int, list[Digit]] = {a: [] for a in own}
        for digit in self.digits:
            spread = [a for a in own if digit.codes.shape[a] > 1]
            if len(spread) > 1 or (spread and digit.codes.size != self.shape[spread[0]]):
                return False
            if spread:
                by_axis[spread[0]].append(digit)
        return all(_distinct(digits) for digits in by_axis.values())

    def without_idle_axes(self, rank: int) -> Grid:
        """The same with summed axes that no index uses added into the coefficients."""
        shape, coefs = list(self.shape), self.coefs
        for a in range(rank, len(shape)):
            if shape[a] != 1 and all(digit.codes.shape[a] == 1 for digit in self.digits):
                if coefs.ndim and coefs.shape[a] != 1:
                    coefs = coefs.sum(axis=a, keepdims=True)
                else:
                    coefs = coefs * float(shape[a])
                shape[a] = 1
        return replace(self, shape=tuple(shape), coefs=coefs)

    def listed(self, rows: Ints | None, rank: int) -> Listed:
        """Entry by entry; `rows` (broadcastable to the frame) or the cell numbers themselves."""
        if rows is None:
            rows = np.arange(math.prod(self.shape[:rank]), dtype=np.int32)
            rows = rows.reshape(self.shape[:rank])
        rows = rows.reshape(rows.shape + (1,) * (len(self.shape) - rows.ndim))
        coefs = np.broadcast_to(self.coefs, self.shape).ravel()
        return Listed(np.broadcast_to(rows, self.shape).ravel(), self.columns().ravel(), coefs)


def _distinct(digits: list[Digit]) -> bool:
    if any(digit.axis >= 0 for digit in digits):
        return True
    if not digits:
        return False
    total = reduce(np.add, [digit.codes.ravel() * np.int64(digit.stride) for digit in digits])
    if (np.diff(total) > 0).all():
        return True
    return bool((np.diff(np.sort(total)) > 0).all())


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Entries one by one, each vector of the same length."""

    rows: Ints
    """Cell of the frame the entry belongs to."""
    columns: Ints
    coefs: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Terms and a constant, per cell of a frame."""

    grids: tuple[Grid, ...] = ()
    listed: tuple[Listed, ...] = ()
    constant: Floats = field(default_factory=lambda: ZERO)

    @property
    def has_terms(self) -> bool:
        """Does a variable occur?"""
        return bool(self.grids or self.listed)

    def plus(self, other: Linear) -> Linear:
        """Sum of the two."""
        return Linear(
            self.grids + other.grids, self.listed + other.listed, self.constant + other.constant
        )

    def times(self, factor: Floats, frame: Frame, *, operation: Operation = np.multiply) -> Linear:
        """Product with (or, by `np.divide`, ratio to) a constant of the frame."""
        grids = tuple(grid.scaled(factor, operation) for grid in self.grids)
        flat = np.broadcast_to(factor, frame.shape).ravel() if factor.ndim and self.listed else ONE
        listed = tuple(
            replace(one, coefs=operation(one.coefs, flat[one.rows] if factor.ndim else factor))
            for one in self.listed
        )
        return Linear(grids, listed, operation(self.constant, factor))

    def summed(self, inner: Frame, outer: Frame) -> Linear:
        """Sum over the cells of `inner` that belong to the same cell of `outer`."""
        rows = inner.rows_in(outer)
        rank = len(outer.shape)
        constant = sum_out(self.constant, inner, outer, rows=rows)
        if rows is None:
            grids = tuple(grid.without_idle_axes(rank) for grid in self.grids)
            per_row = math.prod(inner.shape[rank:])
            listed = tuple(
                replace(one, rows=one.rows // np.int32(max(per_row, 1))) for one in self.listed
            )
            return Linear(grids, listed, constant)
        flat = np.broadcast_to(rows, inner.shape).ravel() if self.listed else rows
        moved = [replace(one, rows=flat[one.rows]) for one in self.listed]
        moved += [grid.listed(rows, len(inner.shape)) for grid in self.grids]
        return Linear((), tuple(moved), constant)


def sum_out(values: Floats, inner: Frame, outer: Frame, *, rows: Ints | None) -> Floats:
    """Sum of a constant over the cells of `inner` per cell of `outer`."""
    rank = len(outer.shape)
    if rows is not None:
        flat = np.broadcast_to(rows, inner.shape).ravel()
        weights = np.broadcast_to(values, inner.shape).ravel()
        sums = np.bincount(flat, weights, minlength=outer.cells).astype(np.float64, copy=False)
        return sums.reshape(outer.shape)
    axes = tuple(range(rank, len(inner.shape)))
    idle = [a for a in axes if values.ndim == 0 or values.shape[a] == 1]
    factor = float(math.prod(inner.shape[a] for a in idle))
    summed = values.sum(axis=axes) if values.ndim else values
    return np.asarray(summed * factor, np.float64)


def counting(axis: int, shape: tuple[int, ...], stride: int) -> Digit:
    """The digit of an index that runs along `axis` as it is."""
    return Digit(stride, along(np.arange(shape[axis], dtype=np.int32), axis, len(shape)), axis)
