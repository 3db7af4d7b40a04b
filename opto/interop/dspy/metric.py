"""Metrics as dspy writes them, and guides as we do.

`metric(example, prediction, trace=None)` gives a number, a truth value, a mapping or Prediction
with `score` and perhaps `feedback`, or what a guide gives. It may also take `pred_name` and
`pred_trace`, as for GEPA: then, on training examples, it is asked again for each predictor that
ran, for words about it. A function whose first parameter is called `output` is one of our guides,
`guide(output, example)`. Both may be async; then nothing is asked twice.

Lives here: `Metric`.
Never here: running programs, counting.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dspy

from opto.interop.dspy.errors import ProgramError
from opto.interop.dspy.rows import Row, plain
from opto.search.guide import Score, score_of

Step = tuple[str, Any, Any, Any]
"""One call of a predictor: its path, the predictor, its inputs, its prediction."""


class Metric:
    """One way to call all of them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Look at its parameters.

        Raises:
            ProgramError: It cannot be called.
        """
        if not callable(function):
            raise ProgramError(
                f"{type(function).__name__} is no metric.",
                fix="Give a function: metric(example, prediction, trace=None) -> number.",
            )
        self.function = function
        try:
            found = dict(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            found = {}
        positional = [
            name
            for name, about in found.items()
            if about.kind in {about.POSITIONAL_ONLY, about.POSITIONAL_OR_KEYWORD}
        ]
        self.is_guide = positional[:1] == ["output"]
        self._traced = len(positional) > 2 or "trace" in found  # noqa: PLR2004  (example, prediction)
        self.by_predictor = "pred_name" in found and not inspect.iscoroutinefunction(function)

    @property
    def error_score(self) -> float:
        """Of a run whose answer could not be read: the function's attribute, else 0."""
        return float(getattr(self.function, "error_score", 0.0))

    def __call__(self, row: Row, prediction: Any) -> Any:
        """The verdict as the function gives it, perhaps to be awaited."""
        if self.is_guide:
            return self.function(*_as_pair(row, prediction))
        if self._traced:
            return self.function(row.example, prediction, None)
        return self.function(row.example, prediction)

    def words(self, row: Row, prediction: Any, steps: Sequence[Step]) -> dict[str, str]:
        """What it says of the last call of each predictor; empty where it does not do that."""
        if not self.by_predictor:
            return {}
        trace = [(predictor, inputs, said) for _, predictor, inputs, said in steps]
        last = {step[0]: step for step in steps}
        found = {}
        for path, (_, predictor, inputs, said) in last.items():
            verdict = self.function(
                row.example, prediction, trace, path, [(predictor, inputs, said)]
            )
            found[path] = read(verdict).feedback
        return {path: said for path, said in found.items() if said}


def read(verdict: Any) -> Score:
    """A verdict as a Score.

    Raises:
        SearchError: It is none of the known forms.
    """
    if isinstance(verdict, dspy.Prediction | Mapping) and "score" in verdict:
        said = verdict.get("feedback")
        return Score(score_of(verdict["score"]).value, "" if said is None else str(said))
    return score_of(verdict)


def _as_pair(row: Row, prediction: Any) -> tuple[Any, dict[str, Any]]:
    """Output and example for a guide; where there is one label, its value and that field.

    So `exact_match` compares the answer with the answer, and not two mappings.
    """
    output = plain(prediction)
    example = dict(row)
    labels = example.get("target", {})
    if len(labels) == 1 and isinstance(output, Mapping):
        [(name, wanted)] = labels.items()
        if name in output:
            return output[name], {**example, "target": wanted}
    return output, example
