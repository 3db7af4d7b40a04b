"""Programs and texts as tasks, guides, the front door, and what a result shows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.search import (
    Budget,
    Candidate,
    Cost,
    Evaluate,
    LLMJudge,
    Outcome,
    ProgramTask,
    Proposal,
    Propose,
    Score,
    Study,
    TextTask,
    contains,
    exact_match,
)
from opto.search.errors import EvaluationError, SearchError, UnknownOptimizerError
from opto.search.judge import JudgeError
from opto.search.optimize import optimize
from opto.search.streams import stream
from opto.trace import Module, bundle, node

DATA = [("Ann", "hello Ann"), ("Bob", "hello Bob"), ("Cid", "hello Cid")]


@bundle()
def join(word: str, name: str) -> str:
    """Joins a word and a name."""
    if word == "crash":
        raise ValueError("no such word")
    return f"{word} {name}"


class Inner(Module[..., Any]):
    def __init__(self) -> None:
        self.word = node("bye", name="word", trainable=True, description="one word")

    def forward(self, name: Any) -> Any:
        return join(self.word, name)


class Greeter(Module[..., Any]):
    def __init__(self) -> None:
        self.inner = Inner()
        self.unused = node(0.5, name="unused", trainable=True)

    def forward(self, name: Any) -> Any:
        return self.inner(name)


@dataclass(frozen=True)
class Words:
    """Tries a list of values for one component and recommends the best mean."""

    component: str
    words: Sequence[Any]
    name: str = "words"
    reserve: float = 0.0

    def describe(self) -> Mapping[str, Any]:
        return {"words": list(self.words)}

    def run(self, view: Any) -> Any:
        every = range(view.size("val"))
        yield [Evaluate(view.task.seed, example) for example in every]
        found = yield [
            Propose("word", word, (view.task.seed.id,), n) for n, word in enumerate(self.words)
        ]
        yield [Evaluate(c, e) for p in found for c in p.candidates for e in every]
        return view.ledger.candidates[(view.ledger.ranked() or [view.task.seed.id])[0]]

    def propose(self, action: Any, parents: Any, stream: random.Random) -> Proposal:
        child = parents[0].edited({self.component: action.payload}, op="word")
        return Proposal((child,), cost=Cost(llm=1))


WORDS = Words("inner.word", ["hi", "crash", "hello", 3])


def evaluate(task: Any, **values: Any) -> Any:
    candidate = task.seed.edited(values, op="test") if values else task.seed
    return task.evaluate(candidate, task.val[0], 0, stream(0, "test"))


def test_parameters_are_named_by_where_they_are() -> None:
    for _ in range(2):  # numbers of nodes differ, paths do not
        task = ProgramTask(Greeter(), DATA, exact_match)

        assert task.components == {"inner.word": "one word", "unused": ""}
        assert task.seed == Candidate({"inner.word": "bye", "unused": 0.5})


def test_a_program_is_evaluated_with_the_values_of_a_candidate_and_keeps_its_own() -> None:
    program = Greeter()
    task = ProgramTask(program, DATA, exact_match)

    outcome = evaluate(task, **{"inner.word": "hello"})

    assert (outcome.score, outcome.feedback) == (1.0, "Correct.")
    assert program.inner.word.data == "bye"
    assert "join0 = join(word=inner.word, name=name0)" in outcome.trace
    assert "join0 = hello Ann" in outcome.trace
    assert not program.inner.word.feedback


def test_traces_of_equal_runs_are_equal_in_any_thread() -> None:
    digests = {
        optimize(
            Greeter(), DATA, exact_match, optimizer=WORDS, budget=Budget(metric=60), workers=w
        ).ledger.digest
        for w in (1, 8, 8)
    }

    assert len(digests) == 1


def test_sixty_four_candidates_run_at_once_on_one_program() -> None:
    words = Words("inner.word", [f"w{n}" for n in range(64)])
    guide = lambda output, example: len(output)  # noqa: E731
    result = optimize(
        Greeter(), DATA, guide, optimizer=words, budget=Budget(metric=500), workers=64
    )

    for name, candidate in result.ledger.candidates.items():
        word = str(candidate.values["inner.word"])
        assert result.ledger.example_means(name)[0] == len(f"{word} Ann")


def test_a_program_that_raises_scores_the_guides_error_score_with_the_failing_line() -> None:
    def guide(output: Any, example: Any) -> float:
        return 1.0

    task = ProgramTask(Greeter(), DATA, guide)
    outcome = evaluate(task, **{"inner.word": "crash"})
    guide.error_score = -2.0  # type: ignore[attr-defined]

    assert outcome.score == 0.0
    assert "no such word" in outcome.feedback
    assert "raise ValueError" in outcome.feedback
    assert evaluate(task, **{"inner.word": "crash"}).score == -2.0


def test_values_of_another_type_and_broken_code_are_malformed_proposals() -> None:
    @bundle(trainable=True)
    def double(x: int) -> int:
        """Doubles."""
        return x

    texts = ["def double(x: int) -> int:\n    return 2 * x", "def other(x):\n    return 1", "def ("]
    words = Words("double", [*texts, 7])
    result = optimize(
        double, [(1, "2")], exact_match, optimizer=words, budget=Budget(metric=30), workers=2
    )

    assert [p.status for p in result.ledger.proposals] == [
        "ok", "malformed", "malformed", "malformed",
    ]  # fmt: skip
    assert (result.score, result.values["double"]) == (1.0, texts[0])


def test_the_best_values_are_applied_on_demand() -> None:
    program = Greeter()

    result = optimize(program, DATA, exact_match, optimizer=WORDS, budget=Budget(metric=60))

    assert result.values["inner.word"] == "hello"
    assert program("x").data == "bye x"
    result.apply()
    assert program("x").data == "hello x"


def test_an_async_bundled_function_and_an_async_guide_work() -> None:
    word = node("bye", name="word", trainable=True)

    @bundle()
    async def greet(word: str, name: str) -> str:
        """Greets."""
        return f"{word} {name}"

    class Program(Module[..., Any]):
        def __init__(self) -> None:
            self.word = word

        def forward(self, name: Any) -> Any:
            return greet(self.word, name)

    async def guide(output: Any, example: Any) -> Score:
        return exact_match(output, example)

    result = optimize(
        Program(), DATA, guide, optimizer=Words("word", ["hello"]), budget=Budget(metric=30)
    )

    assert (result.score, result.values["word"]) == (1.0, "hello")


def test_a_program_without_parameters_or_with_odd_ones_is_refused() -> None:
    with pytest.raises(SearchError, match="no trainable parameter"):
        ProgramTask(join, DATA, exact_match)

    class Odd(Module[..., Any]):
        def __init__(self) -> None:
            self.pair = node((1, 2), trainable=True)

    with pytest.raises(SearchError, match="pair"):
        ProgramTask(Odd(), DATA, exact_match)


@pytest.mark.parametrize("later", [False, True])
def test_texts_with_a_function_are_a_task(*, later: bool) -> None:
    def now(texts: Any, name: str) -> str:
        return f"{texts['word']} {name}"

    async def soon(texts: Any, name: str) -> str:
        return now(texts, name)

    data = [{"input": name, "target": target} for name, target in DATA]
    program = ({"word": "bye"}, soon if later else now)
    words = Words("word", ["hello", 5])

    result = optimize(program, data, exact_match, optimizer=words, budget=Budget(metric=30))

    assert result.values == {"word": "hello"}
    assert [p.status for p in result.ledger.proposals] == ["ok", "malformed"]
    with pytest.raises(SearchError, match="no program"):
        result.apply()


def test_simple_guides_score_and_explain() -> None:
    assert exact_match(" hello Ann\n", DATA[0]) == Score(1.0, "Correct.")
    assert exact_match("hi", DATA[0]).feedback == "Wrong: expected 'hello Ann', got 'hi'."
    assert contains("Oh, HELLO ann!", DATA[0]).value == 1.0
    assert contains("hi", DATA[0]).value == 0.0


def judged(*replies: str) -> tuple[LLMJudge, Scripted]:
    script = Scripted(list(replies))
    return LLMJudge(LM(script), "politeness"), script


def test_a_judge_reads_a_verdict_and_its_calls_are_charged() -> None:
    reply = json.dumps({"feedback": "rude", "score": 0.25})
    judge, script = judged(*[reply] * 9)
    task = TextTask({"word": "bye"}, lambda texts, x: f"{texts['word']} {x}", DATA, judge)

    result = Study(task, Words("word", ["hello"]), Budget(metric=6), workers=2).run()

    [rollout, *_] = result.ledger.rollouts(task.seed.id)
    assert (rollout.score, rollout.feedback, rollout.cost.llm) == (0.25, "rude", 1)
    assert "politeness" in script.asked[0].messages[0].content
    assert "bye " in script.asked[0].messages[-1].content


@pytest.mark.parametrize("reply", ["good!", '{"feedback": "x", "score": 7}', '{"score": "NaN"}'])
def test_a_judge_without_a_verdict_is_a_failure_not_a_zero(reply: str) -> None:
    judge, _ = judged(*[reply] * 2)

    with pytest.raises(JudgeError):
        judge("hi", DATA[0])

    judge, _ = judged(*[reply] * 99)
    task = TextTask({"word": "bye"}, lambda texts, x: "hi", DATA, judge)
    study = Study(task, Words("word", []), Budget(metric=4), workers=1)
    with pytest.raises(EvaluationError, match="Every evaluation failed"):
        study.run()
    [rollout, *_] = study.result.ledger.rollouts(task.seed.id)
    assert (rollout.status, rollout.score) == ("error", None)
    assert rollout.cost.llm >= 2  # the calls are charged although they led to nothing


def test_an_optimizer_is_found_by_name_and_a_near_miss_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from opto.search import registry  # noqa: PLC0415

    monkeypatch.setitem(registry.BUILT_IN, "toy", "toy_search:RandomSearch")

    assert registry.optimizer("toy").name == "random_search"
    with pytest.raises(UnknownOptimizerError, match="Did you mean 'toy'"):
        registry.optimizer("toyy")
    monkeypatch.setitem(registry.BUILT_IN, "odd", "toy_search:note")
    with pytest.raises((SearchError, TypeError)):
        registry.optimizer("odd")


def test_the_score_rests_on_data_that_did_not_choose() -> None:
    class Lucky(TextTask):
        """All candidates are equally good; what differs is luck on the first repetition."""

        def evaluate(self, candidate: Any, example: Any, rep: int, stream: Any) -> Outcome:
            return Outcome(float(stream.random() < 0.5))

    task = Lucky({"word": ""}, lambda texts, x: "", [(n, "") for n in range(10)], exact_match)
    words = Words("word", [f"w{n}" for n in range(80)])

    results = [
        Study(task, words, Budget(metric=1000), seed=seed, workers=1).run() for seed in range(6)
    ]

    chosen = [r.ledger.example_means(r.best.id) for r in results]
    first = [
        [x.score for x in r.ledger.rollouts(r.best.id) if x.rep == 0 and x.score is not None]
        for r in results
    ]
    assert all(len(means) == 10 for means in chosen)
    assert sum(sum(f) / 10 for f in first) / 6 > 0.75
    assert abs(sum(r.score or 0 for r in results) / 6 - 0.5) < 0.1
    assert all(r.estimate.unbiased and r.estimate.n == 100 for r in results)
    for result in results:  # the ten that chose it, and a hundred others
        assert len(result.ledger.rollouts(result.best.id)) == 110
    low, high = results[0].interval
    assert low is not None
    assert high is not None
    assert low < (results[0].score or 0) < high


def test_a_deterministic_task_is_scored_on_examples_not_seen_or_says_that_it_is_not() -> None:
    task = TextTask(
        {"word": "bye"}, lambda t, x: f"{t['word']} {x}", DATA, exact_match, deterministic=True
    )

    result = Study(task, Words("word", ["hello"]), Budget(metric=60)).run()

    assert result.score == 1.0
    assert not result.estimate.unbiased
    assert "too high" in result.estimate.basis


def test_a_result_shows_itself_with_everything_escaped() -> None:
    task = TextTask({"<b>": "bye"}, lambda t, x: f"{t['<b>']} {x}", DATA, exact_match)
    nasty = "<script>alert('x')</script>"
    result = Study(task, Words("<b>", [nasty]), Budget(metric=60)).run()
    other = Study(task, Words("<b>", ["hello", nasty]), Budget(metric=60)).run()

    assert "\n" not in repr(other)
    assert "1.000" in repr(other)
    for page in (result._repr_html_(), other._repr_html_()):
        assert "<script" not in page
        assert "<b>" not in page
    for picture in (
        other.plot.history_svg(),
        other.plot.pareto_svg(),
        other.plot.lineage_svg(),
    ):
        assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314  (our own)
    lineage = other.plot.lineage()
    assert [row["depth"] for row in lineage] == [0, 1, 1]
    assert [row["best"] for row in lineage] == [False, True, False]
    assert [row["front"] for row in other.plot.pareto()] == [False, True, False]
    assert other.plot.history()[-1]["leader"] == other.best.id
    json.dumps(other.to_json())


def test_importing_the_search_loads_no_numpy_sdk_or_database() -> None:
    code = (
        "import sys, opto.search as s; [getattr(s, n) for n in s.__all__];"
        "heavy = {'numpy','openai','anthropic','pydantic','sqlite3','httpx2','highspy'};"
        "print(sorted(heavy & {m.partition('.')[0] for m in sys.modules}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


def test_a_budget_that_is_a_number_says_what_to_write() -> None:
    with pytest.raises(SearchError, match=r"budget=opto\.Budget\(metric=500"):
        optimize(({"x": 0.1}, lambda values, _: 0), [1], exact_match, budget=60)  # type: ignore[arg-type]
