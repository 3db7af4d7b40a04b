"""One run of a copy of a program on one example: what came of it, in words and numbers.

Lives here: `Run`.
Never here: which values the copy has, how it is called.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dspy

from opto.interop.dspy.calls import Calls, is_hopeless
from opto.interop.dspy.metric import Metric, Step, read
from opto.interop.dspy.parts import ANSWER, CALLS
from opto.interop.dspy.rows import Row, plain, text
from opto.search.demos import written
from opto.search.errors import StudyHalted
from opto.search.results import Outcome

FAULTS: tuple[type[Exception], ...] = (
    dspy.AdapterParseError,
    dspy.ContextWindowExceededError,
    ValueError,
    LookupError,
    ArithmeticError,
)
"""What an answer that is not as expected leads to inside a program; the candidate's doing."""
_VALUE = 240
"""Longest value of a field in a trace, in characters."""
_ANSWER = 600
"""Longest answer that could not be read, in characters."""
_DSPY = str(Path(dspy.__file__).parent)


class Copy:
    """A copy of the program, and what its predictors are called."""

    def __init__(self, program: Any) -> None:
        self.program = program
        found = program.named_sub_modules(dspy.Predict)
        self._names = {id(module): path.removeprefix("self.") for path, module in found}
        self._own = dict(program.named_predictors())
        self._names.update({id(predictor): path for path, predictor in self._own.items()})

    def path(self, predictor: Any) -> str:
        """Where a predictor is in the program; of one made during the run, its likeness."""
        return self._names.get(id(predictor)) or self.like(predictor.signature)

    def like(self, signature: Any) -> str:
        """The predictor that has this signature."""
        same = (path for path, own in self._own.items() if own.signature.equals(signature))
        return next(same, "a predictor")

    def __contains__(self, path: str) -> bool:
        return path in self._own


class Run:
    """What is known of one run."""

    def __init__(self, copy: Copy, row: Row, metric: Metric, *, chars: int) -> None:
        """Begin.

        Args:
            copy: What is run.
            row: On what.
            metric: Who judges.
            chars: Length of the trace, about.
        """
        self.copy, self.row, self.metric = copy, row, metric
        self.calls = Calls()
        self.inputs: dict[str, Any] = dict(row.example.inputs().items())
        self._chars = chars
        self._trace: list[Any] = []

    @contextmanager
    def watched(self, settings: Mapping[str, Any]) -> Iterator[None]:
        """A block whose calls are counted, also if it fails.

        Raises:
            StudyHalted: A call failed as every further one would.
        """
        with self.calls.watching(self._trace, **settings):
            try:
                yield
            except Exception as error:
                if is_hopeless(error):
                    raise StudyHalted(str(error)) from error
                error.cost = self.calls.cost  # type: ignore[attr-defined]  # what the engine looks for
                raise

    def judged(self, prediction: Any, verdict: Any) -> Outcome:
        """The outcome of a run that came to its end."""
        score = read(verdict)
        steps = self._steps()
        said = score.feedback or _expected(self.row)
        if self.row.shown:
            words = self.metric.words(self.row, prediction, steps)
            said = "\n".join(
                [said, *(f"{path}: {word}" for path, word in words.items() if word != said)]
            ).strip()
        calls = {path: {**fields, **answer} for path, fields, answer in self._fields(steps)}
        known = {path: fields for path, fields in calls.items() if path in self.copy}
        output = written({CALLS: known, ANSWER: plain(prediction)})
        cost = self.calls.cost  # last: a metric may call models, too
        return Outcome(score.value, score.values, said, self._told(steps), cost, output)

    def failed(self, error: Exception) -> Outcome:
        """The outcome of a run that ended in one of `FAULTS`."""
        if is_hopeless(error):
            raise error
        steps = self._steps()
        said = self._read_badly(error) if isinstance(error, dspy.AdapterParseError) else _why(error)
        trace = self._told(steps)
        return Outcome(self.metric.error_score, feedback=said, trace=trace, cost=self.calls.cost)

    def _steps(self) -> list[Step]:
        return [
            (self.copy.path(predictor), predictor, inputs, said)
            for predictor, inputs, said in list(self._trace)
        ]

    def _fields(self, steps: list[Step]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        for path, _, inputs, said in steps:
            yield path, plain(dict(inputs)), plain(dict(said.items()))

    def _told(self, steps: list[Step]) -> str:
        """`path(field = value, ...) -> field = value, ...`, a line for each call of a predictor."""
        if not self._chars:
            return ""
        lines = [f"{path}({_listed(i)}) -> {_listed(o)}" for path, i, o in self._fields(steps)]
        shown = "\n".join(lines)
        return shown if len(shown) <= self._chars else f"{shown[: self._chars]}…"

    def _read_badly(self, error: Any) -> str:
        wanted = ", ".join(error.signature.output_fields)
        reply = _clipped(str(error.lm_response), _ANSWER)
        why = _clipped(str(error.message).partition("Adapter ")[0].strip(), _VALUE)
        path = self.copy.like(error.signature)
        said = f"The reply at {path} could not be read: it must give {wanted}. {why}".rstrip()
        return f"{said}\nIt was:\n{reply}"


def _why(error: Exception) -> str:
    if isinstance(error, dspy.ContextWindowExceededError):
        return f"The prompt is too long for the model: {_clipped(str(error), _ANSWER)}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith(_DSPY) and f.filename != __file__]
    place = f"\nat: {own[-1].line}" if own and own[-1].line else ""
    return f"The program failed with {type(error).__name__}: {_clipped(str(error), _ANSWER)}{place}"


def _expected(row: Row) -> str:
    """What is said where the metric says nothing: the labels."""
    labels = row.get("target")
    return f"Expected: {_listed(labels)}." if labels else ""


def _listed(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_clipped(text(value), _VALUE)}" for name, value in fields.items())


def _clipped(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[:most]}…"
