"""Optimization models as data, compiled for solvers, solved and checked. Knows no language model.

The public surface is loaded on first use: importing this package touches no solver and no numpy.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers_bridge.api import Solved as Solved
    from solvers_bridge.api import Verdict as Verdict
    from solvers_bridge.api import solve_model as solve_model
    from solvers_bridge.check import Finding as Finding
    from solvers_bridge.check import check as check
    from solvers_bridge.compile import compile_model as compile_model
    from solvers_bridge.errors import BridgeError as BridgeError
    from solvers_bridge.errors import DataError as DataError
    from solvers_bridge.errors import ExpressionError as ExpressionError
    from solvers_bridge.errors import MissingSolverError as MissingSolverError
    from solvers_bridge.errors import ModelError as ModelError
    from solvers_bridge.errors import SolverError as SolverError
    from solvers_bridge.form import StandardForm as StandardForm
    from solvers_bridge.formats.lp import write_lp as write_lp
    from solvers_bridge.formats.mps import write_mps as write_mps
    from solvers_bridge.interpret import evaluate as evaluate
    from solvers_bridge.ir.model import Model as Model
    from solvers_bridge.ir.model import model_schema as model_schema
    from solvers_bridge.opinion import Opinion as Opinion
    from solvers_bridge.opinion import second_opinion as second_opinion
    from solvers_bridge.outcome import Limits as Limits
    from solvers_bridge.outcome import Outcome as Outcome
    from solvers_bridge.outcome import Stop as Stop
    from solvers_bridge.render import render as render
    from solvers_bridge.verify import Certificate as Certificate
    from solvers_bridge.verify import verify as verify

OWNER = "optolab"
"""Distribution that owns this package."""

_EXPORTS = {
    "BridgeError": "errors",
    "Certificate": "verify",
    "DataError": "errors",
    "ExpressionError": "errors",
    "Finding": "check",
    "Limits": "outcome",
    "MissingSolverError": "errors",
    "Model": "ir.model",
    "ModelError": "errors",
    "Opinion": "opinion",
    "Outcome": "outcome",
    "Solved": "api",
    "SolverError": "errors",
    "StandardForm": "form",
    "Stop": "outcome",
    "Verdict": "api",
    "check": "check",
    "compile_model": "compile",
    "evaluate": "interpret",
    "model_schema": "ir.model",
    "render": "render",
    "second_opinion": "opinion",
    "solve_model": "api",
    "verify": "verify",
    "write_lp": "formats.lp",
    "write_mps": "formats.mps",
}

__all__ = [
    "OWNER",
    "BridgeError",
    "Certificate",
    "DataError",
    "ExpressionError",
    "Finding",
    "Limits",
    "MissingSolverError",
    "Model",
    "ModelError",
    "Opinion",
    "Outcome",
    "Solved",
    "SolverError",
    "StandardForm",
    "Stop",
    "Verdict",
    "check",
    "compile_model",
    "evaluate",
    "model_schema",
    "render",
    "second_opinion",
    "solve_model",
    "verify",
    "write_lp",
    "write_mps",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'solvers_bridge' has no attribute {name!r}")
    return getattr(import_module(f"solvers_bridge.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    """Public names, so that tab completion shows what is loaded on demand."""
    return sorted([*globals(), *_EXPORTS])


def _function(name: str) -> property:
    def read(_: ModuleType) -> Any:
        return getattr(import_module(f"solvers_bridge.{name}"), name)

    def keep(_: ModuleType, __: Any) -> None:
        """The import system would bind the submodule of that name here; the function stays."""

    return property(read, keep)


class _Package(ModuleType):
    """Three functions share their module's name, and must not become the module once it loads."""

    check = _function("check")
    render = _function("render")
    verify = _function("verify")


sys.modules[__name__].__class__ = _Package
