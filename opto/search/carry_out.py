"""Carrying out one action: the user's code in, a result out, whatever happens.

Lives here: calling `task.evaluate` and `algorithm.propose` with their random streams, retries,
checking what they return.
Never here: threads, budgets, logs. Runs in worker threads, so it shares nothing.
"""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Protocol, TypeVar

from opto.llm.recall import Recall, recalling
from opto.search.actions import Action, Evaluate, Propose
from opto.search.algorithm import Algorithm
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.cost import NOTHING, Cost
from opto.search.errors import SearchError, StudyHalted
from opto.search.results import NO_SCORES, ActionResult, Outcome, Proposal, Rollout
from opto.search.streams import stream
from opto.search.tap import Tap
from opto.search.task import Admits, Task
from traces.events import clean_text
from traces.record import Recorder, recording

T = TypeVar("T")
MAX_TEXT = 1_000_000
"""Longest feedback, trace or note that is kept, in characters."""


class Await(Protocol):
    """What a job may ask of the thread that runs it."""

    def __call__(self, value: Awaitable[Any]) -> Any:
        """The result of async user code.

        Raises:
            GivenUp: The job took too long and its result is no longer wanted.
        """
        ...

    @property
    def given_up(self) -> bool:
        """Is the result no longer wanted?"""
        ...


class GivenUp(BaseException):
    """Ends a job whose result is no longer wanted."""


@dataclass(frozen=True, slots=True)
class Job:
    """An action with all that its execution needs."""

    action: Action
    task: Task
    algorithm: Algorithm
    seed: int
    parents: tuple[Candidate, ...]
    attempts: int
    """How often an evaluation that raises may be tried in all."""
    id: str
    log: Recorder | None = None
    """Where the events of the action are kept: model calls above all."""
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    """Model calls of an earlier process that did not live to end the action; not paid again."""

    def run(self, wait: Await) -> ActionResult:
        """The result; failures are a status, nothing is raised but what ends the study."""
        start = time.perf_counter()
        tap = Tap(self.log, self.id)
        with recording(tap), recalling(Recall(self.calls) if self.calls else None):
            if isinstance(self.action, Evaluate):
                result: ActionResult = self._evaluate(self.action, wait)
            else:
                result = self._propose(self.action, wait)
        cost = replace(result.cost.largest(tap.cost), seconds=time.perf_counter() - start)
        return replace(result, cost=cost)

    def timed_out(self, seconds: float, worst: Cost) -> ActionResult:
        """The result when it took too long; what it cost is unknown, so the worst is charged."""
        note = f"No result after {seconds:g} s."
        cost = replace(worst, seconds=seconds)
        if isinstance(self.action, Evaluate):
            return failed(self.action, note, cost, status="timeout")
        return Proposal(note=note, cost=cost, status="timeout")

    def _evaluate(self, action: Evaluate, wait: Await) -> Rollout:
        examples = self.task.train if action.split == "train" else self.task.val
        name, spent = action.candidate.id, NOTHING
        note = ""
        for _ in range(self.attempts):
            numbers = stream(self.seed, "evaluate", name, action.split, action.example, action.rep)
            spent = spent + Cost(metric=1)
            try:
                outcome = waited(
                    self.task.evaluate(
                        action.candidate, examples[action.example], action.rep, numbers
                    ),
                    wait,
                )
                return rollout(action, outcome, spent)
            except (KeyboardInterrupt, GivenUp, StudyHalted):
                raise
            except BaseException as error:  # noqa: BLE001  (whatever the user's code does)
                note = told(error)
                spent = spent + cost_of(error)
                if wait.given_up:
                    break
        return failed(action, note, spent)

    def _propose(self, action: Propose, wait: Await) -> Proposal:
        numbers = stream(self.seed, "propose", self.id)
        try:
            proposal = waited(self.algorithm.propose(action, self.parents, numbers), wait)
            return checked(proposal, self.task, self.parents)
        except (KeyboardInterrupt, GivenUp, StudyHalted):
            raise
        except BaseException as error:  # noqa: BLE001  (a failing proposer must not end the run)
            model = str(getattr(error, "code", "")).startswith("llm.")
            cost = Cost(llm=action.worst.llm).largest(cost_of(error))
            note = str(error) if model else told(error)
            return Proposal((), _text(note), cost, "model_failed" if model else "error")


