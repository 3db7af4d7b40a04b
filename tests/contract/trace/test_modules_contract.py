"""Objects with parameters, containers of them, and applying operators over trees."""

from __future__ import annotations

import copy
import functools
import pickle
import runpy
from pathlib import Path
from typing import Any

import pytest

from opto.trace import (
    Model,
    Module,
    Node,
    NodeContainer,
    ParameterNode,
    apply_op,
    bundle,
    model,
    node,
    operators,
)  # fmt: skip
from opto.trace.broadcast import recursive_conversion
from opto.trace.bundle import FunModule
from opto.trace.containers import Map, ParameterContainer, Seq
from opto.trace.errors import TraceError


class Base(Module[..., Any]):
    """One parameter and one trainable method."""

    def __init__(self) -> None:
        self.weight = node(1, trainable=True, name="weight")
        self.constant = node(5)

    @bundle(trainable=True, trust=True)
    def tool(self, x: int) -> int:
        return x

    @property
    def costly(self) -> int:
        raise AssertionError("a property was evaluated")

    def forward(self, x: Any) -> Any:
        return self.tool(x)


def plain_function() -> int:
    return 1


class Child(Base):
    """Overrides the method, and adds a parameter, a function and a module."""

    def __init__(self) -> None:
        super().__init__()
        self.more = node(2, trainable=True)
        self.function: FunModule[..., Any] = bundle(trainable=True)(plain_function)
        self.base = Base()

    @bundle(trainable=True, trust=True)
    def tool(self, x: int) -> int:
        return x + 1


@model
class Agent:
    """A class made trainable by the decorator."""

    def __init__(self) -> None:
        self.prompt = node("Be brief.", trainable=True, name="prompt")

    @bundle(trainable=True, trust=True)
    def act(self, x: int) -> int:
        return x + 1


class Pair(NodeContainer):
    """A container of nodes."""

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right


def test_a_module_is_called_through_forward_and_lists_its_parameters() -> None:
    base = Base()

    assert base(3) == 3
    assert len(base.parameters()) == 2
    assert set(base.parameters_dict()) == {"weight", "tool"}


def test_parameters_of_children_are_found_and_each_once() -> None:
    child = Child()
    child.again = child.weight  # type: ignore[attr-defined]

    assert len(child.parameters()) == 6
    assert len({id(found) for found in child.parameters()}) == 6
    assert set(child.parameters_dict()) == {
        "weight", "again", "tool", "more", "function", "base",
    }  # fmt: skip
    assert child(3) == 4


def test_a_model_is_a_class_of_another_name_with_parameters() -> None:
    agent = Agent()

    assert isinstance(agent, Model)
    assert type(agent).__name__ == "AgentModel"
    assert [type(found) for found in agent.parameters()].count(ParameterNode) == 1
    assert len(agent.parameters()) == 2
    assert agent.act(1) == 2


def test_a_model_may_derive_from_plain_classes_and_be_derived_from() -> None:
    class Plain:
        @bundle()
        def one(self) -> int:
            return 1

    @model
    class Derived(Plain):
        @bundle(trainable=True)
        def add(self, x: int) -> int:
            return self.one() + x

    class Further(Derived):
        pass

    assert Derived().add(1) == 2
    assert len(Further().parameters()) == 1


def test_a_copy_shares_the_parameters_and_nothing_else() -> None:
    agent = Agent()
    agent.notes = []  # type: ignore[attr-defined]

    twin = agent.copy()

    assert twin is not agent
    assert twin.notes is not agent.notes
    assert [a is b for a, b in zip(agent.parameters(), twin.parameters(), strict=True)] == [
        True
    ] * 2


def test_a_deep_copy_has_parameters_of_its_own() -> None:
    agent = Agent()

    twin = copy.deepcopy(agent)

    assert not {id(found) for found in agent.parameters()} & {id(p) for p in twin.parameters()}
    assert twin.act(1) == 2
    assert twin.act(1).inputs["self"].data is twin


