"""Feedback that Trace lost, mixed up or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from opto.trace import ExecutionError, bundle, node
from opto.trace.propagators import SumPropagator
from opto.trace.utils import contain, sum_feedback


def heard(parameter: Any) -> list[Any]:
    return [part.user_feedback for parts in parameter.feedback.values() for part in parts]


def test_two_feedbacks_on_one_parameter_both_arrive() -> None:
    p = node(1, trainable=True)
    one, two = p + 1, p * 5

    one.backward("a")
    two.backward("b")

    total = sum_feedback([p])
    assert total.user_feedback == f"On {one.py_name}: a\nOn {two.py_name}: b"
    assert contain(total.nodes, one)
    assert contain(total.nodes, two)


def test_a_second_backward_on_one_output_adds_a_second_feedback() -> None:
    p = node(1, trainable=True)
    out = p + 1

    out.backward("a")
    out.backward("b")

    assert heard(p) == ["a", "b"]
    assert contain(p.children, out)


def test_the_sum_rule_works() -> None:
    p = node(1, trainable=True)

    ((p + 1) * 2).backward("more", propagator=SumPropagator())

    assert list(p.feedback.values()) == [["more"]]


def test_the_sum_rule_adds_numbers() -> None:
    p = node(1, trainable=True)
    twice = p + 1
    out = twice * twice + twice

    out.backward(1, propagator=SumPropagator())

    assert list(p.feedback.values()) == [[2]]


def test_equal_siblings_keep_their_own_edges() -> None:
    p = node(1, trainable=True)
    a, b = p + 1, p + 1

    b.backward("only b")

    assert [key is b for key in p.feedback] == [True]
    assert contain(p.children, a)
    assert contain(p.children, b)


def test_arrays_as_data_pass_backward_in_any_order() -> None:
    p = node(np.ones(3), trainable=True)
    a, b = p + 1, p + 1

    b.backward("b")
    a.backward("a", propagator=SumPropagator())

    assert len(p.feedback) == 2
    assert [len(parts) for parts in p.feedback.values()] == [1, 1]


def test_arrays_as_feedback_are_added() -> None:
    p = node(np.ones(2), trainable=True)
    out = p + p * 2

    out.backward(np.array([1.0, 2.0]), propagator=SumPropagator())

    total = sum(part for parts in p.feedback.values() for part in parts)
    assert total.tolist() == [2.0, 4.0]


def test_a_wide_and_a_deep_graph_hear_once_per_child() -> None:
    p = node(1, trainable=True)
    middle = [p + i for i in range(200)]
    out = bundle()(lambda *xs: sum(xs))(*middle)

    out.backward("more")

    assert len(p.feedback) == 200
    assert len(sum_feedback([p]).nodes) == 2 * 200 + 2  # parameter, constants, sums, output


def test_parameters_that_are_not_trainable_hear_nothing() -> None:
    from opto.trace import ParameterNode  # noqa: PLC0415

    fixed = ParameterNode(1, trainable=False)
    (fixed + 1).backward("more")

    assert fixed.feedback == {}


def test_backward_of_a_constant_does_nothing() -> None:
    x = node(1)

    (x + 1).backward("more")
    x.backward("more")

    assert x.feedback == {}


def test_an_exception_node_passes_feedback_to_code_and_inputs() -> None:
    p = node(0, trainable=True)

    @bundle(trainable=True)
    def divide(x: int) -> float:
        return 1 / x

    with pytest.raises(ExecutionError) as caught:
        divide(p)
    caught.value.exception_node.backward("handle zero")

    assert heard(p) == ["handle zero"]
    assert heard(divide.parameter) == ["handle zero"]


def test_a_parameter_used_twice_by_one_operation_hears_it_once() -> None:
    p = node(3, trainable=True)

    (p * p).backward("smaller")

    assert heard(p) == ["smaller"]


def test_text_feedback_of_an_own_rule_adds_up() -> None:
    parameter = node("a", trainable=True)
    (parameter + "b").backward("too long", propagator=SumPropagator())
    (parameter + "c").backward("too dull", propagator=SumPropagator())

    assert sum_feedback([parameter]) == "too long\ntoo dull"
