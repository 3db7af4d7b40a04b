"""One turn of the loop: select, measure, propose, measure in stages, keep.

Lives here: `Turn`.
Never here: the decisions themselves (`opto.search.strategies`), the order of turns.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

from opto.search.actions import Action, Propose
from opto.search.candidate import Candidate
from opto.search.canon import JSON
from opto.search.results import ActionResult, Proposal, Rollout
from opto.search.spec import Spec
from opto.search.strategies.allocators import Stage
from opto.search.strategies.merging import Merge
from opto.search.strategies.recommenders import next_in_full
from opto.search.strategies.selectors import Group
from opto.search.strategies.sources import Source
from opto.search.strategies.state import State

Part: TypeAlias = Generator[Sequence[Action], Sequence[ActionResult], None]
Line: TypeAlias = tuple[str, str]
"""A child and the parent it is compared with."""
_BROKEN, _BROKEN_SHARE = 2, 0.2
"""Examples, and share of a child's measurements, that it may not break."""


class Turn:
    """One turn of the loop."""

    def __init__(self, spec: Spec, state: State, *, spare: bool = False) -> None:
        """Prepare a turn; with `spare`, a first cut opens the reserve and the turn goes on."""
        self.spec, self.state, self.spare = spec, state, spare

    def run(self) -> Generator[Sequence[Action], Sequence[ActionResult], list[str]]:
        """The children that were kept."""
        spec, state = self.spec, self.state
        if spec.source is not None:
            return (yield from self._points(spec.source))
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
        if len(results) < len(asks) and self.spare and not self.state.opened:
            self.state.opened = True
            results = [*results, *(yield asks[len(results) :])]
        self.state.cut = self.state.cut or len(results) < len(asks)
        return results

    def sow(self, size: int) -> Part:
        """Proposals from the seed before the first turn; each is told its number."""
        state = self.state
        seed = state.pool[0]
        if not self.spec.components.pick(state, seed):
            return
        asks: list[Action] = []
        for at in range(size):
            ask = self._proposal((seed,), at)
            assert isinstance(ask.payload, dict)  # noqa: S101  (made by _proposal)
            asks.append(Propose(ask.purpose, {**ask.payload, "variant": at}, (seed,), at))
        yield from self._ask(asks)

    def _points(
        self, source: Source
    ) -> Generator[Sequence[Action], Sequence[ActionResult], list[str]]:
        """Children from a source instead of a proposer; known ones are measured once more."""
        state, spec = self.state, self.spec
        made = source.make(state, spec.children)
        state.born.update((child.id, child) for child in made)
        lines = yield from self._stages([(child.id, state.pool[0]) for child in made])
        self._keep([child for child, _ in lines])
        if spec.promote is not None and not state.cut and (state.step + 1) % spec.promote == 0:
            name = next_in_full(state, "val")
            if name is not None:
                everything = range(state.view.size("val"))
                yield from self._ask(state.measure([name], everything, "val"))
        return [child for child, _ in lines]

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
        about: dict[str, JSON] = {**state.view.task.components}
        shown = self.spec.evidence.show(state, group)
        payload: dict[str, JSON] = {"components": [*names], "about": about, **shown}
        if self.spec.ground is not None:
            payload.update(self.spec.ground.show(state))
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
        alive = [line for line in lines if state.count(line[0]) and not self._breaks(*line)]
        if stage.gate is None:
            return alive
        return [line for line in alive if stage.gate.passes(stage.gains(state, *line, examples))]

    def _breaks(self, child: str, parent: str) -> bool:
        """Does the child fail, not merely score low, on many examples its parent managed?

        A failure is no score, so a mean would be over what the child happened to manage. One
        failure may be chance.
        """
        ledger = self.state.ledger
        slots = ledger.failed(child)
        measured = ledger.n(child, "val") + ledger.n(child, "train") + len(slots)
        failed = {(split, example) for split, example, _ in slots}
        broken = sum(ledger.reps(parent, example, split) > 0 for split, example in failed)
        return broken >= max(_BROKEN, _BROKEN_SHARE * measured)

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
