"""What a proposer is shown: a slice of the ledger as plain data. Validation data stays hidden.

Lives here: evidence strategies.
Never here: prompts (the proposer writes them), model calls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from opto.search.canon import JSON
from opto.search.results import Rollout
from opto.search.strategies.codec import strategy
from opto.search.strategies.selectors import Group
from opto.search.strategies.state import State
from opto.search.task import input_of

_MOST_CHARS = 600
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""Of an object; it differs from process to process, and proposals must not."""


class Evidence(Protocol):
    """Chooses what to show."""

    def show(self, state: State, group: Group) -> dict[str, JSON]:
        """The payload of a proposal, JSON; keys are `measured`, `attempts`, `summary`, ..."""
        ...


def clipped(value: object, most: int = _MOST_CHARS) -> str:
    """`value` as text of at most `most` characters, the end cut."""
    text = value if isinstance(value, str) else _ADDRESS.sub("", repr(value))
    return text if len(text) <= most else f"{text[:most]}…"


def record(state: State, rollout: Rollout) -> dict[str, JSON]:
    """One measurement as a proposer sees it."""
    example = state.view.task.train[rollout.example]
    found: dict[str, JSON] = {
        "input": clipped(input_of(example)),
        "score": rollout.score,
        "feedback": clipped(rollout.feedback),
    }
    if rollout.trace:
        found["trace"] = clipped(rollout.trace)
    elif rollout.output:  # a trace ends with the output
        found["output"] = clipped(rollout.output)
    return found


@strategy
@dataclass(frozen=True, slots=True)
class Measured:
    """The parent's newest training measurements, failures of the code included."""

    most: int = 20
    worst_first: bool = False
    """Are measurements with low scores preferred to newer ones?"""

    def show(self, state: State, group: Group) -> dict[str, JSON]:
        rollouts = state.ledger.rollouts(group[0], "train")
        if self.worst_first:
            rollouts = sorted(rollouts, key=lambda r: -(r.score or 0.0))
        return {"measured": [record(state, rollout) for rollout in rollouts[-self.most :]]}


@strategy
@dataclass(frozen=True, slots=True)
class Batch:
    """Only what the parent was measured on in this turn. As in GEPA, PrioritySearch."""

    def show(self, state: State, group: Group) -> dict[str, JSON]:
        wanted = set(state.examples)
        newest = {r.example: r for r in state.ledger.rollouts(group[0], "train")}
        shown = [newest[example] for example in sorted(newest.keys() & wanted)]
        return {"measured": [record(state, rollout) for rollout in shown]}


@strategy
@dataclass(frozen=True, slots=True)
class History:
    """The group with its scores, ascending, in integers of 0 to 100, and some inputs, as OPRO."""

    exemplars: int = 3
    low: float = 0.0
    high: float = 1.0
    """Range of the scores, for the integers."""

    def show(self, state: State, group: Group) -> dict[str, JSON]:
        attempts = sorted(group, key=state.mean)
        found: dict[str, JSON] = {
            "attempts": [
                {"values": dict(state.candidate(name).values), "score": self._bucket(state, name)}
                for name in attempts
            ]
        }
        if self.exemplars:
            task = state.view.task
            size = min(self.exemplars, len(task.train))
            drawn = state.view.stream("exemplars", state.step).sample(range(len(task.train)), size)
            found["exemplars"] = [clipped(input_of(task.train[at])) for at in drawn]
        return found

    def _bucket(self, state: State, name: str) -> int:
        return round(100 * (state.mean(name) - self.low) / (self.high - self.low))


@strategy
@dataclass(frozen=True, slots=True)
class Ancestors:
    """The parent's measurements and the line of values that led to it, oldest first, as PROMST."""

    most: int = 20
    depth: int = 10

    def show(self, state: State, group: Group) -> dict[str, JSON]:
        line: list[str] = []
        name: str | None = group[0]
        while name is not None and len(line) < self.depth:
            line.append(name)
            parents = state.candidate(name).parents
            name = next((p for p in parents if p in state.ledger.candidates), None)
        attempts: Sequence[JSON] = [
            {"values": dict(state.candidate(n).values), "score": state.mean(n)}
            for n in reversed(line)
            if state.count(n)
        ]
        return {"attempts": [*attempts], **Measured(self.most).show(state, group)}


@strategy
@dataclass(frozen=True, slots=True)
class Nothing:
    """The values alone."""

    def show(self, state: State, group: Group) -> dict[str, JSON]:  # noqa: ARG002  (the protocol)
        return {}
