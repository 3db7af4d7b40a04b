"""One run of an algorithm: its generator, its batches, its budget.

Lives here: `Session`, which turns results into the next batch, and the view of the algorithm.
Never here: threads, signals, what a user sees at the end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from opto.search.actions import Action, Evaluate, Propose, Split
from opto.search.algorithm import Algorithm, Steps
from opto.search.batch import Batch
from opto.search.budget import Budget, Left, Meter
from opto.search.candidate import Candidate
from opto.search.cost import NOTHING, Cost
from opto.search.enough import STOPPED, Enough
from opto.search.errors import AlgorithmError, EvaluationError
from opto.search.journal import Journal
from opto.search.ledger import Ledger
from opto.search.results import ActionResult, Proposal, Rollout
from opto.search.rules import Rules
from opto.search.streams import stream
from opto.search.task import Task

IDLE_STEPS = 200
"""Steps in a row that spend nothing of what is limited, after which the search is ended."""
STUCK_STEPS = 1000
"""The same, after which an algorithm that does not stop by itself is an error."""
ALL_FAILED = "every evaluation failed"
AFFECTED = 3
"""Candidates that must fail in the same way before a run that did succeed is ended."""


@dataclass(frozen=True, slots=True)
class Point:
    """The state of the search after one step, for plots."""

    metric: int
    llm: int
    leader: str | None
    """Best mean on the validation examples among the well measured candidates."""
    mean: float | None


class Session:
    """Runs one algorithm on one task, batch by batch. Used from one thread."""

    def __init__(
        self, task: Task, algorithm: Algorithm, budget: Budget, *, seed: int, rules: Rules
    ) -> None:
        self.task, self.algorithm, self.budget = task, algorithm, budget
        self.seed, self.rules = seed, rules
        self.ledger = Ledger()
        self.step = 0
        self.exhausted = False
        self.limit = ""
        """What ended the first batch that was cut."""
        self.best: Candidate | None = None
        """The recommendation, once the algorithm has returned."""
        self.history: list[Point] = []
        self._steps: Steps | None = None
        self._answers: Sequence[ActionResult] | None = None
        self._most: dict[type, Cost] = {Evaluate: NOTHING, Propose: NOTHING}
        self._seen: set[type] = set()
        self._idle = 0
        self._released = False
        self._streak: list[tuple[str, str, ActionResult]] = []
        self._succeeded = False
        self._enough = Enough(getattr(task, "best_score", None))
        self._held: list[Action] | None = None

    def open(self, journal: Journal) -> None:
        """Start, or start again, with the log of the run."""
        self.journal = journal
        self.ledger.admit(self.task.seed)
        self.meter = Meter(self.budget, used_s=journal.past.elapsed_s)
        self.report_meter = self.meter.child(self._report_share(), time=1)
        search = 1 - self.algorithm.reserve
        self.search_meter = self.meter.child(search, time=search * self._time_to_search())
        self._steps = self.algorithm.run(self)

    def _report_share(self) -> float:
        share = self.rules.report
        most = max(self.rules.report_calls, len(self.task.val))
        if self.budget.metric and share * self.budget.metric > most:
            share = most / self.budget.metric
        return share

    def _time_to_search(self) -> float:
        """Share of the seconds left that leaves the report its share of all seconds."""
        if self.budget.seconds is None:
            return 1.0
        left = self.budget.seconds - self.meter.elapsed_s
        return max(0.0, 1 - self.rules.report * self.budget.seconds / left) if left > 0 else 0.0

    # What the algorithm sees; see `View`

    @property
    def left(self) -> Left:
        return replace(self.search_meter.left(), seconds=None)

    def size(self, split: Split) -> int:
        return len(self.task.train if split == "train" else self.task.val)

    def stream(self, role: str, *indices: int | str) -> random.Random:
        return stream(self.seed, f"algorithm/{role}", *indices)

    # What a batch needs; see `Desk`

    def worst(self, action: Action) -> Cost:
        stated = self.task.worst if isinstance(action, Evaluate) else action.worst
        if isinstance(action, Evaluate):
            stated = stated.largest(Cost(metric=1))
        return stated.largest(self._most[type(action)])

    def unpriced(self, action: Action) -> bool:
        stated, limits = self.worst(action), self.budget
        blind = (
            (limits.tokens is not None and not stated.tokens)
            or (limits.usd is not None and not stated.usd)
            or (limits.llm is not None and not stated.llm)
        )
        return blind and type(action) not in self._seen

    @property
    def elapsed_s(self) -> float:
        return self.meter.elapsed_s

    def attempts(self, action: Action) -> int:
        retry = isinstance(action, Evaluate) and not self.task.deterministic
        return 1 + self.rules.retries if retry else 1

    # Steps

    def next_batch(self) -> Batch | None:
        """What the algorithm asks for next; None once it has returned its recommendation.

        Raises:
            AlgorithmError: It raised, or asked for or returned something that cannot be.
        """
        if self._steps is None or self.best is not None:
            return None
        if self._held is not None:
            held, self._held = self._held, None
            return self._unless_enough(held)
        try:
            steps, answers = self._steps, self._answers
            asked = next(steps) if answers is None else steps.send(answers)
        except StopIteration as end:
            self.best = self._recommendation(end.value)
            return None
        except Exception as error:
            raise self._error(f"raised {type(error).__name__}: {error}") from error
        return self._unless_enough(self._checked(asked))

    def _unless_enough(self, actions: list[Action]) -> Batch | None:
        """The batch; before proposals, None if there is nothing to gain, or what may show it."""
        if any(isinstance(action, Propose) for action in actions):
            winner, asks = self._enough.look(self)
            if winner is not None and self._steps is not None:
                self._steps.close()
                self.best, self.limit = winner, STOPPED
                return None
            if asks:
                self._held, actions = actions, [*asks]
        return Batch(self, self.search_meter, self.step, actions)

    def feed(self, batch: Batch, *, report: bool = False) -> list[ActionResult]:
        """Take the results of a batch into the ledger; the algorithm gets them next.

        Raises:
            EvaluationError: The user's code fails in the same way all the time.
        """
        results = [self._taken(result) for result in batch.results()]
        most = dict(self._most)
        for position, result in enumerate(results):
            kind = type(batch.actions[position])
            self._seen.add(kind)
            calls = result.cost.llm if kind is Evaluate else 0  # proposals state theirs
            per_attempt = replace(result.cost, metric=0, llm=calls, seconds=0.0)
            most[kind] = most[kind].largest(per_attempt)
            self._watch(batch.identity(position), result)
        self._most = most
        self._release()
        self.step += 1
        if self._held is None:  # else the algorithm did not ask for them
            self._answers = results
        self._idle = 0 if any(map(self._advances, results)) else self._idle + 1
        self._note()
        if batch.kept < len(batch.actions) and not report and self._held is None:
            self._open_reserve(batch.limit)
        if self._idle == IDLE_STEPS:
            self._open_reserve(f"{IDLE_STEPS} steps that spent nothing")
        if self._idle > STUCK_STEPS:
            raise self._error(f"goes on after {STUCK_STEPS} steps that spent nothing")
        return results

    def _release(self) -> None:
        """Let proposals have all model calls, once it is seen that evaluations make none."""
        known = (self._most[Evaluate], self.task.worst)
        silent = not any(cost.llm or cost.tokens or cost.usd for cost in known)
        if silent and self._succeeded and not self._released:
            self.report_meter.give_back()
            self.search_meter.take_free()
            self._released = True

    def _advances(self, result: ActionResult) -> bool:
        """Does the result bring the study nearer to a limit?"""
        cost, limits = result.cost, self.budget
        spent = ((limits.metric, cost.metric), (limits.llm, cost.llm), (limits.tokens, cost.tokens))
        return any(
            limit is not None and part > 0 for limit, part in (*spent, (limits.usd, cost.usd))
        )

    def _open_reserve(self, limit: str) -> None:
        if not self.exhausted:
            self.exhausted, self.limit = True, limit
            self.search_meter.close()
            self.search_meter = self.meter.child(1, time=self._time_to_search())

    def _taken(self, result: ActionResult) -> ActionResult:
        """The result as the ledger keeps it: in order, so duplicates are found the same way."""
        if isinstance(result, Proposal) and result.ok:
            known = self.ledger.candidates
            if all(candidate.id in known for candidate in result.candidates):
                result = replace(result, status="duplicate")
        self.ledger.add(result)
        return result

    def _watch(self, identity: str, result: ActionResult) -> None:
        """End the run when the same failure comes again and again."""
        if not isinstance(result, Rollout) and result.status not in {"error", "model_failed"}:
            self._streak = [s for s in self._streak if isinstance(s[2], Rollout)]
            return
        if isinstance(result, Rollout) and result.status != "error":
            self._succeeded = self._succeeded or result.ok
            self._streak = [s for s in self._streak if not isinstance(s[2], Rollout)]
            return
        mark = failure_mark(result.note)
        kind = type(result)
        others = [s for s in self._streak if not isinstance(s[2], kind) or s[1] == mark]
        self._streak = [*others, (identity, mark, result)]
        same = [s for s in self._streak if isinstance(s[2], kind)]
        if len(same) >= self.rules.same_failures:
            affected = {s[2].candidate for s in same if isinstance(s[2], Rollout)}
            if kind is Proposal or not self._succeeded or len(affected) >= AFFECTED:
                self._give_up([s[0] for s in same], same[0][2])

    def _give_up(self, identities: list[str], first: ActionResult) -> None:
        self.journal.decision("void", ids=[*identities])  # so that a repaired run asks them again
        who = "Evaluating" if isinstance(first, Rollout) else "Proposing"
        raise EvaluationError(
            f"{who} failed {len(identities)} times in a row in the same way; the first was:\n"
            f"{first.note}",
            where=f"{self.journal.where}, step {self.step}",
            fix="Repair it and resume: these actions are then carried out again.",
            first=first.note,
        )

    @property
    def all_failed(self) -> bool:
        """Was something evaluated, and nothing got a score?"""
        tried = any(kind == "evaluation" for kind, _ in self.ledger.statuses)
        return tried and not self.ledger.statuses.get(("evaluation", "ok"))

    def failed_error(self) -> EvaluationError:
        """What to raise when not one evaluation succeeded."""
        found = {s: n for (kind, s), n in self.ledger.statuses.items() if kind == "evaluation"}
        first = next(n for (kind, _), n in self.ledger.first_notes.items() if kind == "evaluation")
        counts = ", ".join(f"{count} {status}" for status, count in found.items())
        return EvaluationError(
            f"Every evaluation failed ({counts}); the first was:\n{first}",
            where=self.journal.where,
            fix="Repair it and start a new run; this one has nothing that is worth going on with.",
            first=first,
        )

    def _note(self) -> None:
        self.history.append(leader_of(self.ledger))

    def _checked(self, asked: Any) -> list[Action]:
        """The batch, with repetitions pinned to 0 where they cannot differ."""
        if isinstance(asked, str) or not isinstance(asked, Sequence):
            raise self._error(f"yielded {type(asked).__name__}, not a sequence of actions")
        return [self._checked_action(action) for action in asked]

    def _checked_action(self, action: Any) -> Action:
        if isinstance(action, Propose):
            if unknown := [p for p in action.parents if p not in self.ledger.candidates]:
                raise self._error(f"named parents that the ledger does not know: {unknown}")
            return action
        if not isinstance(action, Evaluate):
            raise self._error(f"asked for {type(action).__name__}, which is no action")
        if not 0 <= action.example < self.size(action.split):
            raise self._error(
                f"asked for example {action.example} of {self.size(action.split)} in {action.split}"
            )
        self._check_components(action.candidate)
        return replace(action, rep=0) if self.task.deterministic else action

    def _check_components(self, candidate: Candidate) -> None:
        if odd := candidate.values.keys() ^ self.task.components.keys():
            raise self._error(f"used a candidate with other components: {sorted(odd)}")

    def _recommendation(self, value: Any) -> Candidate:
        if not isinstance(value, Candidate):
            raise self._error(f"returned {type(value).__name__}, not the candidate it recommends")
        self._check_components(value)
        self.ledger.admit(value)
        return value

    def _error(self, what: str) -> AlgorithmError:
        return AlgorithmError(
            f"The algorithm {self.algorithm.name!r} {what}.",
            where=f"step {self.step}",
            fix="Correct the algorithm; the results so far are kept and need not be paid again.",
        )


def leader_of(ledger: Ledger) -> Point:
    """The state a ledger shows: the best mean of those with half the most measurements."""
    counts = [ledger.n(name) for name in ledger.candidates]
    ranked = ledger.ranked(at_least=max(1, (max(counts, default=0) + 1) // 2))
    leader = ranked[0] if ranked else None
    mean = None if leader is None else ledger.mean(leader)
    return Point(ledger.spent.metric, ledger.spent.llm, leader, mean)


def failure_mark(note: str) -> str:
    """What two identical failures have in common: the type of the error and where it was raised."""
    lines = note.strip().splitlines()
    places = re.findall(r'File "([^"]+)", line (\d+)', note)
    last = next((line for line in reversed(lines) if line and not line.startswith(" ")), "")
    return f"{last.partition(':')[0]} at {places[-1] if places else ''}"
