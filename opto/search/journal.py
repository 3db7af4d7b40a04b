"""The log of a study: every action before it starts, every result when it is there.

The log is the only state of a run. An action finds its logged result by its identity; what the
log cannot answer was never finished. Results are used as the log keeps them (secrets taken out),
so a resumed run sees what the unbroken one saw.

Lives here: the kinds of events, writing them, reading them back for a resume.
Never here: deciding, running, statistics. Used from the engine's thread alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opto.sandbox.api import runs_by_level
from opto.search.actions import Action, Evaluate
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.errors import ResumeError
from opto.search.results import ActionResult, Proposal, Rollout
from traces.record import Recorder, new_run_name

if TYPE_CHECKING:
    from traces.store.sqlite import Store

SPEC = "opt.spec"
"""Data: what was asked for; a run is resumed only with the same."""
ACTION = "opt.action"
"""Data: `step`, `actions`: each with `id`, `at` (its position) and its content; written first."""
RESULT = "opt.result"
"""Data: `id`, `step`, `index`, `elapsed_s`, `result`."""
DECISION = "opt.decision"
"""Data: `what` (`cut`: the budget ended a batch; `void`: results not to be used again; ...)."""
CALL = "llm.call"
"""A model call of an action, its id as span. Written by whoever calls; see `opto.llm.recorded`."""
END = "opt.end"
"""Data: the recommendation, its score, why the run ended, the sandbox levels that code ran at."""


@dataclass(slots=True)
class Past:
    """What the log of a run says."""

    spec: dict[str, Any] | None = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Identity of an asking to its result."""
    asked: dict[tuple[int, int], str] = field(default_factory=dict)
    """(step, index) to the identity of what was asked there."""
    cuts: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Step to how many of its actions were kept, and which limit ended it."""
    ended: dict[str, Any] | None = None
    elapsed_s: float = 0.0
    started: int = 0
    """Actions that were started, repeats after a crash counted."""
    finished: int = 0
    known: set[str] = field(default_factory=set)
    """Ids of the candidates whose values are in the log."""
    calls: dict[str, list[tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    """Action that did not end to its model calls: key of the request, completion."""

    @property
    def lost(self) -> int:
        """Actions that were in flight when a process ended; they may have been paid."""
        return self.started - self.finished


class Journal:
    """Writes the log of one run, if there is a store; knows what was in it before."""

    def __init__(self, store: Store | None, run: str | None, *, takeover: bool = False) -> None:
        """Take the right to write the run and read what it has so far.

        Raises:
            LeaseError: A living writer has the run.
        """
        self.run = run or new_run_name()
        self._store = store
        self._recorder: Recorder | None = None
        self._runs_before = runs_by_level()
        self.past = Past()
        if store is not None:
            self._recorder = Recorder(store, self.run, takeover=takeover)
            try:
                self.past = read_past(store, self.run)
            except BaseException:
                self._recorder.close()
                raise

    @property
    def where(self) -> str:
        """The file and the run, for messages."""
        return f"{self._store}, run {self.run}" if self._store is not None else "memory"

    @property
    def recorder(self) -> Recorder | None:
        """For events of the actions; None without a store."""
        return self._recorder

    @property
    def durable(self) -> bool:
        """Is there a store?"""
        return self._store is not None

    def spec(self, given: Mapping[str, JSON]) -> None:
        """Record what is asked for, or compare it with the recorded run.

        Raises:
            ResumeError: The recorded run was asked for something else.
        """
        if self.past.spec is None:
            self._emit(SPEC, **given)
            return
        asked = dict(given)
        if self._store is not None:  # what was recorded has no secrets in it either
            asked = self._store.redactor.mapping(asked)
        differences = tuple(differing(self.past.spec, asked))
        if differences:
            shown = "\n".join(
                f"  {path}: recorded {_short(old)}, given {_short(new)}"
                for path, old, new in differences[:8]
            )
            raise ResumeError(
                f"Run {self.run!r} is of another study; it differs in:\n{shown}",
                where=self.where,
                fix="Give what was recorded, or another run name to start anew.",
                differences=differences,
            )

    def actions(self, step: int, started: Sequence[tuple[int, str, Action]]) -> None:
        """Record (position, identity, action) of actions about to start; new candidates whole."""
        items: list[JSON] = []
        for position, identity, action in started:
            body: dict[str, JSON] = {"id": identity, "at": position, **action.to_json()}
            if isinstance(action, Evaluate) and action.candidate.id not in self.past.known:
                self.past.known.add(action.candidate.id)
                body["made"] = action.candidate.to_json()
            items.append(body)
        self._emit(ACTION, step=step, actions=items)

    def result(
        self, step: int, index: int, identity: str, result: ActionResult, elapsed_s: float
    ) -> ActionResult:
        """Record a result; it is returned as it was kept."""
        if self._recorder is None:
            return result
        body = result.to_json()
        if isinstance(result, Proposal):
            self.past.known.update(candidate.id for candidate in result.candidates)
        event = self._recorder.emit(
            RESULT, id=identity, step=step, index=index, elapsed_s=round(elapsed_s, 3), result=body
        )
        kept = event.data["result"]
        return result if kept == body else result_from_json(kept)

    def decision(self, what: str, **about: JSON) -> None:
        """Record a decision of the engine."""
        self._emit(DECISION, what=what, **about)

    def end(self, **about: JSON) -> None:
        """Record the end, unless it is recorded, and how rewritten code was confined."""
        if self.past.ended is None:
            now, before = runs_by_level(), self._runs_before
            about["sandbox"] = [level for level in sorted(now) if now[level] > before.get(level, 0)]
            self._emit(END, **about)
            self.past.ended = dict(about)

    def answer(self, identity: str, step: int, index: int) -> ActionResult | None:
        """The logged result of an asking, handed out once.

        Raises:
            ResumeError: The log has another question at this place.
        """
        asked = self.past.asked.pop((step, index), identity)
        if asked != identity:
            raise ResumeError(
                f"The algorithm asked for something else at step {step}, action {index}, than in "
                "the recorded run: its code changed, or it is not deterministic.",
                where=self.where,
                fix="Use the code of the recorded run, or another run name to start anew.",
            )
        found = self.past.results.pop(identity, None)
        return None if found is None else result_from_json(found)

    def close(self) -> None:
        """Give the run back."""
        if self._recorder is not None:
            self._recorder.close()

    def _emit(self, kind: str, **data: Any) -> None:
        if self._recorder is not None:
            self._recorder.emit(kind, **data)


def read_past(store: Store, run: str) -> Past:
    """What the log of `run` says; nothing, where there is no such run yet."""
    from traces.read import events  # noqa: PLC0415  (reading needs SQLite)

    past = Past()
    for event in events(store, run):
        data: dict[str, Any] = event.data
        if event.kind == SPEC:
            past.spec = data
        elif event.kind == ACTION:
            _asked(past, data)
        elif event.kind == RESULT:
            _finished(past, data)
        elif event.kind == CALL and event.span is not None and event.span not in past.results:
            past.calls.setdefault(event.span, []).append((data["key"], data["completion"]))
        elif event.kind == DECISION and data["what"] == "cut":
            past.cuts[data["step"]] = (data["kept"], data["limit"])
        elif event.kind == DECISION and data["what"] == "void":
            _voided(past, frozenset(data["ids"]))
        elif event.kind == END:
            past.ended = data
    return past


def _asked(past: Past, data: dict[str, Any]) -> None:
    past.started += len(data["actions"])
    for item in data["actions"]:
        past.asked[data["step"], item["at"]] = item["id"]
        if "made" in item:
            past.known.add(item["candidate"])


def _finished(past: Past, data: dict[str, Any]) -> None:
    past.finished += 1
    past.results[data["id"]] = data["result"]
    past.calls.pop(data["id"], None)
    past.elapsed_s = max(past.elapsed_s, data["elapsed_s"])
    for item in data["result"].get("candidates", ()):
        past.known.add(Candidate.from_json(item).id)


def _voided(past: Past, ids: frozenset[str]) -> None:
    """These are carried out again; what was asked after them may be asked no more."""
    first = min((place[0] for place, identity in past.asked.items() if identity in ids), default=0)
    past.asked = {place: identity for place, identity in past.asked.items() if place[0] <= first}
    past.cuts = {step: cut for step, cut in past.cuts.items() if step < first}
    for identity in ids:
        past.results.pop(identity, None)


def result_from_json(data: Any) -> ActionResult:
    """The result that `to_json` wrote."""
    return Rollout.from_json(data) if "example" in data else Proposal.from_json(data)


def differing(old: Any, new: Any, path: str = "") -> list[tuple[str, object, object]]:
    """Where two JSON values differ: (path, old, new), mappings gone into."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[tuple[str, object, object]] = []
        for key in {**old, **new}:
            inner = f"{path}.{key}" if path else key
            found += differing(old.get(key), new.get(key), inner)
        return found
    return [] if old == new else [(path, old, new)]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004
