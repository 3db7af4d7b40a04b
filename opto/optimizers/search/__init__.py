"""The search algorithms of the field, each a Spec with its paper and its defaults.

`named` finds one by name; `Rewriter` is the proposer that asks a language model; `Sequence` runs
several in turn, `Tune` is a step that trains weights on `preference_pairs`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opto.optimizers.search.catalog import named as named
    from opto.optimizers.search.catalog import names as names
    from opto.optimizers.search.preferences import preference_pairs as preference_pairs
    from opto.optimizers.search.preferences import write_preferences as write_preferences
    from opto.optimizers.search.rewriter import Rewriter as Rewriter
    from opto.optimizers.search.sequence import Sequence as Sequence
    from opto.optimizers.search.tune import Tune as Tune

_EXPORTS = {
    "named": "catalog",
    "names": "catalog",
    "preference_pairs": "preferences",
    "write_preferences": "preferences",
    "Rewriter": "rewriter",
    "Sequence": "sequence",
    "Tune": "tune",
}

__all__ = [
    "Rewriter",
    "Sequence",
    "Tune",
    "named",
    "names",
    "preference_pairs",
    "write_preferences",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'opto.optimizers.search' has no attribute {name!r}")
    return getattr(import_module(f"opto.optimizers.search.{_EXPORTS[name]}"), name)
