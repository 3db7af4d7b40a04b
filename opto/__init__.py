"""LLMs as optimizers over recorded programs, and words turned into solved, checked models.

The public surface is loaded on first use: `import opto` touches no SDK, solver or numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.errors import OptoError as OptoError

OWNER = "optolab"
"""Distribution that owns this package; another one installs a module of the same name."""

_EXPORTS = {"OptoError": "opto.errors"}

__all__ = ["OWNER", "OptoError"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
