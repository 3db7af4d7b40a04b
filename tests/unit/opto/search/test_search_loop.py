"""The loop with whole algorithms, on a task whose answer is known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from demo_task import WordTask, Writer
from letters import ALPHABET, AddLetter, LetterTask

from opto.optimizers.search import named, names
from opto.search import Budget, Candidate, Cost, Outcome, Proposal
from opto.search.loop import Loop
from opto.search.registry import optimizer
from opto.search.rules import Rules
from opto.search.spec import Spec
from opto.search.strategies.state import State
from opto.search.study import Study

NO_REPORT = Rules(report=0.0)


def run(spec: Spec, task: Any, metric: int = 400, **options: Any) -> Any:
    options = {"workers": 1, "rules": NO_REPORT, **options}
    loop = Loop(spec, proposer_for(task))
    return Study(task, loop, Budget(metric=metric), **options).run()


def proposer_for(task: Any) -> Any:
    return AddLetter() if isinstance(task, LetterTask) else Writer()


def task_for(name: str) -> Any:
    return WordTask() if name in DEMOS else LetterTask(noise=0.2)


SHALLOW = ("random_search", "product", "miprov2", "zopo")
"""Only combine or rewrite the seed, so they cannot collect letters."""
DEMOS = ("bootstrap_random_search", "bridge")
"""Only choose demonstrations, so they need a task that takes some."""


def spec_of(name: str) -> Spec:
    if name == "miprov2":
        pytest.importorskip("optuna")
    return named(name)


@pytest.mark.parametrize("name", names())
def test_every_algorithm_improves_the_seed_and_keeps_its_budget(name: str) -> None:
    task = task_for(name)

    result = run(spec_of(name), task)

    if name in DEMOS:
        assert task.chance(result.values, "long word") >= 0.5
    else:
        text = result.values["text"]
        assert len(set(text) & set(ALPHABET)) >= (1 if name in SHALLOW else 3)
    assert 0 < result.cost.metric <= 400


@pytest.mark.parametrize(
    ("name", "task"),
    [
        *((name, task_for(name)) for name in names()),
        ("miprov2", WordTask()),
        ("product", WordTask()),
    ],
)
def test_one_and_eight_workers_write_the_same_ledger(name: str, task: Any) -> None:
    one, eight = (run(spec_of(name), task, 150, workers=workers) for workers in (1, 8))

    assert one.ledger.digest == eight.ledger.digest
    assert one.best == eight.best


@pytest.mark.parametrize("turn", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("name", ["opto", "gepa", "polca", "opro", "product", "miprov2", "bridge"])
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(
    name: str, turn: int, tmp_path: Path
) -> None:
    task, whole = task_for(name), run(spec_of(name), task_for(name), 150)
    turns: list[int] = []

    def stop(state: State, winner: str) -> None:
        turns.append(state.step)
        if len(turns) == turn:
            raise KeyboardInterrupt

    def study(watch: Any) -> Study:
        loop = Loop(named(name), proposer_for(task), watch=watch)
        log = tmp_path / "runs.db"
        return Study(task, loop, Budget(metric=150), workers=1, store=log, run="r", rules=NO_REPORT)

    with pytest.raises(KeyboardInterrupt):
        study(stop).run()
    resumed = study(None).run()

    assert resumed.ledger.digest == whole.ledger.digest
    assert resumed.cost.metric == whole.cost.metric


def test_noise_decides_between_climbing_and_racing() -> None:
    seen: dict[str, bool] = {}

    for kind, noise in (("exact", 0.0), ("noisy", 0.2)):

        def watch(state: State, winner: str, kind: str = kind) -> None:
            seen[kind] = state.exact

        loop = Loop(named("opto"), AddLetter(), watch=watch)
        Study(LetterTask(noise=noise), loop, Budget(metric=1000), rules=NO_REPORT).run()

    assert seen == {"exact": True, "noisy": False}


@pytest.mark.parametrize(("metric", "spent", "exact"), [(60, 8, False), (4000, 12, True)])
def test_equal_scores_of_the_seed_prove_little_and_may_not_cost_much(
    metric: int, spent: int, *, exact: bool
) -> None:
    seen: list[tuple[int, bool]] = []
    spec = named("opto").but(start=None)
    spec = spec.but(exact=spec.but(probe=None, exact=None))

    def watch(state: State, winner: str) -> None:
        seen.append((state.ledger.spent.metric, state.exact))

    loop = Loop(spec, AddLetter(), watch=watch)
    Study(LetterTask(), loop, Budget(metric=metric), workers=1, rules=NO_REPORT).run()

    assert seen[0] == (spent, exact)


class LateNoise(LetterTask):
    """Repeats agree on the seed, and no longer once the text has a wanted letter."""

    def evaluate(
        self, candidate: Candidate, example: Any, rep: int, stream: random.Random
    ) -> Outcome:
        wanted = set(str(candidate.values["text"])) & set(ALPHABET)
        task = LetterTask(noise=0.2 if wanted else 0.0)
        return task.evaluate(candidate, example, rep, stream)


def test_noise_that_shows_late_changes_the_policy() -> None:
    exact: list[bool] = []
    loop = Loop(named("opto"), AddLetter(), watch=lambda state, winner: exact.append(state.exact))

    Study(LateNoise(), loop, Budget(metric=2000), workers=1, rules=NO_REPORT).run()

    assert exact[0]
    assert not exact[-1]


def test_a_climb_on_exact_scores_spends_the_share_kept_for_finals() -> None:
    result = run(named("opto", reserve=0.5), LetterTask(deterministic=True), 30)

    assert result.cost.metric > 15
    counts = [result.ledger.n(name, "val") for name in result.ledger.candidates]
    assert [n for n in counts if 0 < n < len(ALPHABET)][1:] == []  # only the very last was cut


def test_a_proposer_that_repeats_itself_ends_the_search() -> None:
    task = LetterTask(deterministic=True)

    result = Study(task, Loop(named("gepa"), Scripted(["abc"])), Budget(metric=1000)).run()

    assert result.values["text"] == "abc"
    assert result.stopped == "finished"


def test_gepa_scores_the_seed_and_whoever_passes_the_gate_on_all_validation_examples() -> None:
    task = LetterTask(deterministic=True)

    result = run(named("gepa"), task, 300)

    ledger = result.ledger
    assert ledger.n(task.seed.id, "val") == len(ALPHABET)
    for name, candidate in ledger.candidates.items():
        if name == task.seed.id:
            continue
        first = ledger.rollouts(name, "train")[:3]
        theirs = ledger.example_means(candidate.parents[0], "train")
        better = sum((r.score or 0) - theirs[r.example] for r in first) > 0
        assert ledger.n(name, "val") in ({6} if better else {0})
    assert result.ledger.mean(result.best.id, "val") == max(
        ledger.mean(name, "val") or -1 for name in ledger.candidates
    )


class TwoParts(LetterTask):
    """Two components, so that each can be improved on its own."""

    @property
    def seed(self) -> Candidate:
        return Candidate({"a": "f", "b": ""})


@dataclass(frozen=True)
class OneWay(AddLetter):
    """Knows one good value of each component; that of the first gives up a letter."""

    def propose(self, action: Any, parents: Sequence[Candidate], stream: Any) -> Proposal:
        name = action.payload["components"][0]
        child = parents[0].edited({name: {"a": "ab", "b": "cde"}[name]}, op="rewrite")
        return Proposal((child,), "", Cost(llm=1))


def test_gepa_merges_two_lines_that_changed_different_components() -> None:
    parts = {"a": "letters", "b": "letters"}
    task = TwoParts(deterministic=True, components=parts)
    spec, merged = named("gepa", merge=True), []

    for seed in range(20):
        loop = Loop(spec, OneWay())
        study = Study(task, loop, Budget(metric=200), seed=seed, workers=1, rules=NO_REPORT)
        merged += [c for c in study.run().ledger.candidates.values() if c.op == "merge"]

    assert merged
    assert {tuple(c.values.values()) for c in merged} == {("ab", "cde")}


def test_polca_asks_for_notes_once_a_turn_and_shows_them() -> None:
    seen: list[Any] = []

    @dataclass(frozen=True)
    class Listening(AddLetter):
        def propose(self, action: Any, *rest: Any) -> Proposal:
            seen.append((action.purpose, action.payload))
            return super().propose(action, *rest)

    Study(
        LetterTask(noise=0.2),
        Loop(named("polca"), Listening()),
        Budget(metric=60),
        workers=1,
        rules=NO_REPORT,
    ).run()

    assert seen[0][0] == "summary"
    rewrites = [payload for purpose, payload in seen if purpose == "rewrite"]
    assert rewrites
    assert all(payload["summary"] == "notes" for payload in rewrites)


@dataclass
class Scripted:
    """Answers one proposal after the other: texts, or a status."""

    texts: list[str]
    at: int = 0
    asked: list[Any] = field(default_factory=list)

    def describe(self) -> Mapping[str, Any]:
        return {}

    def propose(self, action: Any, parents: Sequence[Candidate], stream: Any) -> Proposal:
        self.asked.append(action.payload)
        text = self.texts[self.at % len(self.texts)]
        self.at += 1
        if text == "malformed":
            return Proposal(note="no value", cost=Cost(llm=1), status="malformed")
        return Proposal((parents[0].edited({"text": text}, op="rewrite"),), "", Cost(llm=1))


def test_a_malformed_answer_costs_a_call_and_ends_nothing() -> None:
    proposer = Scripted(["malformed", "abc"])

    result = Study(
        LetterTask(deterministic=True),
        Loop(named("gepa"), proposer),
        Budget(metric=100, llm=6),
        workers=1,
        rules=NO_REPORT,
    ).run()

    assert result.cost.llm == 6
    assert result.values["text"] == "abc"
    assert [p.status for p in result.ledger.proposals][:2] == ["malformed", "ok"]


def test_validation_examples_are_never_shown() -> None:
    proposer = Scripted(["a", "ab", "abc", "abcd"])
    task = LetterTask(noise=0.1)

    Study(task, Loop(named("opto"), proposer), Budget(metric=150), workers=1, rules=NO_REPORT).run()

    shown = [item for payload in proposer.asked for item in payload["measured"]]
    assert shown
    trained = {r.feedback for r in _rollouts(task, "train")}
    assert {item["feedback"] for item in shown} <= trained


def _rollouts(task: LetterTask, split: str) -> Any:
    return [
        task.evaluate(task.seed, example, 0, random.Random(0))  # noqa: S311
        for example in (task.train if split == "train" else task.val)
    ]


@pytest.mark.parametrize("name", names())
def test_every_name_opens_at_the_front_door(name: str) -> None:
    found = optimizer(name)

    assert found.name == name
    assert found.describe() == named(name).algorithm().describe()
