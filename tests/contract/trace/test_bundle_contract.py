"""`bundle` as programs written for Trace use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from opto import trace
from opto.trace import GRAPH, MessageNode, bundle, node, stop_tracing
from opto.trace.bundle import (
    ALLOW_EXTERNAL_DEPENDENCIES,
    FunModule,
    TraceMissingInputsError,
    detach_inputs,
    disable_external_dependencies_check,
    to_data,
    trace_nodes,
    wrap_node,
)
from opto.trace.errors import NodeError
from opto.trace.nodes import Node
from opto.trace.utils import contain, for_all_methods


def same(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that does nothing."""
    return function


@bundle("[pick.one] Gives x if the condition holds.")
def pick(condition: bool, x: int, y: int) -> int:
    return x if condition else y


# fmt: off
@same
@trace.bundle(
)   # a comment
@same
def told():  # bundle in a comment
    """ Says it. """  # and another
    return 1
# fmt: on


def test_a_call_is_one_node_whose_inputs_are_named_after_the_parameters() -> None:
    x, y = node(1), node(2)

    out = pick(node(True), x, y=y)

    assert type(out) is MessageNode
    assert out.data == 1
    assert list(out.inputs) == ["condition", "x", "y"]
    assert out.inputs["x"] is x
    assert out.inputs["y"] is y


def test_the_operation_may_have_dots_and_names_the_output() -> None:
    GRAPH.clear()

    out = pick(True, 1, 2)

    assert (out.name, out.op_name) == ("pick.one:0", "pick.one")
    assert out.description == "Gives x if the condition holds."
    assert pick.description == "[pick.one] Gives x if the condition holds."


def test_the_default_description_is_the_name_and_the_docstring() -> None:
    @bundle()
    def triple(x: int) -> int:
        """Three times x."""
        return 3 * x

    assert triple.description == "[triple] Three times x."
    assert triple(2).op_name == "triple"


def test_the_output_may_have_a_name_of_its_own() -> None:
    out = bundle(output_name="answer")(lambda x: x)(1)

    assert out.name.startswith("answer:")


def test_arguments_given_as_values_become_nodes_named_after_their_parameters() -> None:
    GRAPH.clear()

    out = pick(True, 1, 2)

    assert [parent.name for parent in out.parents] == ["condition:0", "x:0", "y:0"]


def test_defaults_are_inputs_too() -> None:
    @bundle()
    def power(x: int, n: int = 2, *, sign: int = 1) -> int:
        return sign * x**n

    out = power(3)

    assert {name: parent.data for name, parent in out.inputs.items()} == {"x": 3, "n": 2, "sign": 1}
    assert power(2, sign=node(-1)).data == -4


def test_further_arguments_are_numbered_and_keywords_keep_their_names() -> None:
    @bundle()
    def gather(first: int, *rest: int, **named: int) -> list[int]:
        return [first, *rest, *named.values()]

    b = node(3)
    out = gather(1, 2, b, left=4)

    assert out.data == [1, 2, 3, 4]
    assert list(out.inputs) == ["first", "rest_0", "rest_1", "left"]
    assert out.inputs["rest_1"] is b


def test_a_wrong_call_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        pick(True)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        pick(True, 1, 2, z=3)  # type: ignore[call-arg]


def test_the_function_sees_data() -> None:
    seen: list[Any] = []
    bundle()(lambda *args, **kwargs: seen.extend([*args, *kwargs.values()]))(node(1), k=node("a"))

    assert seen == [1, "a"]
    assert not any(isinstance(value, Node) for value in seen)


def test_unprocessed_arguments_are_handed_over_as_they_came() -> None:
    x, seen = node(1), []
    bundle(_process_inputs=False)(lambda *args: seen.extend(args))(x, 2)

    assert seen[0] is x
    assert seen[1] == 2


