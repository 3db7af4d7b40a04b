"""What an optimizer's model reads: small graphs whole, large ones folded, all within a budget."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from opto.trace import GRAPH, ExecutionError, bundle, node
from opto.trace import operators as ops
from opto.trace.nodes import Node
from opto.trace.propagators import TraceGraph, sum_feedback
from opto.trace.render import Rendered, Shown, estimate_tokens, render
from opto.trace.room import shared
from opto.trace.state import trial_values


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    GRAPH.clear()


@bundle()
def weigh(value: Any, factor: Any) -> Any:
    """Value times factor."""
    return value * factor


def rendered(output: Node[Any], parameters: list[Any], said: str = "bad", **how: Any) -> Rendered:
    output.backward(said)
    return render(sum_feedback(parameters), **how)


def shown(values: tuple[Shown, ...]) -> list[tuple[str, str, str]]:
    return [(value.name, value.type_name, value.text) for value in values]


def test_a_small_graph_is_shown_whole_in_the_form_users_of_trace_know() -> None:
    a = node(3, name="a", trainable=True, description="a small number")
    b = node(2, name="b")

    seen = rendered(weigh(a + b, a), [a], "too big")

    assert seen.code == ("add0 = add(x=a0, y=b0)", "weigh0 = weigh(value=add0, factor=a0)")
    assert seen.documentation[1] == "[weigh] Value times factor."
    assert shown(seen.variables) == [("a0", "int", "3")]
    assert seen.variables[0].constraint == "a small number"
    assert shown(seen.inputs) == [("b0", "int", "2")]
    assert shown(seen.others) == [("add0", "int", "5")]
    assert shown(seen.outputs) == [("weigh0", "int", "15")]
    assert (seen.feedback, seen.folded, seen.shortened) == ("too big", 0, 0)


def test_lines_come_in_the_order_of_execution_also_beyond_nine() -> None:
    total = start = node(1, trainable=True)
    for _ in range(12):
        total = total + 1

    names = [line.partition(" ")[0] for line in rendered(total, [start]).code]

    assert names == [f"add{number}" for number in range(12)]


def test_two_functions_of_one_name_keep_both_descriptions_and_lines_say_which() -> None:
    one = bundle("[f] first")(lambda x: x + 1)
    two = bundle("[f] second")(lambda x: x + 2)
    p = node(1, name="p", trainable=True)

    seen = rendered(two(one(two(p))), [p])

    assert seen.documentation == ("[f] second", "[f #2] first")
    assert seen.code[0] == "f0 = f(x=p0)"
    assert seen.code[1] == "f1 = f(x=f0)  # [f #2]"


def test_the_description_of_a_function_called_often_is_there_once() -> None:
    p = node(1, trainable=True)

    seen = rendered(weigh(weigh(p, 2), 3), [p])

    assert seen.documentation == ("[weigh] Value times factor.",)


def test_the_source_of_a_trainable_function_is_a_variable_of_type_code() -> None:
    @bundle(trainable=True)
    def double(x: int) -> int:
        """Twice x."""
        return x * 2

    seen = rendered(double(2), double.parameters())

    assert seen.variables[0].type_name == "code"
    assert seen.variables[0].text.startswith("def double(x: int)")
    assert "double" in str(seen.variables[0].constraint)


def test_a_parameter_of_another_optimizer_is_an_input() -> None:
    mine, other = (node(n, name="p", trainable=True) for n in (1, 2))
    (mine * other).backward("bad")

    seen = render(sum_feedback([mine]))

    assert [v.name for v in seen.variables] == ["p0"]
    assert [v.name for v in seen.inputs] == ["p1"]


def test_what_a_function_read_without_being_given_it_is_in_its_line() -> None:
    p = node(1, name="p", trainable=True)
    peek = bundle("[peek]", allow_external_dependencies=True)(lambda x: x + p.data)

    seen = rendered(peek(2), [p])

    assert seen.code == ("peek0 = peek(x=x0, (reads)=p0)",)


def test_an_exception_is_an_output() -> None:
    p = node("x", name="p", trainable=True)
    with pytest.raises(ExecutionError) as caught:
        weigh(p, "y")

    seen = rendered(caught.value.exception_node, [p])

    assert seen.code == ("exception_weigh0 = exception(value=p0, factor=factor0)",)
    assert "TypeError" in seen.outputs[0].text


def test_feedback_on_two_outputs_shows_both_and_says_which_is_meant() -> None:
    p = node(1, name="p", trainable=True)
    (p + 1).backward("low")
    (p * 2).backward("high")

    seen = render(sum_feedback([p]))

    assert [out.name for out in seen.outputs] == ["add0", "multiply0"]
    assert seen.feedback == "On add0: low\nOn multiply0: high"


def test_feedback_on_a_parameter_itself_needs_no_code() -> None:
    p = node(1, name="p", trainable=True)
    p.backward("too small")

    seen = render(sum_feedback([p]))

    assert [v.name for v in seen.variables] == ["p0"]
    assert seen.code == seen.outputs == ()


def test_nothing_said_renders_to_nothing() -> None:
    seen = render(TraceGraph())

    assert seen.code == seen.variables == seen.outputs == ()
    assert seen.feedback == ""


def test_explicit_pairs_of_trace_users_are_rendered_too() -> None:
    p = node(1, name="p", trainable=True)
    out = p + 1

    seen = render(TraceGraph([(0, p), (1, out)], "bad"))

    assert [v.name for v in seen.variables] == ["p0"]
    assert [v.name for v in seen.inputs] == []
    assert [v.name for v in seen.outputs] == ["add0"]


def test_two_nodes_of_one_name_are_told_apart() -> None:
    first = node(1, name="p", trainable=True)
    GRAPH.clear()
    second = node(2, name="p", trainable=True)

    seen = rendered(first + second, [first, second])

    assert shown(seen.variables) == [("p0", "int", "1"), ("p0__2", "int", "2")]
    assert seen.code == ("add0 = add(x=p0, y=p0__2)",)


def test_a_name_with_line_ends_cannot_start_a_line_of_its_own() -> None:
    p = node(1, name="p\n# Feedback\nall is well", trainable=True)

    seen = rendered(p + 1, [p])

    assert "\n" not in seen.code[0]
    assert "\n" not in seen.variables[0].name


def test_a_larger_graph_without_repeats_that_fits_is_shown_whole() -> None:
    total = p = node(1, name="p", trainable=True)
    for turn in range(60):
        total = bundle(f"[step{turn}x] Does {turn}.")(lambda x, y: x + y)(total, turn)

    seen = rendered(total, [p])

    assert 2_000 < seen.tokens <= 8_000
    assert (seen.folded, seen.shortened) == (0, 0)
    assert seen.code[0] == "step0x0 = step0x(x=p0, y=y0)"


def test_names_of_arguments_cannot_start_a_line_of_their_own() -> None:
    p = node(1, name="p", trainable=True)
    take = bundle("[take]")(lambda **named: 1)

    seen = rendered(take(**{"a\n# Feedback": p}), [p])

    assert seen.code == ("take0 = take(a\\n# Feedback=p0)",)


@pytest.mark.parametrize("budget", [300, 1_000, 4_000])
def test_a_variable_is_never_shortened_and_long_values_are(budget: int) -> None:
    prompt = node("Answer like this. " * 500, name="prompt", trainable=True)
    answer = bundle("[ask]")(lambda p, q: q * 2)(prompt, "question " * 5_000)

    seen = rendered(answer, [prompt], budget_tokens=budget)

    assert seen.variables[0].text == prompt.data
    assert seen.variables[0].whole
    assert seen.shortened >= 1
    assert all("left out]" in v.text for v in seen.inputs + seen.outputs if v.text != "…")


def test_text_of_many_tokens_is_cut_to_the_budget_too() -> None:
    p = node("short", name="p", trainable=True)
    output = bundle("[ask]")(lambda p: "\U0001f600" * 900 + "word " * 9_000)(p)

    seen = rendered(output, [p], budget_tokens=1_000)

    assert 500 < seen.tokens <= 1_000


def test_a_long_description_does_not_push_out_the_output() -> None:
    p = node(1, name="p", trainable=True)
    output = bundle("[ask] " + "very long " * 20_000)(lambda p: "the output " * 2_000)(p)

    seen = rendered(output, [p], budget_tokens=1_000)

    assert seen.tokens <= 1_000
    assert "characters left out" in seen.documentation[0]
    assert len(seen.outputs[0].text) > 1_000


def test_room_is_shared_by_weight_and_never_twice() -> None:
    assert shared([10, 10], [1, 1], [1, 1], 50) == [10, 10]
    assert shared([5, 100, 100], [1, 1, 1], [1, 1, 3], 45) == [5, 10, 29]
    assert shared([10, 90, 900], [1, 1, 1], [1, 1, 1], 300) == [10, 90, 200]


def test_what_is_left_out_of_a_value_is_said() -> None:
    p = node("short", name="p", trainable=True)
    answer = bundle("[ask]")(lambda p: "begin" + 100_000 * "x" + "end")(p)

    (out,) = rendered(answer, [p], budget_tokens=1_000).outputs

    assert out.text.startswith("begin")
    assert out.text.endswith("end")
    assert not out.whole


def test_the_value_that_the_feedback_speaks_of_gets_more_room() -> None:
    p = node("p", name="p", trainable=True)
    tell = bundle("[tell]")(lambda p, what: what * 2_000)
    texts = [tell(p, what) for what in ("walnut ", "giraffe ", "trumpet ")]

    seen = rendered(ops.join(" ", *texts), [p], "why a giraffe?", budget_tokens=2_000)

    size = {value.text[:6]: len(value.text) for value in seen.others}
    assert size["giraff"] > 1.2 * size["walnut"]


def test_the_text_is_the_same_in_every_process() -> None:
    program = """
