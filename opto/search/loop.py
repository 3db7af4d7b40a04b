"""The one loop that turns a Spec into an algorithm.

Lives here: `Loop`: the order of select, measure, propose, measure, keep, recommend.
Never here: any of those decisions (`opto.search.strategies`), model calls (the proposer's).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Protocol, TypeAlias

from opto.search.actions import Action, Propose
from opto.search.algorithm import Steps, View
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.results import ActionResult, Proposal, Rollout
from opto.search.spec import Spec
from opto.search.strategies.allocators import Stage
from opto.search.strategies.merging import Merge
from opto.search.strategies.selectors import Group
from opto.search.strategies.state import State

Part: TypeAlias = Generator[Sequence[Action], Sequence[ActionResult], None]
Line: TypeAlias = tuple[str, str]
"""A child and the parent it is compared with."""


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
            kept = yield from _Turn(spec, state).run()
            yield from self._recheck(state, kept)
            state.step += 1
            state.barren = 0 if state.ledger.spent.metric > before else state.barren + 1
            spec = self._changed(state)
            self._tell(state, spec.recommend.current(state))
        state.cut = False
        winner = yield from spec.recommend.finals(state)
        self._tell(state, winner)
        return state.candidate(winner)

    def _plan(self, state: State) -> Spec:
        return self.spec.exact if state.exact and self.spec.exact is not None else self.spec

    def _changed(self, state: State) -> Spec:
        """The plan for the next turn; one that keeps nothing back also spends the reserve."""
        spec = self._plan(state)
        if state.cut and not spec.reserve and self.spec.reserve and not state.opened:
            state.cut, state.opened = False, True
        return spec

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
        self._tell(state, state.pool[0])

    def _tell(self, state: State, winner: str) -> None:
        if self.watch is not None:
            self.watch(state, winner)


class _Turn:
    """One turn of the loop."""

    def __init__(self, spec: Spec, state: State) -> None:
        self.spec, self.state = spec, state

    def run(self) -> Generator[Sequence[Action], Sequence[ActionResult], list[str]]:
        """The children that were kept."""
        spec, state = self.spec, self.state
        if spec.merge is not None and state.merge_due:
            yield from self._merge(spec.merge)
        groups = spec.selector.select(state)
        if spec.parents is not None:
            state.examples = spec.parents.examples(state)
            asks = state.measure(_firsts(groups), state.examples, spec.parents.split)
            yield from self._ask(asks)
        groups = [group for group in groups if not self._perfect(group)]
        if spec.summarize and groups and not state.cut:
            yield from self._summarize(groups)
        if state.cut or not groups:
            return []
        lines = yield from self._propose(groups)
        passed = yield from self._stages(lines)
        self._keep([child for child, _ in passed])
        return [child for child, _ in passed]

    def _ask(
        self, asks: Sequence[Action]
    ) -> Generator[Sequence[Action], Sequence[ActionResult], Sequence[ActionResult]]:
        results = (yield asks) if asks else ()
        self.state.cut = self.state.cut or len(results) < len(asks)
        return results

    def _perfect(self, group: Group) -> bool:
        """Has the group's parent nothing to learn from the examples of this turn?"""
        top, state = self.spec.skip_perfect, self.state
        if top is None or not state.examples:
            return False
        newest = {r.example: r.score for r in state.ledger.rollouts(group[0], "train")}
        scores = [newest.get(example) for example in state.examples]
        return all(score is not None and score >= top for score in scores)

    def _summarize(self, groups: Sequence[Group]) -> Part:
        shown: list[JSON] = [self.spec.evidence.show(self.state, group) for group in groups]
        payload: JSON = {"evidence": shown, "summary": self.state.summary}
        ask = Propose("summary", payload, groups[0][:1])
        for result in (yield from self._ask([ask])):
            if isinstance(result, Proposal) and result.status in {"ok", "duplicate"}:
                self.state.summary = result.note

    def _propose(
        self, groups: Sequence[Group]
    ) -> Generator[Sequence[Action], Sequence[ActionResult], list[Line]]:
        state, spec = self.state, self.spec
        asks = [self._proposal(group, at) for group in groups for at in range(spec.children)]
        results = yield from self._ask(asks)
        first: dict[str, str] = {}
        born: list[Candidate] = []
        for ask, result in zip(asks, results, strict=False):
            if isinstance(result, Proposal) and result.ok:
                for child in result.candidates:
                    first.setdefault(child.id, ask.parents[0])
                    born.append(child)
        return [(child.id, first[child.id]) for child in spec.archive.novel(state, born)]

    def _proposal(self, group: Group, index: int) -> Propose:
        state, parent = self.state, group[0]
        names = self.spec.components.pick(state, parent)
        state.asked[parent] += 1
        for name in names:
            state.edited[parent, name] += 1
        payload: dict[str, JSON] = {"components": [*names], **self.spec.evidence.show(state, group)}
        if state.summary:
            payload["summary"] = state.summary
        return Propose(self.spec.purpose, payload, group, index)

    def _stages(
        self, lines: list[Line]
    ) -> Generator[Sequence[Action], Sequence[ActionResult], list[Line]]:
        for stage in self.spec.stages:
            if not lines or self.state.cut:
                break
            lines = yield from self._stage(stage, lines)
        return [] if self.state.cut and self.spec.gated else lines

    def _stage(
        self, stage: Stage, lines: list[Line]
    ) -> Generator[Sequence[Action], Sequence[ActionResult], list[Line]]:
        state = self.state
        examples = stage.draw.examples(state, state.examples)
        yield from self._ask(stage.asks(state, lines, examples))
        alive = [line for line in lines if state.count(line[0])]
        if stage.gate is None:
            return alive
        return [line for line in alive if stage.gate.passes(stage.gains(state, *line, examples))]

    def _keep(self, children: Sequence[str]) -> None:
        state = self.state
        before = set(state.pool)
        state.pool = self.spec.archive.keep(state, children)
        if not before.issuperset(state.pool):
            state.last_gain = state.step
            state.merge_due = True

    def _merge(self, merge: Merge) -> Part:
        """Try one merge; accepted, it goes through the stages that have no gate."""
        state = self.state
        state.merge_due = False
        found = merge.find(state, state.merged) if state.merges < merge.most else None
        if found is None:
            return
        child, a, b = found
        state.merged.add((a, b))
        examples = merge.trial(state, a, b)
        results = yield from self._ask(state.measure([child], examples, "val"))
        scores = [r.score for r in results if isinstance(r, Rollout) and r.score is not None]
        rivals = [state.ledger.example_means(name, "val") for name in (a, b)]
        needed = max(sum(rival[e] for e in examples) for rival in rivals)
        if state.cut or len(scores) < len(examples) or sum(scores) < needed:
            return
        for stage in self.spec.stages:
            if stage.gate is None:
                wanted = stage.draw.examples(state, state.examples)
                rest = [e for e in wanted if stage.draw.split != "val" or e not in examples]
                yield from self._ask(state.measure([child], rest, stage.draw.split))
        state.merges += 1
        self._keep([child.id])


def _firsts(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(group[0] for group in groups))
