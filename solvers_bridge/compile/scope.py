"""What names stand for: sets, parameters and variables of a model, as arrays.

Lives here: `Scope`, its `Table` (a parameter) and `Columns` (a variable), and near-miss messages.
Never here: reading of the IR's numbers (`load`), expressions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

import numpy as np

from solvers_bridge.compile.sets import Group
from solvers_bridge.errors import BridgeError, ModelError
from solvers_bridge.form import Floats, Ints

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A parameter: one axis of `values` per index set."""

    name: str
    groups: tuple[Group, ...]
    values: Floats
    full: bool = True
    """False: NaN marks keys without a number, which is an error only where they are used."""
    cells: Ints | None = None
    """For a sparse parameter, the row-major position of each of its cells."""

    def path(self, position: int) -> str:
        """Path of the number at a row-major position."""
        if self.cells is None:
            return f"data[{self.name}].dense[{position}]"
        found = np.flatnonzero(self.cells == position)
        return f"data[{self.name}]." + (f"cells[{found[0]}]" if found.size else "default")


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A variable: consecutive columns, row-major over its index sets."""

    name: str
    number: int
    groups: tuple[Group, ...]
    first: int

    @property
    def size(self) -> int:
        """Number of columns."""
        return math.prod(group.size for group in self.groups)

    def stride(self, position: int) -> int:
        """Columns per step of index `position`."""
        return math.prod(group.size for group in self.groups[position + 1 :])


class Scope:
    """Names of one model. Sets and tables are read on first use, so order does not matter."""

    def __init__(
        self,
        sets: dict[str, Callable[[], Group]],
        tables: dict[str, Callable[[], Table]],
    ) -> None:
        self._set_makers, self._table_makers = sets, tables
        self._sets: dict[str, Group] = {}
        self._tables: dict[str, Table] = {}
        self._busy: set[str] = set()
        self.variables: dict[str, Columns] = {}

    def group(self, name: str, *, where: str) -> Group:
        """The index set called `name`."""
        if name not in self._set_makers:
            raise unknown("set", name, self._set_makers, where=where)
        if name not in self._sets:
            self._sets[name] = self._once(name, self._set_makers[name], where)
        return self._sets[name]

    def table(self, name: str, *, where: str) -> Table:
        """The parameter called `name`."""
        if name not in self._tables:
            self._tables[name] = self._once(name, self._table_makers[name], where)
        return self._tables[name]

    def is_table(self, name: str) -> bool:
        """Is `name` a parameter?"""
        return name in self._table_makers

    def load_all(self) -> None:
        """Read every set and parameter, used or not: unused bad data is still bad data."""
        for name in self._set_makers:
            self.group(name, where="sets")
        for name in self._table_makers:
            self.table(name, where="parameters")

    def unknown_name(self, name: str, *, where: str) -> BridgeError:
        """The error for a name that is neither index, parameter nor variable."""
        known = [*self._table_makers, *self.variables, *self._set_makers]
        return unknown("index, parameter or variable", name, known, where=where)

    def _once(self, name: str, make: Callable[[], T], where: str) -> T:
        if name in self._busy:
            raise ModelError(
                f"{name!r} is defined by itself.", where=where, fix="Break the circle."
            )
        self._busy.add(name)
        try:
            return make()
        finally:
            self._busy.discard(name)


def unknown(kind: str, name: str, known: Iterable[str], *, where: str) -> ModelError:
    """The error for a name that is not there; a near miss is named."""
    near = get_close_matches(name, list(known), n=1)
    fix = f"Did you mean {near[0]!r}?" if near else "Declare it, or correct the name."
    return ModelError(f"There is no {kind} {name!r}.", where=where, fix=fix)
