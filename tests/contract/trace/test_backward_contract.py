"""`backward`, feedback and the rules that carry it."""

from __future__ import annotations

from typing import Any

import pytest

from opto.trace import MessageNode, Node, bundle, node
from opto.trace.propagators import GraphPropagator, Propagator, SumPropagator, TraceGraph
from opto.trace.propagators.propagators import AbstractFeedback
from opto.trace.utils import contain, sum_feedback


class Gradient(Propagator):
    """Derivatives of additions and multiplications of numbers."""

    def init_feedback(self, node: Node[Any], feedback: Any) -> Any:
        return float(feedback)

    def _propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
        total = sum(part for parts in child.feedback.values() for part in parts)
        return dict.fromkeys(child.parents, total)

    @staticmethod
    def product(child: MessageNode[Any]) -> dict[Node[Any], Any]:
        total = sum(part for parts in child.feedback.values() for part in parts)
        x, y = child.inputs["x"], child.inputs["y"]
        return {x: total * y.data, y: total * x.data}


def words(parameter: Node[Any]) -> list[Any]:
    return [part.user_feedback for parts in parameter.feedback.values() for part in parts]


def test_feedback_reaches_parameters_by_the_child_it_came_from() -> None:
    p, constant = node(1, trainable=True), node(2)
    child = p + constant
    out = child * 3

    assert out.backward("too big") is None

    assert [key is child for key in p.feedback] == [True]
    assert words(p) == ["too big"]
    assert constant.feedback == {}
    assert out.feedback == {}


def test_the_feedback_is_the_graph_from_the_parameter_to_the_output() -> None:
    x, y = node(1, name="x", trainable=True), node(1, name="y", trainable=True)
    out = (x * 2 + y * 3) + 1

    out.backward("more", propagator=GraphPropagator())

    [[heard]] = x.feedback.values()
    nodes = [found for _, found in heard.graph]
    assert isinstance(heard, TraceGraph)
    assert contain(nodes, x)
    assert contain(nodes, out)
    assert not contain(nodes, y)
    assert [level for level, _ in heard.graph] == sorted(level for level, _ in heard.graph)


def test_all_feedback_adds_up_to_one_graph() -> None:
    x, y = node(1, trainable=True), node(1, trainable=True)
    out = (x * 2 + y * 3) + 1
    out.backward("more")

    total = sum_feedback([x, y])

    nodes = [found for _, found in total.graph]
    assert total.user_feedback == "more"
    assert contain(nodes, x)
    assert contain(nodes, y)
    assert len(nodes) == len({id(found) for found in nodes}) == len(total) == 9


def test_feedback_accumulates_until_it_is_zeroed() -> None:
    p = node(1, trainable=True)

    (p + 1).backward("one")
    (p + 2).backward("two")
    assert sorted(words(p)) == ["one", "two"]

    p.zero_feedback()
    assert p.feedback == {}


def test_feedback_on_a_parameter_itself_is_kept() -> None:
    p = node(1, trainable=True)

    p.backward("change")

    assert words(p) == ["change"]


def test_a_rule_for_gradients_computes_gradients() -> None:
    x, y = node(3.0, trainable=True), node(4.0, trainable=True)
    rule = Gradient()
    rule.register("multiply", rule.product)

    (x * y + x).backward(1.0, propagator=rule)

    assert sum(part for parts in x.feedback.values() for part in parts) == 5.0
    assert sum(part for parts in y.feedback.values() for part in parts) == 3.0


def test_feedback_of_text_is_summed_once_each() -> None:
    p = node(1, trainable=True)
    out = p * 2 + p * 3

    out.backward("more", propagator=SumPropagator())

    assert list(p.feedback.values()) == [["more"], ["more"]]
    assert sum_feedback([node(1)]) == 0


def test_a_rule_that_raises_delivers_nothing() -> None:
    class Broken(SumPropagator):
        def _propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
            raise ZeroDivisionError

    p = node(1, trainable=True)

    with pytest.raises(ZeroDivisionError):
        (p + 1).backward("x", propagator=Broken())

    assert p.feedback == {}


def test_feedback_values_add_to_zero() -> None:
    class Count(AbstractFeedback):
        def __init__(self, n: int) -> None:
            self.n = n

        def __add__(self, other: Any) -> Count:
            return Count(self.n + other.n)

    assert sum([Count(1), Count(2)]).n == 3  # type: ignore[attr-defined, arg-type]


def test_backward_through_bundles_containers_and_items() -> None:
    p = node(2, trainable=True)

    @bundle()
    def table(x: int) -> dict[str, list[int]]:
        return {"a": [x, x + 1]}

    out = table(p)["a"][0] + 1
    out.backward("odd")

    assert words(p) == ["odd"]


def test_graphs_tell_whether_they_are_empty_and_add_up() -> None:
    p = node(1, trainable=True)
    one, two = p + 1, p + 2
    one.backward("a")
    two.backward("b")
    [[first], [second]] = p.feedback.values()

    both = first + second

    assert TraceGraph().empty()
    assert not both.empty()
    assert both.user_feedback == f"On {one.py_name}: a\nOn {two.py_name}: b"
    assert first + 0 is first
    assert len(both) == 5


def test_a_graph_inside_a_function_can_be_looked_at() -> None:
    @bundle(traceable_code=True)
    def inside(x: Node[int]) -> Node[int]:
        return (x + 1) * 2

    p = node(1, trainable=True)
    out = inside(p)
    out.backward("look")

    inner = sum_feedback([p]).expand(out)

    assert [found.op_name for _, found in inner if isinstance(found, MessageNode)] == [
        "add", "multiply",
    ]  # fmt: skip


def test_backward_can_draw_what_it_walked() -> None:
    p = node(1, name="start", trainable=True)

    drawing = (p + 1).backward("look", visualize=True)

    assert "start" in str(drawing._repr_html_())
