"""No use of a node inside arguments or functions loses its edge silently."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from opto.trace import GRAPH, bundle, node, stop_tracing
from opto.trace.bundle import TraceMissingInputsError
from opto.trace.errors import TraceError
from opto.trace.propagators import SumPropagator
from opto.trace.subgraph import ancestors
from opto.trace.utils import contain, sum_feedback


class Named(NamedTuple):
    part: Any


@bundle()
def show(xs: Any) -> str:
    """Shows it."""
    return repr(xs)


def heard(parameter: Any) -> list[Any]:
    return [part.user_feedback for parts in parameter.feedback.values() for part in parts]


CONTAINERS = {
    "list": lambda p: [p, 2],
    "tuple": lambda p: (p,),
    "set": lambda p: {p},
    "frozenset": lambda p: frozenset({p}),
    "value of a dict": lambda p: {"a": p},
    "key of a dict": lambda p: {p: 1},
    "nested": lambda p: [1, ({"a": [p]}, 2)],
    "tuple in a key": lambda p: {(p, 1): 1},
    "set in a list": lambda p: [{p}],
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_node_inside_an_argument_keeps_its_edge_and_hears_feedback(kind: str) -> None:
    p = node(7, trainable=True)
    given = CONTAINERS[kind](p)

    out = show(given)
    out.backward("seen")

    assert out.data == repr(CONTAINERS[kind](7))
    assert contain(out.parameter_dependencies, p)
    assert heard(p) == ["seen"]


def test_a_container_without_nodes_stays_one_value() -> None:
    given = [1, [2, {"a": 3}]]

    out = show(given)

    assert out.inputs["xs"].data is given
    assert out.inputs["xs"].is_root


def test_a_list_that_holds_itself_is_a_value() -> None:
    given: list[Any] = [1]
    given.append(given)

    assert node(given).data is given


def test_a_node_of_nodes_is_computed_from_them() -> None:
    a, b = node(1, trainable=True), node(2)

    both = node([a, b], name="both")

    assert both.data == [1, 2]
    assert both.name.startswith("both:")
    assert contain(both.parents, a)
    assert contain(both.parents, b)


def test_a_node_in_an_unknown_container_is_refused_when_it_is_read() -> None:
    reader = bundle()(lambda pair: pair.part.data)

    with pytest.raises(TraceMissingInputsError):
        reader(Named(node(1)))


def test_unprocessed_containers_of_nodes_may_be_read() -> None:
    total = bundle(_process_inputs=False)(lambda xs: sum(x.data for x in xs))
    a, b = node(1, trainable=True), node(2)

    out = total([a, b])
    out.backward("seen")

    assert out == 3
    assert heard(a) == ["seen"]


def test_a_parameter_used_by_an_operator_inside_a_function_hears_feedback() -> None:
    hidden = node(10, trainable=True)
    inside = bundle()(lambda x: x + hidden)

    out = inside(1)
    out.backward("more")

    assert out == 11
    assert not contain(out.parents, hidden)
    assert contain(out.hidden_dependencies, hidden)
    assert heard(hidden) == ["more"]
    assert contain([found for _, found in sum_feedback([hidden]).graph], out)


def test_code_of_a_function_called_inside_hears_feedback() -> None:
    @bundle(trainable=True)
    def inner(x: int) -> int:
        return x + 1

    middle = bundle()(lambda x: inner(x) * 2)
    outer = bundle()(lambda x: middle(x).data + 1)

    outer(node(3)).backward("more")

    assert heard(inner.parameter) == ["more"]


def test_a_parameter_inside_traceable_code_hears_feedback() -> None:
    hidden = node(-15.0, trainable=True)
    outer = bundle(traceable_code=True)(lambda x: x**2 + hidden)
    x = node(1.0, trainable=True)

    out = outer(x)
    out.backward("more")

    assert [found is x for found in out.parameter_dependencies] == [True]
    assert heard(hidden) == ["more"]


def test_a_parameter_used_by_a_method_called_through_its_node_hears_feedback() -> None:
    class Holder:
        def __init__(self) -> None:
            self.p = node(2, trainable=True)

        def times(self, x: Any) -> Any:
            return self.p * x

    holder = node(Holder())

    out = holder.call("times", node(3))
    out.backward("more")

    assert out == 6
    assert heard(holder.data.p) == ["more"]


def test_hidden_parameters_hear_under_other_rules_too() -> None:
    hidden = node(10, trainable=True)

    bundle()(lambda x: x + hidden)(1).backward("more", propagator=SumPropagator())

    assert list(hidden.feedback.values()) == [["more"]]


def test_an_exception_still_leads_to_what_was_used_inside() -> None:
    hidden = node(0, trainable=True)
    broken = bundle()(lambda x: x / hidden)

    with pytest.raises(Exception, match="division") as caught:
        broken(1)
    caught.value.exception_node.backward("not zero")

    assert heard(hidden) == ["not zero"]


def test_nodes_used_inside_asynchronous_functions_hear_too() -> None:
    hidden = node(1, trainable=True)

    @bundle()
    async def later(x: int) -> Any:
        await asyncio.sleep(0)
        return x + hidden

    async def run() -> Any:
        return await asyncio.gather(later(1), later(2))

    one, two = asyncio.run(run())
    one.backward("a")
    two.backward("b")

    assert heard(hidden) == ["a", "b"]


def test_nothing_is_hidden_when_tracing_is_off() -> None:
    hidden = node(10, trainable=True)

    with stop_tracing():
        out = bundle()(lambda x: x + hidden.data)(1)

    assert out == 11
    assert out.hidden_dependencies == set()


def test_two_methods_with_one_operation_text_do_not_collide() -> None:
    class Two:
        @bundle("[act] Does it.", trainable=True)
        def first(self) -> str:
            return "first"

        @bundle("[act] Does it.", trainable=True)
        def second(self) -> str:
            return "second"

    two = Two()

    assert (two.first().data, two.second().data) == ("first", "second")
    assert two.first.parameter is not two.second.parameter


def test_the_inputs_in_the_info_of_an_old_node_stay_its_own() -> None:
    old_input, new_input = node(1), node(2)

    old = show(old_input)
    show(new_input)

    assert old.info["inputs"]["args"][0] is old_input
    assert old.info["output"] is old


def test_an_outside_node_read_in_traceable_code_is_recorded() -> None:
    outside = node(5, trainable=True)
    inside = bundle(traceable_code=True)(lambda x: x + outside.data)

    out = inside(node(1))
    out.backward("seen")

    assert out == 6
    assert contain(out.info["external_dependencies"], outside)
    assert heard(outside) == ["seen"]


def test_nested_graphs_cannot_be_switched_off() -> None:
    GRAPH.ALLOW_NESTED_GRAPHS = True

    with pytest.raises(TraceError, match="always hear"):
        GRAPH.ALLOW_NESTED_GRAPHS = False
    assert GRAPH.ALLOW_NESTED_GRAPHS is True


@pytest.mark.parametrize("data", [range(3), {"a": 1}.keys(), {1: 2}.items(), "ab", b"ab"])
def test_iterating_what_python_iterates_gives_nodes_with_edges(data: Any) -> None:
    x = node(data)

    items = list(x)

    assert [item.data for item in items] == list(data)
    assert all(x in ancestors([item]) for item in items)


def test_an_outside_parameter_given_to_a_function_called_inside_hears_feedback() -> None:
    hidden = node(10, trainable=True)
    inner = bundle()(lambda x, y: x + y)
    outer = bundle()(lambda x: inner(x, hidden) * 2)

    out = outer(1)
    out.backward("more")

    assert out == 22
    assert heard(hidden) == ["more"]


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: [1, {"a": (p,)}]], ids=["bare", "nested"])
def test_an_outside_parameter_that_is_returned_hears_feedback(wrap: Any) -> None:
    hidden = node(10, trainable=True)

    out = bundle()(lambda: wrap(hidden))()
    out.backward("more")

    assert out.data == wrap(10)
    assert heard(hidden) == ["more"]


@pytest.mark.parametrize("options", [{"_process_inputs": False}, {"traceable_code": True}])
def test_a_method_always_sees_its_own_object(options: dict[str, bool]) -> None:
    class Holder:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        @bundle(**options)
        def look(self, x: Any) -> Any:
            self.seen.append(x)
            return x

    holder, x = Holder(), node(1)
    out = holder.look(x)

    assert len(holder.seen) == 1
    assert out == 1
    assert contain(out.parents, x)


def test_class_methods_and_static_methods_can_be_bundled() -> None:
    class Maker:
        size = 2

        @classmethod
        @bundle()
        def make(cls, x: int) -> int:
            return x * cls.size

        @staticmethod
        @bundle()
        def twice(x: int) -> int:
            return 2 * x

    assert (Maker.make(3).data, Maker().make(3).data) == (6, 6)
    assert (Maker.twice(3).data, Maker().twice(3).data) == (6, 6)


def test_objects_with_slots_have_bundled_methods() -> None:
    class Slim:
        __slots__ = ("n",)

        def __init__(self) -> None:
            self.n = 4

        @bundle()
        def get(self) -> int:
            return self.n

    assert Slim().get() == 4