def test_a_tuple_is_one_node_and_unpacks_into_items() -> None:
    @bundle()
    def both(a: int, b: int) -> tuple[int, int]:
        return a + b, a - b

    out = both(1, 2)
    total, difference = out

    assert isinstance(out, MessageNode)
    assert len(out) == 2
    assert (total.data, difference.data) == (3, -1)
    assert contain(total.parents, out)


def test_a_returned_node_gives_its_data() -> None:
    out = bundle()(lambda: node(5))()

    assert out.data == 5
    assert out.parents == []


def test_bundle_works_below_and_above_other_decorators_inline_and_on_lambdas() -> None:
    assert same(bundle()(same(lambda x: x + 1)))(1) == 2
    assert told() == 1


def test_only_functions_can_be_bundled() -> None:
    with pytest.raises(NodeError, match="functions"):
        bundle()(3)  # type: ignore[type-var]


def test_source_and_line_begin_below_bundle() -> None:
    info = told.info
    shown = '@same\ndef told():  # bundle in a comment\n    """ Says it. """  # and another\n'

    assert info["source"] == f"{shown}    return 1"
    with open(info["file"], encoding="utf-8") as file:  # noqa: PTH123
        assert file.read().splitlines()[info["line_number"] - 1] == "@same"


def test_info_tells_the_function_and_the_call() -> None:
    x = node(1)
    out = pick(True, x, y=2)

    info = out.info

    assert info is not None
    assert set(info) >= {
        "fun",
        "fun_name",
        "_fun_name",
        "doc",
        "signature",
        "source",
        "line_number",
        "file",
        "error_comment",
        "traceback",
        "output",
        "inputs",
        "external_dependencies",
    }
    assert info["fun_name"] == "pick"
    assert info["output"] is out
    assert contain(info["inputs"]["args"], x)


def test_traceable_code_sees_nodes_and_keeps_the_graph_inside() -> None:
    @bundle(traceable_code=True)
    def inside(a: Node[int], b: Node[int]) -> Node[int]:
        """Adds."""
        return a + b + 10

    x, y = node(1), node(2)
    out = inside(x, y)

    assert out == 13
    assert contain(out.parents, x)
    assert "inside" in out.name
    inner = out.info["output"]
    assert inner == 13
    assert inner.op_name == "add"
    assert not contain(inner.parents, x)
    assert contain(out.expandable_dependencies, out)


def test_reading_a_node_that_was_not_given_is_refused() -> None:
    outside = node(7, name="outside")
    sneaky = bundle()(lambda x: x + outside.data)

    with pytest.raises(TraceMissingInputsError, match="outside:"):
        sneaky(1)


def test_reading_other_nodes_may_be_allowed_and_is_noted() -> None:
    outside = node(7)
    open_ = bundle(allow_external_dependencies=True)(lambda x: x + outside.data)

    out = open_(node(1))

    assert out == 8
    assert contain(out.info["external_dependencies"], outside)
    assert contain(out.hidden_dependencies, outside)
    assert not contain(out.parents, outside)


def test_the_check_can_be_switched_for_all_functions_of_this_context() -> None:
    outside = node(7)
    sneaky = bundle()(lambda x: x + outside.data)

    disable_external_dependencies_check(True)
    try:
        assert sneaky(1) == 8
        disable_external_dependencies_check(False)
        with pytest.raises(TraceMissingInputsError):
            bundle(allow_external_dependencies=True)(lambda: outside.data)()
    finally:
        disable_external_dependencies_check(None)
    assert ALLOW_EXTERNAL_DEPENDENCIES.get() is None


def test_untraced_outputs_have_no_inputs() -> None:
    with stop_tracing():
        z = node(1) + node(2)
        w = pick(True, 1, 2)

    assert (z.inputs, w.inputs) == ({}, {})
    assert (z.data, w.data) == (3, 1)
    assert (z + 1).inputs != {}


def test_the_trace_switch_of_the_graph_is_the_same_switch() -> None:
    with stop_tracing():
        assert GRAPH.TRACE is False
    assert GRAPH.TRACE is True


