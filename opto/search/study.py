"""The study: one task, one algorithm, one budget, run to its end or step by step.

Lives here: `Study`: running with workers, ask and tell, resuming, ending well.
Never here: what an algorithm decides, statistics, how results look.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from opto.search.actions import Action
from opto.search.algorithm import Algorithm
from opto.search.batch import Batch, Ticket
from opto.search.budget import Budget
from opto.search.carry_out import Job
from opto.search.errors import SearchError
from opto.search.fingerprint import spec_of
from opto.search.journal import Journal
from opto.search.ledger import Ledger
from opto.search.opening import interrupted, opened, recorded_spec
from opto.search.pool import WAKE, Inline, Pool, Runner
from opto.search.progress import Teller, Watch
from opto.search.report import report_actions, scored
from opto.search.result import Result
from opto.search.results import Outcome, Proposal, Rollout
from opto.search.rules import Rules
from opto.search.session import ALL_FAILED, Session
from opto.search.signals import CtrlC
from opto.search.task import Task
from opto.search.telling import told_result
from traces.errors import DiskFullError

if TYPE_CHECKING:
    from traces.store.sqlite import Store

GRACE_S = 5.0
"""After Ctrl-C, how long calls in flight may take to end before they are dropped."""


class Study:
    """One search. `run` does it all; `ask` and `tell` leave the running to you.

    With a store, a killed study goes on where it was: make it again with the same arguments and
    `run` name, or call `Study.resume`. Results that were logged are not paid again.
    """

    def __init__(  # noqa: PLR0913  (the parts of a study, each with a meaning of its own)
        self,
        task: Task,
        algorithm: Algorithm,
        budget: Budget,
        *,
        seed: int = 0,
        workers: int = 8,
        store: Store | str | os.PathLike[str] | None = None,
        run: str | None = None,
        rules: Rules | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Prepare a study; nothing is run or written yet.

        Args:
            task: What is optimized.
            algorithm: How.
            budget: Limits for all of it.
            seed: Of all random choices.
            workers: Most actions at once; results do not depend on it.
            store: Where the run is logged: a store, or the path of one. None logs nothing.
            run: Its name; a new one when None. A run of that name is resumed.
            rules: Timeouts, retries, and the share kept for the final score.
            watch: Called by `run` with a `Progress`, at most ten times a second.

        Raises:
            SearchError: Less than one worker.
        """
        if workers < 1:
            raise SearchError("A study needs at least one worker.", fix="Use workers=1 or more.")
        self.task, self.algorithm, self.budget = task, algorithm, budget
        self.seed, self.workers, self.rules = seed, workers, rules or Rules()
        self._store, self._run = store, run
        self._owned: Store | None = None
        self._session: Session | None = None
        self._journal: Journal | None = None
        self._batch: Batch | None = None
        self._report: Batch | None = None
        self._out: list[Ticket] = []
        self._result: Result | None = None
        self._teller = Teller(watch)

    @classmethod
    def resume(
        cls,
        store: Store | str | os.PathLike[str],
        run: str,
        *,
        task: Task,
        algorithm: Algorithm,
        workers: int = 8,
    ) -> Self:
        """A recorded study, with its budget, seed and rules; `run()` or `ask()` continues it.

        Task and algorithm are code, so they are given again; they must be what was recorded.

        Raises:
            UnknownRunError: There is no such run; a near miss is named.
            ResumeError: It is no study.
        """
        at = opened(store)
        try:
            spec = recorded_spec(at, run)
        except BaseException:
            if at is not store:
                at.close()
            raise
        study = cls(
            task,
            algorithm,
            Budget.from_json(spec["budget"]),
            seed=spec["seed"],
            workers=workers,
            store=at,
            run=run,
            rules=Rules(**spec["rules"]),
        )
        study._owned = None if at is store else at
        return study

    @property
    def ledger(self) -> Ledger:
        """All results so far."""
        return self._started().ledger

    @property
    def run_name(self) -> str:
        """The name of the run; with a store, what to resume it by."""
        self._started()
        assert self._journal is not None  # noqa: S101  (opened together with the session)
        return self._journal.run

    def run(self) -> Result:
        """Run to the end.

        Returns:
            The recommendation with its score; also when the disk was full (`stopped` says so).

        Raises:
            AlgorithmError: The algorithm raised; names it and the step.
            EvaluationError: The user's code fails in the same way all the time, or every time.
            ResumeError: The recorded run is another one.
            LeaseError: A living writer has the run.
            StudyInterrupted: Ctrl-C; what had finished is logged, and the error says how to go on.
        """
        if self._result is not None:
            return self._result
        runner = self._runner()
        try:
            with CtrlC(runner.wake, at_once=lambda: getattr(runner, "running", False)) as keys:
                while (batch := self._current()) is not None:
                    self._finish(batch, runner, keys)
                    self._done(batch)
                return self._succeeded()
        except DiskFullError as error:
            if self._session is None:  # not even begun
                raise
            return self._end_early(error)
        except KeyboardInterrupt:
            done = 0 if self._session is None else len(self._session.ledger)
            raise interrupted(self._journal, done) from None
        finally:
            runner.close()
            self.close()

    def ask(self) -> list[Action]:
        """The actions to carry out next; empty once the study has ended (see `result`).

        Asking again before telling gives the same actions. What the log knows is not asked.
        """
        while not self._out and (batch := self._current()) is not None:
            self._out = self._tickets(batch, len(batch.actions))
            if not self._out:
                self._done(batch)
        if not self._out and self._result is None:
            self._end()
            self.close()
        return [ticket.action for ticket in self._out]

    def tell(self, results: Sequence[Outcome | Rollout | Proposal | float]) -> None:
        """The results of the actions last asked for, in their order.

        Args:
            results: For an `Evaluate` an Outcome, a number, or a Rollout (for failures); for a
                `Propose` a Proposal.

        Raises:
            SearchError: There are more or fewer results than actions, or one is of another kind.
        """
        if len(results) != len(self._out):
            raise SearchError(
                f"{len(self._out)} actions were asked for, {len(results)} results were told.",
                fix="Tell one result per action of the last ask(), in its order.",
            )
        pairs = [
            (ticket, told_result(ticket, result, self.task))
            for ticket, result in zip(self._out, results, strict=True)
        ]
        assert self._batch is not None or not pairs  # noqa: S101  (asked actions are of a batch)
        self._out = []
        for ticket, result in pairs:
            self._batch.settle(ticket, result)  # type: ignore[union-attr]

    @property
    def result(self) -> Result:
        """The recommendation with its score, once the study has ended.

        Raises:
            SearchError: It has not.
        """
        if self._result is None:
            raise SearchError("The study has not ended.", fix="run() it, or ask() until empty.")
        return self._result

    def close(self) -> None:
        """Give the run back, so that another process may continue it; may be called twice."""
        if self._journal is not None:
            self._journal.close()
        if self._owned is not None:
            self._owned.close()

    def _started(self) -> Session:
        """The session; the first call opens the log and takes the run."""
        if self._session is None:
            session = Session(
                self.task, self.algorithm, self.budget, seed=self.seed, rules=self.rules
            )
            store = self._store
            if store is not None:
                at = opened(store)
                self._owned = self._owned if at is store else at
                store = at
            self._journal = Journal(store, self._run)
            try:
                self._journal.spec(spec_of(session))
                session.open(self._journal)
            except BaseException:
                self.close()
                raise
            self._session = session
        return self._session

    def _current(self) -> Batch | None:
        """The batch that is under way: the algorithm's, then that of the final score."""
        session = self._started()
        if self._batch is None:
            self._batch = session.next_batch()
            if self._batch is None and self._report is None and session.best is not None:
                actions = report_actions(session)
                self._batch = self._report = Batch(
                    session, session.report_meter, session.step, actions
                )
        return self._batch

    def _tickets(self, batch: Batch, most: int) -> list[Ticket]:
        """Up to `most` actions that may start now, logged as started."""
        found: list[Ticket] = []
        while len(found) < most and (ticket := batch.ticket()) is not None:
            found.append(ticket)
        if found:
            started = [(t.position, t.id, t.action) for t in found]
            self._started().journal.actions(batch.step, started)
        return found

    def _finish(self, batch: Batch, runner: Runner, keys: CtrlC) -> None:
        """Carry out a batch with as many actions at once as the runner takes."""
        flying: dict[int, Ticket] = {}
        give_up_at = float("inf")
        session, report = self._started(), batch is self._report
        while True:
            if keys.pressed:
                give_up_at = min(give_up_at, time.monotonic() + GRACE_S)
                if not flying or time.monotonic() >= give_up_at:
                    raise KeyboardInterrupt
            else:
                for ticket in self._tickets(batch, runner.free):
                    flying[ticket.position] = ticket
                    runner.submit(ticket.position, self._job(ticket).run)
            if not flying:
                return
            self._teller.tell(session, len(flying), report=report, stopping=keys.pressed)
            key, result = runner.take(GRACE_S if keys.pressed else None)
            if key == WAKE[0]:
                continue
            ticket = flying.pop(key)
            if result is None:
                result = self._job(ticket).timed_out(self.rules.seconds or 0.0, ticket.worst)
            self._teller.settled(result)
            batch.settle(ticket, result)

    def _done(self, batch: Batch) -> None:
        self._started().feed(batch, report=batch is self._report)
        self._teller.fed()
        self._batch = None

    def _job(self, ticket: Ticket) -> Job:
        journal = self._started().journal
        return Job(
            ticket.action,
            self.task,
            self.algorithm,
            self.seed,
            ticket.parents,
            ticket.attempts,
            ticket.id,
            journal.recorder,
            journal.past.calls.pop(ticket.id, ()),
        )

    def _runner(self) -> Runner:
        if self.workers == 1 and self.rules.seconds is None:
            return Inline()
        return Pool(self.workers, seconds=self.rules.seconds)

    def _end(self) -> Result:
        session = self._started()
        assert self._journal is not None  # noqa: S101  (opened together with the session)
        stopped = ALL_FAILED if session.all_failed else session.limit or "finished"
        result = scored(session, self._report, stopped=stopped)
        self._journal.end(**result.to_json())
        self._result = result
        self._teller.ended(session)
        return result

    def _succeeded(self) -> Result:
        """The end; an error where not one evaluation gave a score."""
        result = self._end()
        if result.stopped == ALL_FAILED:
            raise self._started().failed_error()
        return result

    def _end_early(self, error: DiskFullError) -> Result:
        """The best so far, when nothing more can be logged."""
        session = self._started()
        where = f"disk full: {error.where}; free some space and resume run {self.run_name!r}"
        self._result = scored(session, None, stopped=where)
        return self._result
