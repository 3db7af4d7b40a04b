"""Declaration-level accuracy, the measure of the NL4OPT competition.

Lives here: counts of one item, and their accuracy over items.
Never here: how rows are compared (`benchmarks.scoring.diff`).

Accuracy over items is 1 - sum of min(FP + FN, D) / sum of D. D is the number of declarations of the
gold model: the objective and each row. FP are declarations of the model that the gold model does
not have, FN rows that it lacks in number (Ramamonjison et al., "NL4Opt Competition: Formulating
Optimization Problems Based on Their Natural Language Descriptions", PMLR 220, 2022; rules as in the
scorer of the competition's baseline).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.scoring.diff import diff_model
from solvers_bridge import Model


def declaration_counts(model: Model | None, gold: Mapping[str, Any]) -> dict[str, int]:
    """`errors` and `declared` of one item; without a model everything is wrong."""
    return diff_model(model, gold).counts


def declaration_accuracy(counts: Iterable[Mapping[str, int]]) -> float | None:
    """Accuracy over items; None where nothing was declared."""
    errors = declared = 0
    for count in counts:
        errors += count["errors"]
        declared += count["declared"]
    return 1.0 - errors / declared if declared else None
