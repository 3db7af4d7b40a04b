"""The index sets of a model spelled out, and its parameters as exact numbers by key.

Lives here: `Axis` (the keys of one set, in order) and `Table` (the numbers of one parameter).
Never here: expressions, findings, solvers, a fast path; numpy is met only as an array handed in.

Exact means: the value of the double that a JSON number becomes (0.1 is the double nearest to a
tenth), because that is the number a solver is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from solvers_bridge.errors import DataError
from solvers_bridge.ir.model import IndexSet, Key, Parameter, Values

Keys = tuple[Key, ...]

_SHOWN = 40
_LONG_BITS = 64


def exact(value: Any, *, where: str) -> Fraction:
    """`value` (a number or an array's scalar) without rounding; DataError when not finite."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not math.isfinite(plain):
        raise DataError(f"{plain} is not a number to compute with.", where=where, fix="Correct it.")
    if not isinstance(plain, (int, float, Fraction)):
        raise DataError(f"{type(plain).__name__} is not a number.", where=where, fix="Correct it.")
    return Fraction(plain)


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The elements of one index set in order; a tuple set has elements of several keys."""

    name: str
    bases: tuple[str, ...]
    """The list or range set each key of an element comes from; the set itself if it is one."""
    size: int
    first: int | None
    """Start of a range, whose elements are not stored."""
    elements: tuple[Keys, ...]
    places: Mapping[Keys, int]

    @property
    def width(self) -> int:
        """Keys per element: 1, or the number of sets of a tuple set."""
        return len(self.bases)

    def __iter__(self) -> Iterator[Keys]:
        if self.first is None:
            return iter(self.elements)
        return ((number,) for number in range(self.first, self.first + self.size))

    def place(self, key: Keys) -> int | None:
        """Position of `key`, or None when it is not in the set."""
        if self.first is None:
            return self.places.get(key)
        number = key[0]
        inside = isinstance(number, int) and 0 <= number - self.first < self.size
        return int(number) - self.first if inside else None


def base_axis(item: IndexSet) -> Axis:
    """The axis of a list or range set (an undeclared kind is an empty list)."""
    if item.elements is None and item.first is not None and item.last is not None:
        size = max(0, item.last - item.first + 1)
        return Axis(item.name, (item.name,), size, item.first, (), {})
    return listed_axis(item.name, (item.name,), [(key,) for key in item.elements or ()])


def listed_axis(name: str, bases: tuple[str, ...], elements: Iterable[Keys]) -> Axis:
    """An axis of stored elements; a repeated element counts once."""
    kept = tuple(dict.fromkeys(elements))
    places = {key: place for place, key in enumerate(kept)}
    return Axis(name, bases, len(kept), None, kept, places)


def combinations(axes: Sequence[Axis]) -> Iterator[Keys]:
    """The flat keys of the product of `axes`, row-major (the last axis runs fastest)."""
    if not axes:
        yield ()
    elif all(axis.size for axis in axes):
        for head in axes[0]:
            for tail in combinations(axes[1:]):
                yield (*head, *tail)


def place_in(axes: Sequence[Axis], key: Keys) -> int | None:
    """Row-major position of a flat `key` in the product of `axes`; None when it is outside."""
    at = position = 0
    if len(key) != sum(axis.width for axis in axes):
        return None
    for axis in axes:
        place = axis.place(key[at : at + axis.width])
        if place is None:
            return None
        position = position * axis.size + place
        at += axis.width
    return position


def key_at(axes: Sequence[Axis], position: int) -> Keys:
    """The flat key at a row-major position, the reverse of `place_in`."""
    parts: list[Keys] = []
    for axis in reversed(axes):
        position, place = divmod(position, axis.size)
        parts.append(axis.elements[place] if axis.first is None else (axis.first + place,))
    return tuple(key for part in reversed(parts) for key in part)


class Table:
    """The numbers of one parameter: from `override` when given, else from `values`."""

    def __init__(
        self,
        parameter: Parameter,
        axes: Sequence[Axis],
        *,
        values: Values | None,
        override: Any = None,
        where: str,
    ) -> None:
        self._axes, self._where = axes, where
        self._flat: Any = None
        self._cells: dict[Keys, Any] = {}
        self._default: float | None = None
        shape = tuple(axis.size for axis in axes)
        if override is not None:
            self._flat = flattened(override, shape, where=where)
        elif values is None:
            raise DataError(
                f'Parameter "{parameter.name}" has no numbers.',
                where=where,
                fix="Add an entry to `data`.",
            )
        elif values.dense is not None:
            self._flat = flattened(values.dense, (math.prod(shape),), where=where)
        else:
            self._cells = {tuple(cell.key): cell.value for cell in values.cells or ()}
            self._default = values.default

    def __getitem__(self, key: Keys) -> Fraction:
        """The number at a key of the parameter's index sets (KeyError: not a key of them)."""
        place = place_in(self._axes, key)
        if place is None:
            raise KeyError(key)
        value = self._flat[place] if self._flat is not None else self._cells.get(key, self._default)
        if value is None:
            raise DataError(
                f"There is no value for key {shown(key)}.", where=self._where, fix="Add a cell."
            )
        return exact(value, where=self._where)


def shown(key: Keys) -> str:
    """A key as in an expression: `[1, 'a']`."""
    return "[" + ", ".join(brief(part) for part in key[:8]) + "]"


def brief(value: object) -> str:
    """A key or number for a message: short, printable, and safe for numbers of any length."""
    if isinstance(value, Fraction):
        size = value.numerator.bit_length() - value.denominator.bit_length()
        return f"{float(value):g}" if size < _LONG_BITS else "a huge number"
    if isinstance(value, int) and value.bit_length() > _LONG_BITS:  # str() may refuse it
        return "a huge number"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def flattened(value: Any, shape: tuple[int, ...], *, where: str) -> Any:
    """`value` (a number, nested lists or an array) as one row-major sequence.

    Raises DataError when its shape is not `shape`. Arrays stay arrays: no element is touched.
    """
    found: tuple[int, ...]
    if hasattr(value, "shape"):
        found = tuple(int(size) for size in value.shape)
        flat = getattr(value, "values", value).reshape(-1)  # `values`: of a labelled table
    else:
        found, flat = _unnested(value, len(shape))
    if found != shape and not (found == (1,) and shape == ()):
        raise DataError(
            f"The table has {_sizes(found)} numbers, its index sets need {_sizes(shape)}.",
            where=where,
            fix="Give one number per combination of keys, the last index running fastest.",
        )
    return flat


def _unnested(value: Any, levels: int) -> tuple[tuple[int, ...], Sequence[Any]]:
    """Shape and items of nested lists; a ragged one gets a shape that fits nothing."""
    if levels == 0 and not isinstance(value, (list, tuple)):
        return (), [value]
    sizes: list[int] = []
    flat: Sequence[Any] = [value]
    for _ in range(max(1, levels)):
        if not all(isinstance(part, (list, tuple)) for part in flat):
            break
        lengths = {len(part) for part in flat}
        sizes.append(lengths.pop() if len(lengths) == 1 else -1)
        flat = [item for part in flat for item in part]
    return tuple(sizes), flat


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) if size >= 0 else "ragged" for size in shape) or "1"


def sum_in_pairs(values: Iterable[Fraction]) -> Fraction:
    """The sum, like sizes first: denominators grow late, so long sums of ratios stay quick."""
    partial: list[Fraction] = []
    for count, value in enumerate(values, start=1):
        total = value
        while count % 2 == 0:
            total += partial.pop()
            count //= 2  # noqa: PLW2901 - the number of trailing zeros says how many to merge
        partial.append(total)
    return sum(partial, Fraction())
