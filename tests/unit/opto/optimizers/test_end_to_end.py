"""Each optimizer trains real programs with a strict scripted model."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from talk import as_json, as_tags, asked_mark, prompt_of

from opto import trace
from opto.llm.client import LM
from opto.llm.scripted import Scripted
from opto.llm.types import Request
from opto.optimizers import OPRO, OPROv2, OptoPrime, OptoPrimeMulti, OptoPrimeV2, TextGrad
from opto.trace import ExecutionError, bundle, node

ALL = [OptoPrime, OptoPrimeV2, OptoPrimeMulti, OPRO, OPROv2, TextGrad]


def answering(kind: Any, values: dict[str, Any]) -> Scripted:
    """A model that gives `values` in the form that an optimizer of this kind asks for."""

    def reply(request: Request) -> str:
        asked = request.messages[-1].content
        if kind in {OptoPrimeV2, OPROv2}:
            return as_tags(values, mark=asked_mark(asked))
        if kind is not TextGrad:
            return "1" if "with its number only" in asked else as_json(values)
        if "IMPROVED_VARIABLE" not in asked:
            return "It should be what the feedback says."
        name = asked.split("The value ")[1].split(",")[0]
        mark = asked.split("<IMPROVED_VARIABLE id=")[1].split(">")[0]
        return f"<IMPROVED_VARIABLE id={mark}>\n{values[name]}\n</IMPROVED_VARIABLE id={mark}>"

    return Scripted(reply)


@pytest.mark.parametrize("kind", ALL)
def test_a_trainable_value_is_trained(kind: Any) -> None:
    x = node(3, trainable=True, name="x", description="below 10")
    optimizer = kind([x], llm=answering(kind, {x.py_name: 8}))

    output = x * 2
    optimizer.zero_feedback()
    optimizer.backward(output, "This should be 16.")
    update = optimizer.step()

    assert update == {x: 8}
    assert (x * 2).data == 16
    assert optimizer.last.ok


@pytest.mark.parametrize("kind", ALL)
def test_a_trainable_function_is_rewritten(kind: Any) -> None:
    @bundle(trainable=True, trust=True)
    def greet(name: str) -> str:
        """Greet somebody."""
        return "Hello " + name

    better = 'def greet(name: str) -> str:\n    """Greet somebody."""\n    return "Hi, " + name'
    optimizer = kind([greet.parameter], llm=answering(kind, {greet.parameter.py_name: better}))

    output = greet("Ann")
    optimizer.zero_feedback()
    optimizer.backward(output, "Say 'Hi, '.")
    optimizer.step()

    assert greet("Ann").data == "Hi, Ann"
    assert optimizer.last.status == "parsed"


@pytest.mark.parametrize("kind", ALL)
def test_a_model_of_methods_and_values_is_trained(kind: Any) -> None:
    @trace.model
    class Shop:
        def __init__(self) -> None:
            self.rebate = node(0.5, trainable=True, name="rebate")

        @bundle(trainable=True, trust=True)
        def price(self, amount: float) -> float:
            """The price of an amount."""
            return amount

        def forward(self, amount: float) -> Any:
            return self.price(amount) * self.rebate

    shop = Shop()
    names = {parameter.py_name: parameter for parameter in shop.parameters()}
    code = next(name for name in names if "code" in name)
    rebate = next(name for name in names if "rebate" in name)
    values = {code: "def price(self, amount):\n    return 3 * amount", rebate: 0.9}
    optimizer = kind(shop.parameters(), llm=answering(kind, values))

    output = shop(10.0)
    optimizer.zero_feedback()
    optimizer.backward(output, "27 would be right.")
    optimizer.step()

    assert shop(10.0).data == pytest.approx(27.0)
    assert optimizer.last.ok


@pytest.mark.parametrize("kind", ALL)
def test_an_exception_is_feedback(kind: Any) -> None:
    @bundle(trainable=True, trust=True)
    def ratio(x: float) -> float:
        return 1 / x

    fixed = "def ratio(x: float) -> float:\n    return 1 / x if x else 0.0"
    model = answering(kind, {ratio.parameter.py_name: fixed})
    optimizer = kind([ratio.parameter], llm=model)

    with pytest.raises(ExecutionError) as failed:
        ratio(0.0)
    wrong = failed.value.exception_node
    optimizer.zero_feedback()
    optimizer.backward(wrong, wrong.create_feedback("full"))
    optimizer.step()

    assert ratio(0.0).data == 0.0
    assert "ZeroDivisionError" in prompt_of(model, 0)


def test_only_the_variables_that_a_reply_names_change() -> None:
    x, y = node(1, trainable=True, name="x"), node(2, trainable=True, name="y")
    optimizer = OptoPrime([x, y], llm=LM(Scripted([as_json({x.py_name: 5})])))

    optimizer.backward(x + y, "more")

    assert optimizer.step() == {x: 5}
    assert y.data == 2


def test_bypassing_proposes_without_installing() -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrimeV2([x], llm=Scripted([as_tags({x.py_name: 5})]))

    optimizer.backward(x + 1, "more")

    assert optimizer.step(bypassing=True) == {x: 5}
    assert x.data == 1


def test_a_wrong_value_is_repaired_with_the_exact_error() -> None:
    x, y = node(1, trainable=True, name="x"), node(1, trainable=True, name="y")
    model = Scripted([as_json({x.py_name: 4, y.py_name: "seven"}), as_json({y.py_name: 7})])
    optimizer = OptoPrime([x, y], llm=model)

    optimizer.backward(x + y, "more")
    optimizer.step()

    assert (x.data, y.data) == (4, 7)
    assert f"{y.py_name}: expected int" in model.asked[1].messages[-1].content
    assert model.asked[1].messages[-2].role == "assistant"
    assert optimizer.last.ok
    assert optimizer.last.calls == 2


def test_broken_code_is_repaired_with_the_line_of_its_error() -> None:
    @bundle(trainable=True, trust=True)
    def double(x: int) -> int:
        return 2 * x

    name = double.parameter.py_name
    model = Scripted(
        [
            as_tags({name: "def double(x):\n    return 3 *"}),
            as_tags({name: "def double(x):\n    return 3 * x"}),
        ]
    )
    optimizer = OptoPrimeV2([double.parameter], llm=model)

    optimizer.backward(double(1), "triple it")
    optimizer.step()

    assert double(2).data == 6
    assert "line 2" in model.asked[1].messages[-1].content


def test_what_a_repair_does_not_cure_is_reported_and_the_rest_installed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    x, y = node(1, trainable=True, name="x"), node(1, trainable=True, name="y")
    model = Scripted([as_json({x.py_name: 4, y.py_name: "seven"}), "no idea"])
    optimizer = OptoPrime([x, y], llm=model)

    optimizer.backward(x + y, "more")
    update = optimizer.step()

    assert update == {x: 4}
    assert optimizer.last.status == "parsed"
    assert list(optimizer.last.refused) == [y.py_name]
    assert not optimizer.last.ok
    assert y.py_name in caplog.text
    assert optimizer.log[-1]["response"] == "no idea"
    assert len(optimizer.log[-1]["replies"]) == 2


def test_a_misspelt_name_is_reported_with_the_nearest_one() -> None:
    x = node(1, trainable=True, name="weight")
    wrong = x.py_name.replace("weight", "wieght")
    model = Scripted([as_json({wrong: 4}), as_json({x.py_name: 4})])
    optimizer = OptoPrime([x], llm=model)

    optimizer.backward(x + 1, "more")
    optimizer.step()

    assert x.data == 4
    assert optimizer.last.ok
    assert f"did you mean {x.py_name}?" in model.asked[1].messages[-1].content


def test_a_second_repair_is_asked_only_for_what_is_still_wrong() -> None:
    x, y = node(1, trainable=True, name="weight"), node(1, trainable=True, name="y")
    wrong = x.py_name.replace("weight", "wieght")
    model = Scripted(
        [
            as_json({wrong: 4, y.py_name: "seven"}),
            as_json({x.py_name: 4, y.py_name: "eight"}),
            as_json({y.py_name: 8}),
        ]
    )
    optimizer = OptoPrime([x, y], llm=model, repair=5)

    optimizer.backward(x + y, "more")
    optimizer.step()

    assert (x.data, y.data) == (4, 8)
    last = model.asked[2].messages[-1].content
    assert "expected int" in last
    assert wrong not in last
    assert optimizer.last.ok


def test_a_surplus_name_costs_no_repair_when_the_rest_is_right(
    caplog: pytest.LogCaptureFixture,
) -> None:
    x = node(1, trainable=True, name="x")
    model = Scripted([as_json({x.py_name: 4, "unrelated": 1})])
    optimizer = OptoPrime([x], llm=model)

    optimizer.backward(x + 1, "more")

    assert optimizer.step() == {x: 4}
    assert "no variable called unrelated" in optimizer.last.refused["unrelated"]
    assert "unrelated" in caplog.text


def test_the_name_of_a_node_with_its_colon_is_understood() -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrime([x], llm=Scripted([as_json({x.name: 4})]))

    optimizer.backward(x + 1, "more")
    optimizer.step()

    assert x.data == 4


def test_the_report_says_what_was_asked_and_what_it_took() -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrime([x], llm=LM(Scripted([as_json({x.py_name: 4}, "more is better")])))

    optimizer.backward(x + 1, "more")
    optimizer.step()

    report = optimizer.last
    assert report.reasoning == "more is better"
    assert "more" in report.user_prompt
    assert "You improve a program" in report.system_prompt
    assert report.usage[0]["usd"] == "0"
    assert f"{x.py_name}: 4" in str(report)


def test_textgrad_asks_once_per_edge_in_reverse_and_shows_each_gradient_once() -> None:
    x = node(1, trainable=True, name="x")
    left, right = x + 1, x * 2
    output = left - right
    seen: list[str] = []

    def reply(request: Request) -> str:
        asked = request.messages[-1].content
        seen.append(asked)
        if "IMPROVED_VARIABLE" in asked:
            return "<IMPROVED_VARIABLE>9</IMPROVED_VARIABLE>"
        return "the same words"

    optimizer = TextGrad([x], llm=Scripted(reply))
    optimizer.backward(output, "too small")
    optimizer.step()

    assert x.data == 9
    results = [asked.split("The result ")[1].split(":")[0] for asked in seen[:-1]]
    assert results == [output.py_name, output.py_name, right.py_name, left.py_name]
    assert seen[-1].count("the same words") == 1


def test_textgrad_with_momentum_shows_the_gradients_of_earlier_steps() -> None:
    x = node(1, trainable=True, name="x")
    words = iter(["first words", "IGNORED", "second words", "IGNORED"])
    seen: list[str] = []

    def reply(request: Request) -> str:
        seen.append(request.messages[-1].content)
        said = next(words)
        return "<IMPROVED_VARIABLE>2</IMPROVED_VARIABLE>" if said == "IGNORED" else said

    optimizer = TextGrad([x], llm=Scripted(reply), momentum=1)
    for _ in range(2):
        optimizer.zero_feedback()
        optimizer.backward(x + 1, "more")
        optimizer.step()

    assert "first words" in seen[3]
    assert seen[3].index("second words") < seen[3].index("first words")


def test_a_malformed_answer_to_textgrad_is_repaired_or_reported() -> None:
    x = node(1, trainable=True, name="x")
    model = Scripted(["be bigger", "maybe 3?", "I said 3."])
    optimizer = TextGrad([x], llm=model)

    optimizer.backward(x + 1, "more")

    assert optimizer.step() == {}
    assert optimizer.last.status == "unparseable"
    assert "IMPROVED_VARIABLE" in optimizer.last.problems[0]


@pytest.mark.parametrize(
    ("keep", "kept"), [("latest", ["3", "1"]), ("highest", ["2", "3"]), ("lowest", ["2", "1"])]
)
def test_opro_keeps_the_latest_or_the_best(keep: Any, kept: list[str]) -> None:
    x = node(0, trainable=True, name="x")
    model = Scripted([as_json({x.py_name: value}) for value in range(1, 5)])
    optimizer = OPRO([x], llm=model, memory_size=2, keep=keep)

    for feedback in ("2", "3", "1"):
        optimizer.zero_feedback()
        optimizer.backward(x + 1, feedback)
        optimizer.step()

    assert [item["feedback"] for item in optimizer.buffer] == kept


def test_opro_shows_solutions_and_no_graph() -> None:
    x = node(0, trainable=True, name="x")
    model = Scripted([as_json({x.py_name: 1}), as_json({x.py_name: 2})])
    optimizer = OPRO([x], llm=model)

    for feedback in ("0.25", "0.5"):
        output = x + 1
        optimizer.zero_feedback()
        optimizer.backward(output, feedback)
        optimizer.step()

    shown = prompt_of(model)
    assert "0.25" in shown
    assert f"(int) {x.py_name}=1" in shown
    assert "#Code" not in shown
    assert output.py_name not in shown


def multi(model: Any, **options: Any) -> tuple[Any, OptoPrimeMulti]:
    x = node(0, trainable=True, name="x")
    optimizer = OptoPrimeMulti([x], **options)
    optimizer.llm = model(x.py_name)
    optimizer.backward(x + 1, "more")
    return x, optimizer


def test_multi_varies_the_temperature_and_lets_the_model_pick() -> None:
    models: list[Scripted] = []

    def model(name: str) -> Scripted:
        texts = [as_json({name: value}) for value in (1, 2, 3)]
        models.append(Scripted([*texts, "Number 2 is best."]))
        return models[0]

    x, optimizer = multi(model)
    optimizer.step()

    assert x.data == 2
    assert [asked.temperature for asked in models[0].asked[:3]] == [0.0, 0.5, 1.0]
    assert len(optimizer.candidates) == 3


def test_multi_counts_equal_values_however_they_are_written() -> None:
    def model(name: str) -> Scripted:
        return Scripted(
            [
                as_json({name: 7}),
                as_json({name: 5}),
                f'```\n{{"suggestion": {{"{name}": "5"}}}}\n```',
            ]
        )

    x, optimizer = multi(model, selection_technique="majority")
    optimizer.step()

    assert x.data == 5


def test_multi_merges_answers() -> None:
    def model(name: str) -> Scripted:
        texts = [as_json({name: value}) for value in (1, 2, 3, 6)]
        return Scripted(texts)

    x, optimizer = multi(model, selection_technique="moa")
    optimizer.step()

    assert x.data == 6


@pytest.mark.parametrize(
    ("technique", "told"),
    [
        ("self_refinement", "Look at your answer again"),
        ("iterative_alternatives", "takes a different way"),
        ("multi_experts", "plumber"),
    ],
)
def test_multi_asks_for_answers_that_differ(technique: str, told: str) -> None:
    models: list[Scripted] = []

    def model(name: str) -> Scripted:
        models.append(Scripted([as_json({name: value}) for value in (1, 2)]))
        return models[0]

    x, optimizer = multi(
        model,
        generation_technique=technique,
        selection_technique="last_of_n",
        num_responses=2,
        experts_list=["plumber"],
    )
    optimizer.step()

    assert x.data == 2
    assert told in models[0].asked[1].messages[-1].content
    roles = [message.role for message in models[0].asked[1].messages]
    assert all(a != b for a, b in itertools.pairwise(roles))


def test_multi_says_when_the_model_takes_no_temperature() -> None:
    x = node(0, trainable=True, name="x")
    optimizer = OptoPrimeMulti([x], llm=lambda messages: as_json({x.py_name: 1}))

    optimizer.backward(x + 1, "more")
    optimizer.step()

    assert x.data == 1
    assert any("temperature" in problem for problem in optimizer.last.problems)
