"""Loops, chains and fan-outs become one line; beginning, end and odd iterations stay."""

from __future__ import annotations

import random
from time import process_time
from typing import Any

import numpy as np
import pytest

from opto.trace import GRAPH, bundle, node
from opto.trace import operators as ops
from opto.trace.propagators import sum_feedback
from opto.trace.render import Rendered, render


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    GRAPH.clear()


@bundle()
def weigh(value: Any, factor: Any) -> Any:
    """Value times factor, over 97."""
    return value * factor % 97


def rendered(output: Any, parameters: list[Any], said: str = "bad", **how: Any) -> Rendered:
    output.backward(said)
    return render(sum_feedback(parameters), **how)


def test_a_chain_folds_into_one_line() -> None:
    total = p = node(0, name="p", trainable=True)
    for _ in range(1_000):
        total = total + 1

    seen = rendered(total, [p])

    assert seen.code == (
        "add0 = add(x=p0, y=1)",
        "add1 = add(x=add0, y=1)",
        "add2 … add998: \u00d7997 of add = add(x=<the one before>, y=1); 3 … 999",
        "add999 = add(x=add998, y=1)",
    )
    assert seen.folded == seen.shortened == 997
    assert [v.text for v in seen.outputs] == ["1000"]


def test_a_loop_of_several_operations_folds_with_its_shared_input() -> None:
    config = node("long text " * 20, name="config")
    use = bundle("[use]")(lambda x, c: x)
    total = p = node(1, name="p", trainable=True)
    for _ in range(300):
        total = weigh(use(total, config), p)

    seen = rendered(total, [p])

    fold = next(line for line in seen.code if "\u00d7" in line)
    assert (
        "of weigh = weigh(value=<use before>, factor=p0); use = use(x=<weigh>, c=config0)" in fold
    )
    assert "config0" in [v.name for v in seen.inputs]


def test_a_fan_out_folds_and_so_do_the_arguments_that_join_it() -> None:
    p = node(2, name="p", trainable=True)

    seen = rendered(ops.make_list(*[weigh(p, turn) for turn in range(500)]), [p])

    assert seen.code[-1] == "make_list0 = make_list(args_0 … args_499=weigh0 … weigh499)"
    assert any(" of weigh = weigh(value=p0, factor=<int>)" in line for line in seen.code)


def test_work_on_each_item_of_an_earlier_repeat_is_told_as_in_turn() -> None:
    p = node(2, name="p", trainable=True)
    first = [weigh(p, turn) for turn in range(400)]
    second = [weigh(part, 3) for part in first]

    seen = rendered(ops.make_list(*second), [p])

    assert any("value=<weigh1 … weigh398, in turn>, factor=3" in line for line in seen.code)


def test_a_thousand_parameters_are_all_variables_and_a_range_in_the_line() -> None:
    parameters = [node(turn, name="p", trainable=True) for turn in range(1_000)]
    total: Any = node(0)
    for parameter in parameters:
        total = total + parameter

    seen = rendered(total, parameters, budget_tokens=100_000)

    assert [v.name for v in seen.variables] == [f"p{turn}" for turn in range(1_000)]
    lines = "\n".join(seen.code)
    assert "y=<p2 … p998, in turn>" in lines or "y=<p1 … p998, in turn>" in lines
    assert all(f"={name})" in lines for name in ("p0", "p999"))


def test_a_loop_that_goes_on_with_another_parameter_is_two_repeats() -> None:
    parameters = [node(turn + 2, name="p", trainable=True) for turn in range(2)]
    total: Any = node(1)
    for parameter in parameters:
        for _ in range(100):
            total = weigh(total, parameter)

    code = "\n".join(rendered(total, parameters, budget_tokens=2_000).code)

    assert "of weigh = weigh(value=<the one before>, factor=p0)" in code
    assert "of weigh = weigh(value=<the one before>, factor=p1)" in code


def test_loops_in_loops_fold() -> None:
    total = p = node(1, name="p", trainable=True)
    for _ in range(50):
        total = weigh(total, p)
        for _ in range(20):
            total = total + 1

    seen = rendered(total, [p], budget_tokens=4_000)

    assert any(" like " in line for line in seen.code)
    assert len(seen.code) < 25


