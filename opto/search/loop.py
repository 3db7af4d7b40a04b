"""The one loop that turns a Spec into an algorithm.

Lives here: `Loop`: the order of select, measure, propose, measure, keep, recommend.
Never here: any of those decisions (`opto.search.strategies`), model calls (the proposer's).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from opto.search.actions import Propose
from opto.search.algorithm import Steps, View
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.demos import demo_components
from opto.search.errors import SearchError
from opto.search.results import Proposal
from opto.search.spec import Spec
from opto.search.strategies.state import State
from opto.search.turn import Part, Turn


class Proposer(Protocol):
    """Makes children: the expensive half, called from several threads at once."""

    def describe(self) -> Mapping[str, JSON]:
        """All settings that change what it does."""
        ...

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal | Awaitable[Proposal]:
        """Carry out one `Propose`; see `Algorithm.propose`.

        For the purpose `summary` the answer is the note, and the candidate is the parent.
        """
        ...


class Loop:
    """A Spec with somebody who proposes. Keeps nothing between runs."""

    def __init__(
        self, spec: Spec, proposer: Proposer, *, watch: Callable[[State, str], None] | None = None
    ) -> None:
        """Hold them.

        Args:
            spec: What to do.
            proposer: Who makes children.
            watch: Called between turns with the state and the id that would be returned then.
        """
        self.spec, self.proposer, self.watch = spec, proposer, watch

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def reserve(self) -> float:
        return self.spec.reserve

    def describe(self) -> Mapping[str, JSON]:
        return {"spec": self.spec.to_json(), "proposer": dict(self.proposer.describe())}

    def close(self) -> None:
        """Let the proposer go of what it holds, if it can."""
        if callable(close := getattr(self.proposer, "close", None)):
            close()

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal | Awaitable[Proposal]:
        return self.proposer.propose(action, parents, stream)

    def run(self, view: View) -> Steps:
        """See `Algorithm.run`."""
        state = State(view, pool=[view.task.seed.id])
        yield from self._start(state)
        spec = self._plan(state)
        while not state.cut and spec.done(state) is None:
            before = state.ledger.spent.metric
            if spec.demos is not None and self._takes_demos(state) and spec.demos.due(state):
                yield from spec.demos.run(state)
            kept = yield from Turn(spec, state, spare=self._spare(spec)).run()
            yield from self._recheck(state, kept)
            state.step += 1
            state.barren = 0 if state.ledger.spent.metric > before else state.barren + 1
            spec = self._plan(state)
            self._tell(state, spec.recommend.current(state))
        state.cut = False
        winner = yield from spec.recommend.finals(state)
        self._tell(state, winner)
        return state.candidate(winner)

    def _plan(self, state: State) -> Spec:
        return self.spec.exact if state.exact and self.spec.exact is not None else self.spec

    def _spare(self, spec: Spec) -> bool:
        """Does a share wait for a recommendation that this plan does not need?"""
        return bool(self.spec.reserve) and not spec.reserve

    def _recheck(self, state: State, kept: Sequence[str]) -> Part:
        """Do scores that count as exact still repeat on the newcomers?"""
        if kept and state.exact and self.spec.probe is not None and not state.cut:
            state.exact = yield from self.spec.probe.again(state, kept)

    def _start(self, state: State) -> Part:
        state.exact = state.view.task.deterministic
        if self.spec.probe is not None:
            state.exact = yield from self.spec.probe.run(state)
        start = self._plan(state).start
        if start is not None:
            seed = state.view.task.seed
            asks = state.measure([seed], start.examples(state), start.split)
            state.cut = len((yield asks)) < len(asks)
        self._check(state)
        if getattr(state.view.task, "choices", None) is None:
            yield from self._prepare(state)
        self._tell(state, state.pool[0])

    def _prepare(self, state: State) -> Part:
        """Make what a source chooses from: demonstrations, then proposals that know of them."""
        spec = self.spec
        if spec.demos is not None and self._takes_demos(state) and not state.cut:
            yield from spec.demos.run(state)
        if spec.ground is not None and not state.cut:
            yield from spec.ground.run(state)
        if spec.sow and not state.cut:
            yield from Turn(spec, state).sow(spec.sow)

    def _takes_demos(self, state: State) -> bool:
        """Is there a component for demonstrations, and does the task not name its values?"""
        task, demos = state.view.task, self.spec.demos
        named = getattr(task, "choices", None) is not None
        return not named and demos is not None and bool(demo_components(task, demos.components))

    def _check(self, state: State) -> None:
        spec = self.spec
        named = getattr(state.view.task, "choices", None) is not None
        if spec.source is None or spec.sow or named:
            return
        if spec.demos is None:
            raise SearchError(
                f"{self.name!r} has nothing to choose from: the task has no `choices`.",
                fix="Give it `choices`, component to values, or let the Spec ask for proposals.",
            )
        if not self._takes_demos(state):
            raise SearchError(
                f"{self.name!r} has nothing to choose from: no component takes demonstrations.",
                fix="Let the program show its model a list of them: node([], trainable=True).",
            )

    def _tell(self, state: State, winner: str) -> None:
        if self.watch is not None:
            self.watch(state, winner)
