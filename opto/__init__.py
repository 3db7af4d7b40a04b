"""LLMs as optimizers over recorded programs, and words turned into solved, checked models.

The public surface is loaded on first use: `import opto` touches no SDK, solver or numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.errors import OptoError as OptoError
    from opto.llm.client import LM as LM
    from opto.llm.open import open_model as open_model
    from opto.modeling.answer import Answer as Answer
    from opto.modeling.api import solve as solve
    from opto.search.budget import Budget as Budget
    from opto.search.optimize import optimize as optimize
    from opto.trace.bundle import bundle as bundle
    from opto.trace.modules import Module as Module
    from opto.trace.modules import model as model
    from opto.trace.nodes import node as node

OWNER = "optolab"
"""Distribution that owns this package; another one installs a module of the same name."""

_EXPORTS = {
    "LM": "opto.llm.client",
    "Answer": "opto.modeling.answer",
    "Budget": "opto.search.budget",
    "Module": "opto.trace",
    "OptoError": "opto.errors",
    "bundle": "opto.trace",
    "model": "opto.trace",
    "node": "opto.trace",
    "open_model": "opto.llm.open",
    "optimize": "opto.search.optimize",
    "solve": "opto.modeling.api",
}

__all__ = [
    "LM",
    "OWNER",
    "Answer",
    "Budget",
    "Module",
    "OptoError",
    "bundle",
    "model",
    "node",
    "open_model",
    "optimize",
    "solve",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
