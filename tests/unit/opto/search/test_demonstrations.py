"""Demonstrations: which components take them, how sets are made, that none helps with itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from demo_task import WordTask, Writer
from letters import LetterTask

import opto
from opto.optimizers.search import Rewriter, named
from opto.search import Budget, Candidate, Outcome, Rollout, Study, TextTask
from opto.search.demos import MAX_OUTPUT, demo_components, is_demos, read, without, written
from opto.search.errors import AlgorithmError, SearchError
from opto.search.ledger import Ledger
from opto.search.loop import Loop
from opto.search.program import ProgramTask
from opto.search.replay import read_ledger
from opto.search.rules import Rules
from opto.search.strategies.bootstrap import Bootstrap
from opto.search.strategies.grounding import Ground
from opto.search.strategies.sources import Space
from opto.search.strategies.state import State
from traces.store.sqlite import Store

NO_REPORT = Rules(report=0.0)
DEMO = {"input": "2 + 2?", "output": "4"}
SUMS = [("1 + 1?", "2"), ("2 + 2?", "4"), ("3 + 3?", "6"), ("4 + 4?", "8")]


def exact(output: Any, example: tuple[str, str]) -> float:
    return float(output == example[1])


@pytest.mark.parametrize(
    ("value", "demos"),
    [
        ([], True),
        ([DEMO], True),
        ([DEMO, {"input": 1, "output": None}], True),
        ([DEMO, {"input": 1}], False),
        ([{**DEMO, "why": ""}], False),
        (["a"], False),
        ("[]", False),
        (None, False),
    ],
)
def test_a_list_of_inputs_with_outputs_is_a_set_of_demonstrations(
    value: Any, *, demos: bool
) -> None:
    assert is_demos(value) is demos


def test_components_are_found_by_their_first_value_or_named() -> None:
    task = TextTask({"a": [], "b": "x", "c": [DEMO]}, lambda values, x: x, SUMS, exact)

    assert demo_components(task) == ("a", "c")
    assert demo_components(task, ["c"]) == ("c",)
    with pytest.raises(SearchError, match="'b' is no list"):
        demo_components(task, ["b"])


def seen_by_text(candidate: Candidate, example: Any) -> list[Any]:
    seen: list[Any] = []
    task = TextTask(
        {"demos": []}, lambda values, x: seen.append(values["demos"]), SUMS, lambda *_: 1
    )
    task.evaluate(candidate, example, 0, opto.search.stream(0, "x"))
    return seen[0]


def seen_by_program(candidate: Candidate, example: Any) -> list[Any]:
    demos = opto.node([], trainable=True, name="demos")
    seen: list[Any] = []

    @opto.bundle()
    def answer(demos: list[Any], question: str) -> str:
        """Look."""
        seen.append(demos)
        return "?"

    class Program(opto.Module):
        def __init__(self) -> None:
            self.demos = demos

        def forward(self, question: str) -> Any:
            return answer(self.demos, question)

    task = ProgramTask(Program(), SUMS, lambda *_: 1)
    task.evaluate(candidate, example, 0, opto.search.stream(0, "x"))
    return seen[0]


@pytest.mark.parametrize("seen", [seen_by_text, seen_by_program])
def test_a_program_never_sees_the_demonstration_of_what_it_is_asked(seen: Any) -> None:
    other = {"input": "1 + 1?", "output": "2"}
    candidate = Candidate({"demos": [DEMO, other]})

    assert seen(candidate, ("2 + 2?", "4")) == [other]
    assert seen(candidate, ("9 + 9?", "18")) == [DEMO, other]
    assert candidate.values["demos"] == [DEMO, other]


def test_inputs_that_are_no_json_have_no_demonstration_to_leave_out() -> None:
    candidate = Candidate({"demos": [DEMO]})

    assert without(candidate, ["demos"], (object(), 1)) == {"demos": [DEMO]}


@pytest.mark.parametrize("output", ["4", 4, {"a": [1, None]}, [], False])
def test_an_output_comes_back_as_it_was(output: Any) -> None:
    assert read(written(output)) == output


@pytest.mark.parametrize("output", [None, object(), float("nan"), "x" * MAX_OUTPUT])
def test_an_output_that_cannot_be_kept_whole_is_not_kept(output: Any) -> None:
    assert written(output) == ""


def test_outputs_are_in_the_ledger_and_in_the_log(tmp_path: Path) -> None:
    task = TextTask({"demos": []}, lambda values, x: {"said": x * 20}, SUMS, lambda *_: 1.0)
    store = tmp_path / "runs.db"
    loop = Loop(named("random_search", size=2), Writer())

    result = Study(task, loop, Budget(metric=12), store=store, run="r", rules=NO_REPORT).run()

    with Store(store, read_only=True) as opened:
        again = read_ledger(opened, "r")
    for ledger in (result.ledger, again):
        [rollout] = ledger.rollouts(task.seed.id, "train")[:1]
        assert read(rollout.output) == {"said": SUMS[rollout.example][0] * 20}


@pytest.mark.parametrize("late", [(), ("function",), ("guide",), ("function", "guide")])
def test_outputs_are_kept_whoever_takes_time(late: tuple[str, ...]) -> None:
    def function(values: Any, x: str) -> Any:
        return later(x.upper()) if "function" in late else x.upper()

    def guide(output: str, example: Any) -> Any:
        return later(1.0) if "guide" in late else 1.0

    task = TextTask({"prompt": "x"}, function, [("a", "b")], guide)
    loop = Loop(named("random_search", size=1), Writer())

    result = Study(task, loop, Budget(metric=1), rules=NO_REPORT).run()

    assert [read(rollout.output) for rollout in result.ledger] == ["A"]


async def later(value: Any) -> Any:
    return value


def test_the_output_of_a_program_is_kept_without_its_nodes() -> None:
    @opto.bundle(trainable=True)
    def tell(x: int) -> dict[str, Any]:
        """Say it twice."""
        return {"twice": [x, x]}

    task = ProgramTask(tell, [(3, None)], lambda *_: 1.0)
    loop = Loop(named("random_search", size=1), Writer())

    result = Study(task, loop, Budget(metric=1), rules=NO_REPORT).run()

    assert [read(rollout.output) for rollout in result.ledger] == [{"twice": [3, 3]}]


def test_a_rollout_of_an_older_run_is_read_and_keeps_its_digest() -> None:
    rollout = Rollout("c", 0, "val", 0, 1.0, feedback="fine")
    data = rollout.to_json()

    assert "output" not in data
    assert Rollout.from_json(data) == rollout
    assert Rollout.from_json({**data, "output": '"4"'}).output == '"4"'


def test_a_proposer_sees_the_output_where_no_trace_ends_with_it() -> None:
    seen: list[str] = []

    def model(messages: list[dict[str, str]], **options: Any) -> str:
        seen.append(messages[-1]["content"])
        return "nothing"

    task = TextTask({"prompt": "x"}, lambda values, x: f"said {x}", SUMS, exact)
    loop = named("revert", size=2).algorithm(Rewriter(model))
    Study(task, loop, Budget(metric=10, llm=1), workers=1, rules=NO_REPORT).run()

    assert 'output: "said' in seen[0]


# Bootstrapping


def bootstrapped(task: Any, strategy: Bootstrap, metric: int | None = 1000) -> tuple[State, Ledger]:
    """The state after the sets were made, with a study that does nothing else."""
    kept: list[State] = []
    spec = named("product", proposals=0).but(demos=strategy, start=None, reserve=0.0)
    loop = Loop(spec, Writer(), watch=lambda state, winner: kept.append(state))
    budget = Budget(metric=metric) if metric else Budget(seconds=3)
    Study(task, loop, budget, workers=1, rules=NO_REPORT).run()
    return kept[0], kept[0].ledger


def test_sets_are_none_labeled_in_order_and_at_random() -> None:
    task = WordTask(size=30)

    state, ledger = bootstrapped(task, Bootstrap(sets=8, bootstrapped=3, labeled=4))

    none, labels, in_order, *others = state.sets["demos"]
    assert none == []
    targets = dict(task.train)
    assert len(labels) == 4
    assert all(targets[demo["input"]] == demo["output"] for demo in labels)
    teacher = Candidate({**task.seed.values, "demos": labels})
    good = [task.train[r.example][0] for r in ledger.rollouts(teacher.id, "train") if r.score == 1]
    order = [word for word, _ in task.train if word in good]
    assert [demo["input"] for demo in in_order[:3]] == order[:3]
    assert len(others) == 5
    assert {len(demos) for demos in others} == {4}
    for demos in others:
        assert len({demo["input"] for demo in demos}) == 4


def test_only_what_the_program_got_right_is_bootstrapped() -> None:
    class Wrong(WordTask):
        """Without targets; long words are never right without demonstrations."""

        @property
        def train(self) -> Sequence[str]:  # type: ignore[override]
            return [word for word, _ in WordTask(size=30).train]

        def evaluate(self, candidate: Candidate, example: Any, *rest: Any) -> Outcome:
            word = example if isinstance(example, str) else example[0]
            return super().evaluate(candidate, (word, word[::-1]), *rest)

    state, ledger = bootstrapped(Wrong(noise=False), Bootstrap(sets=6, labeled=4))

    demos = [demo for several in state.sets["demos"] for demo in several]
    assert demos
    assert all(len(demo["input"]) < 5 and demo["output"] == demo["input"][::-1] for demo in demos)
    tried = ledger.rollouts(Wrong().seed.id, "train")
    assert len(tried) == len({rollout.example for rollout in tried})


def test_with_no_bootstrapped_ones_labeled_sets_differ_and_nothing_is_run() -> None:
    state, ledger = bootstrapped(WordTask(size=30), Bootstrap(sets=6, bootstrapped=0))

    assert [len(demos) for demos in state.sets["demos"]] == [0, 4, 4, 4, 4, 4]
    assert not any(ledger.n(name, "train") for name in ledger.candidates)


@pytest.mark.parametrize("metric", [20, 40, 400])
def test_a_teacher_that_never_succeeds_takes_a_quarter_of_the_calls_at_most(metric: int) -> None:
    class Hopeless(WordTask):
        def chance(self, values: Mapping[str, Any], word: str) -> float:
            return 0.0

    state, ledger = bootstrapped(Hopeless(size=50), Bootstrap(), metric)

    labels = state.sets["demos"][1]
    teacher = Candidate({**Hopeless().seed.values, "demos": labels})
    assert ledger.n(teacher.id, "train") == min(50, metric // 4)
    assert [] in state.sets["demos"]
    assert len(labels) == 4


def test_a_space_has_the_sets_beside_the_instructions() -> None:
    task = WordTask()
    kept: list[tuple[int, ...]] = []
    loop = Loop(
        named("product", sets=5, proposals=6),
        Writer(),
        watch=lambda state, winner: kept.append(Space.of(state).widths),
    )

    Study(task, loop, Budget(metric=100), workers=1, rules=NO_REPORT).run()

    assert kept[-1][0] in {2, 3, 4}  # the seed's and what the writer knows
    assert kept[-1][1] == 5


def test_a_search_over_demonstrations_says_what_it_needs() -> None:
    with pytest.raises(AlgorithmError, match="no component takes demonstrations"):
        Study(
            LetterTask(), Loop(named("bridge"), Writer()), Budget(metric=50), rules=NO_REPORT
        ).run()


class Named(WordTask):
    """Says itself what there is to choose from."""

    @property
    def choices(self) -> Mapping[str, Sequence[Any]]:
        right = [{"input": word, "output": target} for word, target in self.train]
        return {"prompt": ["Reverse.", "Mirror every letter."], "demos": [[], right[:2], right[:5]]}


@pytest.mark.parametrize("name", ["product", "bridge"])
def test_nothing_is_made_where_the_task_names_its_choices(name: str) -> None:
    task = Named()

    result = Study(
        task, Loop(named(name), Writer()), Budget(metric=300), workers=1, rules=NO_REPORT
    ).run()

    assert not any(result.ledger.n(name, "train") for name in result.ledger.candidates)
    assert result.cost.llm == 0
    assert (len(result.values["demos"]) == 5) is (name == "product")


# Whole searches


def test_miprov2_finds_demonstrations_and_an_instruction_through_the_front_door() -> None:
    pytest.importorskip("optuna")
    asked: list[str] = []

    def model(messages: list[dict[str, str]], **options: Any) -> str:
        text = messages[-1]["content"]
        asked.append(text)
        if "Write the new notes." in text or "Describe the program." in text:
            return f"NOTE {len(asked)}"
        word = ("Add.", "Answer with a number.", "Sum.")[len(asked) % 3]
        return f"<variable><name>prompt</name><value>{word}</value></variable>"

    prompt = opto.node("Answer.", trainable=True, name="prompt")
    demos = opto.node([], trainable=True, name="demos")

    @opto.bundle()
    def answer(prompt: str, demos: list[dict[str, str]], question: str) -> str:
        """Needs a number in the prompt or a demonstration, and both for a four."""
        right = str(2 * int(question[0]))
        knows = ("number" in prompt) + bool(demos)
        return right if knows == 2 or (knows and right != "8") else "?"

    class Program(opto.Module):
        def __init__(self) -> None:
            self.prompt, self.demos = prompt, demos

        def forward(self, question: str) -> Any:
            return answer(self.prompt, self.demos, question)

    result = opto.optimize(
        Program(),
        SUMS,
        exact,
        optimizer=named("miprov2", minibatch=3, every=3, sets=4).algorithm(Rewriter(model)),
        budget=Budget(metric=150, llm=20),
    )

    assert result.values["prompt"] == "Answer with a number."
    assert result.values["demos"]
    assert result.score == 1.0
    assert "Examples:" in asked[0]
    assert "def answer" in asked[1] or "answer" in asked[1]
    assert all("NOTE 1" in text and "NOTE 2" in text for text in asked[2:])
    assert any("# Solved examples" in text for text in asked[2:])
    result.apply()
    assert demos.data == result.values["demos"]


def test_notes_on_the_data_end_when_there_is_nothing_new_and_cost_a_quarter_at_most() -> None:
    @dataclass(frozen=True)
    class Terse(Writer):
        def propose(self, action: Any, parents: Any, stream: Any) -> Any:
            done = super().propose(action, parents, stream)
            if action.purpose != "summary":
                return done
            return replace(done, note="COMPLETE" if action.payload["summary"] else "words")

    def notes(llm: int | None, **options: Any) -> int:
        spec = named("product", proposals=2, reserve=0.0)
        loop = Loop(spec.but(ground=Ground(batch=2, **options)), Terse())
        budget = Budget(metric=100, llm=llm)
        study = Study(WordTask(size=30), loop, budget, workers=1, rules=NO_REPORT)
        proposals = study.run().ledger.proposals
        return sum(proposal.note in {"COMPLETE", "words"} for proposal in proposals)

    assert notes(None) == 6  # the first, and five without news
    assert notes(None, patience=2) == 3
    assert notes(None, looks=2) == 2
    assert notes(12) == 2  # a quarter is three, one of them for the program, which shows no trace


def test_random_search_measures_19_sets_in_full_and_elimination_takes_fewer_calls() -> None:
    task = WordTask(size=40)
    runs = {}

    for eliminate in (None, 8):
        spec = named("bootstrap_random_search", eliminate=eliminate)
        study = Study(task, Loop(spec, Writer()), Budget(metric=1000), workers=1, rules=NO_REPORT)
        runs[eliminate] = study.run()

    full = runs[None].ledger
    measured = [name for name in full.candidates if full.n(name) == 40]
    assert 15 <= len(measured) <= 19
    assert runs[None].cost.llm == 0
    counts = [runs[8].ledger.n(name) for name in runs[8].ledger.candidates]
    assert 8 <= min(count for count in counts if count) < 20
    assert max(counts) > 40


def test_measuring_a_set_again_costs_nothing_where_nothing_can_change() -> None:
    task = WordTask(noise=False, deterministic=True)

    result = Study(
        task, Loop(named("bootstrap_random_search"), Writer()), Budget(metric=500), rules=NO_REPORT
    ).run()

    slots = [(r.candidate, r.example, r.split, r.rep) for r in result.ledger]
    assert len(slots) == len(set(slots))
    assert task.chance(result.values, "long word") > 0.45
