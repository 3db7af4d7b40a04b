"""Algorithms made of algorithms: sequences, and a search over Specs."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from letters import ALPHABET, AddLetter, LetterTask

from opto.optimizers.search import Rewriter, named
from opto.optimizers.search.meta import INSTRUCTIONS, SPEC, SpecTask
from opto.optimizers.search.sequence import Sequence as Steps
from opto.search import Budget, Candidate, Cost, Proposal, Propose
from opto.search.errors import SearchError
from opto.search.loop import Loop
from opto.search.optimize import optimize
from opto.search.rules import Rules
from opto.search.spec import Spec
from opto.search.study import Study

NO_REPORT = Rules(report=0.0)


def letters(text: Any) -> int:
    return len(set(str(text)) & set(ALPHABET))


def test_a_sequence_starts_each_step_from_the_best_and_keeps_the_budget() -> None:
    first, second = (Loop(named(name), AddLetter()) for name in ("gepa", "opto"))
    budget, task = Budget(metric=300, llm=60), LetterTask(noise=0.2)

    result = Study(task, Steps(first, second), budget, workers=1, rules=NO_REPORT).run()

    assert result.cost.metric <= 300
    assert result.cost.llm <= 60
    assert letters(result.values["text"]) >= 4


@dataclass(frozen=True)
class Only(AddLetter):
    """Adds one letter, whatever is said."""

    letter: str = "a"

    def propose(self, action: Propose, parents: Sequence[Candidate], stream: Any) -> Proposal:
        text = "".join(sorted({*str(parents[0].values["text"]), self.letter}))
        return Proposal((parents[0].edited({"text": text}, op="rewrite"),), "", Cost(llm=1))


def test_the_second_step_builds_on_what_the_first_found() -> None:
    steps = Steps(*(Loop(named("revert", size=6), Only(letter)) for letter in "ab"))
    task = LetterTask(deterministic=True)

    result = Study(task, steps, Budget(metric=200, llm=40), rules=NO_REPORT).run()

    assert {"a", "b"} <= set(str(result.values["text"]))


def test_a_step_that_makes_it_worse_is_not_taken() -> None:
    bad = named("random_search").but(recommend=named("opto").exact.recommend)  # type: ignore[union-attr]
    steps = Steps(Loop(named("revert", size=6), Only("a")), Loop(bad, Only("y")))
    task = LetterTask(deterministic=True)

    result = Study(task, steps, Budget(metric=100, llm=20), rules=NO_REPORT).run()

    assert str(result.values["text"]) == "az"
    assert any("y" in str(c.values["text"]) for c in result.ledger.candidates.values())


def test_a_sequence_of_nothing_is_refused() -> None:
    with pytest.raises(SearchError):
        Steps()


@dataclass(frozen=True)
class Told(AddLetter):
    """Adds a letter only if it was told to."""

    instructions: str = ""

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        if "add" in self.instructions:
            return super().propose(action, parents, stream)
        return Proposal(note="no idea", cost=Cost(llm=1), status="malformed")


@dataclass(frozen=True)
class Meta:
    """Proposes other instructions, and now and then a Spec that cannot be read."""

    def describe(self) -> Mapping[str, Any]:
        return {}

    def propose(
        self, action: Propose, parents: Sequence[Candidate], stream: random.Random
    ) -> Proposal:
        if stream.random() < 0.3:
            child = parents[0].edited({SPEC: {"kind": "Spec", "name": "x", "luck": 1}}, op="meta")
        else:
            word = stream.choice(["sing", "dance", "add letters"])
            child = parents[0].edited({INSTRUCTIONS: word}, op="meta")
        return Proposal((child,), "", Cost(llm=1))


def test_a_search_over_optimizers_finds_the_instructions_that_work() -> None:
    tasks = [LetterTask(noise=0.1, start=start) for start in ("z", "y", "x", "w")]
    inner = named("revert", size=4)
    task = SpecTask(inner, "be nice", tasks, Told, metric=60, llm=10)
    outer = named("revert", minibatch=1, size=2)

    result = Study(task, Loop(outer, Meta()), Budget(metric=1500), workers=1, rules=NO_REPORT).run()

    assert result.values[INSTRUCTIONS] == "add letters"
    assert Spec.from_json(result.values[SPEC]) == inner
    assert 1000 < result.cost.metric <= 1500
    assert "malformed" in {p.status for p in result.ledger.proposals}


def answer(messages: Sequence[Mapping[str, str]]) -> str:
    """A model that adds the first letter that was missed."""
    text = messages[-1]["content"]
    present = re.findall(r"<value>\s*(.*?)\s*</value>", text)[-1]
    missed = [letter for letter in re.findall(r"missing (\w)", text) if letter not in present]
    new = present + (missed[0] if missed else "")
    return f"<variable><name>text</name><value>{new}</value></variable>"


@pytest.mark.parametrize("name", ["opto", "gepa", "priority_search", "polca"])
def test_the_front_door_takes_a_named_algorithm_with_a_model(name: str) -> None:
    program = ({"text": "z"}, lambda values, letter: letter in values["text"])

    def guide(output: bool, example: str) -> tuple[float, str]:
        return float(output), "fine" if output else f"missing {example}"

    result = optimize(
        program,
        list(ALPHABET),
        guide,
        optimizer=named(name).algorithm(Rewriter(answer)),
        budget=Budget(metric=400, llm=80),
        workers=4,
    )

    assert letters(result.values["text"]) >= 5
    assert result.cost.metric <= 400
