"""How a study goes while it goes on: snapshots for whoever watches.

Lives here: `Progress`, `Teller`, which makes one now and then, and who watches by default.
Never here: terminals and layout (`opto.display.search`), what is logged.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TypeAlias

from opto.search.budget import Budget
from opto.search.cost import Cost
from opto.search.report import estimate_of
from opto.search.result import Estimate
from opto.search.results import ActionResult, Rollout

if TYPE_CHECKING:
    from opto.search.session import Session

Phase: TypeAlias = Literal["search", "final score", "stopping", "ended"]
EVERY_S = 0.1
"""No two snapshots are nearer to each other, but the last of a phase is always made."""
_SHOWN_BY = ("opto.display.search", "watching")
"""By name, because layout is no business of this layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One moment of a study."""

    run: str
    """The name of the run; empty where nothing is logged."""
    phase: Phase
    """`stopping`: after Ctrl-C, while calls in flight may end."""
    step: int
    """Batches that are over."""
    spent: Cost
    budget: Budget
    elapsed_s: float
    """Seconds of running, earlier processes included."""
    flying: int
    """Actions that have started and not ended."""
    candidates: int
    seed: Estimate
    """Of the values the search began with; on training examples while it has no others."""
    best: Estimate
    """Of the leader, on the measurements that made it the leader: likely too high."""
    best_id: str
    """The leader; empty while nothing is measured."""
    failures: Mapping[str, int]
    """`proposals malformed`, `evaluations error`, ...: how many there were."""
    last_failure: str
    """The last line of the newest one's note."""


Watch: TypeAlias = Callable[[Progress], None]
"""Called from the thread that runs the study; what it raises ends the run."""


class Teller:
    """Tells a watcher how a study goes, at most ten times a second."""

    def __init__(self, watch: Watch | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._watch, self._clock = watch, clock
        self._next = float("-inf")
        self._phase: Phase = "search"
        self._pending: Counter[str] = Counter()
        self._last = ""

    def settled(self, result: ActionResult) -> None:
        """A result came in; the ledger has it only when its batch is over."""
        if result.status not in {"ok", "duplicate"}:
            self._pending[_kind(result)] += 1
            self._last = last_line(result.note)

    def fed(self) -> None:
        """The ledger has all results that came in."""
        self._pending.clear()

    def tell(
        self, session: Session, flying: int, *, report: bool = False, stopping: bool = False
    ) -> None:
        """Call the watcher, unless it was called a moment ago."""
        phase: Phase = "stopping" if stopping else "final score" if report else "search"
        now = self._clock()
        if self._watch is None or (now < self._next and phase == self._phase):
            return
        self._next, self._phase = now + EVERY_S, phase
        self._watch(self._snapshot(session, flying, phase))

    def ended(self, session: Session) -> None:
        """Call the watcher for the last time."""
        if self._watch is not None:
            self._watch(self._snapshot(session, 0, "ended"))

    def _snapshot(self, session: Session, flying: int, phase: Phase) -> Progress:
        ledger, seed = session.ledger, session.task.seed.id
        leader = session.history[-1].leader if session.history else None
        failures = Counter(self._pending)
        for (kind, status), count in ledger.statuses.items():
            if status not in {"ok", "duplicate"}:
                failures[f"{kind}s {status}"] += count
        journal = session.journal
        return Progress(
            run=journal.run if journal.durable else "",
            phase=phase,
            step=session.step,
            spent=session.meter.spent,
            budget=session.budget,
            elapsed_s=session.elapsed_s,
            flying=flying,
            candidates=len(ledger.candidates),
            seed=estimate_of(ledger.moments(seed, "val" if ledger.n(seed) else "train")),
            best=estimate_of(ledger.moments(leader or "")),
            best_id=leader or "",
            failures=dict(failures),
            last_failure=self._last,
        )


def watching(
    progress: Watch | bool | None,  # noqa: FBT001  (three ways to say one thing)
) -> AbstractContextManager[Watch | None]:
    """Who watches a run of `opto.optimize`.

    Args:
        progress: A function, True for the display, False for nobody; None shows the display where
            somebody looks: stderr is a terminal or the output of a notebook.
    """
    if callable(progress):
        return nullcontext(progress)
    if progress is None:
        progress = sys.stderr is not None and (sys.stderr.isatty() or in_notebook())
    if not progress:
        return nullcontext(None)
    module, name = _SHOWN_BY
    found: AbstractContextManager[Watch] = getattr(import_module(module), name)()
    return found


def in_notebook() -> bool:
    """Is stderr the output of a notebook's cell?"""
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"


def last_line(note: str) -> str:
    """The line that says most: the last of a traceback, the first of an explained error."""
    lines = [line for line in note.splitlines() if line.strip()]
    trace = any(line.startswith('  File "') for line in lines)
    return lines[-1 if trace else 0].strip() if lines else ""


def _kind(result: ActionResult) -> str:
    return f"{'evaluations' if isinstance(result, Rollout) else 'proposals'} {result.status}"
