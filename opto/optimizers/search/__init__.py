"""The search algorithms of the field, each a Spec with its paper and its defaults.

`named` finds one by name; `Rewriter` is the proposer that asks a language model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.optimizers.search.catalog import named as named
    from opto.optimizers.search.catalog import names as names
    from opto.optimizers.search.rewriter import Rewriter as Rewriter

_EXPORTS = {"named": "catalog", "names": "catalog", "Rewriter": "rewriter"}

__all__ = ["Rewriter", "named", "names"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto.optimizers.search' has no attribute {name!r}")
    return getattr(import_module(f"opto.optimizers.search.{_EXPORTS[name]}"), name)
