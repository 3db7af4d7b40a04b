"""Index sets as arrays: keys to positions and back, vectorised.

Lives here: `Group`, one index set ready for gathering.
Never here: expressions, parameters, the IR types.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from solvers_bridge.form import Floats, Ints, Key

Wide: TypeAlias = NDArray[np.int64]

_DENSE_TABLE = 1 << 22
"""Largest product of dimensions for which membership of a tuple is one look-up."""


class RangeKeys(Sequence[tuple[Key, ...]]):
    """Keys of a range of integers, made when asked for."""

    def __init__(self, first: int, size: int) -> None:
        self._values = range(first, first + size)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, position: int) -> tuple[Key, ...]: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[tuple[Key, ...]]: ...
    def __getitem__(self, position: int | slice) -> tuple[Key, ...] | Sequence[tuple[Key, ...]]:
        if isinstance(position, slice):
            return [(value,) for value in self._values[position]]
        return (self._values[position],)


class TupleKeys(Sequence[tuple[Key, ...]]):
    """Keys of a tuple set, put together from its dimensions when asked for."""

    def __init__(self, dims: tuple[Group, ...], codes: tuple[Ints, ...]) -> None:
        self._dims, self._codes = dims, codes

    def __len__(self) -> int:
        return len(self._codes[0])

    @overload
    def __getitem__(self, position: int) -> tuple[Key, ...]: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[tuple[Key, ...]]: ...
    def __getitem__(self, position: int | slice) -> tuple[Key, ...] | Sequence[tuple[Key, ...]]:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        pairs = zip(self._dims, self._codes, strict=True)
        return tuple(dim.keys[int(codes[position])][0] for dim, codes in pairs)


class Group:
    """One index set: `size` keys of `arity` parts. Equality is identity."""

    def __init__(
        self,
        name: str,
        keys: Sequence[tuple[Key, ...]],
        *,
        first: int | None = None,
        dims: tuple[Group, ...] = (),
        codes: tuple[Ints, ...] = (),
    ) -> None:
        self.name, self.keys, self.first = name, keys, first
        self.dims, self.codes = dims, codes
        self.size = len(keys)
        self.arity = len(dims) or 1

    @cached_property
    def flat_keys(self) -> list[Key]:
        """Keys of a simple set without their tuples."""
        return [key[0] for key in self.keys]

    @cached_property
    def is_numeric(self) -> bool:
        """Are all keys integers?"""
        return self.first is not None or all(isinstance(key[0], int) for key in self.keys)

    @cached_property
    def numbers(self) -> Floats:
        """Keys as numbers, NaN for text; shape (size,)."""
        if self.first is not None:
            return np.arange(self.first, self.first + self.size, dtype=np.float64)
        keys = self.flat_keys
        return np.array([key if isinstance(key, int) else np.nan for key in keys], np.float64)

    @cached_property
    def positions(self) -> dict[Key, int]:
        """Position of each key of a simple set."""
        return {key: k for k, key in enumerate(self.flat_keys)}

    @cached_property
    def _sorted_numbers(self) -> tuple[Floats, Ints]:
        order = np.argsort(self.numbers, kind="stable")
        order = order[: int(np.isfinite(self.numbers).sum())]  # NaN sorts last
        return self.numbers[order], order.astype(np.int32)

    def find_numbers(self, values: Floats) -> Ints:
        """Positions of numeric keys, -1 where there is none; same shape as `values`."""
        if self.first is not None:
            shifted = values - self.first
            inside = (shifted >= 0) & (shifted < self.size) & (shifted == np.floor(shifted))
            return np.where(inside, shifted, -1.0).astype(np.int32)
        known, places = self._sorted_numbers
        if not known.size:
            return np.full(values.shape, -1, np.int32)
        spot = np.minimum(np.searchsorted(known, values), known.size - 1)
        return np.where(known[spot] == values, places[spot], np.int32(-1)).astype(np.int32)

    def find_keys(self, keys: Sequence[Key]) -> Ints:
        """Positions of keys, -1 where there is none; shape (len(keys),)."""
        if self.first is not None and all(type(key) is int for key in keys):
            return self.find_numbers(np.array(keys, np.float64))
        return np.array([self.positions.get(key, -1) for key in keys], np.int32)

    @cached_property
    def _strides(self) -> tuple[int, ...]:
        sizes = [dim.size for dim in self.dims]
        return tuple(math.prod(sizes[k + 1 :]) for k in range(len(sizes)))

    @cached_property
    def _table(self) -> Ints | None:
        total = math.prod(dim.size for dim in self.dims)
        if total > max(_DENSE_TABLE, 8 * self.size):
            return None
        table = np.full(total, -1, np.int32)
        table[self._flat(self.codes)] = np.arange(self.size, dtype=np.int32)
        return table

    @cached_property
    def _sorted_flat(self) -> tuple[Wide, Ints]:
        flat = self._flat(self.codes)
        order = np.argsort(flat, kind="stable")
        return flat[order], order.astype(np.int32)

    def flat_codes(self) -> Wide:
        """One number per tuple, equal only for equal tuples; shape (size,)."""
        return self._flat(self.codes)

    def _flat(self, codes: Sequence[Ints]) -> Wide:
        parts = [part.astype(np.int64) * s for part, s in zip(codes, self._strides, strict=True)]
        return sum(parts[1:], start=parts[0])

    def find_tuples(self, codes: Sequence[Ints]) -> Ints:
        """Positions of tuples given per dimension (-1: no such key), broadcast together."""
        missing = np.asarray(codes[0] < 0)
        for part in codes[1:]:
            missing = missing | (part < 0)
        flat = np.where(missing, 0, self._flat(codes))
        if self._table is not None:
            found = self._table[flat]
        else:
            known, places = self._sorted_flat
            spot = np.minimum(np.searchsorted(known, flat), self.size - 1)
            found = np.where(known[spot] == flat, places[spot], np.int32(-1))
        return np.where(missing, np.int32(-1), found).astype(np.int32)

    @cached_property
    def by_part(self) -> dict[int, tuple[Ints, Ints, Ints]]:
        """Cache of `members`."""
        return {}

    def members(self, part: int) -> tuple[Ints, Ints, Ints]:
        """Tuples grouped by their key in dimension `part`.

        Returns:
            Positions in order of that key; per key the first place in them, and how many.
        """
        if part not in self.by_part:
            codes = self.codes[part]
            counts = np.bincount(codes, minlength=self.dims[part].size)
            first = np.concatenate([[0], np.cumsum(counts)[:-1]])
            order = np.argsort(codes, kind="stable")
            self.by_part[part] = (
                order.astype(np.int32),
                first.astype(np.int32),
                counts.astype(np.int32),
            )
        return self.by_part[part]
