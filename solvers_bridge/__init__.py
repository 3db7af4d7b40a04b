"""Optimization models as data, compiled for solvers, solved and checked. Knows no language model.

The public surface is loaded on first use: importing this package touches no solver and no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers_bridge.errors import BridgeError as BridgeError
    from solvers_bridge.ir.model import Model as Model

OWNER = "optolab"
"""Distribution that owns this package."""

_EXPORTS = {
    "BridgeError": "solvers_bridge.errors",
    "Model": "solvers_bridge.ir.model",
}

__all__ = ["OWNER", "BridgeError", "Model"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'solvers_bridge' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
