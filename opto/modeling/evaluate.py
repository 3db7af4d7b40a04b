"""From a draft to a solved and questioned model, with everything found on the way.

Lives here: bind → check → compile → solve → verify → audit, without any model call, in threads
of its own: one per processor, because a solve that shares one loses the time it was given.
Never here: prompts, repair.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import Event

from opto.modeling.audit import audit
from opto.modeling.bind import BindError, bind
from opto.modeling.draft import Draft
from opto.modeling.problem import Problem
from solvers_bridge.api import Solved, Verdict, solve_model
from solvers_bridge.backends import get_backend
from solvers_bridge.check import Finding, check
from solvers_bridge.diagnose import find_conflict, find_growth
from solvers_bridge.errors import BridgeError
from solvers_bridge.ir.model import Model, Variable
from solvers_bridge.outcome import Limits
from solvers_bridge.strictness import Strict


@dataclass(frozen=True, slots=True)
class Attempt:
    """One draft and what became of it."""

    draft: Draft
    model: Model | None
    """None where the draft could not be joined with its tables."""
    solved: Solved | None
    """None where an error stopped the model before the solver."""
    findings: tuple[Finding, ...]

    @property
    def weight(self) -> tuple[int, int]:
        """Errors and warnings; a repair is taken only if this becomes smaller."""
        errors = sum(finding.severity == "error" for finding in self.findings)
        return errors, len(self.findings) - errors


async def evaluate(draft: Draft, problem: Problem, *, limits: Limits) -> Attempt:
    """Build, solve and question `draft`. Faults of the draft become findings, never exceptions.

    Any number may run at the same time; the event loop is free meanwhile. Cancelling stops the
    solvers as well.
    """
    stop = _Stop(limits.interrupt)
    work = partial(evaluate_here, draft, problem, limits=replace(limits, interrupt=stop))
    try:
        return await asyncio.get_running_loop().run_in_executor(
            _threads(), copy_context().run, work
        )
    except asyncio.CancelledError:
        stop.set()
        raise


def evaluate_here(draft: Draft, problem: Problem, *, limits: Limits) -> Attempt:
    """`evaluate` in the thread of the caller."""
    try:
        model = bind(draft, problem)
    except BindError as error:
        return Attempt(draft, None, None, (_finding(error, path=error.where),))
    findings = check(model)
    if any(finding.severity == "error" for finding in findings):
        return Attempt(draft, model, None, tuple(findings))
    try:
        solved = solve_model(model, limits=limits)
        doubts = [*_status(model, solved, limits)]
    except BridgeError as error:
        return Attempt(draft, model, None, (*findings, _finding(error, path=error.where)))
    return Attempt(draft, model, solved, (*findings, *doubts, *audit(model, problem)))


class _Stop(Event):
    """Set by itself, or because `outer` is."""

    def __init__(self, outer: Event | None) -> None:
        super().__init__()
        self._outer = outer

    def is_set(self) -> bool:
        return super().is_set() or (self._outer is not None and self._outer.is_set())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="evaluate")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of the threads


def _status(model: Model, solved: Solved, limits: Limits) -> Iterator[Finding]:
    """What the solver's answer says about the model."""
    match solved.verdict:
        case Verdict.INFEASIBLE:
            yield Finding(
                path="",
                code="infeasible",
                severity="warning",
                message=f"no choice satisfies all rules: {_conflict(model, solved, limits)}",
                fix="Compare each with the words of the problem; if all are right, change nothing.",
            )
        case Verdict.UNBOUNDED:
            grows = (
                ", ".join(
                    find_growth(solved.form, get_backend("highs"), interrupt=limits.interrupt)
                )
                or "the objective"
            )
            yield Finding(
                path="",
                code="unbounded",
                severity="warning",
                message=f"nothing limits {grows}: the objective can be made as good as one likes",
                fix="Look for a rule that is missing or turned round; if there is none, change "
                "nothing.",
            )
        case Verdict.OPTIMAL | Verdict.LIMIT if (
            solved.outcome.x is not None and not solved.outcome.x.any()
        ):
            yield Finding(
                path="",
                code="all-zero",
                severity="warning",
                message="the best choice is to do nothing at all: every decision is 0",
                fix="Look for a minimum that is missing, or an objective turned round.",
            )


def _conflict(model: Model, solved: Solved, limits: Limits) -> str:
    if solved.strict is Strict.IMPOSSIBLE:
        strict = [_said(c.name, c.quote) for c in model.constraints if c.relation in ("<", ">")]
        return f"they only hold with equality where a strict rule forbids it: {'; '.join(strict)}"
    conflict = find_conflict(solved.form, get_backend("highs"), interrupt=limits.interrupt)
    if conflict is None:
        return "the solver could not say which clash"
    rules = {constraint.name: constraint for constraint in model.constraints}
    bounds = {variable.name: _bounds(variable) for variable in model.variables}
    parts = [_said(name, rules[name].quote) for name in conflict.constraints if name in rules]
    parts += [bounds[name] for name in conflict.bounds if name in bounds]
    return "; ".join(parts) + (" clash" if conflict.irreducible else " are among those that clash")


def _bounds(variable: Variable) -> str:
    lower = "" if variable.lower is None else f"{variable.lower} <= "
    upper = "" if variable.upper is None else f" <= {variable.upper}"
    return f"{lower}{variable.name}{upper}"


def _said(name: str, quote: str) -> str:
    return f'{name} ("{quote}")' if quote else name


def _finding(error: BridgeError | BindError, *, path: str) -> Finding:
    return Finding(path=path, code=error.code, severity="error", message=error.what, fix=error.fix)
