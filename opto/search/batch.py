"""One batch of actions on its way: which may start now, and what has come back.

The rule that makes 1 and 64 workers agree: action i starts if and only if what the actions before
it really cost, plus the worst it can cost itself, is within the budget. It may start early when
this is certain already; in doubt it waits until those before it have ended.

Lives here: `Batch` and `Ticket`.
Never here: threads, the generator, what comes after a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from opto.search.actions import Action, Evaluate, Propose, action_id
from opto.search.budget import Meter, Reservation
from opto.search.candidate import Candidate
from opto.search.cost import NOTHING, Cost
from opto.search.journal import Journal
from opto.search.ledger import Ledger
from opto.search.results import ActionResult


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right and the duty to carry out one action."""

    step: int
    position: int
    id: str
    action: Action
    attempts: int
    worst: Cost
    """Of one attempt."""
    parents: tuple[Candidate, ...]
    reservation: Reservation


class Desk(Protocol):
    """What a batch needs of the session."""

    @property
    def journal(self) -> Journal: ...

    @property
    def ledger(self) -> Ledger: ...

    def worst(self, action: Action) -> Cost:
        """The most one attempt can cost, as far as is known at the start of the batch."""
        ...

    def attempts(self, action: Action) -> int:
        """The most attempts of an action."""
        ...

    def unpriced(self, action: Action) -> bool:
        """Is something limited of which nobody knows how much such an action takes?"""
        ...

    @property
    def elapsed_s(self) -> float:
        """Seconds of running so far."""
        ...


class Batch:
    """The actions of one step."""

    def __init__(self, desk: Desk, meter: Meter, step: int, actions: Sequence[Action]) -> None:
        self.step, self.actions, self.meter = step, tuple(actions), meter
        self.kept = len(self.actions)
        """Actions before the cut."""
        self.limit = ""
        """What cut it, if it was cut."""
        self.open = 0
        """Tickets that are out."""
        self._desk = desk
        self._next = 0
        self._results: list[ActionResult | None] = [None] * len(self.actions)
        self._same: dict[int, int] = {}
        """Position of a repeated measurement to that of the first in this batch."""
        self._first: dict[str, int] = {}
        self._probes: dict[type, int] = {}

    def ticket(self) -> Ticket | None:
        """The next action to carry out; None when none may start before others end."""
        past_cut = self._desk.journal.past.cuts.get(self.step)
        while self._next < self.kept:
            position, action = self._next, self.actions[self._next]
            if past_cut is not None and position >= past_cut[0]:
                self.kept, self.limit = position, past_cut[1]
                return None
            identity = action_id(action, self.step, position)
            if self._answered(position, action, identity):
                self._next += 1
                continue
            ticket = self._launch(position, action, identity)
            if ticket is None:
                if self.open == 0:
                    self._cut(position)
                return None
            self._next += 1
            self.open += 1
            return ticket
        return None

    @property
    def over(self) -> bool:
        """Is every action that was kept answered?"""
        return self.open == 0 and self._next >= self.kept

    def settle(self, ticket: Ticket, result: ActionResult) -> None:
        """Log a result, charge it and keep it."""
        try:
            kept = self._desk.journal.result(
                self.step, ticket.position, ticket.id, result, self._desk.elapsed_s
            )
        finally:
            ticket.reservation.settle(result.cost)
            self.open -= 1
        self._results[ticket.position] = kept

    def results(self) -> list[ActionResult]:
        """The results of the actions that were kept, in the order they were asked for."""
        found: list[ActionResult] = []
        for position in range(self.kept):
            result = self._results[position]
            if result is None:
                result = replace(found[self._same[position]], cost=NOTHING)
            found.append(result)
        return found

    def identity(self, position: int) -> str:
        """Of the asking at a position."""
        return action_id(self.actions[position], self.step, position)

    def _answered(self, position: int, action: Action, identity: str) -> bool:
        """Is it known already: measured before, asked for twice in this batch, or in the log?"""
        if isinstance(action, Evaluate):
            earlier = self._desk.ledger.answer(action)
            if earlier is not None:
                self._results[position] = earlier
                return True
            first = self._first.setdefault(action.key, position)
            if first != position:
                self._same[position] = first
                return True
        logged = self._desk.journal.answer(identity, self.step, position)
        if logged is None:
            return False
        if isinstance(action, Evaluate):
            self._desk.ledger.admit(action.candidate)
        self.meter.charge(logged.cost)
        self._probes.setdefault(type(action), position)
        self._results[position] = logged
        return True

    def _launch(self, position: int, action: Action, identity: str) -> Ticket | None:
        """A ticket with a reservation for as many attempts as fit; in doubt None."""
        worst = self._desk.worst(action)
        if self._desk.unpriced(action):
            probe = self._probes.setdefault(type(action), position)
            tried = self._results[probe]
            if probe != position and tried is None:  # the first of its kind tells what others take
                return None
            worst = worst.largest(NOTHING if tried is None else replace(tried.cost, metric=0))
        attempts = self._desk.attempts(action)
        reservation = self.meter.reserve(worst * attempts)
        while reservation is None and self.open == 0 and attempts > 1:
            attempts -= 1
            reservation = self.meter.reserve(worst * attempts)
        if reservation is None:
            return None
        parents: tuple[Candidate, ...] = ()
        if isinstance(action, Evaluate):
            self._desk.ledger.admit(action.candidate)
        elif isinstance(action, Propose):
            parents = tuple(self._desk.ledger.candidates[name] for name in action.parents)
        return Ticket(self.step, position, identity, action, attempts, worst, parents, reservation)

    def _cut(self, position: int) -> None:
        self.kept, self.limit = position, self.meter.reason or "the next action does not fit"
        self._desk.journal.decision("cut", step=self.step, kept=position, limit=self.limit)