def waited(value: T | Awaitable[T], wait: Await) -> T:
    """`value`, waited for if it is async."""
    if inspect.isawaitable(value):
        return wait(value)  # type: ignore[no-any-return]
    return value


def rollout(action: Evaluate, outcome: Any, spent: Cost = NOTHING) -> Rollout:
    """The result of an evaluation that returned `outcome`, `spent` on top of its own cost.

    Raises:
        SearchError: The outcome is no score, or not finite.
    """
    if isinstance(outcome, bool | int | float):
        outcome = Outcome(float(outcome))
    if not isinstance(outcome, Outcome):
        raise SearchError(
            f"An evaluation must return an Outcome, not {type(outcome).__name__}.",
            fix="Return Outcome(score, feedback=...).",
        )
    own = replace(outcome.cost, metric=max(outcome.cost.metric - 1, 0)) if spent.metric else None
    return Rollout(
        candidate=action.candidate.id,
        example=action.example,
        split=action.split,
        rep=action.rep,
        score=_number(outcome.score, "score"),
        scores={k: _number(v, k) for k, v in outcome.scores.items()} or NO_SCORES,
        feedback=_text(outcome.feedback),
        trace=_text(outcome.trace),
        output=clean_text(outcome.output),
        cost=spent + (outcome.cost if own is None else own),
    )


def failed(action: Evaluate, note: str, cost: Cost, *, status: Any = "error") -> Rollout:
    """The result of an evaluation that gave no score."""
    return Rollout(
        action.candidate.id,
        action.example,
        action.split,
        action.rep,
        None,
        cost=cost,
        status=status,
        note=_text(note),
    )


def checked(proposal: Any, task: Task, parents: Sequence[Candidate]) -> Proposal:
    """The proposal with its candidates as the task admits them, or `malformed` with the reason.

    Raises:
        SearchError: It is no Proposal at all.
    """
    if not isinstance(proposal, Proposal):
        raise SearchError(
            f"propose must return a Proposal, not {type(proposal).__name__}.",
            fix="Return Proposal(candidates=(...), cost=Cost(llm=1)).",
        )
    note = _text(proposal.note)
    if proposal.status != "ok":
        return replace(proposal, candidates=(), note=note)
    known = tuple(parent.id for parent in parents)
    try:
        found = tuple(admitted(candidate, task, known) for candidate in proposal.candidates)
    except (ValueError, SyntaxError, TypeError) as error:
        note = f"{note}\n{error}".strip()
        return replace(proposal, candidates=(), note=_text(note), status="malformed")
    if not found:
        return replace(proposal, note=note or "No candidate.", status="malformed")
    return replace(proposal, candidates=found, note=note)


def admitted(candidate: Candidate, task: Task, parents: tuple[str, ...] = ()) -> Candidate:
    """The candidate with its values as they will be used.

    Raises:
        ValueError, SyntaxError: The components differ, or the task refuses a value.
    """
    values: Mapping[str, JSON] = candidate.values
    if odd := values.keys() ^ task.components.keys():
        names = ", ".join(sorted(odd))
        raise ValueError(f"The components of the candidate differ from the task's in: {names}.")
    if isinstance(task, Admits):
        values = task.admit(values)
    return Candidate(values, candidate.parents or parents, candidate.op)


def told(error: BaseException) -> str:
    """The traceback of an error, without the engine's own frames."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    lines = traceback.format_list(frames)[-30:] + traceback.format_exception_only(error)
    return clean_text("".join(lines).rstrip())


def cost_of(error: BaseException) -> Cost:
    """What the failing code says it spent: an attribute `cost`."""
    cost = getattr(error, "cost", None)
    return cost if isinstance(cost, Cost) else NOTHING


def _text(value: Any) -> str:
    """A text as JSON can hold it; the middle of a huge one is left out, and that is said."""
    text = clean_text(str(value))
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def _number(value: Any, name: str) -> float:
    number = float(value)
    if not isfinite(number):
        raise SearchError(
            f"The {name} of an evaluation is {number}.", fix="Return a finite number."
        )
    return number
