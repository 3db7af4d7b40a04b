"""Preference pairs, and the step of a sequence that has a model trained on them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from letters import AddLetter, LetterTask

from opto.optimizers.search import Sequence as Steps
from opto.optimizers.search import Tune, named, preference_pairs, write_preferences
from opto.optimizers.search.preferences import Preference
from opto.search import Budget, Candidate, Cost, Ledger, Proposal, Propose, Rollout, Study, TextTask
from opto.search.errors import AlgorithmError, SearchError
from opto.search.loop import Loop
from opto.search.rules import Rules

NO_REPORT = Rules(report=0.0)


def ledger_of(outputs: Mapping[int, Sequence[tuple[str, float]]]) -> Ledger:
    ledger = Ledger()
    for example, several in outputs.items():
        for at, (output, score) in enumerate(several):
            candidate = Candidate({"text": f"{at}"})
            ledger.admit(candidate)
            rollout = Rollout(candidate.id, example, "train", 0, score, output=json.dumps(output))
            ledger.add(rollout)
    return ledger


def test_outputs_for_one_input_are_paired_by_score_with_the_cube_of_the_gap() -> None:
    task = LetterTask()
    ledger = ledger_of(
        {0: [("good", 1.0), ("so so", 0.5), ("bad", 0.0), ("good", 0.8)], 1: [("x", 1)]}
    )

    pairs = preference_pairs(ledger, task)

    assert [(p.prompt, p.chosen, p.rejected) for p in pairs] == [
        ("a", "good", "bad"),
        ("a", "so so", "bad"),
        ("a", "good", "so so"),
    ]
    assert pairs[0].score_chosen == pytest.approx(0.9)  # the mean of both times it was said
    assert [p.weight for p in pairs] == pytest.approx([0.9**3, 0.5**3, 0.4**3])


def test_equal_scores_validation_inputs_and_failures_make_no_pair() -> None:
    ledger = ledger_of({0: [("one", 0.5), ("two", 0.5)]})
    for at, output in enumerate(("right", "wrong")):
        name = Candidate({"text": f"{at}"}).id
        ledger.add(Rollout(name, 1, "val", 0, float(at), output=json.dumps(output)))
        ledger.add(Rollout(name, 2, "train", 0, None, status="error", output=json.dumps(output)))

    assert preference_pairs(ledger, LetterTask()) == []
    assert preference_pairs(ledger, LetterTask(), size=10) == []


def test_pairs_are_drawn_in_proportion_to_their_weight() -> None:
    ledger = ledger_of({0: [("good", 1.0), ("so so", 0.5), ("bad", 0.0)]})

    drawn = preference_pairs(ledger, LetterTask(), size=2000, seed=3)

    counts = Counter((p.chosen, p.rejected) for p in drawn)
    assert counts["good", "bad"] / 2000 == pytest.approx(1 / 1.25, abs=0.03)
    assert drawn == preference_pairs(ledger, LetterTask(), size=2000, seed=3)
    assert drawn != preference_pairs(ledger, LetterTask(), size=2000, seed=4)


def test_of_many_answers_the_best_and_the_worst_are_paired() -> None:
    ledger = ledger_of({0: [(f"{n}", n / 100) for n in range(100)]})

    pairs = preference_pairs(ledger, LetterTask(), most=4)

    assert {p.chosen for p in pairs} | {p.rejected for p in pairs} == {"0", "1", "98", "99"}


@dataclass(frozen=True)
class AnyLetter(AddLetter):
    """Puts one letter or two in the place of the text."""

    def propose(self, action: Propose, parents: Sequence[Candidate], stream: Any) -> Proposal:
        text = "".join(stream.sample("abcdyz", stream.randint(1, 2)))
        return Proposal((parents[0].edited({"text": text}, op="rewrite"),), "", Cost(llm=1))


def test_children_of_one_parent_are_paired_for_whoever_proposes() -> None:
    loop = Loop(named("random_search"), AnyLetter())
    result = Study(LetterTask(), loop, Budget(metric=200), workers=1, rules=NO_REPORT).run()

    pairs = preference_pairs(result, of="candidates")

    assert pairs
    means = {c.values["text"]: result.ledger.mean(c.id) for c in result.ledger.candidates.values()}
    for pair in pairs:
        assert json.loads(pair.prompt) == {"text": "z"}
        chosen, rejected = (json.loads(text)["text"] for text in (pair.chosen, pair.rejected))
        assert means[chosen] > means[rejected]


def test_a_ledger_without_its_task_is_refused() -> None:
    with pytest.raises(SearchError, match="in its task"):
        preference_pairs(Ledger())


@pytest.mark.parametrize("scores", [True, False])
def test_the_file_is_what_trainers_read(tmp_path: Path, *, scores: bool) -> None:
    pair = Preference("Grüße?\n", "yes", "no", 1.0, 0.5, 0.125)
    file = tmp_path / "pairs.jsonl"

    assert write_preferences([pair, pair], file, scores=scores) == 2

    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == rows[1]
    assert list(rows[0])[:3] == ["prompt", "chosen", "rejected"]
    assert rows[0]["prompt"] == "Grüße?\n"
    assert ("score_chosen" in rows[0]) is scores


# Training as a step

QUESTIONS = [(f"{n}", f"{n + n}") for n in range(6)]
SKILL = {"base": 0.3, "tuned": 1.0, "worse": 0.0}


def model_task() -> TextTask:
    """The program answers as well as the model whose name is in its component."""

    def answer(values: Mapping[str, Any], question: str) -> str:
        n = int(question)
        luck = random.Random(f"{question}{values}").random()  # noqa: S311
        return f"{n + n}" if luck < SKILL[values["model"]] else f"{n}!"

    texts = {"model": "base", "prompt": "x"}
    return TextTask(texts, answer, QUESTIONS, lambda output, example: float(output == example[1]))


@dataclass(frozen=True)
class Rewords(AddLetter):
    """Makes the prompt longer, so that the same questions are answered by other luck."""

    model: str = ""

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.model}

    def propose(self, action: Propose, parents: Sequence[Candidate], stream: Any) -> Proposal:
        text = f"{parents[0].values['prompt']} {stream.randrange(100)}{self.model}"
        return Proposal((parents[0].edited({"prompt": text}, op="rewrite"),), "", Cost(llm=1))


def climb(model: str = "") -> Loop:
    return Loop(named("priority_search", candidates=2), Rewords(model))


def study(steps: Steps, **options: Any) -> Study:
    spec = {"workers": 1, "rules": NO_REPORT, **options}
    return Study(model_task(), steps, Budget(metric=160, llm=20), **spec)


def test_a_trained_model_is_measured_and_kept_because_it_is_better() -> None:
    seen: list[Sequence[Preference]] = []

    def train(pairs: Sequence[Preference]) -> str:
        seen.append(pairs)
        return "tuned"

    result = study(Steps(climb(), Tune(train, component="model", size=50), climb())).run()

    assert result.values["model"] == "tuned"
    [pairs] = seen
    assert len(pairs) == 50
    assert {(p.chosen, p.rejected) for p in pairs} <= {(f"{2 * n}", f"{n}!") for n in range(6)}


@pytest.mark.parametrize("answer", ["worse", None])
def test_a_model_that_is_worse_or_none_changes_nothing(answer: str | None) -> None:
    result = study(Steps(climb(), Tune(lambda pairs: answer, component="model"))).run()

    assert result.values["model"] == "base"


def test_a_training_that_fails_ends_no_run() -> None:
    def train(pairs: Sequence[Preference]) -> str:
        raise RuntimeError("out of memory")

    result = study(Steps(climb(), Tune(train, component="model"))).run()

    assert result.values["model"] == "base"
    assert "out of memory" in result.ledger.proposals[-1].note


def test_the_steps_after_a_training_may_propose_with_the_new_model() -> None:
    tune = Tune(lambda pairs: "m2", of="candidates")

    result = study(Steps(climb(), tune, climb)).run()

    made = {str(c.values["prompt"]) for c in result.ledger.candidates.values()}
    assert any(text.endswith("m2") for text in made)


@dataclass(frozen=True)
class Interrupted(Rewords):
    """The user stops the run when the new model is first asked."""

    def propose(self, action: Propose, parents: Sequence[Candidate], stream: Any) -> Proposal:
        if self.model:
            raise KeyboardInterrupt
        return super().propose(action, parents, stream)


def test_a_resumed_run_does_not_train_again(tmp_path: Path) -> None:
    trained: list[int] = []

    def steps(rewords: type[Rewords]) -> Steps:
        def train(pairs: Sequence[Preference]) -> str:
            trained.append(len(pairs))
            return "m2"

        def then(model: str) -> Loop:
            return Loop(named("priority_search", candidates=2), rewords(model))

        return Steps(climb(), Tune(train, of="candidates"), then)

    whole = study(steps(Rewords)).run()
    with pytest.raises(KeyboardInterrupt):
        study(steps(Interrupted), store=tmp_path / "runs.db", run="r").run()
    resumed = study(steps(Rewords), store=tmp_path / "runs.db", run="r").run()

    assert len(trained) == 2  # once in each run, and not when it went on
    assert resumed.ledger.digest == whole.ledger.digest


@pytest.mark.parametrize("of", ["outputs", "candidates"])
def test_a_sequence_with_a_training_is_the_same_with_eight_workers(of: Any) -> None:
    def steps() -> Steps:
        return Steps(climb(), Tune(lambda pairs: f"m{len(pairs)}", of=of, size=None), climb)

    one, eight = (study(steps(), workers=workers).run() for workers in (1, 8))

    assert one.ledger.digest == eight.ledger.digest


def test_a_component_for_the_model_must_exist() -> None:
    with pytest.raises(AlgorithmError, match="no component 'modle'"):
        study(Steps(Tune(lambda pairs: "m", component="modle"))).run()
