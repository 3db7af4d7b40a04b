"""Where a number that no solver handles comes from.

Lives here: the search for the parameter or literal behind a coefficient, and its error.
Never here: the check itself (`rows`), matrices.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from solvers_bridge.compile.rows import LARGE, TINY
from solvers_bridge.compile.scope import Scope
from solvers_bridge.errors import DataError
from solvers_bridge.form import Floats


@dataclass(frozen=True, slots=True)
class Blamer:
    """Raises for a bad coefficient of the expressions in `sides` (path to tree)."""

    scope: Scope
    where: str
    sides: Mapping[str, ast.expr]

    def coefficient(self, value: float) -> NoReturn:
        """Refuse a coefficient; `where` is the number's own path when one can be named."""
        self._refuse(value, f"A coefficient is {value:g}; solvers drop or reject such numbers.")

    def right_side(self, value: float) -> NoReturn:
        """Refuse the constant of a row."""
        self._refuse(value, f"The constant of a row is {value:g}; solvers take it as infinite.")

    def _refuse(self, value: float, what: str) -> NoReturn:
        raise DataError(
            what,
            where=self._origin(large=not abs(value) < LARGE),
            fix=f"Choose units so that coefficients lie between {TINY:g} and {LARGE:g} in size.",
        )

    def _origin(self, *, large: bool) -> str:
        for path, side in self.sides.items():
            for node in ast.walk(side):
                if isinstance(node, ast.Name) and self.scope.is_table(node.id):
                    table = self.scope.table(node.id, where=path)
                    spots = np.flatnonzero(_is_bad(table.values, large=large))
                    if spots.size:
                        return table.path(int(spots[0]))
                elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                    is_bad = _is_bad(np.asarray(float(node.value)), large=large)
                    if is_bad:
                        return path
        return self.where


def _is_bad(values: Floats, *, large: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    size = np.abs(values)
    return np.asarray(size >= LARGE if large else (size <= TINY) & (size > 0))
