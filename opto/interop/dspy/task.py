"""DSPy programs as tasks.

Every candidate is a copy of the program; the original is never changed. Candidates run in as many
threads as the search has workers, each in a `dspy.context` of its own.

Lives here: `DspyTask`: from the values of a candidate to the run that is judged.
Never here: the searched parts (`parts`), what came of a run (`running`), counting (`calls`).
"""

from __future__ import annotations

import inspect
import random
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import dspy

from opto.interop.dspy.calls import fresh
from opto.interop.dspy.metric import Metric
from opto.interop.dspy.parts import Parts
from opto.interop.dspy.rows import Row, rows
from opto.interop.dspy.running import FAULTS, Copy, Run
from opto.search.adapters import Examples
from opto.search.candidate import Candidate
from opto.search.canon import JSON, digest
from opto.search.cost import Cost
from opto.search.demos import demo_components, without
from opto.search.results import Outcome

_KEPT = 64
"""Copies of the program that are kept for further evaluations."""


class DspyTask(Examples):
    """A `dspy.Module`, scored by a metric on `dspy.Example`s."""

    def __init__(
        self,
        program: Any,
        train: Sequence[Any],
        metric: Callable[..., Any],
        *,
        demos: bool = True,
        descriptions: bool = False,
        **options: Any,
    ) -> None:
        """Make a task.

        Args:
            program: Whose instructions and demonstrations are searched; it is not changed. Frozen
                submodules (`_compiled`) are left out.
            train: Examples with inputs, `dspy.Example(...).with_inputs(...)`.
            metric: See `opto.interop.dspy.metric`.
            demos: Are demonstrations components, too?
            descriptions: Are the descriptions of fields components, too?
            options: `trace_tokens`, the length of a rollout's trace, about (2,000; 0 for none);
                `val`, `deterministic` and `worst` as in `Examples`. A program that calls a
                predictor in a loop of its own needs `worst`.

        Raises:
            ProgramError: The program has nothing to train, or an example does not say its inputs.
        """
        self._chars = 4 * int(options.pop("trace_tokens", 2_000))
        val = options.pop("val", None)
        found = None if val is None else rows(val, shown=False, what="valset")
        self.metric = Metric(metric)
        super().__init__(rows(train, shown=True, what="trainset"), metric, val=found, **options)
        self.parts = Parts(program, demos=demos, descriptions=descriptions)
        self.program = program
        if options.get("worst") is None:
            self.worst = Cost(metric=1, llm=_most_calls(program))
        self.seed = Candidate(self.parts.values)
        self.components: Mapping[str, str] = self.parts.about
        self._demos = demo_components(self)
        self._lock = threading.Lock()
        self._copies: OrderedDict[tuple[str, int], Copy] = OrderedDict()
        self._models: dict[tuple[int, int], tuple[Any, Any]] = {}
        kind = type(program)
        self._async = hasattr(kind, "aforward") and not hasattr(kind, "forward")

    def evaluate(
        self,
        candidate: Candidate,
        example: Row,
        rep: int,
        stream: random.Random,  # noqa: ARG002  (Protocol)
    ) -> Outcome | Awaitable[Outcome]:
        copy = self._copy(without(candidate, self._demos, example), rep)
        run = Run(copy, example, self.metric, chars=self._chars)
        settings = {"lm": self._model(dspy.settings.lm, rep)}
        return self._later(run, settings) if self._async else self._now(run, settings)

    def admit(self, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The values as the program takes them; see `Parts.admit`."""
        return self.parts.admit(values)

    def apply(self, candidate: Candidate) -> None:
        """Write the values into the program."""
        self.parts.write(candidate.values)

    def built(self, candidate: Candidate) -> Any:
        """A copy of the program with the values of the candidate."""
        return self.parts.built(candidate.values)

    def _now(self, run: Run, settings: Mapping[str, Any]) -> Outcome | Awaitable[Outcome]:
        with run.watched(settings):
            try:
                prediction = run.copy.program(**run.inputs)
            except FAULTS as error:
                return run.failed(error)
            verdict = self.metric(run.row, prediction)
            if inspect.isawaitable(verdict):
                return self._judged_later(run, prediction, verdict, settings)
            return run.judged(prediction, verdict)

    async def _later(self, run: Run, settings: Mapping[str, Any]) -> Outcome:
        with run.watched(settings):
            try:
                prediction = await run.copy.program.acall(**run.inputs)
            except FAULTS as error:
                return run.failed(error)
            verdict = self.metric(run.row, prediction)
            if inspect.isawaitable(verdict):
                verdict = await verdict
            return run.judged(prediction, verdict)

    async def _judged_later(
        self, run: Run, prediction: Any, verdict: Awaitable[Any], settings: Mapping[str, Any]
    ) -> Outcome:
        with run.watched(settings):
            return run.judged(prediction, await verdict)

    def _copy(self, values: Mapping[str, JSON], rep: int) -> Copy:
        """A copy with these values, whose own models answer this repetition anew."""
        alone = all(predictor.lm is None for predictor in self.parts.predictors.values())
        key = digest(dict(values)), 0 if alone else rep
        with self._lock:
            if key in self._copies:
                self._copies.move_to_end(key)
                return self._copies[key]
        program = self.parts.built(values)
        for predictor in program.predictors():
            predictor.lm = self._model(predictor.lm, rep)
        with self._lock:
            copy = self._copies.setdefault(key, Copy(program))
            while len(self._copies) > _KEPT:
                self._copies.popitem(last=False)
        return copy

    def _model(self, lm: Any, rep: int) -> Any:
        if lm is None or not rep:
            return lm
        with self._lock:
            key = id(lm), rep
            if key not in self._models:
                self._models[key] = (lm, fresh(lm, rep))  # with the model, or its id may be reused
            return self._models[key][1]


def _most_calls(program: Any) -> int:
    """Model calls of one run: two of a predictor, as a reply that cannot be read is asked again.

    Predictors inside a module with `max_iters`, such as ReAct, are called as often as that. What
    BestOfN and Refine repeat cannot be seen from outside, so it may be everything; Refine asks for
    advice between two tries.
    """
    times: dict[int, int] = {}
    tries = 1
    for _, module in program.named_sub_modules(dspy.Module):
        if isinstance(module, dspy.BestOfN | dspy.Refine):
            tries *= module.N
        loops = getattr(module, "max_iters", None)
        for _, predictor in module.named_sub_modules(dspy.Predict):
            factor = loops if isinstance(loops, int) and loops > 0 else 1
            times[id(predictor)] = times.get(id(predictor), 1) * factor
    return 2 * tries * (sum(times.values()) + int(tries > 1))
