"""The main job: a problem in words becomes a solved, checked model.

Lives here: the loop formulate → evaluate → located repair → answer.
Never here: prompts, checks, terminal output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from opto.errors import OptoError
from opto.llm.client import LM
from opto.llm.structured import Unreadable
from opto.modeling.answer import Answer, judge
from opto.modeling.evaluate import Attempt, evaluate
from opto.modeling.pipelines.base import Formulated, Pipeline
from opto.modeling.problem import Problem
from opto.modeling.repair import describe, repair
from solvers_bridge.check import Finding
from solvers_bridge.outcome import Limits
from traces.record import NOTHING, Recorder, current

Progress = Callable[[str, str], None]
"""Told the name of each stage as it begins, and a word about it."""


class NotAModelError(OptoError):
    """The language model gave nothing that can be read as a model."""

    code = "opto.not_a_model"
    exit_code: ClassVar[int] = 4
    """What the command line ends with: not solved."""


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How far to go for one problem."""

    repairs: int | None = None
    """Most correction turns; None: as many as the pipeline thinks its models are good for."""
    limits: Limits = field(default_factory=Limits)


_SHOWN_ONLY = frozenset({"unit-mismatch"})
"""Findings too often harmless to spend a call on: `patients` are counted in `vaccines`."""


def _silent(stage: str, detail: str) -> None:
    """Progress for callers who do not watch."""


async def solve_problem(
    problem: Problem,
    lm: LM,
    *,
    pipeline: Pipeline,
    options: SolveOptions | None = None,
    progress: Progress = _silent,
) -> Answer:
    """Model and solve `problem`.

    Raises:
        opto.llm.errors.ModelCallError: The model gave no answer.
        NotAModelError: What it answered could not be read as a model, also after a repair turn.
    """
    options = options or SolveOptions()
    lm = lm.metered()
    progress("formulate", f"{pipeline.name} on {lm.name}")
    formulated = await pipeline.formulate(problem, lm)
    if isinstance(formulated, Unreadable):
        raise NotAModelError(
            f"The model's answer cannot be read as an optimization model: {formulated.why}",
            where=f"{lm.name}, pipeline {pipeline.name}",
            fix="Try a stronger model (--model), another --pipeline, or say more plainly what is "
            "decided and what is optimized.",
        )
    attempt = await _evaluated(formulated, problem, options, progress=progress)
    if options.repairs is None:
        options = replace(options, repairs=pipeline.repairs)
    attempt, taken = await _corrected(
        formulated, attempt, problem, lm, options=options, progress=progress
    )
    status, why = judge(attempt)
    run = "" if _recorder() is NOTHING else _recorder().run
    answer = Answer(status, why, attempt, pipeline.name, lm.usage, taken, run)
    _recorder().emit("solve.answer", **answer.to_json())
    return answer


def _recorder() -> Recorder:
    return current() or NOTHING


async def _corrected(
    formulated: Formulated,
    attempt: Attempt,
    problem: Problem,
    lm: LM,
    *,
    options: SolveOptions,
    progress: Progress,
) -> tuple[Attempt, int]:
    """The best attempt after at most `options.repairs` turns, and how many were taken."""
    settled: set[Finding] = set()
    taken = 0
    for _ in range(options.repairs or 0):
        finding = _worst(attempt, settled)
        if finding is None:
            break
        settled.add(finding)
        progress("repair", describe(finding))
        candidate = await repair(formulated, problem, lm, finding=finding)
        if candidate is None:
            continue
        tried = await _evaluated(candidate, problem, options, progress=progress)
        better = tried.weight < attempt.weight
        _recorder().emit("solve.repair", finding=describe(finding), taken=better)
        if better:
            formulated, attempt, taken = candidate, tried, taken + 1
    return attempt, taken


async def _evaluated(
    formulated: Formulated, problem: Problem, options: SolveOptions, *, progress: Progress
) -> Attempt:
    draft = formulated.draft
    progress("solve", f"{len(draft.variables)} variables, {len(draft.constraints)} constraints")
    attempt = await evaluate(draft, problem, limits=options.limits)
    _recorder().emit(
        "solve.attempt",
        draft=draft.model_dump(),
        status=judge(attempt)[0].value,
        findings=[describe(finding) for finding in attempt.findings],
    )
    return attempt


def _worst(attempt: Attempt, settled: set[Finding]) -> Finding | None:
    """The finding to ask about next: errors before warnings, then in the order found."""
    left = [f for f in attempt.findings if f not in settled and f.code not in _SHOWN_ONLY]
    return min(left, key=lambda finding: finding.severity, default=None)