def test_a_body_that_repeats_itself_a_little_folds_as_a_whole() -> None:
    total = p = node(1, name="p", trainable=True)
    for _ in range(200):
        for _ in range(5):
            total = weigh(total, 5) + 1
        total = ops.neg(total)

    seen = rendered(total, [p], budget_tokens=4_000)

    assert any("of the 11 operations" in line for line in seen.code)


@pytest.mark.parametrize(
    ("odd", "values"),
    [
        ("None among numbers", {77: None}),
        ("text among numbers", {77: "oops"}),
        ("an extreme number", {77: 10**6}),
        ("an extreme number of numpy", {77: np.float64(10**6)}),
        ("not a number", {77: float("nan")}),
    ],
)
def test_an_odd_result_is_kept(odd: str, values: dict[int, Any]) -> None:
    look = bundle("[look]")(lambda p, turn: values.get(turn, p + turn))
    p = node(1, name="p", trainable=True)

    seen = rendered(ops.make_list(*[look(p, turn) for turn in range(200)]), [p])

    assert "look77 = look(p=p0, turn=77)" in seen.code, odd
    assert [v.text for v in seen.others if v.name == "look77"] == [str(values[77])]


def test_an_odd_input_is_kept_and_so_is_one_false_among_the_true() -> None:
    check = bundle("[check]")(lambda p, limit, turn: turn != 40)
    p = node(1, name="p", trainable=True)
    calls = [check(p, 99 if turn == 120 else 5, turn) for turn in range(200)]

    code = rendered(ops.make_list(*calls), [p]).code

    assert "check40 = check(p=p0, limit=5, turn=40)" in code
    assert "check120 = check(p=p0, limit=99, turn=120)" in code


def test_an_operation_the_feedback_names_is_kept() -> None:
    total = p = node(0, name="p", trainable=True)
    for _ in range(1_000):
        total = total + 1

    seen = rendered(total, [p], "add321 is where it goes wrong")

    assert "add321 = add(x=add320, y=1)" in seen.code


def test_a_hundred_thousand_operations_fit_8000_tokens_with_the_odd_one_in_the_middle() -> None:
    first, last = node(0, name="first", trainable=True), node(1, name="last", trainable=True)
    total: Any = first
    for turn in range(100_000):
        total = weigh(total, 3) if turn == 50_123 else total + 1
    total = total - last
    total.backward("too small")
    graph = sum_feedback([first, last])

    begin = process_time()
    seen = render(graph, budget_tokens=8_000)
    took_s = process_time() - begin

    assert seen.tokens <= 8_000
    assert [v.name for v in seen.variables] == ["first0", "last0"]
    assert seen.code[0] == "add0 = add(x=first0, y=1)"
    assert "weigh0 = weigh(value=add50122, factor=3)" in seen.code
    assert seen.code[-1] == "subtract0 = subtract(x=add99998, y=last0)"
    assert [v.name for v in seen.outputs] == ["subtract0"]
    assert seen.folded + len([line for line in seen.code if " = " in line[:20]]) == 100_001
    assert took_s < 10, "linear is about half a second; this is for a slow machine"


def test_a_program_without_any_repeat_fits_too() -> None:
    chance = random.Random(7)  # noqa: S311
    functions = [bundle(f"[f{n}x] Does {n}.")(lambda a, b: a) for n in range(30)]
    made: list[Any] = [p := node(1, name="p", trainable=True)]
    for _ in range(5_000):
        made.append(chance.choice(functions)(made[-1], chance.choice(made[-40:])))

    named = made[2_500]
    seen = rendered(made[-1], [p], f"{named.py_name} is odd", budget_tokens=3_000)

    assert seen.tokens <= 3_000
    assert "p0" in seen.code[0]
    assert seen.code[-1].startswith(made[-1].py_name)
    assert any("operations (" in line for line in seen.code)
    assert any(line.startswith(f"{named.py_name} = ") for line in seen.code)
