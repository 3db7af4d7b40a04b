"""Between values and nodes: wrapping arguments, looking through containers.

Lives here: `as_node`, `to_data`, `contain`.
Never here: operators, bookkeeping of nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opto.trace.base import Node
from opto.trace.table import OPS


class NodeContainer:
    """Marker: the attributes of a subclass's instances may be nodes."""


CONTAINERS = frozenset({list, tuple, set, frozenset, dict})


def nodes_in(value: Any) -> list[Node[Any]]:
    """`value` if it is a node, or the nodes that a builtin container holds, at any depth."""
    found: list[Node[Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Node):
            found.append(item)
        elif type(item) in CONTAINERS and holds_node(item):
            stack += (*item, *item.values()) if type(item) is dict else item
    return found


def holds_node(value: Any) -> bool:
    """Does a builtin container hold a node, at any depth?"""
    kinds = set(map(type, (*value, *value.values()) if type(value) is dict else value))
    if kinds.isdisjoint(CONTAINERS):  # nearly always
        return any(issubclass(kind, Node) for kind in kinds)
    seen = {id(value)}  # a list may hold itself
    stack = [value]
    while stack:
        found = stack.pop()
        items = (*found, *found.values()) if type(found) is dict else found
        kinds = set(map(type, items))
        if any(issubclass(kind, Node) for kind in kinds):
            return True
        if not kinds.isdisjoint(CONTAINERS):
            inner = {id(item): item for item in items if type(item) in CONTAINERS}
            stack += [item for key, item in inner.items() if key not in seen]
            seen.update(inner)
    return False


def as_node(value: Any, name: str | None = None) -> Node[Any]:
    """`value` as a node. A container that holds nodes becomes a node computed from them."""
    if isinstance(value, Node):
        return value
    if type(value) in CONTAINERS and holds_node(value):
        return gathered(value, name)
    return root(value, name)


def root(value: Any, base: str | None) -> Node[Any]:
    """A root made without checks."""
    made: Node[Any] = Node.__new__(Node)
    made._open(value, base)
    made._text, made._needs, made._info = None, False, None
    return made


def gathered(value: Any, name: str | None) -> Node[Any]:
    """A container that holds nodes, as the output of the operator that makes such a container."""
    if type(value) is dict:
        flat: list[Any] = [part for pair in value.items() for part in pair]
        made = OPS["make_dict"](*flat)
    elif type(value) is list:
        made = OPS["make_list"](*value)
    elif type(value) is tuple:
        made = OPS["make_tuple"](*value)
    else:
        made = OPS["make_set"](*value)
        made._value = type(value)(made._value)  # a frozenset stays one
    if name is not None:
        made._rename(name)
    return made  # type: ignore[no-any-return]


def to_data(value: Any) -> Any:
    """`value` without nodes: a node's data, and containers that hold nodes with their data."""
    if isinstance(value, Node):
        return to_data(value._now)
    kind = type(value)
    if kind not in CONTAINERS or not holds_node(value):
        return value
    if kind is dict:
        return {to_data(key): to_data(item) for key, item in value.items()}
    return kind(to_data(item) for item in value)


def wrap_node(value: Any) -> Any:
    """Every leaf of a tree of containers as a node; leaves that are nodes stay as they are."""
    from opto.trace.broadcast import recursive_conversion  # noqa: PLC0415  (rarely needed)

    return recursive_conversion(lambda node: node, lambda leaf: root(leaf, None))(value)


def detach_inputs(value: Any) -> Any:
    """A tree of containers with a detached copy for every node in it."""
    from opto.trace.broadcast import recursive_conversion  # noqa: PLC0415

    return recursive_conversion(lambda node: node.detach(), lambda leaf: leaf)(value)


def contain(container: Iterable[Any], item: Any) -> bool:
    """Is this very object in `container`? A test with `in` would find equal values."""
    return any(found is item for found in container)
