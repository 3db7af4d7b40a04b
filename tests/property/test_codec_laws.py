"""Laws of saving and loading: what comes back is what went in, and nothing else gets in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from opto.trace import node
from opto.trace.codec import load_graph, save_graph
from opto.trace.errors import TraceError
from opto.trace.nodes import Node, ParameterNode
from opto.trace.operators import add, concat, multiply
from opto.trace.subgraph import ancestors
from opto.trace.values import Opaque, decode, encode

TEXTS = st.text(st.characters(codec=None))
KEYS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    KEYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(KEYS, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def pattern(value: Any) -> Any:
    """Something that is equal exactly where type and content are: -0.0, nan and order included."""
    kind = type(value)
    if kind is float:
        return ("float", "nan" if math.isnan(value) else value.hex())
    if kind in (list, tuple):
        return (kind.__name__, [pattern(item) for item in value])
    if kind in (set, frozenset):
        return (kind.__name__, sorted(map(repr, map(pattern, value))))
    if kind is dict:
        return ("dict", [(pattern(key), pattern(item)) for key, item in value.items()])
    return (kind.__name__, value)


def through_text(document: Any) -> Any:
    return json.loads(json.dumps(document, ensure_ascii=False, allow_nan=False).encode())


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = decode(through_text(encode(value, where="x")), where="x")

    assert pattern(back) == pattern(value)


@given(VALUES)
def test_the_same_value_is_written_the_same_way_again(value: Any) -> None:
    written = encode(value, where="x")

    assert encode(decode(written, where="x"), where="x") == written


@given(JSON)
def test_any_json_is_a_value_or_an_error(tree: Any) -> None:
    try:
        value = decode(tree, where="x")
    except TraceError:
        return

    kept = encode(value, where="x", keep_opaque=True)
    assert pattern(decode(kept, where="x")) == pattern(value)


@st.composite
def traces(draw: st.DrawFn) -> list[Node[Any]]:
    """Some outputs of a random graph, with feedback on some."""
    number = draw(st.integers(1, 4))
    nodes: list[Node[Any]] = [
        node(
            draw(st.integers(-9, 9)),
            name=draw(st.sampled_from(["a", "b", "scope/a", "ünï", '"']) | st.none()),
            trainable=draw(st.booleans()),
            description=draw(st.none() | TEXTS),
        )
        for _ in range(number)
    ]
    nodes.append(ParameterNode([object(), draw(VALUES)], trainable=draw(st.booleans())))
    for _ in range(draw(st.integers(0, 12))):
        operation = draw(st.sampled_from([add, multiply]))
        numbers = [found for found in nodes if isinstance(found.data, int)]
        nodes.append(operation(draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))))
        if draw(st.booleans()):
            nodes[-1].backward(draw(TEXTS))
    nodes.append(concat(nodes[number], nodes[number]))
    return draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=4))


def picture(sinks: list[Node[Any]]) -> list[Any]:
    """Structure and values, by the places of nodes."""
    order = ancestors(sinks)
    place = {id(found): number for number, found in enumerate(order)}
    return [
        (
            type(found),
            found.name,
            found.level,
            found.op_name,
            found.description,
            found.trainable,
            [place[id(parent)] for parent in found.parents],
            list(getattr(found, "inputs", {})),
            "object" if isinstance(found.data, list) else pattern(found.data),
            sorted(
                (child.name, [str(part.user_feedback) for part in parts])
                for child, parts in found.feedback.items()
            ),
        )
        for found in order
    ] + [place[id(sink)] for sink in sinks]


@settings(max_examples=60, deadline=None)
@given(traces())
def test_a_trace_comes_back_as_it_was(sinks: list[Node[Any]]) -> None:
    document = save_graph(sinks)

    back = load_graph(through_text(document))

    assert picture(back) == picture(sinks)
    assert save_graph(back) == document


@settings(max_examples=60, deadline=None)
@given(traces(), st.data())
def test_a_changed_file_is_a_trace_or_an_error(sinks: list[Node[Any]], data: st.DataObject) -> None:
    document = through_text(save_graph(sinks))
    holder, key = data.draw(st.sampled_from(places(document)))
    holder[key] = data.draw(JSON | st.integers(0, 20))

    try:
        back = load_graph(document)
    except TraceError:
        return

    assert all(isinstance(found, Node) for found in back)
    again = load_graph(save_graph(back))
    assert len(ancestors(again)) == len(ancestors(back))


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every entry of every list and object of a JSON tree."""
    found: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        holder = stack.pop()
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, inner in pairs:
            found.append((holder, key))
            if isinstance(inner, dict | list):
                stack.append(inner)
    return found


@settings(max_examples=200)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_no_trace(tmp_path_factory: Any, data: bytes) -> None:
    file = Path(tmp_path_factory.getbasetemp()) / "any.json"
    file.write_bytes(data)

    try:
        load_graph(file)
    except TraceError:
        return
    raise AssertionError(data)


def test_what_is_left_of_a_value_is_compared_by_its_text() -> None:
    one, two = Opaque("a.B", "<b>"), Opaque("a.B", "<b>")

    assert one == two
    assert repr(one) == "<not saved: a.B <b>>"
