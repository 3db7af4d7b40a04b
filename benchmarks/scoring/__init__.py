"""When is an answer right, when is a model, and what went wrong where it is not.

Lives here: the names a runner and a report use; one module per question.
Never here: data sets, runs, pages; anything that moves an answer toward the gold answer.

What needs numpy or a solver is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.scoring.errors import CLASSES, MEANINGS, error_class, is_guess
from benchmarks.scoring.statistics import mcnemar, paired_difference, pass_at_k, wilson
from benchmarks.scoring.verdict import Verdicts, is_right, verdicts

if TYPE_CHECKING:
    from benchmarks.scoring.declarations import declaration_counts as declaration_counts
    from benchmarks.scoring.diff import Diff as Diff
    from benchmarks.scoring.diff import diff_model as diff_model
    from benchmarks.scoring.prediction_file import PredictionsError as PredictionsError
    from benchmarks.scoring.predictions import ScoreTable as ScoreTable
    from benchmarks.scoring.predictions import score_predictions as score_predictions
    from benchmarks.scoring.same import Comparison as Comparison
    from benchmarks.scoring.same import same_model as same_model

_LATER = {
    "Comparison": "same",
    "Diff": "diff",
    "PredictionsError": "prediction_file",
    "ScoreTable": "predictions",
    "declaration_counts": "declarations",
    "diff_model": "diff",
    "same_model": "same",
    "score_predictions": "predictions",
}

__all__ = [
    "CLASSES",
    "MEANINGS",
    "Comparison",
    "Diff",
    "PredictionsError",
    "ScoreTable",
    "Verdicts",
    "declaration_counts",
    "diff_model",
    "error_class",
    "is_guess",
    "is_right",
    "mcnemar",
    "paired_difference",
    "pass_at_k",
    "same_model",
    "score_predictions",
    "verdicts",
    "wilson",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _LATER:
        raise AttributeError(f"module 'benchmarks.scoring' has no attribute {name!r}")
    return getattr(import_module(f"benchmarks.scoring.{_LATER[name]}"), name)
