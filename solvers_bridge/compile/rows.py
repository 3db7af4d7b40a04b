"""Rows and costs: linear terms written into the arrays of the matrix.

Lives here: `RowBlock` (the rows of one constraint) and `add_costs`, with duplicates merged,
zeros dropped and unusable coefficients refused.
Never here: syntax trees, the IR types, index sets.

Two ways. When every row of a constraint has the same number of entries, and they are distinct for
sure, the terms write straight into the matrix. Otherwise entries are listed, sorted by row and
column if they are not, and merged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import NoReturn

import numpy as np

from solvers_bridge.compile.frames import MAX_CELLS, Frame
from solvers_bridge.compile.terms import Grid, Linear, Listed
from solvers_bridge.errors import ModelError
from solvers_bridge.form import Floats, Ints

LARGE = 1e15
"""Coefficients and right sides from here on are refused: solvers reject or misread them."""
TINY = 1e-9
"""Coefficients up to here (other than 0) are refused: solvers drop them without an error."""

_FEW = 6
"""Terms of one variable in one row that are compared in pairs; more are sorted."""

Blame = Callable[[float], NoReturn]
"""Raises the error for a coefficient that cannot be used, naming where it comes from."""


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """Entries of the rows of one constraint, not yet in the matrix."""

    rows: int
    entries: int
    grids: tuple[Grid, ...] = ()
    """Terms to write directly; the frame's axes come first in each."""
    rank: int = 0
    merged: Listed | None = None
    """Or entries in order of their rows, distinct."""

    def write(self, starts: Ints, indices: Ints, coefs: Floats, *, offset: int) -> None:
        """Into this block's part of the matrix; `starts` are the ends of its rows."""
        if self.merged is not None:
            indices[...] = self.merged.columns
            coefs[...] = self.merged.coefs
            counts = np.bincount(self.merged.rows, minlength=self.rows)
            starts[...] = np.cumsum(counts) + offset
            return
        per_row = self.entries // max(self.rows, 1)
        starts[...] = np.arange(1, self.rows + 1, dtype=np.int32) * np.int32(per_row) + offset
        columns_2d, coefs_2d = indices.reshape(self.rows, -1), coefs.reshape(self.rows, -1)
        at = 0
        for grid in self.grids:
            width = grid.width(self.rank)
            part = slice(at, at + width)
            grid.write_columns(columns_2d[:, part].reshape(grid.shape, copy=False))
            coefs_2d[:, part].reshape(grid.shape, copy=False)[...] = grid.coefs
            at += width


def row_block(linear: Linear, frame: Frame, *, blame: Blame) -> RowBlock:
    """The rows of `linear`, one per cell of `frame`.

    Raises:
        ModelError: more entries than fit in memory.
    """
    rank = len(frame.shape)
    entries = sum(math.prod(grid.shape) for grid in linear.grids)
    entries += sum(len(one.rows) for one in linear.listed)
    if entries > MAX_CELLS:
        raise ModelError(
            f"{entries:,} matrix entries are too many; the limit is {MAX_CELLS:,}.",
            where=frame.where,
            fix="Sum over a tuple set that holds only the combinations that matter.",
        )
    zero = [_has_zero(grid.coefs, blame) for grid in linear.grids]
    if not frame.cells or (not any(zero) and _is_direct(linear, rank)):
        return RowBlock(frame.cells, entries, linear.grids, rank)
    parts = [grid.listed(None, rank) for grid in linear.grids] + list(linear.listed)
    merged = _merged(parts, blame)
    return RowBlock(frame.cells, len(merged.rows), merged=merged)


def _is_direct(linear: Linear, rank: int) -> bool:
    """Are the entries of each row distinct for sure, so that none has to be merged?"""
    if linear.listed or not all(grid.is_injective(rank) for grid in linear.grids):
        return False
    by_variable: dict[int, list[Grid]] = {}
    for grid in linear.grids:
        by_variable.setdefault(grid.variable, []).append(grid)
    return all(_are_apart(grids, rank) for grids in by_variable.values())


def _are_apart(grids: list[Grid], rank: int) -> bool:
    """Do terms of the same variable surely never meet in a column? Looks only where it is cheap."""
    if len(grids) == 1:
        return True
    if len(grids) > _FEW or any(grid.width(rank) != 1 for grid in grids):
        return False
    columns = [grid.columns().ravel() for grid in grids]
    return not any((a == b).any() for a, b in combinations(columns, 2))


def _merged(parts: list[Listed], blame: Blame) -> Listed:
    """All parts in order of row and column, repeated entries added up, zeros left out."""
    rows = np.concatenate([part.rows for part in parts])
    columns = np.concatenate([part.columns for part in parts])
    coefs = np.concatenate([part.coefs for part in parts])
    keys = rows.astype(np.int64) << 31 | columns
    steps = np.diff(keys)
    if not (steps > 0).all():
        order = np.argsort(keys, kind="stable")
        keys, rows, columns, coefs = keys[order], rows[order], columns[order], coefs[order]
        first = np.concatenate([[True], np.diff(keys) > 0])
        if not first.all():
            at = np.flatnonzero(first)
            coefs = np.add.reduceat(coefs, at)
            rows, columns = rows[at], columns[at]
    if _has_zero(coefs, blame):
        kept = coefs != 0.0
        rows, columns, coefs = rows[kept], columns[kept], coefs[kept]
    return Listed(rows.astype(np.int32), columns.astype(np.int32), coefs)


def _has_zero(coefs: Floats, blame: Blame) -> bool:
    """Is a coefficient 0? Unusable ones are handed to `blame`."""
    if not coefs.size:
        return False
    if coefs.size == 1:  # most terms that people write: a tenth of the time of two reductions
        low = high = coefs.item()
    else:
        low, high = float(coefs.min()), float(coefs.max())
    if not (high < LARGE and low > -LARGE):
        blame(high if not high < LARGE else low)
    if low > TINY or high < -TINY:
        return False
    size = np.abs(coefs)
    tiny = (size <= TINY) & (size > 0)
    if tiny.any():
        blame(float(coefs[tiny][0]))
    return bool((size == 0).any())


def add_costs(cost: Floats, linear: Linear, *, blame: Blame) -> None:
    """Add the coefficients of an objective to `cost`, shape (n,)."""
    if len(linear.grids) + len(linear.listed) > 1:
        for grid in linear.grids:
            _has_zero(grid.coefs, blame)  # before it can hide in a sum
    for grid in linear.grids:
        axes = [digit.axis for digit in grid.digits]
        long_axes = {a for a, size in enumerate(grid.shape) if size > 1}
        if -1 not in axes and len(set(axes)) == len(axes) and long_axes <= set(axes):
            _add_along_axes(cost, grid, axes)
        else:
            one = grid.listed(None, 0)
            cost += np.bincount(one.columns, one.coefs, minlength=len(cost))
    for one in linear.listed:
        cost += np.bincount(one.columns, one.coefs, minlength=len(cost))
    _has_zero(cost, blame)


def _add_along_axes(cost: Floats, grid: Grid, axes: list[int]) -> None:
    """Every index runs along an axis of its own: the costs are a view of the variable."""
    sizes = [grid.shape[a] for a in axes]
    block = cost[grid.first : grid.first + math.prod(sizes)].reshape(sizes)
    idle = [a for a in range(len(grid.shape)) if a not in axes]
    block += np.broadcast_to(grid.coefs, grid.shape).transpose(axes + idle).reshape(sizes)