def test_recursion_may_run_unrecorded() -> None:
    calls: list[Any] = []

    @bundle(overwrite_python_recursion=True)
    def total(n: int) -> int:
        if n == 0:
            return 0
        below = total(n - 1)
        calls.append(below)
        return n + below

    out = total(10)

    assert out == 55
    assert len(out.parents) == 1
    assert not any(isinstance(value, Node) for value in calls)


def test_recorded_recursion_gives_nodes_inside() -> None:
    kinds: list[type] = []

    @bundle()
    def total(n: int) -> int:
        if n == 0:
            return 0
        below = total(n - 1)
        kinds.append(type(below))
        return n + below

    assert total(3) == 6
    assert set(kinds) == {MessageNode}


def test_a_method_has_its_object_as_input_one_node_for_all_calls() -> None:
    class Counter:
        def __init__(self) -> None:
            self.by = 2

        @bundle()
        def next(self, x: int) -> int:
            self.by += 1
            return x + self.by

    counter = Counter()
    first, second = counter.next(node(1)), counter.next(1)

    assert (first.data, second.data, counter.by) == (4, 5, 4)
    assert first.inputs["self"].data is counter
    assert first.inputs["self"] is second.inputs["self"]
    assert first.inputs["self"].name.startswith("Counter:")


def test_methods_may_be_wrapped_by_a_class_decorator() -> None:
    def loud(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @for_all_methods(loud)
    class Adder:
        @bundle()
        def add(self, x: int, y: int) -> int:
            return x + y

    assert Adder().add(1, 2) == 3


def test_a_bundled_function_may_call_another() -> None:
    inner = bundle()(lambda a: a + 1)
    outer = bundle()(lambda b: inner(b) + 1)

    out = outer(node(3))

    assert out == 5
    assert len(out.parents) == 1


def test_an_asynchronous_function_gives_its_node_when_awaited() -> None:
    @bundle()
    async def slow(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    async def many() -> list[Node[int]]:
        return await asyncio.gather(*(slow(i) for i in range(5)))

    found = asyncio.run(many())

    assert [out.data for out in found] == [1, 2, 3, 4, 5]
    assert [out.parents[0].data for out in found] == [0, 1, 2, 3, 4]


def test_generators_are_run_to_their_end() -> None:
    @bundle()
    def up(n: int) -> Iterator[int]:
        yield from range(n)

    @bundle()
    async def later(n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    async def run() -> Any:
        return await later(node(3))  # type: ignore[misc]

    assert up(node(3)).data == [0, 1, 2]
    assert asyncio.run(run()).data == [0, 1, 2]


def test_global_and_enclosing_variables_may_be_changed() -> None:
    count = 0

    @bundle()
    def step() -> None:
        nonlocal count
        count += 1

    step()

    assert count == 1


def test_a_bundle_of_a_bundle_is_a_bundle_of_its_function() -> None:
    assert bundle()(pick).fun is pick.fun
    assert isinstance(pick, FunModule)


def test_trees_are_stripped_of_nodes_and_given_them() -> None:
    a = node(1)
    tree = {"x": [a, (2, {3})]}

    assert to_data(tree) == {"x": [1, (2, {3})]}
    wrapped = wrap_node(tree)
    assert wrapped["x"][0] is a
    assert wrapped["x"][1][0].data == 2
    twin = detach_inputs(tree)["x"][0]
    assert (twin.data, twin is a) == (1, False)


def test_the_nodes_read_in_a_block_are_told() -> None:
    a, b, c = node(1), node(2), node(3)

    with trace_nodes() as used:
        b + c
        a.data  # noqa: B018

    a.data  # noqa: B018
    b._value  # noqa: B018
    assert {id(a), id(b), id(c)} <= set(map(id, used))
    d = node(4)
    d.data  # noqa: B018
    assert not contain(used, d)
