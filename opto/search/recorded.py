"""A recorded search as a result, without its program: for lists, pages and comparisons.

Lives here: `read_search`, `Recorded`, the event that says where a program came from.
Never here: resuming (the algorithm runs again for that), layout.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opto.search.candidate import Candidate
from opto.search.cost import Cost
from opto.search.errors import ResumeError, SearchError
from opto.search.journal import END, SPEC
from opto.search.ledger import Ledger
from opto.search.replay import Log
from opto.search.report import SEEN, estimate_of
from opto.search.result import Estimate, Result
from opto.search.results import Outcome
from opto.search.session import Point, leader_of

if TYPE_CHECKING:
    from traces.store.sqlite import Store

ORIGIN = "opt.origin"
"""Data: where a program came from and how it was asked for, so that a run can go on by its name
alone. Written by the command line, before anything else; the last one counts."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the log of a search says."""

    run: str
    result: Result
    """With the best so far where the search did not end."""
    spec: Mapping[str, Any]
    """What was asked for; empty where the run did not get so far."""
    origin: Mapping[str, Any] | None
    """Where the program came from; None where `opto.optimize` or a Study was used."""
    ended: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a recorded search was asked for; cheap to read, however long it ran."""

    spec: Mapping[str, Any]
    """Empty where the run did not get so far."""
    origin: Mapping[str, Any] | None
    ended: bool


def asked_of(store: Store, run: str) -> Asked:
    """What `run` was asked for, and whether it is over.

    Raises:
        UnknownRunError: There is no such run; a near miss is named.
        ResumeError: It is no search.
    """
    from traces.read import events  # noqa: PLC0415  (needs SQLite)

    found: dict[str, Mapping[str, Any]] = {}
    for kind in (SPEC, ORIGIN, END):
        for event in events(store, run, kind=kind):
            found[kind] = event.data
    spec, origin, end = (found.get(kind) for kind in (SPEC, ORIGIN, END))
    if spec is None and origin is None:
        raise _no_search(store, run)
    return Asked(spec or {}, origin, end is not None)


def _no_search(store: Store, run: str) -> ResumeError:
    return ResumeError(
        f"Run {run!r} is no search.", where=str(store), fix="`opto runs list` shows which are."
    )


class RecordedTask:
    """What the log knows of a task: its components and where the search began."""

    def __init__(self, spec: Mapping[str, Any], seed: Candidate) -> None:
        self.components: Mapping[str, str] = dict.fromkeys(seed.values, "")
        self.seed = seed
        self.train: Sequence[Any] = ()
        self.val: Sequence[Any] = ()
        self.deterministic = bool(spec.get("task", {}).get("deterministic"))
        self.worst = Cost(metric=1)

    def evaluate(
        self,
        candidate: Candidate,
        example: Any,
        rep: int,
        stream: random.Random,  # noqa: ARG002  (Protocol)
    ) -> Outcome:
        """Never: the code is not in the log.

        Raises:
            SearchError: Always.
        """
        raise SearchError(f"The log cannot evaluate {candidate.id} on {example!r} ({rep}).")


def read_search(store: Store, run: str) -> Recorded:
    """The search called `run`.

    Raises:
        UnknownRunError: There is no such run; a near miss is named.
        ResumeError: It is no search.
    """
    from traces.read import events  # noqa: PLC0415  (needs SQLite)

    spec: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    log = Log()
    for event in events(store, run):
        data: dict[str, Any] = event.data
        if event.kind == SPEC:
            spec = data
        elif event.kind == ORIGIN:
            origin = data
        elif event.kind == END:
            end = data
        else:
            log.take(event.kind, data)
    if spec is None and origin is None:
        raise _no_search(store, run)
    ledger, history = Ledger(), list[Point]()
    for ledger in log.steps():
        history.append(leader_of(ledger))
    seed = next(iter(ledger.candidates.values()), Candidate({}))
    result = _result(run, ledger, tuple(history), RecordedTask(spec or {}, seed), end)
    return Recorded(run, result, spec or {}, origin, end is not None)


def score_in(end: Mapping[str, Any]) -> Estimate:
    """The score that the end of a search recorded."""
    low, high = end["interval"]
    return Estimate(end["score"], low, high, end["n"], end["basis"], unbiased=end["unbiased"])


def _result(
    run: str,
    ledger: Ledger,
    history: tuple[Point, ...],
    task: RecordedTask,
    end: Mapping[str, Any] | None,
) -> Result:
    if end is not None:
        best = Candidate.from_json(end["best"])
        estimate = score_in(end)
    else:
        leader = history[-1].leader if history else None
        best = ledger.candidates[leader] if leader else task.seed
        estimate = estimate_of(ledger.moments(best.id), basis=SEEN)
    stopped = "not finished" if end is None else str(end["stopped"])
    return Result(best, estimate, ledger.spent, stopped, ledger, history, task, run)
