"""A model as arrays: the one shape every solver, file format and check understands.

Lives here: `StandardForm`, its names on demand, and the sanity of its arrays.
Never here: expressions, solver packages, files.

    sense  cost'x + offset  subject to  row_lower <= A x <= row_upper, col_lower <= x <= col_upper
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from solvers_bridge.errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int32]
Key: TypeAlias = str | int


@dataclass(frozen=True, slots=True, eq=False)
class LabelColumn:
    """The keys of one index along one axis of a block."""

    axis: int
    codes: Ints | None
    """Position in `keys` per cell, broadcastable to the block's shape; None: the cell's own."""
    keys: Sequence[tuple[Key, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Key of each cell of a block, computed when asked for: a million names cost nothing."""

    shape: tuple[int, ...] = ()
    columns: tuple[LabelColumn, ...] = ()

    def key(self, position: int) -> tuple[Key, ...]:
        """Key tuple of the cell at `position` in row-major order."""
        cell = np.unravel_index(position, self.shape) if self.shape else ()
        found: list[Key] = []
        for column in self.columns:
            if column.codes is None:
                code = int(cell[column.axis])
            else:
                sizes = column.codes.shape
                code = int(
                    column.codes[
                        tuple(0 if n == 1 else c for c, n in zip(cell, sizes, strict=True))
                    ]
                )
            found.extend(column.keys[code])
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Columns of one variable, or rows of one constraint: `size` of them from `start` on."""

    name: str
    start: int
    size: int
    labels: Labels = field(default_factory=Labels)

    def key(self, position: int) -> tuple[Key, ...]:
        """Key tuple of the member at `position`, 0 <= position < size; () for a scalar."""
        return self.labels.key(position)


@dataclass(frozen=True, slots=True, eq=False)
class StrictRows:
    """Rows written with `<` or `>`; solvers know only their closure."""

    rows: Ints
    """Row numbers, ascending."""
    tightened: NDArray[np.bool_]
    """True: replaced by an exact non-strict row (all integers). False: the closure is solved."""


def no_strict_rows() -> StrictRows:
    """For models without strict relations."""
    return StrictRows(np.zeros(0, np.int32), np.zeros(0, np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class StandardForm:
    """A linear or mixed-integer model of n columns, m rows and nnz coefficients, row by row."""

    sense: Literal["min", "max", "satisfy"]
    offset: float
    cost: Floats
    col_lower: Floats
    col_upper: Floats
    integer: Ints
    """1 where a column must be whole, else 0; shape (n,)."""
    row_lower: Floats
    row_upper: Floats
    starts: Ints
    """Row i owns `indices[starts[i]:starts[i+1]]`; shape (m+1,)."""
    indices: Ints
    """Columns, distinct within a row, in no promised order."""
    coefs: Floats
    columns: tuple[Block, ...]
    rows: tuple[Block, ...]
    strict: StrictRows = field(default_factory=no_strict_rows)

    @property
    def n(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    def column_key(self, j: int) -> tuple[str, tuple[Key, ...]]:
        """Variable and key of column `j`."""
        return _member(self.columns, j)

    def row_key(self, i: int) -> tuple[str, tuple[Key, ...]]:
        """Constraint and key of row `i`."""
        return _member(self.rows, i)

    def column_name(self, j: int) -> str:
        """Name such as `x[north,3]`."""
        return _name(*self.column_key(j))

    def row_name(self, i: int) -> str:
        """Name such as `demand[3]`."""
        return _name(*self.row_key(i))

    def activities(self, x: Floats) -> Floats:
        """`A x` in floating point, shape (m,)."""
        products = self.coefs * x[self.indices]
        owner = np.repeat(np.arange(self.m), np.diff(self.starts))
        return np.bincount(owner, products, minlength=self.m).astype(np.float64, copy=False)

    def objective(self, x: Floats) -> float:
        """Objective at `x` in the model's sense, constant included, in floating point."""
        return float(self.cost @ x) + self.offset

    def validate(self) -> None:
        """Refuse what solvers accept and then answer wrongly: NaN, infinity, wrong lengths.

        Raises:
            DataError: `where` is the field, and for numbers the column, row or entry.
        """
        self._validate_lengths()
        for name in ("cost", "coefs"):
            values: Floats = getattr(self, name)
            # a finite sum proves all finite at a quarter of the price of looking at each
            if not np.isfinite(values.sum()) and not np.isfinite(values).all():
                spot = int(np.flatnonzero(~np.isfinite(values))[0])
                raise DataError(f"A coefficient is {values[spot]}.", where=f"{name}[{spot}]")
        for name in ("col_lower", "row_lower", "col_upper", "row_upper"):
            values = getattr(self, name)
            wrong_end = np.inf if name.endswith("lower") else -np.inf
            if values.size and (
                np.isnan(values.min()) or wrong_end in (values.min(), values.max())
            ):
                spot = int(np.flatnonzero(np.isnan(values) | (values == wrong_end))[0])
                raise DataError(f"A bound is {values[spot]}.", where=f"{name}[{spot}]")
        if not np.isfinite(self.offset):
            raise DataError(f"The objective's constant is {self.offset}.", where="offset")

    def _validate_lengths(self) -> None:
        n, m, nnz = self.n, self.m, len(self.coefs)
        wanted = {
            "col_lower": n,
            "col_upper": n,
            "integer": n,
            "row_upper": m,
            "starts": m + 1,
            "indices": nnz,
        }
        for name, length in wanted.items():
            if getattr(self, name).shape != (length,):
                shape = getattr(self, name).shape
                raise DataError(f"Expected shape ({length},), got {shape}.", where=name)
        if self.starts[0] != 0 or self.starts[-1] != nnz or (np.diff(self.starts) < 0).any():
            raise DataError(
                "Row starts do not rise from 0 to the number of entries.", where="starts"
            )
        if nnz and (self.indices.min() < 0 or self.indices.max() >= n):
            raise DataError("An entry names a column that does not exist.", where="indices")

    def __repr__(self) -> str:
        """One line."""
        whole = int(self.integer.sum())
        size = f"{self.n} columns ({whole} integer), {self.m} rows, {len(self.coefs)} entries"
        return f"StandardForm({self.sense}, {size})"


def _member(blocks: tuple[Block, ...], number: int) -> tuple[str, tuple[Key, ...]]:
    for block in blocks:
        if block.start <= number < block.start + block.size:
            return block.name, block.key(number - block.start)
    raise IndexError(number)


def _name(name: str, key: tuple[Key, ...]) -> str:
    return f"{name}[{','.join(map(str, key))}]" if key else name
