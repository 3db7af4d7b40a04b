"""Carrying feedback backward in words: which edges there are, and what has been said on each node.

Lives here: the walk; it is pure, what is said on an edge is the caller's.
Never here: models, prompts, parameters' values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from opto.optimizers.problem import fence
from opto.trace.base import Node
from opto.trace.nodes import MessageNode
from opto.trace.propagators.graph_propagator import TraceGraph

Edge = Callable[[MessageNode[Any], Node[Any], list[str]], str | None]


def carry(graph: TraceGraph, say: Edge) -> dict[int, list[str]]:
    """What is said on each node, by its id, each text once, in the order it came.

    Args:
        graph: What the user said, and about what.
        say: Asked once per edge from a node to an input that leads to a parameter, children
            before parents, with all that was said on the node; None says nothing.
    """
    nodes = graph.nodes
    on_path = _on_path(nodes, graph)
    heard: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for sink, words in graph.said:
        heard[id(sink)][str(words)] = None
    for node in reversed(nodes):
        if not isinstance(node, MessageNode) or not heard.get(id(node)):
            continue
        for parent in node.parents:
            if id(parent) in on_path and (words := say(node, parent, list(heard[id(node)]))):
                heard[id(parent)][words] = None
    return {key: list(texts) for key, texts in heard.items()}


def _on_path(nodes: Sequence[Node[Any]], graph: TraceGraph) -> set[int]:
    """The nodes that lead from a parameter to an output; parents come first in `nodes`."""
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, MessageNode):
            if any(id(parent) in found for parent in node.parents):
                found.add(id(node))
        elif node.trainable and id(node) in graph.parameters:
            found.add(id(node))
    return found


def listed(texts: Sequence[str]) -> str:
    """Texts in fences, numbered if there are several."""
    if len(texts) == 1:
        return fence(texts[0])
    return "\n".join(f"{number}.\n{fence(text)}" for number, text in enumerate(texts, start=1))
