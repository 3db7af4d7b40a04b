"""Sets of demonstrations made of what the program itself got right.

Lives here: `Bootstrap`, which makes the sets; `gather`, which runs a teacher on training examples.
Never here: choosing among the sets (`sources`, `tpe`), subsets of one pool (`subsets`).
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from opto.search.actions import Action, Evaluate
from opto.search.candidate import Candidate
from opto.search.canon import JSON, canonical
from opto.search.demos import demo_components, demonstration, labeled, read
from opto.search.results import ActionResult
from opto.search.strategies.codec import strategy
from opto.search.strategies.state import State

Part: TypeAlias = Generator[Sequence[Action], Sequence[ActionResult], None]
Quest: TypeAlias = tuple[Sequence[int], int]
"""Training examples in the order to try them, and how many successes are wanted."""


class Demonstrations(Protocol):
    """Makes demonstrations for a source to choose from."""

    @property
    def components(self) -> tuple[str, ...] | None:
        """The components they are for; None for all whose first value is a set of them."""
        ...

    def run(self, state: State) -> Part:
        """Make them, before the first turn and whenever `due`; evaluations are asked for."""
        ...

    def due(self, state: State) -> bool:
        """Are they made again before this turn?"""
        ...


@strategy
@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Candidate sets per component: none, labeled only, bootstrapped in order, then at random.

    A bootstrapped demonstration is a training input with what the program returned for it, where
    that scored at least `threshold`. The teacher is the program with labeled demonstrations, where
    there are targets; the tasks of this package leave that of the example itself out. Sets that
    are not full are filled with labeled ones.

    Source: `BootstrapFewShot` and `create_n_fewshot_demo_sets` of dspy, as MIPROv2 uses them
    (K. Opsahl-Ong et al., EMNLP 2024). Not copied: the teacher's calls are charged and bounded; an
    example is run once for all sets; labeled examples are not used up from one predictor to the
    next; one round.
    """

    sets: int = 12
    """Sets per component, those without demonstrations and with labeled ones only among them."""
    bootstrapped: int = 4
    """Most bootstrapped demonstrations of a set; with 0 nothing is run and labeled sets remain."""
    labeled: int = 4
    """A set is filled up to this size with inputs and targets of training examples."""
    threshold: float = 1.0
    """Least score of a success."""
    share: float = 0.25
    """Most of the metric calls left that the teacher may use."""
    components: tuple[str, ...] | None = None
    """See `Demonstrations`."""

    def due(self, state: State) -> bool:  # noqa: ARG002  (the protocol)
        return False

    def run(self, state: State) -> Part:
        names = demo_components(state.view.task, self.components)
        labels = _labels(state)
        teacher = _taught(state, names, _some(state, labels, self.labeled))
        quests = {name: self._quests(state, name) for name in names}
        wanted = [quest for several in quests.values() for quest in several]
        yield from gather(state, teacher, wanted, threshold=self.threshold, share=self.share)
        good = _worked(state, teacher.id, self.threshold)
        for name in names:
            state.sets[name] = self._made(state, name, quests[name], good, labels)

    def _quests(self, state: State, name: str) -> list[Quest]:
        """In order with all that fit, then shuffled with 1 to all that fit."""
        everything = list(range(state.view.size("train")))
        found: list[Quest] = []
        for number in range(max(0, self.sets - 2)):
            draw = state.view.stream("demos", name, number)
            order = everything if not number else draw.sample(everything, len(everything))
            most = self.bootstrapped
            found.append((order, draw.randint(1, most) if number and most else most))
        return found

    def _made(
        self,
        state: State,
        name: str,
        quests: Sequence[Quest],
        good: Mapping[int, JSON],
        labels: Mapping[int, JSON],
    ) -> list[JSON]:
        found: list[JSON] = [state.view.task.seed.values[name], []]
        found.append([*_some(state, labels, self.labeled).values()])
        for number, (order, size) in enumerate(quests):
            own = [example for example in order if good.get(example) is not None][:size]
            rest = {example: demo for example, demo in labels.items() if example not in own}
            draw = state.view.stream("demos-labeled", name, number)
            filled = _sample(draw, rest, self.labeled - len(own))
            found.append([*(good[example] for example in own), *filled.values()])
        return list({canonical(demos): demos for demos in found}.values())


def gather(
    state: State, teacher: Candidate, quests: Sequence[Quest], *, threshold: float, share: float
) -> Part:
    """Run the teacher on training examples until every quest has its successes or no more to try.

    Args:
        state: Its ledger has the results; `cut` where the budget ended it.
        teacher: Who is run, once on each example.
        quests: See `Quest`; an example counts for all of them.
        threshold: Least score of a success.
        share: Most of the metric calls left that are used.
    """
    left = state.view.left.metric
    room = state.view.size("train") if left is None else int(share * left)
    while not state.cut:
        good = _worked(state, teacher.id, threshold)
        asked = dict.fromkeys(e for order, size in quests for e in _missing(order, size, good))
        batch = [Evaluate(teacher, example, "train") for example in list(asked)[:room]]
        if not batch:
            return
        room -= len(batch)
        state.cut = len((yield batch)) < len(batch)


def successes(state: State, teacher: str, threshold: float) -> dict[int, JSON]:
    """Training example to the demonstration that this candidate made there."""
    return {e: demo for e, demo in _worked(state, teacher, threshold).items() if demo is not None}


def labeled_ones(state: State, size: int) -> list[JSON]:
    """Up to `size` labeled demonstrations, the same every time."""
    return [*_some(state, _labels(state), size).values()]


def _worked(state: State, teacher: str, threshold: float) -> dict[int, JSON]:
    """Training example to the demonstration made of it; None where the teacher failed."""
    found: dict[int, JSON] = {}
    for rollout in state.ledger.rollouts(teacher, "train"):
        demo: JSON = None
        if rollout.score is not None and rollout.score >= threshold and rollout.output:
            example = state.view.task.train[rollout.example]
            demo = demonstration(example, read(rollout.output))
        if found.get(rollout.example) is None:
            found[rollout.example] = demo
    return found


def _missing(order: Sequence[int], size: int, good: Mapping[int, JSON]) -> list[int]:
    """Examples to run next: as many as would do if all succeeded."""
    found: list[int] = []
    done = 0
    for example in order:
        if done + len(found) >= size:
            break
        if example not in good:
            found.append(example)
        elif good[example] is not None:
            done += 1
    return found


def _labels(state: State) -> dict[int, JSON]:
    made = {at: labeled(example) for at, example in enumerate(state.view.task.train)}
    return {at: demo for at, demo in made.items() if demo is not None}


def _some(state: State, labels: Mapping[int, JSON], size: int) -> dict[int, JSON]:
    """The labeled demonstrations of the labeled set and of the teacher."""
    return _sample(state.view.stream("labeled"), labels, size)


def _sample(draw: random.Random, demos: Mapping[int, JSON], size: int) -> dict[int, JSON]:
    chosen = draw.sample(list(demos), max(0, min(size, len(demos))))
    return {example: demos[example] for example in chosen}


def _taught(state: State, names: Sequence[str], labels: Mapping[int, JSON]) -> Candidate:
    seed = state.view.task.seed
    shown: JSON = [*labels.values()]
    return seed.edited(dict.fromkeys(names, shown), op="labeled") if labels else seed
