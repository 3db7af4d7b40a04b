"""What every optimizer has, and one that a user writes."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from pathlib import Path
from typing import Any

import pytest
from talk import as_json, as_tags

from opto.llm.scripted import Scripted
from opto.optimizers import OPRO, OptoPrime, OptoPrimeMulti, OptoPrimeV2, TextGrad
from opto.optimizers.errors import NoFeedback, OptimizerError, OptionError, ParameterError
from opto.optimizers.optimizer import Optimizer
from opto.optimizers.optoprime_v2 import (
    OptimizerPromptSymbolSet,
    OptimizerPromptSymbolSet2,
    OptimizerPromptSymbolSetJSON,
)
from opto.trace import GRAPH, bundle, node
from opto.trace.nodes import ParameterNode
from opto.trace.projections import Projection
from opto.trace.propagators import Propagator
from opto.utils.llm import DummyLLM


def feed(optimizer: Any, output: Any, words: Any = "more") -> Any:
    optimizer.zero_feedback()
    optimizer.backward(output, words)
    return optimizer.step()


class Halve(Optimizer):
    """An optimizer that a user wrote."""

    def _step(self, factor: float = 0.5) -> dict[ParameterNode[Any], Any]:
        return {p: p.data * factor for p in self.parameters if p.feedback}


def test_an_optimizer_of_ones_own_needs_one_method() -> None:
    x = node(8.0, trainable=True)
    optimizer = Halve([x])

    optimizer.backward(x + 1, "smaller")
    optimizer.step()
    optimizer.step(factor=0.25)

    assert x.data == 1.0
    assert optimizer.trace_graph.user_feedback == "smaller"


def test_no_parameters_is_an_error() -> None:
    with pytest.raises(ParameterError, match="no parameters"):
        OptoPrime([])


def test_something_else_than_a_parameter_is_an_error() -> None:
    with pytest.raises(ParameterError, match="Node is no parameter"):
        OptoPrime([node(1)])


def test_a_parameter_given_twice_counts_once_and_order_is_kept() -> None:
    x, y = node(1, trainable=True), node(1, trainable=True)

    assert [id(p) for p in OptoPrime([y, x, y]).parameters] == [id(y), id(x)]


def test_two_parameters_of_one_name_are_told_apart() -> None:
    GRAPH.clear()
    x = node(1, trainable=True, name="same")
    GRAPH.clear()
    y = node(1, trainable=True, name="same")
    model = Scripted([as_json({"same0": 5, "same0__2": 6})])

    update = feed(OptoPrime([x, y], llm=model), x + y)

    assert sorted(update.values()) == [5, 6]
    assert {id(parameter) for parameter in update} == {id(x), id(y)}


@pytest.mark.parametrize("kind", [OptoPrime, OptoPrimeV2, OPRO, TextGrad, OptoPrimeMulti])
def test_an_unknown_option_is_an_error_that_names_the_nearest(kind: Any) -> None:
    x = node(1, trainable=True)

    with pytest.raises(OptionError, match="Did you mean 'objective'"):
        kind([x], objectiv="win")


@pytest.mark.parametrize(
    "options",
    [{"max_tokens": 0}, {"repair": -1}, {"memory_size": -1}, {"budget_tokens": 0}],
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        OptoPrime([node(1, trainable=True)], **options)


def test_feedback_of_another_kind_is_refused_with_the_way_out() -> None:
    class Words(Propagator):
        def _propagate(self, child: Any) -> dict[Any, Any]:
            return dict.fromkeys(child.parents, "words")

    x = node(1, trainable=True)
    optimizer = OptoPrime([x], llm=Scripted([]), propagator=Words())
    optimizer.backward(x + 1, "words")

    with pytest.raises(NoFeedback, match="TraceGraph"):
        optimizer.step()


def test_a_parameter_without_feedback_is_left_out() -> None:
    x, y = node(1, trainable=True, name="x"), node(1, trainable=True, name="y")
    optimizer = OptoPrime([x, y], llm=Scripted([as_json({x.py_name: 2})]))

    feed(optimizer, x + 1)

    assert y.py_name not in optimizer.last.user_prompt


def test_projections_are_applied_and_code_is_checked_again_after_them() -> None:
    class Even(Projection):
        def project(self, x: Any) -> Any:
            return x - x % 2

    class Spoil(Projection):
        def project(self, x: Any) -> Any:
            return x + "\n)"

    @bundle(trainable=True, trust=True, projections=[Spoil()])
    def double(x: int) -> int:
        return 2 * x

    x = ParameterNode(4, name="x", projections=[Even()])
    code = double.parameter
    values = {x.py_name: 7, code.py_name: "def double(x):\n    return 3 * x"}
    optimizer = OptoPrime([x, code], llm=Scripted([as_json(values)]))

    update = feed(optimizer, double(x))

    assert update == {x: 6}
    assert x.data == 6
    assert double(1).data == 2


def test_state_is_saved_and_loaded_as_json(tmp_path: Path) -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrime(
        [x], llm=Scripted([as_json({x.py_name: 2})]), memory_size=3, objective="win"
    )
    feed(optimizer, x + 1, "first words")
    optimizer.save(tmp_path / "state.json")

    other = OptoPrime([x], llm=Scripted([as_json({x.py_name: 3})]), memory_size=3)
    other.load(tmp_path / "state.json")
    feed(other, x + 1, "second words")

    assert other.objective == "win"
    assert "first words" in other.last.user_prompt


def test_the_state_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    x = node(1, trainable=True)
    OptoPrime([x]).save(tmp_path / "state.json")

    with pytest.raises(OptimizerError, match="state of OptoPrime"):
        OptoPrimeV2([x]).load(tmp_path / "state.json")
    (tmp_path / "state.json").write_text("[]")
    with pytest.raises(OptimizerError, match="holds no state"):
        OptoPrime([x]).load(tmp_path / "state.json")


def test_a_deep_copy_shares_parameters_and_model_but_not_memory() -> None:
    x = node(1, trainable=True, name="x")
    model = Scripted([as_json({x.py_name: 2})])
    optimizer = OptoPrime([x], llm=model, memory_size=3)

    twin = copy.deepcopy(optimizer)
    feed(twin, x + 1)

    assert twin.parameters[0] is x
    assert twin.llm is model
    assert (len(twin.memory), len(optimizer.memory)) == (1, 0)
    assert optimizer.last is None


def _reply(messages: Any, **_: Any) -> str:
    return "<variable><name>any</name><value>1</value></variable>"


@pytest.mark.parametrize("kind", [OptoPrime, OptoPrimeV2, OPRO, TextGrad, OptoPrimeMulti])
def test_an_optimizer_can_be_sent_to_another_process(kind: Any) -> None:
    optimizer = kind([node(1, trainable=True)], llm=DummyLLM(_reply), repair=0)
    feed(optimizer, optimizer.parameters[0] + 1)

    again = pickle.loads(pickle.dumps(optimizer))  # noqa: S301  (our own bytes)

    assert again.parameters[0].data == 1
    assert again.last.status == optimizer.last.status


def test_logs_and_reports_keep_no_trace_alive() -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrime([x], llm=Scripted([as_json({x.py_name: 2})]), memory_size=2)
    output = x + 1
    feed(optimizer, output)
    watched = weakref.ref(output)

    optimizer.zero_feedback()
    del output
    gc.collect()

    assert watched() is None


def test_the_prompt_ends_with_the_variables_and_highlighting_asks_for_all() -> None:
    x = node(1, trainable=True, name="x")
    plain, all_of_them = OptoPrime([x]), OptoPrime([x], highlight_variables=True)
    plain.backward(x + 1, "more")

    last = f"You may change only: {x.py_name}."
    assert plain.construct_prompt(plain.summarize())[1].endswith(last)
    assert all_of_them.construct_prompt(all_of_them.summarize())[1].endswith(
        f"{last}\nGive a value for every one of them."
    )


def test_titles_and_objective_are_the_users() -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrime([x], objective="Win.", prompt_symbols={"variables": "#Knobs"})
    optimizer.backward(x + 1, "more")

    system, user = optimizer.construct_prompt(optimizer.summarize())

    assert f"#Knobs\n(int) {x.py_name}=1" in user
    assert "#Instruction\nWin." in user
    assert "- #Knobs:" in system
    with pytest.raises(OptionError, match="no 'variable' in a problem"):
        OptoPrime([x], prompt_symbols={"variable": "#Knobs"})


def test_other_tags_are_shown_and_read() -> None:
    x = node(1, trainable=True, name="x", description="<=5")
    optimizer = OptoPrimeV2(
        [x],
        llm=Scripted([f"<reason>r</reason><var><name>{x.py_name}</name><data>5</data></var>"]),
        optimizer_prompt_symbol_set=OptimizerPromptSymbolSet2(),
        include_example=True,
    )

    feed(optimizer, x + 1)

    assert x.data == 5
    assert '<var name="variable_name" type="data_type">' in optimizer.last.system_prompt
    assert '<const name="y" type="int">' in optimizer.last.user_prompt
    assert f'<var name="{x.py_name}" type="int">\n<data>\n1\n</data>' in optimizer.last.user_prompt


def test_values_in_tags_with_answers_in_json() -> None:
    x = node("a", trainable=True, name="x")
    model = Scripted([as_json({x.py_name: "b"})])
    symbols = OptimizerPromptSymbolSetJSON()
    optimizer = OptoPrimeV2([x], llm=model, optimizer_prompt_symbol_set=symbols)

    feed(optimizer, x.upper())

    assert x.data == "b"
    assert model.asked[0].schema == {"type": "object"}
    assert "id=" not in optimizer.last.user_prompt


def test_a_users_own_way_to_read_answers_is_used() -> None:
    class Mine(OptimizerPromptSymbolSet):
        custom_output_format_instruction = "Say NAME := VALUE."

        def output_response_extractor(self, response: str) -> dict[str, Any]:
            name, _, value = response.partition(" := ")
            return {"reasoning": "", "variables": {name: value}}

    x = node(1, trainable=True, name="x")
    model = Scripted([f"{x.py_name} := 5"])
    optimizer = OptoPrimeV2([x], llm=model, optimizer_prompt_symbol_set=Mine())

    feed(optimizer, x + 1)

    assert x.data == 5
    assert "Say NAME := VALUE." in optimizer.last.system_prompt


def test_long_inputs_are_cut_and_variables_never() -> None:
    x = node("v" * 300, trainable=True, name="x")
    given = node("w" * 300, name="given")
    optimizer = OptoPrimeV2([x], initial_var_char_limit=50)
    optimizer.backward(x + given, "shorter")

    _, user = optimizer.construct_prompt(optimizer.summarize())

    assert "v" * 300 in user
    assert "w" * 51 not in user
    assert "characters left out" in user


def test_a_long_trace_keeps_to_its_budget() -> None:
    x = node(1, trainable=True, name="x")
    output = x
    for _ in range(5_000):
        output = output + 1
    small = OptoPrime([x], budget_tokens=500)
    small.backward(output, "more")

    _, user = small.construct_prompt(small.summarize())

    assert len(user) < 4_000
    assert f"(int) {x.py_name}=1" in user


def test_the_methods_trace_users_call_take_a_step_by_hand() -> None:
    x = node(1, trainable=True, name="x")
    optimizer = OptoPrimeV2([x], llm=Scripted([as_tags({x.py_name: 4})]))
    optimizer.backward(x + 1, "more")

    summary = optimizer.summarize()
    system, user = optimizer.construct_prompt(summary)
    user = optimizer.replace_symbols(user, optimizer.prompt_symbols)
    text = optimizer.call_llm(system, user, verbose=False, max_tokens=100)
    suggestion = optimizer.extract_llm_suggestion(text)
    update = optimizer.construct_update_dict(suggestion["variables"])

    assert summary.variables == {x.py_name: ("1", None)}
    assert update == {x: 4}


def test_verbose_prints_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    x = node(1, trainable=True, name="x")
    reply = as_tags({x.py_name: 4}) + "\x1b[2J"
    optimizer = OptoPrimeV2([x], llm=Scripted([reply, reply]))

    optimizer.backward(x + 1, "more words")
    optimizer.step(verbose="output")
    replies = capsys.readouterr().out
    optimizer.step(verbose=True)
    everything = capsys.readouterr().out

    assert "<value>" in replies
    assert "more words" not in replies
    assert "\x1b" not in replies
    assert "more words" in everything
