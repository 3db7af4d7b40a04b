"""Frames: all cells a `for` runs over, as a grid whose axes are only made long when they must.

Lives here: axes, index names bound to them, products, filters and joins of frames.
Never here: expressions, coefficients, the IR types.

`i in I for j in J` is a grid of shape (|I|, |J|) that stores nothing per cell. A filter that
looks at one axis shortens it; a filter that looks at several merges just these into a list.
Values over a frame are arrays that numpy broadcasts against its shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from solvers_bridge.compile.sets import Group
from solvers_bridge.errors import ModelError
from solvers_bridge.form import Ints

Mask: TypeAlias = NDArray[np.bool_]
Handle: TypeAlias = str | tuple[str, ...] | int
"""What is bound: an index name, the names of a tuple set together, or an outer axis."""

MAX_CELLS = 50_000_000
"""Cells of one frame, or entries of one matrix, that are worked on at once (0.6 GB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """Positions within `group` for every cell: along one axis as they are, or listed."""

    group: Group | None
    axis: int = -1
    codes: Ints | None = None
    """None: the cell's own position on `axis`. Else broadcastable to the frame's shape."""

    def array(self, shape: tuple[int, ...]) -> Ints:
        """Positions as an array that broadcasts to `shape`."""
        if self.codes is not None:
            return self.codes
        return along(np.arange(shape[self.axis], dtype=np.int32), self.axis, len(shape))


def along(values: Ints, axis: int, ndim: int) -> Ints:
    """A vector laid along one axis of `ndim`."""
    return values.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Cells of nested `for` clauses."""

    shape: tuple[int, ...] = ()
    bound: dict[Handle, Bound] = field(default_factory=dict)
    ordered: bool = True
    """Keep the cells in the order Python would visit them (rows do, sums need not)."""
    where: str = ""

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def at(self, where: str) -> Frame:
        """The same frame for the expression at the path `where`."""
        return Frame(self.shape, self.bound, self.ordered, where)

    def inner(self) -> Frame:
        """A frame for a `sum` in this one: same cells, and the way back to them."""
        bound: dict[Handle, Bound] = {
            handle: place for handle, place in self.bound.items() if not isinstance(handle, int)
        }
        bound |= {k: Bound(None, k) for k in range(len(self.shape))}
        return Frame(self.shape, bound, ordered=False, where=self.where)

    def rows_in(self, outer: Frame) -> Ints | None:
        """Cell number in `outer` per cell; None when the first axes are still those of `outer`."""
        rank = len(outer.shape)
        if all(self.bound[k].codes is None for k in range(rank)) and (
            self.shape[:rank] == outer.shape
        ):
            return None
        rows = np.zeros((1,) * len(self.shape), np.int32)
        for k in range(rank):
            stride = math.prod(outer.shape[k + 1 :])
            rows = rows + self.bound[k].array(self.shape) * np.int32(stride)
        return rows

    def product(self, group: Group, names: tuple[str, ...]) -> Frame:
        """One axis more, over all of `group`."""
        axis, shape = len(self.shape), (*self.shape, group.size)
        self._refuse_if_large(math.prod(shape), f"{group.name} ({group.size:,})")
        bound: dict[Handle, Bound] = {
            handle: Bound(b.group, b.axis, None if b.codes is None else b.codes[..., None])
            for handle, b in self.bound.items()
        }
        new = self._named(group, names, Bound(group, axis), len(shape))
        return Frame(shape, _hiding(bound, names) | new, self.ordered, self.where)

    def with_codes(self, name: str, group: Group, codes: Ints) -> Frame:
        """The same cells with one more name, whose position follows from the others."""
        spread = codes.reshape((1,) * (len(self.shape) - codes.ndim) + codes.shape)
        new: dict[Handle, Bound] = {name: Bound(group, -1, spread)}
        bound = _hiding(self.bound, (name,)) | new
        return Frame(self.shape, bound, self.ordered, self.where)

    def filtered(self, mask: Mask) -> Frame:
        """Only the cells where `mask` (broadcastable to the shape) holds."""
        if mask.all():
            return self
        if not self.shape:
            raise ModelError(
                "A condition without index.", where=self.where, fix="Use it after a `for`."
            )
        mask = mask.reshape((1,) * (len(self.shape) - mask.ndim) + mask.shape)
        axes = [a for a, size in enumerate(mask.shape) if size != 1] or [len(self.shape) - 1]
        if self.ordered:
            axes = list(range(axes[0], axes[-1] + 1))
        full = tuple(self.shape[a] if a in axes else 1 for a in range(len(self.shape)))
        kept = np.nonzero(np.broadcast_to(mask, full).reshape([self.shape[a] for a in axes]))
        return self._gathered(axes, [pick.astype(np.int32) for pick in kept])

    def joined(self, group: Group, names: tuple[str, ...], *, part: int, codes: Ints) -> Frame:
        """The product with the tuples whose key in dimension `part` is `codes` (-1: none)."""
        ndim = len(self.shape)
        codes = codes.reshape((1,) * (ndim - codes.ndim) + codes.shape)
        axes = [a for a, size in enumerate(codes.shape) if size != 1] or [ndim - 1]
        if self.ordered:
            axes = list(range(axes[0], ndim))
        sizes = [self.shape[a] for a in axes]
        full = tuple(self.shape[a] if a in axes else 1 for a in range(ndim))
        flat = np.broadcast_to(codes, full).ravel()
        order, first, counts = group.members(part)
        repeats = np.where(flat >= 0, counts[flat], 0)
        total = int(repeats.sum(dtype=np.int64))
        rest = self.cells // max(math.prod(sizes), 1)
        self._refuse_if_large(total * rest, f"{group.name} ({group.size:,})")
        cell = np.repeat(np.arange(len(flat), dtype=np.int32), repeats)
        ends = np.cumsum(repeats)
        nth = np.arange(total, dtype=np.int32) - (ends - repeats)[cell]
        members = order[first[flat[cell]] + nth]
        picks = [pick.astype(np.int32) for pick in np.unravel_index(cell, sizes)]
        merged = self._gathered(axes, picks)
        rank = len(merged.shape)
        new = self._named(group, names, Bound(group, -1, along(members, axes[0], rank)), rank)
        bound = _hiding(merged.bound, names) | new
        return Frame(merged.shape, bound, self.ordered, self.where)

    def _named(
        self, group: Group, names: tuple[str, ...], place: Bound, ndim: int
    ) -> dict[Handle, Bound]:
        """Bindings of the names of a clause whose member of `group` is at `place`."""
        if not group.dims:
            return {names[0]: place}
        new: dict[Handle, Bound] = {names: place}
        for name, dim, codes in zip(names, group.dims, group.codes, strict=True):
            own = along(codes, place.axis, ndim) if place.codes is None else codes[place.codes]
            new[name] = Bound(dim, -1, own)
        return new

    def _gathered(self, axes: Sequence[int], picks: Sequence[Ints]) -> Frame:
        """`axes` merged into one list axis, at the place of the first; `picks` say which cells."""
        rest = [a for a in range(len(self.shape)) if a not in axes]
        place = axes[0]
        order = [*rest[:place], -1, *rest[place:]]
        shape = tuple(len(picks[0]) if a == -1 else self.shape[a] for a in order)
        bound: dict[Handle, Bound] = {}
        for handle, old in self.bound.items():
            if old.codes is None and old.axis not in axes:
                bound[handle] = Bound(old.group, order.index(old.axis))
            elif old.codes is None:
                codes = along(picks[list(axes).index(old.axis)], place, len(shape))
                bound[handle] = Bound(old.group, -1, codes)
            else:
                bound[handle] = Bound(old.group, -1, _gather(old.codes, axes, picks))
        return Frame(shape, bound, self.ordered, self.where)

    def _refuse_if_large(self, cells: int, last: str) -> None:
        if cells > MAX_CELLS:
            sizes = " x ".join(f"{size:,}" for size in self.shape) or "1"
            raise ModelError(
                f"{cells:,} index tuples ({sizes}, then {last}) are too many to work on at once;"
                f" the limit is {MAX_CELLS:,}.",
                where=self.where,
                fix="Sum over a tuple set that holds only the combinations that matter.",
            )


def _hiding(bound: dict[Handle, Bound], names: tuple[str, ...]) -> dict[Handle, Bound]:
    """`bound` without what inner indices of the same name hide."""
    hidden = set(names)
    return {
        handle: place
        for handle, place in bound.items()
        if not (isinstance(handle, tuple) and hidden & set(handle))
    }


def _gather(codes: Ints, axes: Sequence[int], picks: Sequence[Ints]) -> Ints:
    front = np.moveaxis(codes, axes, range(len(axes)))
    if all(size == 1 for size in front.shape[: len(axes)]):
        merged = front[(0,) * len(axes)][None]
    else:
        index = tuple(
            pick if size != 1 else np.int32(0)
            for pick, size in zip(picks, front.shape[: len(axes)], strict=True)
        )
        merged = front[index]
    return np.moveaxis(merged, 0, axes[0])
