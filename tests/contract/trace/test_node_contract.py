"""`node` and the kinds of nodes, as programs written for Trace use them."""

from __future__ import annotations

import copy

import pytest

from opto import trace
from opto.trace import GRAPH, ParameterNode, name_scope, node
from opto.trace.errors import ExecutionError, NodeError
from opto.trace.nodes import NAME_SCOPES, ExceptionNode, MessageNode, Node
from opto.trace.utils import contain


@pytest.fixture(autouse=True)
def _numbering_starts_anew() -> None:
    GRAPH.clear()


def test_a_value_becomes_a_plain_node() -> None:
    x = node(3)

    assert type(x) is Node
    assert (x.data, x.type, x.trainable) == (3, int, False)


def test_a_node_is_returned_as_it_is() -> None:
    x = node(3)

    assert node(x) is x


def test_a_trainable_of_a_node_is_a_new_parameter_of_the_same_object_and_name() -> None:
    words = ["a"]
    x = node(words, name="words")

    p, q = node(x, trainable=True), node(node(words, name="words", trainable=True), trainable=True)

    assert type(p) is ParameterNode
    assert p is not x
    assert p.data is words
    assert q.data is words
    assert p.name.startswith("words:")


def test_names_are_base_and_number_and_the_base_is_the_type() -> None:
    assert [node(1).name, node(2).name, node("a").name] == ["int:0", "int:1", "str:0"]
    assert (node(1, name="x").py_name, node(1, name="x").id) == ("x0", "1")


def test_computed_nodes_are_named_after_their_operation() -> None:
    assert (node(1) + 1).name == "add:0"


@pytest.mark.parametrize("name", ["a:b", "", 3])
def test_a_name_that_cannot_be_is_refused(name: object) -> None:
    with pytest.raises(NodeError):
        node(1, name=name)  # type: ignore[call-overload]


def test_a_description_is_text() -> None:
    with pytest.raises(NodeError, match="text"):
        node(1, description=3)  # type: ignore[call-overload]


def test_a_description_is_told_with_and_without_its_operation() -> None:
    assert node(1, description="how many").description == "how many"
    assert node(1).description is None
    assert node(1, description="how many")._description == "[Node] how many"
    assert node(1, trainable=True)._description == "[ParameterNode]"


def test_the_innermost_scope_prefixes_names() -> None:
    NAME_SCOPES.append("outer")
    with name_scope("inner"):
        inside = node(1, name="x")
    outside = node(1, name="x")
    NAME_SCOPES.pop()

    assert (inside.name, outside.name) == ("inner/x:0", "outer/x:0")
    assert node(1, name="x").name == "x:0"
    assert len(NAME_SCOPES) == 0


def test_parents_children_and_levels() -> None:
    x, y = node(1), node(2)

    z = x + y
    w = z * x

    assert contain(z.parents, x)
    assert contain(z.parents, y)
    assert contain(x.children, z)
    assert [x.level, z.level, w.level] == [0, 1, 2]
    assert (x.is_root, z.is_root, w.is_leaf, z.is_leaf) == (True, False, True, False)


def test_a_parent_used_twice_is_one_parent_and_two_inputs() -> None:
    x = node(3)

    y = x * x

    assert [parent is x for parent in y.parents] == [True]
    assert list(y.inputs) == ["x", "y"]
    assert y._inputs["x"] is x


def test_parameter_dependencies_are_the_trainable_ancestors() -> None:
    x, p = node(1), node(2, trainable=True)

    y = (x + p) * 2

    assert [found is p for found in y.parameter_dependencies] == [True]
    assert (x + 1).parameter_dependencies == set()


def test_equality_compares_data_and_hashing_identity() -> None:
    x, y = node(1), node(1)

    assert x == y == 1
    assert x != 2
    assert y in [x]
    assert y not in {x}
    assert not contain([x], y)


def test_truth_length_and_membership_are_plain_values() -> None:
    assert bool(node(0)) is False
    assert len(node([1, 2])) == 2
    assert (2 in node([1, 2])) is True
    assert (node(3) in node([1, 2])) is False


def test_and_and_or_give_one_of_their_sides_as_python_does() -> None:
    x = node(True)

    assert (x and 5) == 5
    assert (False or x) is x
    assert (x or 5) is x


def test_comparisons_give_nodes() -> None:
    assert (node(1) < 2).data is True
    assert (node(1) >= node(2)).data is False
    assert isinstance(node(1).eq(1), MessageNode)


def test_a_root_may_be_assigned_through_underscore_data() -> None:
    x = node(1)

    x._data = 5
    assert x.data == 5
    x._set(node(6))
    assert x.data == 6


def test_data_cannot_be_assigned() -> None:
    with pytest.raises(AttributeError):
        node(1).data = 2  # type: ignore[misc]


def test_attributes_of_the_data_are_not_attributes_of_the_node() -> None:
    with pytest.raises(AttributeError):
        node("a").isdigit  # type: ignore[attr-defined]  # noqa: B018


def test_what_trace_does_not_record_is_a_type_error_here_too() -> None:
    x = node([1])

    with pytest.raises(TypeError):
        x @ x  # type: ignore[operator]
    with pytest.raises(TypeError):
        x[0] = 2  # type: ignore[index]
    with pytest.raises(TypeError):
        [1][node(0)]  # type: ignore[call-overload]


