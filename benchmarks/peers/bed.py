"""Our algorithms on the shared test-bed: its task, its meter, its fake model, our whole engine.

Run as a script in a process of its own: `python bed.py TESTBED ALGORITHM SEEDS BUDGET NOISE Q`
prints one JSON object a seed, in the test-bed's own format.

Lives here: the adapters: a task, a model that answers in our format, the recommendation in time.
Never here: the test-bed itself, policies, comparing.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.families.testbed import load
from opto.optimizers.search import Rewriter, named
from opto.search import Budget, Candidate, Cost, Outcome
from opto.search.loop import Loop
from opto.search.rules import Rules
from opto.search.strategies.embedding import register
from opto.search.strategies.state import State
from opto.search.study import Study

OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "opto": ("opto", {}),
    "opto_breadth1": ("opto", {"breadth": 1}),
    "our_gepa_v100": ("gepa", {"minibatch": 3}),
    "our_gepa_v20": ("gepa", {"minibatch": 3}),
    "our_gepa_v20_best": ("gepa", {"minibatch": 3, "current_best": True}),
    "our_ps_mean": ("priority_search", {"priority": "mean"}),
    "our_ps_ucb": ("priority_search", {"priority": "ucb"}),
    "our_polca_mean": ("polca", {"priority": "mean", "embedding": "bed", "summarize": False}),
    "our_polca_mean_sum": ("polca", {"priority": "mean", "embedding": "bed"}),
    "our_opro": ("opro", {"slice_size": 20, "exemplars": 0}),
    "our_revert": ("revert", {}),
    "our_random": ("random_search", {}),
    "our_halving": ("successive_halving", {}),
    "our_beam": ("beam", {}),
    "our_abo": ("abo", {}),
    "our_promst": ("promst", {}),
}
"""Row to Spec and its arguments: the peers' settings where a peer has the row."""
_VAL = {"our_gepa_v20": 20, "our_gepa_v20_best": 20, "our_revert": 20}
_REPORT = ("opto",)
"""Rows of ours whose score is measured on fresh data, within the same budget."""


class BedTask:
    """The rule task of the bed as a task of ours."""

    def __init__(self, bed: Any, *, val: int) -> None:
        self._bed, self._meter = bed, bed.METER
        size = self._meter.task.n
        self.components: Mapping[str, str] = {"prompt": "the prompt"}
        self.seed = Candidate({"prompt": self._meter.task.init})
        self.train: Sequence[Any] = [("train", at) for at in range(size)]
        self.val: Sequence[Any] = [("val", at) for at in range(val)]
        self.deterministic = False
        self.worst = Cost(metric=1)

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        """Through the meter of the bed; it counts repetitions itself."""
        del rep, stream
        score, feedback = self._meter.evaluate(str(candidate.values["prompt"]), *example)
        return Outcome(float(score), feedback=feedback)


class BedModel:
    """The bed's fake model, asked with our prompts and answering in our format."""

    def __init__(self, bed: Any, seed: int) -> None:
        self._bed, self._fake = bed, bed.FakeLLM(seed)

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str:
        """One answer; about 3 in 100 are malformed, as for everybody."""
        system, text = messages[0]["content"], messages[-1]["content"]
        if "new notes" in system:
            return self._notes(text)
        present = text[text.rfind("# Present values") :]
        found = self._bed.RULES_RE.search(present)
        edited = self._fake.edit(text, frozenset(found.group(1).split()) if found else None)
        if edited is None:
            return "I am unable to help."
        return (
            "<reasoning>r</reasoning>\n<variable>\n<name>prompt</name>\n"
            f"<value>\n{edited}\n</value>\n</variable>"
        )

    def _notes(self, text: str) -> str:
        """The three most frequent hints, as the bed's summarizer for the peer gives them."""
        self._bed.METER.llm_calls += 1
        hints = self._bed.HINT_RE.findall(text)
        counts = {hint: hints.count(hint) for hint in hints}
        top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
        return " ".join(f"HINT({do} {rule})" for (do, rule), _ in top) or "none"


class GridTask:
    """Family B: two predictors, nine instructions and eighteen sets of examples each."""

    def __init__(self, grid: Any) -> None:
        self._grid = grid
        self.choices = {f"x{at}": tuple(range(width)) for at, width in enumerate(grid.dims)}
        self.components: Mapping[str, str] = dict.fromkeys(self.choices, "a choice")
        self.seed = Candidate(dict.fromkeys(self.choices, 0))
        self.train: Sequence[int] = range(grid.n)
        self.val: Sequence[int] = range(grid.n)
        self.deterministic = False
        self.worst = Cost(metric=1)

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        """Through the grid, which counts calls and repetitions itself."""
        del rep, stream
        point = tuple(int(str(value)) for value in candidate.values.values())
        return Outcome(self._grid.eval(point, [example])[0])


class Nobody:
    """Proposes nothing; the grid needs no proposals."""

    def describe(self) -> Mapping[str, Any]:
        """No settings."""
        return {}

    def propose(self, action: Any, parents: Sequence[Candidate], stream: Any) -> Any:
        """Never asked."""
        raise AssertionError((action, parents, stream))


def run_grid(bed: Any, row: str, seed: int, budget: int) -> dict[str, Any]:
    """One study on the grid of a seed."""
    grid = bed.Grid(seed)
    study = Study(
        GridTask(grid),
        Loop(named(row), Nobody()),
        Budget(metric=budget),
        seed=seed,
        workers=1,
        rules=Rules(report=0.0),
    )
    best = study.run().best
    point = tuple(int(str(value)) for value in best.values.values())
    regret = float(grid.f_star) - grid.true(point)
    return {"algo": row, "seed": seed, "budget": budget, "r_end": regret, "metric": grid.calls}


def run_ours(bed: Any, row: str, seed: int) -> None:
    """One study on the bed's current meter."""
    meter = bed.METER
    name, options = OURS[row]
    register("bed", lambda text: tuple(bed.fake_embed(text)))
    task = BedTask(bed, val=_VAL.get(row, meter.task.n))

    def watch(state: State, winner: str) -> None:
        reported = state.mean(winner) if state.count(winner) else None
        meter.recommend(state.candidate(winner).values["prompt"], reported)

    loop = Loop(named(name, **options), Rewriter(BedModel(bed, seed)), watch=watch)
    report = 0.1 if name in _REPORT else 0.0
    study = Study(
        task, loop, Budget(metric=meter.budget), seed=seed, workers=1, rules=Rules(report=report)
    )
    result = study.run()
    meter.rounds = len(result.history)
    if report:
        meter.recommend(result.best.values["prompt"], result.score)


def main() -> None:
    """One algorithm, all seeds."""
    path, row, seeds, budget, noise, q = sys.argv[1:7]
    bed = load(Path(path))
    if noise == "grid":
        low, _, high = seeds.partition("-")
        for seed in range(int(low), int(high or low) + 1):
            print(json.dumps(run_grid(bed, row, seed, int(budget))), flush=True)
        return
    bed.ALGOS[row] = lambda seed: run_ours(bed, row, seed)
    low, _, high = seeds.partition("-")
    for seed in range(int(low), int(high or low) + 1):
        start = time.process_time()
        found = bed.one(row, seed, int(budget), noise, float(q))
        spent = round(time.process_time() - start, 2)
        print(json.dumps({**found, "rounds": bed.METER.rounds, "cpu_s": spent}), flush=True)


if __name__ == "__main__":
    main()
