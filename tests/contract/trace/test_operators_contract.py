"""Each of Trace's operators, what it gives and that it is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from opto.trace import node
from opto.trace import operators as ops
from opto.trace.errors import ExecutionError, ImmutableNodeError
from opto.trace.nodes import MessageNode
from opto.trace.utils import contain


class Point:
    x = 3


CASES: list[tuple[str, tuple[Any, ...], Any]] = [
    ("clone", ([1],), [1]),
    ("identity", (1,), 1),
    ("pos", (-1,), -1),
    ("neg", (1,), -1),
    ("abs", (-2,), 2),
    ("invert", (5,), -6),
    ("round", (2.567, 1), 2.6),
    ("round", (2.5,), 2),
    ("floor", (2.7,), 2),
    ("ceil", (2.1,), 3),
    ("trunc", (-2.7,), -2),
    ("add", (1, 2), 3),
    ("subtract", (1, 2), -1),
    ("multiply", (2, 3), 6),
    ("floor_divide", (7, 2), 3),
    ("divide", (7, 2), 3.5),
    ("mod", (7, 2), 1),
    ("node_divmod", (7, 2), (3, 1)),
    ("power", (2, 3), 8),
    ("lshift", (1, 3), 8),
    ("rshift", (8, 3), 1),
    ("and_", (6, 3), 2),
    ("or_", (6, 3), 7),
    ("xor", (6, 3), 5),
    ("lt", (1, 2), True),
    ("le", (2, 2), True),
    ("eq", (1, 2), False),
    ("neq", (1, 2), True),
    ("ne", (1, 1), False),
    ("ge", (1, 2), False),
    ("gt", (2, 1), True),
    ("cond", (True, 1, 2), 1),
    ("cond", (0, 1, 2), 2),
    ("not_", (0,), True),
    ("is_", (None, None), True),
    ("is_not", (None, None), False),
    ("in_", (1, [1]), True),
    ("not_in", (1, [1]), False),
    ("getitem", ({"a": 1}, "a"), 1),
    ("pop", ([1, 2],), 2),
    ("len_", ("abc",), 3),
    ("ord_", ("a",), 97),
    ("chr_", (97,), "a"),
    ("concat", ("a", "b"), "ab"),
    ("lower", ("A",), "a"),
    ("upper", ("a",), "A"),
    ("title", ("a b",), "A B"),
    ("swapcase", ("aB",), "Ab"),
    ("capitalize", ("aB",), "Ab"),
    ("split", ("a,b,c", ",", 1), ["a", "b,c"]),
    ("strip", (" a ",), "a"),
    ("replace", ("aaa", "a", "b", 2), "bba"),
    ("format", ("{}-{}", 1, 2), "1-2"),
    ("join", ("-", ["a", "b"]), "a-b"),
    ("join", ("-", "a", "b"), "a-b"),
    ("node_getattr", (Point(), "x"), 3),
    ("call", (max, 1, 2), 2),
    ("to_list", ((1, 2),), [1, 2]),
    ("make_list", (1, 2), [1, 2]),
    ("to_dict", ([("a", 1)],), {"a": 1}),
    ("make_dict", ("a", 1, "b", 2), {"a": 1, "b": 2}),
    ("to_set", ([1, 1],), {1}),
    ("make_set", (1, 2), {1, 2}),
    ("to_tuple", ([1],), (1,)),
    ("make_tuple", (1, 2), (1, 2)),
    ("keys", ({"a": 1},), ["a"]),
    ("values", ({"a": 1},), [1]),
    ("get", ({"a": 1}, "b", 5), 5),
    ("dict_update", ({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    ("dict_pop", ({"a": 1, "b": 2}, "a"), {"b": 2}),
    ("dict_popitem", ({"a": 1, "b": 2},), {"a": 1}),
    ("list_append", ([1], 2), [1, 2]),
    ("list_clear", ([1],), []),
    ("list_extend", ([1], [2, 3]), [1, 2, 3]),
    ("list_insert", ([1, 3], 1, 2), [1, 2, 3]),
    ("list_pop", ([1, 2],), [1]),
    ("list_remove", ([1, 2], 1), [2]),
    ("list_reverse", ([1, 2],), [2, 1]),
    ("list_sort", ([1, 3, 2], None, True), [3, 2, 1]),
    ("set_add", ({1}, 2), {1, 2}),
    ("set_clear", ({1},), set()),
    ("set_discard", ({1}, 2), {1}),
    ("set_intersection_update", ({1, 2}, {2}), {2}),
    ("set_pop", ({1},), set()),
    ("set_remove", ({1, 2}, 1), {2}),
    ("set_symmetric_difference_update", ({1, 2}, {2, 3}), {1, 3}),
    ("set_update", ({1}, {2}), {1, 2}),
]
OPERATORS = (
    "clone identity pos neg abs invert round floor ceil trunc add subtract multiply floor_divide "
    "divide mod node_divmod power lshift rshift and_ or_ xor lt le eq neq ne ge gt cond not_ is_ "
    "is_not in_ not_in getitem pop len_ ord_ chr_ concat lower upper title swapcase capitalize "
    "split strip replace format join node_getattr call to_list make_list to_dict make_dict to_set "
    "make_set to_tuple make_tuple keys values get dict_update dict_pop dict_popitem list_append "
    "list_clear list_extend list_insert list_pop list_remove list_reverse list_sort set_add "
    "set_clear set_discard set_intersection_update set_pop set_remove "
    "set_symmetric_difference_update set_update call_llm"
)
NAMES = set(OPERATORS.split())


def test_all_operators_of_trace_are_here_exported_and_tried_below() -> None:
    assert set(ops.__all__) >= NAMES
    assert {name for name, _, _ in CASES} == NAMES - {"call_llm"}


@pytest.mark.parametrize(("name", "given", "wanted"), CASES)
def test_an_operator_computes_and_records(name: str, given: tuple[Any, ...], wanted: Any) -> None:
    arguments = [node(value) for value in given]

    out = getattr(ops, name)(*arguments)

    assert out.data == wanted
    assert type(out.data) is type(wanted)
    assert isinstance(out, MessageNode)
    assert out.op_name == name
    assert out.description
    assert all(contain(out.parents, argument) for argument in arguments)


CHANGING = [case for case in CASES if case[0].startswith(("list_", "set_", "dict_", "clone"))]


@pytest.mark.parametrize(("name", "given", "wanted"), CHANGING)
def test_an_operator_that_changes_a_container_leaves_its_argument_alone(
    name: str, given: tuple[Any, ...], wanted: Any
) -> None:
    before = type(given[0])(given[0])
    argument = node(before)

    out = getattr(ops, name)(argument, *given[1:])

    assert argument.data == given[0]
    assert out.data is not argument.data


def test_dicts_are_made_of_keywords_too() -> None:
    a = node(1)

    made = ops.make_dict(a=a)

    assert made.data == {"a": 1}
    assert contain(made.parents, a)


def test_popping_a_computed_value_is_refused() -> None:
    with pytest.raises(ImmutableNodeError, match="list_pop"):
        ops.pop(ops.make_list(1, 2))


def test_a_failing_operator_is_an_error_with_its_operands_as_parents() -> None:
    x, y = node(1), node(0)

    with pytest.raises(ExecutionError) as caught:
        x / y

    assert caught.value.exception_node.data == "(ZeroDivisionError) division by zero"
    assert contain(caught.value.exception_node.parents, y)


def test_a_language_model_is_asked_with_its_prompts_as_inputs() -> None:
    asked: list[Any] = []

    def model(*, messages: list[dict[str, str]], temperature: float) -> str:
        asked.extend([messages, temperature])
        return "hello"

    prompt = node("Greet.", trainable=True)
    reply = ops.call_llm(model, prompt, node("Ann"), temperature=0.5)

    assert reply.data == "hello"
    assert contain(reply.parents, prompt)
    assert asked == [
        [{"role": "system", "content": "Greet."}, {"role": "user", "content": "Ann"}], 0.5,
    ]  # fmt: skip
