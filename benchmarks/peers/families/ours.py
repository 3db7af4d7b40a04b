"""Our algorithms on the families: a world as a task, its kernel as a model, our whole engine.

Lives here: the adapters and our rows.
Never here: families, peers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers.families import rows
from benchmarks.peers.families.dice import stream as numbers
from benchmarks.peers.families.meter import Meter
from benchmarks.peers.families.pool import Points
from benchmarks.peers.families.reading import read_ours, write_ours
from benchmarks.peers.families.world import Value
from opto.optimizers.search import Rewriter, named
from opto.optimizers.search.sequence import Sequence as Steps
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.algorithm import Algorithm
from opto.search.loop import Loop, Proposer
from opto.search.rules import Rules
from opto.search.spec import Spec
from opto.search.strategies.components import All
from opto.search.strategies.embedding import register
from opto.search.strategies.sources import Random
from opto.search.strategies.state import State
from opto.search.study import Study

SPECS: dict[str, Callable[[], Spec]] = {
    "opto": lambda: named("opto"),
    "our_gepa": lambda: named("gepa"),
    "our_gepa_merge": lambda: named("gepa", merge=True),
    "our_gepa_all": lambda: named("gepa").but(components=All()),
    "our_ps_mean": lambda: named("priority_search"),
    "our_ps_ucb": lambda: named("priority_search", priority="ucb"),
    "our_polca": lambda: named("polca", summarize=False),
    "our_opro": lambda: named("opro", exemplars=0),
    "our_revert": lambda: named("revert"),
    "our_beam": lambda: named("beam"),
    "our_random": lambda: named("random_search"),
    "our_halving": lambda: named("successive_halving"),
    "product": lambda: named("product"),
    "our_miprov2": lambda: named("miprov2", minibatch=20),
    "our_zopo": lambda: named("zopo", embedding="pool"),
    "our_random_points": lambda: named("zopo").but(name="random_points", source=Random()),
}
"""Row to Spec. `sequence` is gepa, then `opto`, on one ledger."""
SEQUENCE = "sequence"


class WorldTask:
    """A world as a task of ours, measured through the meter."""

    def __init__(self, meter: Meter, *, val: int | None = None) -> None:
        world = meter.world
        self._meter = meter
        self.components: Mapping[str, str] = world.about
        self.seed = Candidate(dict(world.start))
        self.train: Sequence[Any] = [("train", at) for at in range(world.size)]
        self.val: Sequence[Any] = [("val", at) for at in range(min(val or world.size, world.size))]
        self.deterministic = world.exact
        self.worst = Cost(metric=1)
        self.choices = world.choices

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        """Repetitions are the engine's, so the order of evaluations does not matter."""
        del stream
        split, at = example
        score, feedback = self._meter.evaluate(_values(candidate), split, at, rep)
        return Outcome(score, feedback=feedback)


class FakeModel:
    """Answers our prompts with the kernel of the world."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def __call__(self, messages: Sequence[Mapping[str, str]], *, seed: int | None = None) -> str:
        """The same prompt and seed give the same answer."""
        text = messages[-1]["content"]
        number = self._meter.asked(text, seed)
        shown = read_ours(text)
        edited = self._meter.world.edit(shown, numbers("edit", self._meter.seed, text, number))
        return "I am unable to help." if edited is None else write_ours(edited)


def run(meter: Meter, row: str, *, workers: int = 1) -> None:
    """One study; the meter keeps what came of it. Duplicates cost no metric call, but a model's."""
    if isinstance(meter.world, Points):
        register("pool", meter.world.place)
    task = WorldTask(meter, val=rows.VALIDATION if "gepa" in row else None)

    def watch(state: State, winner: str) -> None:
        reported = state.mean(winner) if state.count(winner) else None
        meter.recommend(_values(state.candidate(winner)), reported)

    algorithm = _algorithm(row, Rewriter(FakeModel(meter)), watch)
    report = 0.1 if row == "opto" and not meter.world.exact else 0.0
    study = Study(
        task,
        algorithm,
        Budget(metric=meter.budget, llm=meter.budget),
        seed=meter.seed,
        workers=workers,
        rules=Rules(report=report),
    )
    result = study.run()
    told = meter.moments[-1].reported if meter.moments else None
    meter.recommend(_values(result.best), result.score if report else told)


def _algorithm(
    row: str, proposer: Proposer, watch: Callable[[State, str], None] | None
) -> Algorithm:
    if row == SEQUENCE:
        parts = (named("gepa"), named("opto"))
        return Steps(*(Loop(spec, proposer, watch=watch) for spec in parts))
    return Loop(SPECS[row](), proposer, watch=watch)


def _values(candidate: Candidate) -> dict[str, Value]:
    """Values of a world are texts and whole numbers."""
    return {
        name: value if isinstance(value, int) else str(value)
        for name, value in candidate.values.items()
    }
