"""Family F: the candidate is an optimizer; how well its model edits depends on its instructions.

Instructions hold habits, HABITS[...]; of twelve, four help and three hurt, and which is what an
outer search has to find out. The inner task is family A with a test-bed task for each example. The
inner kernel is the test-bed's, but an edit follows a hint with probability 0.15 + 0.2 for each
helping habit - 0.1 for each hurting one, from 0.02 to 0.95; otherwise it adds or drops any rule. Of
the inner hints 90 % are right, so habits are worth having.

The outer kernel: 3 % malformed, 10 % other words, else one habit added or dropped at random, and if
asked for the composition too, in 20 % another of four known Specs instead. An inner search has 120
metric calls and 60 model calls, and all it spends is charged to the outer budget.

The figure is the regret of the optimizer that was found on 10 tasks that nobody has seen, beside
that of the first one and of one with all helping habits and no other.

Lives here: that family; no peer has it.
Never here: `SpecTask`, algorithms.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers.families.components import rules_in, written
from benchmarks.peers.families.dice import number, stream, unit
from benchmarks.peers.families.reading import read_ours, write_ours
from benchmarks.peers.families.world import MALFORMED
from opto.optimizers.search import Rewriter, named
from opto.optimizers.search.meta import INSTRUCTIONS, SPEC, SpecTask
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.actions import Propose
from opto.search.loop import Loop
from opto.search.results import Proposal
from opto.search.rules import Rules
from opto.search.spec import Spec
from opto.search.study import Study

INNER_METRIC, INNER_LLM, FRESH, TRAINING = 120, 60, 10, 24
_HABITS = re.compile(r"HABITS\[([^\]]*)\]")
_HINT = re.compile(r"HINT\((add|drop) (R\d\d)\)")
_ALL = tuple(f"h{at:02d}" for at in range(12))
_HELP, _HURT, _BASE, _PARAPHRASE, _COMPOSE = 4, 3, 0.15, 0.13, 0.2
COMPOSITIONS = ("revert", "priority_search", "opro", "successive_halving")
ROWS: dict[str, Callable[[], Spec]] = {
    "opto": lambda: named("opto"),
    "meta_climb": lambda: named("revert", minibatch=1, size=8),
    "meta_search": lambda: named("priority_search"),
    "meta_random": lambda: named("random_search", size=8),
}
"""Row to the outer search; `meta_climb` is the published one: keep what validates better."""


class InnerTask:
    """One rule task; every call draws its noise from the search that makes it."""

    def __init__(self, bed: Any, seed: int) -> None:
        self._rules, self._seed = bed.RuleTask(seed, q=0.9), seed
        self.best = float(self._rules.f_star)
        self.components: Mapping[str, str] = {"prompt": "rules to follow"}
        self.seed = Candidate({"prompt": self._rules.init})
        self.train: Sequence[Any] = [("train", at) for at in range(self._rules.n)]
        self.val: Sequence[Any] = [("val", at) for at in range(self._rules.n)]
        self.deterministic = False
        self.worst = Cost(metric=1)

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        score, said = self._rules.sample(
            str(candidate.values["prompt"]), *example, f"{rep}/{stream.getrandbits(32)}"
        )
        return Outcome(float(score), feedback=said)

    def true(self, text: str) -> float:
        """Expected score."""
        return float(self._rules.true(text))


class Editor:
    """The inner fake model: the better its habits, the more often it does what a hint says."""

    def __init__(self, helping: float) -> None:
        self.follows = min(0.95, max(0.02, helping))

    def __call__(self, messages: Sequence[Mapping[str, str]], *, seed: int | None = None) -> str:
        text = messages[-1]["content"]
        shown, draw = read_ours(text), stream("inner", text, seed)
        if draw.random() < MALFORMED or "prompt" not in shown.values:
            return "I am unable to help."
        rules, hints = rules_in(shown.values["prompt"]), sorted(_HINT.findall(text))
        if hints and draw.random() < self.follows:
            do, rule = draw.choice(hints)
        else:
            do, rule = draw.choice(("add", "drop")), f"R{draw.randrange(24):02d}"
        (rules.add if do == "add" else rules.discard)(rule)
        return write_ours({"prompt": written(sorted(rules), draw.randrange(10**6))})


class Habits:
    """Which habits help in the world of a seed, and the models that have them."""

    def __init__(self, seed: int) -> None:
        order = sorted(_ALL, key=lambda habit: unit("habit", seed, habit))
        self.helping, self.hurting = set(order[:_HELP]), set(order[_HELP : _HELP + _HURT])

    def proposer(self, instructions: str) -> Rewriter:
        """The inner proposer that these instructions make."""
        has = habits_in(instructions)
        good, bad = len(has & self.helping), len(has & self.hurting)
        return Rewriter(Editor(_BASE + 0.2 * good - 0.1 * bad))

    @property
    def start(self) -> str:
        """One hurting habit and one that does nothing."""
        idle = [habit for habit in _ALL if habit not in self.helping | self.hurting]
        return with_habits({min(self.hurting), idle[0]}, 0)


class Outer:
    """The outer fake model: changes habits, and now and then the composition."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def describe(self) -> Mapping[str, Any]:
        """Its seed."""
        return {"seed": self._seed}

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        """Reads the parent's values, not a prompt: Specs are longer than prompts clip."""
        parent, kind = parents[0], stream.random()
        if kind < MALFORMED:
            return Proposal(note="useless", cost=Cost(llm=1), status="malformed")
        payload = action.payload if isinstance(action.payload, dict) else {}
        asked = payload.get("components")
        if isinstance(asked, list) and SPEC in asked and stream.random() < _COMPOSE:
            spec = SPECS_OF[stream.choice(COMPOSITIONS)]
            return Proposal((parent.edited({SPEC: spec.to_json()}, op="meta"),), cost=Cost(llm=1))
        has = habits_in(str(parent.values[INSTRUCTIONS]))
        if kind >= _PARAPHRASE:
            has ^= {stream.choice(_ALL)}
        text = with_habits(has, stream.randrange(10**6))
        return Proposal((parent.edited({INSTRUCTIONS: text}, op="meta"),), cost=Cost(llm=1))


