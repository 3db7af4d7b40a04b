"""Which nodes may change, and copies and pickles of nodes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from opto.trace import GRAPH, bundle, node
from opto.trace import operators as ops
from opto.trace.bundle import FunModule
from opto.trace.errors import ImmutableNodeError, TraceError
from opto.trace.nodes import MessageNode, ParameterNode
from opto.trace.utils import contain


@bundle()
def plain(x: int) -> int:
    return x + 1


@bundle(trainable=True, trust=True)
def trained(x: int) -> int:
    """Adds one."""
    return x + 1


def raw(x: int) -> int:
    return x + 1


inline: FunModule[..., Any] = bundle(trainable=True, trust=True)(raw)


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def test_a_computed_node_refuses_every_change() -> None:
    out = node("a") + "b"

    for change in (
        lambda: setattr(out, "_data", []),
        lambda: out._set([]),
        lambda: out.append(3),
        out.pop,
        lambda: ops.append(out, 3),
    ):
        with pytest.raises(ImmutableNodeError):
            change()

    assert out.data == "ab"


def test_a_changing_operator_gives_a_new_value_instead() -> None:
    out = node("a") + "b"

    assert ops.replace(out, "a", "c").data == "cb"
    assert out.data == "ab"


def test_deep_copies_of_a_structure_copy_each_node_once() -> None:
    p = node([1], trainable=True)
    p.backward("feedback")

    one, two = copy.deepcopy([p, p])

    assert one is two
    assert isinstance(one, ParameterNode)
    assert one.trainable
    assert one.feedback == {}
    assert one.data is not p.data


def test_a_deep_copy_of_a_node_that_holds_itself_ends() -> None:
    class Owner:
        pass

    owner = Owner()
    owner.node = node(owner)  # type: ignore[attr-defined]

    twin = copy.deepcopy(owner)

    assert twin.node.data is twin  # type: ignore[attr-defined]


def test_nodes_pickle_with_their_trace() -> None:
    p = node(3, name="p", trainable=True, description="small")
    out = plain(p * 2)

    twin = again(out)

    [q] = twin.parameter_dependencies
    assert (twin.data, q.name, q.description) == (7, p.name, "small")
    assert q is not p
    twin.backward("more")
    assert len(q.feedback) == 1
    assert contain(q.children, twin.parents[0])
    assert p.feedback == {}


def test_a_parameter_pickles_with_its_feedback() -> None:
    p = node(3, trainable=True)
    out = p + 1
    out.backward("more")

    q = again(p)

    [[heard]] = q.feedback.values()
    assert heard.user_feedback == "more"
    assert sorted(found.data for found in heard.nodes) == [1, 3, 4]
    assert contain(heard.nodes, q)
    assert heard.nodes[-1].data == 4
    (q + 5).backward("other")
    assert len(q.feedback) == 2


def test_code_pickles_as_text() -> None:
    before = trained.parameter.data  # type: ignore[union-attr]
    trained.parameter._data = before.replace("+ 1", "+ 10")  # type: ignore[union-attr]
    twin = again(trained)
    output = again(trained(1))
    trained.parameter._data = before  # type: ignore[union-attr]

    assert (trained(1), twin(1)) == (2, 11)
    assert output.data == 11
    code = output.inputs["__code"]
    assert "+ 10" in code.data
    assert code.check(code.data) == code.data


def test_functions_bundled_inline_pickle() -> None:
    twin = again(inline)

    assert twin(1) == 2
    assert twin.parameter is not inline.parameter
    assert again(plain)(1) == 2


def test_functions_that_no_module_has_do_not_pickle_and_say_so() -> None:
    local = bundle()(lambda x: x)

    with pytest.raises(TraceError, match="cannot be pickled"):
        pickle.dumps(local)
    assert again(local(1)).data == 1


def test_an_unpickled_node_is_a_node_of_this_process() -> None:
    data = pickle.dumps(node(1) + 2)
    later = node(5)

    out = pickle.loads(data)  # noqa: S301

    assert isinstance(out, MessageNode)
    assert out.serial > later.serial
    assert all(parent.serial < out.serial for parent in out.parents)


def test_the_graph_counts_without_holding() -> None:
    GRAPH.clear()
    for _ in range(3):
        node(1, name="x")

    assert node(1, name="x").name == "x:3"