def test_saving_and_loading_keeps_values_and_code(tmp_path: Path) -> None:
    child, other = Child(), Child()
    child.weight._data = 7
    child.base.weight._data = 8
    code = child.tool.parameter
    assert code is not None
    code._data = code.data.replace("x + 1", "x + 50")

    child.save(tmp_path / "child.json")
    other.load(tmp_path / "child.json")

    assert (other.weight.data, other.base.weight.data) == (7, 8)
    assert other.tool(1) == 51


def test_values_are_set_by_name() -> None:
    child = Child()

    child._set({"weight": 3, "base": {"weight": node(4)}})

    assert (child.weight.data, child.base.weight.data) == (3, 4)
    with pytest.raises(TraceError, match="no parameter 'wait'"):
        child._set({"wait": 1})


def test_a_partial_of_a_trainable_function_is_refused() -> None:
    base = Base()
    base.fixed = functools.partial(bundle(trainable=True)(plain_function))  # type: ignore[attr-defined]

    with pytest.raises(TraceError, match="partial"):
        base.parameters()


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="forward"):
        Module()()


def test_lists_and_dicts_of_parts_have_parameters() -> None:
    a, b = node(1, trainable=True), node(2, trainable=True)

    items = Seq(a, 3, Map({"b": b, "text": "x"}))
    nested = Seq([Base(), Base()])

    assert isinstance(items, ParameterContainer)
    assert [found is wanted for found, wanted in zip(items.parameters(), (a, b), strict=True)]
    assert len(nested.parameters()) == 4
    assert Map({a: 1}).parameters()[0] is a
    assert len(Seq([a, b])) == 2


def test_models_lists_and_dicts_pickle() -> None:
    agent = Agent()
    agent.prompt._data = "Be long."
    code = agent.act.parameter
    assert code is not None
    code._data = code.data.replace("x + 1", "x + 9")

    again = pickle.loads(pickle.dumps(agent))  # noqa: S301

    assert again.prompt.data == "Be long."
    assert again.act(1) == 10
    assert agent.act(1) == 10
    for holder in (Seq(node(1, trainable=True)), Map(a=node(1, trainable=True))):
        [found] = pickle.loads(pickle.dumps(holder)).parameters()  # noqa: S301
        assert found.data == 1


def test_an_operator_is_applied_over_trees_of_nodes() -> None:
    left = {"a": [node(1), "text"], "b": node(2), "c": Pair(node(3), (node(4),))}
    right = {"a": [node(10), "text"], "b": node(20), "c": Pair(node(30), (node(40),))}
    output = {"a": [node(0), "kept"], "b": node(0), "c": Pair(node(0), (node(0),))}

    done = apply_op(operators.add, output, left, right)

    assert done is output
    assert done["a"][0] == 11
    assert done["a"][1] == "kept"
    assert done["b"] == 22
    assert (done["c"].left, done["c"].right[0]) == (33, 44)


def test_a_single_node_is_used_at_every_leaf() -> None:
    done = apply_op(operators.multiply, [node(0), node(0)], [node(2), node(3)], node(10))

    assert [leaf.data for leaf in done] == [20, 30]
    assert apply_op(operators.add, node(0), node(1), node(2)) == 3


def test_leaves_of_a_tree_are_mapped_by_kind() -> None:
    convert = recursive_conversion(lambda found: found.data, str)
    tree = ([node(1), 2], {"a": {3}}, Pair(node(4), 5))

    numbers, table, pair = convert(tree)

    assert numbers == [1, "2"]
    assert table == {"a": {"3"}}
    assert (pair.left, pair.right) == (4, "5")
    assert isinstance(tree[2].left, Node)


def test_a_trained_model_is_exported_as_plain_python(tmp_path: Path) -> None:
    agent = Agent()
    agent.prompt._data = "Be kind."
    code = agent.act.parameter
    assert code is not None
    code._data = code.data.replace("x + 1", "x + 7")

    agent.export(tmp_path / "agent.py")

    text = (tmp_path / "agent.py").read_text(encoding="utf-8")
    assert "bundle" not in text
    assert "@" not in text
    plain = runpy.run_path(str(tmp_path / "agent.py"))["Agent"]()
    assert (plain.prompt, plain.act(1)) == ("Be kind.", 8)