SPECS_OF: dict[str, Spec] = {name: named(name) for name in COMPOSITIONS}


def habits_in(text: str) -> set[str]:
    """The habits that instructions hold."""
    found = _HABITS.search(text)
    return set(found[1].split()) & set(_ALL) if found else set()


def with_habits(habits: set[str], tag: int) -> str:
    """Instructions with these habits."""
    return f"Improve the rules. HABITS[{' '.join(sorted(habits))}] v{tag}"


def measure(bed: Any, row: str, seed: int, budget: int) -> dict[str, Any]:
    """One outer search; its figures."""
    start = time.process_time()
    habits = Habits(seed)
    tasks = [InnerTask(bed, number("task", seed, at) % 10**6) for at in range(TRAINING)]
    task = SpecTask(
        SPECS_OF["priority_search"],
        habits.start,
        tasks,
        habits.proposer,
        metric=INNER_METRIC,
        llm=INNER_LLM,
    )
    loop = Loop(ROWS[row](), Outer(seed))
    result = Study(task, loop, Budget(metric=budget), seed=seed, workers=1).run()
    fresh = [InnerTask(bed, number("fresh", seed, at) % 10**6) for at in range(FRESH)]
    found = habits_in(str(result.best.values[INSTRUCTIONS]))
    ideal = task.seed.edited({INSTRUCTIONS: with_habits(habits.helping, 1)}, op="ideal")
    return {
        "algo": row,
        "family": "F",
        "seed": seed,
        "budget": budget,
        "first": round(reached(habits, fresh, task.seed, seed), 4),
        "r_end": round(reached(habits, fresh, result.best, seed), 4),
        "ideal": round(reached(habits, fresh, ideal, seed), 4),
        "helping": len(found & habits.helping),
        "hurting": len(found & habits.hurting),
        "composition": Spec.from_json(result.best.values[SPEC]).name,
        "metric_calls": result.cost.metric,
        "llm_calls": result.cost.llm,
        "n_cands": len(result.ledger.candidates),
        "overshoot": max(0, result.cost.metric - budget),
        "cpu_s": round(time.process_time() - start, 2),
    }


def reached(habits: Habits, tasks: Sequence[InnerTask], found: Candidate, seed: int) -> float:
    """Mean regret of an optimizer on tasks, two searches on each."""
    spec = Spec.from_json(found.values[SPEC])
    total = 0.0
    for at, task in enumerate(tasks):
        for again in range(2):
            loop = spec.algorithm(habits.proposer(str(found.values[INSTRUCTIONS])))
            inner = Study(
                task,
                loop,
                Budget(metric=INNER_METRIC, llm=INNER_LLM),
                seed=number("fresh-run", seed, at, again) % 2**31,
                workers=1,
                rules=Rules(report=0.3),
            ).run()
            total += task.best - task.true(str(inner.best.values["prompt"]))
    return total / (2 * len(tasks))
