"""Walks over the graph: all that a value rests on, and the part that feedback can change.

Lives here: pure functions on nodes; every walk is a loop, O(nodes + edges).
Never here: feedback, rendering.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Any

from opto.trace.base import Node
from opto.trace.nodes import MessageNode

_serial = attrgetter("serial")


def ancestors(sinks: Iterable[Node[Any]]) -> list[Node[Any]]:
    """All that `sinks` rest on and the sinks themselves, in the order of execution."""
    found = {id(node): node for node in sinks}
    stack = list(found.values())
    while stack:
        node = stack.pop()
        if isinstance(node, MessageNode):
            for parent in node._parents:
                if id(parent) not in found:
                    found[id(parent)] = parent
                    stack.append(parent)
    return sorted(found.values(), key=_serial)


def dependent(sinks: Iterable[Node[Any]]) -> list[Node[Any]]:
    """The ancestors of `sinks`, and sinks, that rest on a trainable parameter, in order."""
    found = {id(node): node for node in sinks if node._needs}
    stack = list(found.values())
    while stack:
        node = stack.pop()
        if isinstance(node, MessageNode):
            for parent in node._sources:
                if parent._needs and id(parent) not in found:
                    found[id(parent)] = parent
                    stack.append(parent)
    return sorted(found.values(), key=_serial)


def between(
    parameters: Collection[Node[Any]] | None, sinks: Iterable[Node[Any]]
) -> list[Node[Any]]:
    """The minimal subgraph: every node on a path from a parameter to a sink, and its inputs.

    Args:
        parameters: Where the paths begin; None for all trainable parameters.
        sinks: Where they end.

    Returns:
        The nodes in the order of execution; each node's parents come before it. Inputs that no
        parameter reaches are there without what they were computed from.

    Source: the minimal subgraph of Cheng, Nie and Swaminathan, "Trace is the Next AutoDiff" (2024),
    section 3, built once per step instead of once per edge.
    """
    wanted = None if parameters is None else {id(node) for node in parameters}
    kept: dict[int, Node[Any]] = {}
    on_path: set[int] = set()
    for node in dependent(sinks):
        key = id(node)
        if isinstance(node, MessageNode):
            if wanted is not None and not any(id(parent) in on_path for parent in node._sources):
                continue
            for parent in node._sources:
                kept[id(parent)] = parent
        elif wanted is not None and key not in wanted:
            continue
        on_path.add(key)
        kept[key] = node
    return sorted(kept.values(), key=_serial)
