"""Errors of the solver bridge: what happened, where, and how to fix it.

Lives here: one exception tree for the package.
Never here: third-party imports; the package shares no base class with `opto` on purpose.
"""

from __future__ import annotations

from typing import ClassVar


class BridgeError(Exception):
    """What happened, where, and how to fix it."""

    code: ClassVar[str] = "bridge"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("\n".join(part for part in (what, where, fix) if part))


class ExpressionError(BridgeError):
    """An expression is outside the grammar, or names something that is not there."""

    code = "bridge.expression"


class DataError(BridgeError):
    """A number or table is missing, of the wrong shape, or not usable by a solver."""

    code = "bridge.data"


class ModelError(BridgeError):
    """A model cannot be compiled; `where` is the path of the first fault."""

    code = "bridge.model"


class MissingSolverError(BridgeError):
    """The package behind a solver is not installed."""

    code = "bridge.missing_solver"


class SolverError(BridgeError):
    """A solver refused the model or broke down; its own words are in `what`."""

    code = "bridge.solver"
