"""DSPy programs as tasks: what is searched, how a run is scored, what it costs."""

from __future__ import annotations

import random
from typing import Any

import pytest

dspy = pytest.importorskip("dspy", reason="dspy is missing: pip install -e '.[dev,dspy]'")

from dspy_programs import (  # noqa: E402  (after the skip)
    Fixed,
    TwoSteps,
    adds,
    both_steps,
    exact,
    fake_lm,
    rewrites,
    sums,
    texts,
)

import opto  # noqa: E402
from opto.interop.dspy import DspyTask  # noqa: E402
from opto.interop.dspy.errors import ProgramError  # noqa: E402
from opto.optimizers.search import Rewriter, named  # noqa: E402
from opto.search import Candidate, Outcome, Study, StudyHalted, exact_match  # noqa: E402
from opto.search.demos import demonstration, read  # noqa: E402

ANY = random.Random(0)  # noqa: S311
NUMBER = "Answer with a number."


def once(task: DspyTask, at: int = 0, rep: int = 0, **values: Any) -> Outcome:
    """The outcome of the seed with some values changed; `__` stands for a point."""
    changes = {name.replace("__", "."): value for name, value in values.items()}
    candidate = Candidate({**task.seed.values, **task.admit(changes)})
    outcome = task.evaluate(candidate, task.train[at], rep, ANY)
    assert isinstance(outcome, Outcome)
    return outcome


def test_the_score_of_a_program_rises_when_the_proposer_finds_the_words() -> None:
    program = dspy.Predict("question -> answer")
    algorithm = named("opto").algorithm(Rewriter(rewrites(self__instructions=NUMBER)))

    with dspy.context(lm=fake_lm(adds)):
        found = opto.optimize(
            program, sums(), exact, optimizer=algorithm, budget=opto.Budget(metric=40, llm=100)
        )

    [seed, *_] = found.ledger.candidates
    assert found.ledger.mean(seed, "train") == 0.0
    assert found.score == 1.0
    assert found.values["self.instructions"] == NUMBER
    assert program.signature.instructions != NUMBER

    found.apply()
    assert program.signature.instructions == NUMBER


def partly(example: Any, prediction: Any, trace: Any = None) -> float:
    """Half for the right sum in digits or in words, half for digits."""
    words = ("zero", "one", "two", "three", "four", "five", "six")
    right = prediction.answer in {example.answer, words[int(example.answer)]}
    return (right + prediction.answer.isdigit()) / 2


def test_two_predictors_are_two_components_that_are_rewritten_in_turn() -> None:
    shown: list[str] = []

    def model(messages: Any, **options: Any) -> str:
        shown.append(messages[-1]["content"])
        name = shown[-1].rpartition("values for: ")[2].strip(" .\n")
        better = {"find.instructions": "Give both numbers.", "add.instructions": NUMBER}[name]
        return f"<variable><name>{name}</name><value>{better}</value></variable>"

    with dspy.context(lm=fake_lm(both_steps)):
        task = DspyTask(TwoSteps(), texts(), partly, demos=False)
        gepa = named("gepa", minibatch=4).algorithm(Rewriter(model))
        found = Study(task, gepa, opto.Budget(metric=80, llm=400)).run()

    assert list(task.components) == ["find.instructions", "add.instructions"]
    assert "find(text = 0 pears and 3 nuts) -> question = 0 + 0?" in shown[0]
    assert "add(question = 0 + 0?) -> answer = zero" in shown[0]
    assert "Expected: answer = 3." in shown[0]
    assert found.score == 1.0
    assert dict(found.values) == {
        "find.instructions": "Give both numbers.",
        "add.instructions": NUMBER,
    }


def test_the_program_given_is_never_changed() -> None:
    program = TwoSteps()
    before = program.dump_state()
    task = DspyTask(program, texts(), exact)

    with dspy.context(lm=fake_lm(both_steps)):
        outcome = once(task, find__instructions="Give both.", add__instructions=NUMBER)

    assert outcome.score == 1.0
    assert program.dump_state() == before


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("no fields at all", "The reply at self could not be read: it must give answer."),
        (dspy.lm15.ContextLengthError("9000 tokens"), "The prompt is too long for the model"),
    ],
)
def test_a_reply_that_cannot_be_read_is_feedback_and_not_a_crash(reply: Any, said: str) -> None:
    task = DspyTask(dspy.Predict("question -> answer"), sums(), exact)

    with dspy.context(lm=fake_lm(lambda system, asked: reply)):
        outcome = once(task)

    assert outcome.score == 0.0
    assert outcome.feedback.startswith(said)


def test_a_field_of_another_type_is_named_in_the_feedback() -> None:
    task = DspyTask(dspy.Predict("question -> answer: int"), sums(), exact)

    with dspy.context(lm=fake_lm(adds), adapter=dspy.ChatAdapter(use_json_adapter_fallback=False)):
        outcome = once(task)

    assert "Failed to parse field answer with value four" in outcome.feedback
    assert outcome.cost.llm == 1