def test_adding_in_place_makes_a_new_node() -> None:
    x = before = node([1])

    x += [2]

    assert (x.data, before.data) == ([1, 2], [1])


def test_detaching_copies_the_value_without_its_past() -> None:
    x = node([1], name="x", trainable=True)

    twin = x.detach()

    assert (type(twin), twin.name, twin.detach().name) == (
        ParameterNode, "x0_copy:0", "x0_copy0_copy:0",
    )  # fmt: skip
    assert twin.data == [1]
    assert twin.data is not x.data


def test_a_deep_copy_of_a_computed_node_has_no_parents_and_cloning_has() -> None:
    y = node(1) + 1

    cut, kept = copy.deepcopy(y), y.clone()

    assert (cut.data, cut.parents, type(cut)) == (2, [], MessageNode)
    assert contain(kept.parents, y)
    assert not contain(y.children, cut)


def test_iterating_gives_nodes_computed_from_the_container() -> None:
    xs = node([1, 2])

    items = list(xs)

    assert [item.data for item in items] == [1, 2]
    assert all(contain(item.parents, xs) for item in items)


def test_iterating_a_dict_gives_keys_and_items_gives_pairs() -> None:
    table = node({"a": 1, "b": 2})

    assert [key.data for key in table] == ["a", "b"]
    assert [(key.data, value.data) for key, value in table.items()] == [("a", 1), ("b", 2)]
    assert all(contain(value.parents, table) for _, value in table.items())


def test_iterating_text_tuples_and_sets() -> None:
    assert [letter.data for letter in node("ab")] == ["a", "b"]
    assert [item.data for item in node((1, 2))] == [1, 2]
    assert {item.data for item in node({1, 2})} == {1, 2}


def test_unpacking_what_has_no_items_is_an_error_that_feedback_can_reach() -> None:
    x = node(None)

    with pytest.raises(ExecutionError) as caught:
        _a, _b = x

    assert isinstance(caught.value.exception_node, ExceptionNode)
    assert contain(caught.value.exception_node.parents, x)


def test_text_methods_are_recorded() -> None:
    x = node(" A-b ")

    assert x.strip().lower().data == "a-b"
    assert x.split("-").data == [" A", "b "]
    assert x.replace("A", node("c")).data == " c-b "
    assert node(", ").join([node("a"), node("b")]).data == "a, b"
    assert [n.data for n in (x.upper(), x.title(), x.swapcase(), node("ab").capitalize())] == [
        " A-B ", " A-B ", " a-B ", "Ab",
    ]  # fmt: skip


def test_a_template_is_filled_with_nodes() -> None:
    told = node("{} of {total}").format(node(1), total=node(2))

    assert told.data == "1 of 2"
    assert [parent.data for parent in told.parents] == ["{} of {total}", 1, 2]


def test_text_is_concatenated_and_numbers_are_added() -> None:
    assert (node("a") + "b").op_name == "concat"
    assert ("a" + node("b")).data == "ab"
    assert (1 + node(2)).op_name == "add"


def test_a_function_in_a_node_is_called_through_the_node() -> None:
    double = node(lambda x: x * 2)

    y = double(node(4))

    assert y == 8
    assert len(y.parents) == 2


def test_attributes_and_methods_of_the_data_are_reached_by_name() -> None:
    class Box:
        size = 3

        def grown(self, by: Node[int]) -> Node[int]:
            return by + self.size

    box, by = node(Box()), node(2)

    assert box.getattr("size").data == 3
    grown = box.call("grown", by)
    assert grown.data == 5
    assert contain(grown.parents, by)
    assert contain(grown.parents[0].parents, box)


def test_pop_and_append_change_a_root() -> None:
    x = node([1, 2])

    last = x.pop()
    x.append(3)

    assert last.data == 2
    assert x.data == [1, 3]


def test_a_node_tells_its_name_type_and_value() -> None:
    assert str(node(1, name="x")) == "Node: (x:0, dtype=<class 'int'>, data=1)"


def test_a_message_node_can_be_made_by_hand() -> None:
    x = node(1)

    y = MessageNode(2, inputs=[x], description="[twice] Doubles.", info={"by": "hand"})

    assert (y.name, y.op_name, y.description) == ("twice:0", "twice", "Doubles.")
    assert y.info == {"by": "hand"}
    assert contain(y.parents, x)


def test_a_message_node_needs_an_operation_and_nodes() -> None:
    with pytest.raises(NodeError, match="operation"):
        MessageNode(1, inputs={}, description="no brackets")
    with pytest.raises(NodeError, match="no nodes"):
        MessageNode(1, inputs={"x": 3}, description="[f]")  # type: ignore[dict-item]


def test_the_graph_keeps_no_nodes() -> None:
    with pytest.raises(trace.errors.TraceError, match="keeps no nodes"):
        GRAPH.get("int:0")


def test_clearing_the_graph_starts_numbers_anew_and_keeps_names() -> None:
    x = node(1)
    GRAPH.clear()

    assert (x.name, node(1).name) == ("int:0", "int:0")


def test_a_plain_node_cannot_be_made_trainable() -> None:
    with pytest.raises(NodeError, match="trainable=True"):
        Node(1, trainable=True)