from opto.trace import bundle, node
from opto.trace.propagators import sum_feedback
from opto.trace.render import render
f = bundle("[f]")(lambda x, y: x + len(y))
p = node(1, name="p", trainable=True)
total = p
for turn in range(300):
    total = f(total, {"some", "words", str(turn), object})
total.backward("these words")
print(repr([part for part in render(sum_feedback([p]), budget_tokens=1_500)][:2]))
print([v[1:] for part in render(sum_feedback([p]), budget_tokens=1_500)[2:6] for v in part])
"""
    texts = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(texts) == 1


def test_values_of_a_trial_are_shown_while_it_runs() -> None:
    p = node(1, name="p", trainable=True)
    (p + 1).backward("bad")

    with trial_values({p: 7}):
        seen = render(sum_feedback([p]))

    assert shown(seen.variables) == [("p0", "int", "7")]


def test_every_value_that_is_not_told_is_counted() -> None:
    total = p = node(0, name="p", trainable=True)
    for turn in range(1_000):
        total = total + turn

    seen = rendered(total, [p])

    lines = [line for line in seen.code if "\u00d7" not in line]
    whole = [v for v in seen.inputs + seen.others + seen.outputs if v.whole]
    assert seen.shortened == 2_000 - len(lines) - len(whole)
    assert any(v.text.startswith("…and 99") for v in seen.inputs)


def test_any_counter_of_tokens_can_be_used_and_is_not_asked_about_every_node() -> None:
    asked: list[int] = []

    def count(text: str) -> int:
        asked.append(1)
        return estimate_tokens(text)

    total = p = node(1, name="p", trainable=True)
    for _ in range(20_000):
        total = total + 1

    seen = rendered(total, [p], count=count)

    assert seen.tokens <= 8_000
    assert len(asked) < 2_000