def test_the_metric_says_what_an_unreadable_reply_scores() -> None:
    def metric(example: Any, prediction: Any) -> float:
        return 1.0

    metric.error_score = -1.0  # type: ignore[attr-defined]
    task = DspyTask(dspy.Predict("question -> answer"), sums(), metric)

    with dspy.context(lm=fake_lm(lambda system, asked: "")):
        assert once(task).score == -1.0


class Converts(dspy.Module):
    """A program whose own code fails on an answer it did not expect."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    def forward(self, question: str) -> Any:
        return dspy.Prediction(answer=int(self.ask(question=question).answer))


def test_a_value_the_program_cannot_use_is_feedback_with_the_line() -> None:
    task = DspyTask(Converts(), sums(), exact)

    with dspy.context(lm=fake_lm(adds)):
        outcome = once(task)

    assert outcome.score == 0.0
    assert "ValueError: invalid literal for int() with base 10: 'four'" in outcome.feedback
    assert "return dspy.Prediction(answer=int(" in outcome.feedback
    assert outcome.trace == "ask(question = 0 + 4?) -> answer = four"
    assert outcome.cost.llm == 1


def test_a_mistake_in_the_program_is_a_failed_evaluation_that_is_charged() -> None:
    class Wrong(Converts):
        def forward(self, question: str) -> Any:
            return self.ask(question=question).no_such_field

    task = DspyTask(Wrong(), sums(), exact)

    with dspy.context(lm=fake_lm(adds)), pytest.raises(AttributeError) as failure:
        once(task)

    assert failure.value.cost.llm == 1  # type: ignore[attr-defined]  # what the engine looks for


@pytest.mark.parametrize("lm", [None, fake_lm(lambda system, asked: dspy.lm15.AuthError("no key"))])
def test_without_a_model_or_a_key_the_study_halts(lm: Any) -> None:
    task = DspyTask(dspy.Predict("question -> answer"), sums(), exact)

    with dspy.context(lm=lm), pytest.raises(StudyHalted) as halted:
        Study(task, named("opto").algorithm(Rewriter(rewrites())), opto.Budget(metric=9)).run()

    assert halted.value.__cause__ is not None


def test_demonstrations_of_a_program_are_values_and_reach_the_model() -> None:
    asked: list[Any] = []
    program = dspy.Predict("question -> answer")
    program.demos = [dspy.Example(question="1 + 1?", answer="2", note="dropped")]
    task = DspyTask(program, sums(), exact)

    lm = fake_lm(adds)
    with dspy.context(lm=lm):
        once(task)
        once(task, self__demos=[{"question": "2 + 2?", "answer": "4!"}])
        asked = lm.engine.asked

    assert task.seed.values["self.demos"] == [
        {"input": {"question": "1 + 1?"}, "output": {"answer": "2"}}
    ]
    first, second = (" ".join(str(m.text) for m in request.messages) for request in asked)
    assert "1 + 1?" in first
    assert "2 + 2?" in second
    assert "4!" in second
    assert "1 + 1?" not in second


def test_the_demonstrations_of_the_program_stay_the_objects_they_are() -> None:
    program = dspy.Predict("question -> answer")
    program.demos = [dspy.Example(question="1 + 1?", answer="2", augmented=True)]
    task = DspyTask(program, sums(), exact)
    more = [
        *task.seed.values["self.demos"],
        {"input": {"question": "3"}, "output": {"answer": "3"}},
    ]

    first, second = task.built(task.seed.edited({"self.demos": more}, op="demos")).demos

    assert first is program.demos[0]
    assert dict(second.items()) == {"question": "3", "answer": "3"}


def test_copies_of_the_program_are_not_kept_for_ever() -> None:
    task = DspyTask(dspy.Predict("question -> answer"), sums(1), exact)

    with dspy.context(lm=fake_lm(adds)):
        for number in range(100):
            once(task, self__instructions=f"Try {number}.")

    assert len(task._copies) == 64


def test_an_example_is_not_shown_its_own_demonstration() -> None:
    task = DspyTask(dspy.Predict("question -> answer"), sums(), exact)
    demos = [{"question": f"{n} + 4?", "answer": f"<{n}>"} for n in range(2)]

    lm = fake_lm(adds)
    with dspy.context(lm=lm):
        once(task, at=1, self__demos=demos)

    shown = " ".join(str(message.text) for message in lm.engine.asked[0].messages)
    assert "<0>" in shown
    assert "<1>" not in shown


def test_a_run_of_the_whole_program_is_a_demonstration_for_each_predictor() -> None:
    task = DspyTask(TwoSteps(), texts(), exact)
    lm = fake_lm(both_steps)
    with dspy.context(lm=lm):
        good = once(task, find__instructions="both", add__instructions=NUMBER)
    demo = demonstration(task.train[0], read(good.output))

    program = task.built(task.seed.edited({"find.demos": [demo], "add.demos": [demo]}, op="demos"))

    assert [dict(d.items()) for d in program.find.demos] == [
        {"text": "0 pears and 3 nuts", "question": "0 + 3?"}
    ]
    assert [dict(d.items()) for d in program.add.demos] == [{"question": "0 + 3?", "answer": "3"}]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"self.instructions": "  "}, "not empty"),
        ({"self.demos": "none"}, "must be a list"),
        ({"self.demos": ["4"]}, "must be a mapping"),
        ({"self.demos": [{"question": "1", "reply": "1"}]}, "has no field 'reply'"),
    ],
)
def test_a_value_no_predictor_can_take_is_malformed(value: dict[str, Any], why: str) -> None:
    task = DspyTask(dspy.Predict("question -> answer"), sums(), exact)

    with pytest.raises(ValueError, match=why):
        task.admit({**task.seed.values, **value})


def test_a_demonstration_of_one_field_each_may_name_none() -> None:
    task = DspyTask(dspy.Predict("question -> answer"), sums(), exact)

    found = task.admit({"self.demos": [{"input": "1 + 1?", "output": "2"}]})

    assert found["self.demos"] == [{"input": {"question": "1 + 1?"}, "output": {"answer": "2"}}]


def test_descriptions_of_fields_are_components_if_wanted() -> None:
    lm = fake_lm(adds)
    task = DspyTask(dspy.Predict("question -> answer"), sums(), exact, descriptions=True)

    with dspy.context(lm=lm):
        outcome = once(task, self__answer__desc="a number in digits")

    assert task.seed.values["self.answer.desc"] == "${answer}"
    assert outcome.score == 1.0  # the description is part of what the model is told
    assert task.program.signature.fields["answer"].json_schema_extra["desc"] == "${answer}"


def gepa_metric(
    gold: Any, pred: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None
) -> Any:
    """A metric as written for dspy's GEPA."""
    if pred_name is None:
        assert trace is None  # dspy's sign that it is no bootstrapping
        return dspy.Prediction(score=0.25, feedback="overall")
    [(_, inputs, said)] = pred_trace
    assert len(trace) == 2
    return {"score": 0.0, "feedback": f"{list(inputs)} gave {list(said.keys())}"}


