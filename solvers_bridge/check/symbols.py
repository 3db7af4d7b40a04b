"""The names of a model and what they stand for, as far as can be said without numbers.

Lives here: look-up of sets, parameters and variables, the base sets behind a subscript, and which
names were used.
Never here: findings; the checks that use this are in the other modules of this package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from solvers_bridge.errors import BridgeError
from solvers_bridge.ir.model import Key, Model, Parameter, Variable
from solvers_bridge.ir.reference import Reference
from solvers_bridge.ir.tables import Axis

_MAX_STEPS = 200_000
"""Work allowed to find the elements of one set that a condition makes."""


class Symbols:
    """What the names of one model stand for; the first of two equal names counts."""

    def __init__(self, model: Model, data: Mapping[str, Any]) -> None:
        self.model, self.data = model, data
        self.reference = Reference(model, data)
        self.sets = {item.name: item for item in reversed(model.sets)}
        self.parameters = {item.name: item for item in reversed(model.parameters)}
        self.variables = {item.name: item for item in reversed(model.variables)}
        self.used: set[str] = set()
        self._axes: dict[str, Axis | None] = {}

    def item(self, name: str) -> Parameter | Variable | None:
        """The parameter or variable of that name."""
        return self.parameters.get(name) or self.variables.get(name)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The names of all parameters and variables."""
        return (*self.parameters, *self.variables)

    def base(self, name: str) -> Axis | None:
        """The keys of a list or range set; None for a tuple set or an unknown one."""
        item = self.sets.get(name)
        if item is None or item.tuples_of is not None:
            return None
        return self._axis(name)

    def axes(self, index: Sequence[str]) -> tuple[Axis, ...] | None:
        """The axes of an index list; None when a set is bad or too large to spell out here."""
        found = [self._axis(name) for name in index]
        axes = tuple(axis for axis in found if axis is not None)
        return axes if len(axes) == len(found) else None

    def _axis(self, name: str) -> Axis | None:
        if name not in self._axes:
            self.reference.steps_left = _MAX_STEPS
            try:
                self._axes[name] = self.reference.axis(name)
            except BridgeError:
                self._axes[name] = None
        return self._axes[name]

    def flat(self, index: Sequence[str]) -> tuple[str, ...] | None:
        """The base sets of the keys of a subscript; None when a set is unknown."""
        names: list[str] = []
        for name in index:
            item = self.sets.get(name)
            if item is None:
                return None
            names += item.tuples_of if item.tuples_of is not None else [name]
        return tuple(names)

    def numeric(self, base: str) -> bool | None:
        """Whether the keys of a base set are whole numbers; None when empty or unknown."""
        axis = self.base(base)
        if axis is None or axis.size == 0:
            return None
        return axis.first is not None or isinstance(axis.elements[0][0], int)


def type_hint(key: Key, axis: Axis) -> str:
    """A hint when only the type is wrong: the text "1" for the number 1 or the reverse."""
    if isinstance(key, int):
        twin: Key | None = str(key) if key.bit_length() <= 64 else None  # noqa: PLR2004
    else:
        twin = int(key) if re.fullmatch(r"-?[0-9]{1,15}", key) else None
    if twin is None or axis.place((twin,)) is None:
        return ""
    return "; the set has the text" if isinstance(twin, str) else "; the set has the number"