def test_a_metric_with_feedback_speaks_of_each_predictor_on_training_examples() -> None:
    task = DspyTask(TwoSteps(), texts(), gepa_metric, val=texts(1))

    with dspy.context(lm=fake_lm(both_steps)):
        train = task.evaluate(task.seed, task.train[0], 0, ANY)
        val = task.evaluate(task.seed, task.val[0], 0, ANY)

    assert train.score == val.score == 0.25
    assert train.feedback == (
        "overall\nfind: ['text'] gave ['question']\nadd: ['question'] gave ['answer']"
    )
    assert val.feedback == "overall"


def test_a_guide_of_ours_compares_the_labeled_field() -> None:
    def answers(system: str, asked: Any) -> dict[str, str]:
        return {"reasoning": "I add.", **adds("number", asked)}

    task = DspyTask(dspy.ChainOfThought("question -> answer"), sums(), exact_match)

    with dspy.context(lm=fake_lm(answers)):
        outcome = once(task)

    assert (outcome.score, outcome.feedback) == (1.0, "Correct.")


def test_an_async_metric_is_awaited_and_its_model_calls_are_charged() -> None:
    judge = fake_lm(lambda system, asked: "yes")

    async def metric(example: Any, prediction: Any, trace: Any = None) -> float:
        [said] = await judge.acall("Is it right?")
        return float(said == "yes")

    task = DspyTask(dspy.Predict("question -> answer"), sums(), metric)
    with dspy.context(lm=fake_lm(adds)):
        found = Study(task, Fixed(), opto.Budget(metric=4), workers=2).run()

    [rollout, *_] = found.ledger.rollouts(task.seed.id)
    assert rollout.score == 1.0
    assert rollout.cost.llm == 2


class Later(dspy.Module):
    """A program that is async and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    async def aforward(self, question: str) -> Any:
        return await self.ask.acall(question=question)


def test_an_async_program_runs_in_the_loop_of_the_search() -> None:
    algorithm = named("opto").algorithm(Rewriter(rewrites(ask__instructions=NUMBER)))
    with dspy.context(lm=fake_lm(adds)):
        task = DspyTask(Later(), sums(), exact)
        found = Study(task, algorithm, opto.Budget(metric=40, llm=100), workers=4).run()

    assert found.score == 1.0
    assert found.ledger.rollouts(task.seed.id)[0].cost.llm == 1


@pytest.mark.parametrize(
    ("program", "train", "what"),
    [
        (lambda question: question, sums(), "is no dspy.Module"),
        (dspy.Module(), sums(), "no predictor to train"),
        (dspy.Predict("question -> answer"), [("1", "2")], r"trainset\[0\] is no dspy.Example"),
        (
            dspy.Predict("question -> answer"),
            [dspy.Example(question="1", answer="2")],
            "does not say which fields are inputs",
        ),
    ],
)
def test_what_cannot_be_searched_is_said(program: Any, train: Any, what: str) -> None:
    with pytest.raises(ProgramError, match=what):
        DspyTask(program, train, exact)


def test_compiled_parts_of_a_program_stay_as_they_are() -> None:
    program = TwoSteps()
    program.find = dspy.ChainOfThought("text -> question")
    program.find._compiled = True

    task = DspyTask(program, texts(), exact)

    assert list(task.components) == ["add.instructions", "add.demos"]
