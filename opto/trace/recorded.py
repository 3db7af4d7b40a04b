"""A trace as JSON: nodes in the order of execution, and what was said about them.

A file holds the ancestors of some nodes, and all that feedback on their parameters is about. Source
text is kept for reading; a loaded node has no function. Inner graphs (`traceable_code=True`) and
`info` given by hand are not kept.

Lives here: `save_graph`.
Never here: how a value is written (`opto.trace.values`), reading (`opto.trace.replayed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from opto.trace.base import Node
from opto.trace.document import write_document
from opto.trace.nodes import ExceptionNode, MessageNode, ParameterNode
from opto.trace.propagators.graph_propagator import TraceGraph
from opto.trace.values import encode

FORMAT, VERSION = "opto.trace", 1


def save_graph(
    nodes: Node[Any] | Sequence[Node[Any]], path: str | Path | None = None
) -> dict[str, Any]:
    """Write the trace that `nodes` rest on as JSON. O(nodes + edges), no recursion.

    Args:
        nodes: Outputs, or any nodes; their ancestors are saved with them.
        path: The file; None writes none.

    Returns:
        The document. Values that JSON cannot hold are in it as type and `repr`, marked `opaque`.

    Raises:
        TraceError: The file cannot be written.
    """
    outputs = [nodes] if isinstance(nodes, Node) else list(nodes)
    document = _Writer(outputs).document()
    if path is not None:
        write_document(document, Path(path), indent=None)
    return document


class _Writer:
    """One document in the making; nodes, operations and feedback are told apart by number."""

    def __init__(self, outputs: Sequence[Node[Any]]) -> None:
        self.outputs = outputs
        self.order = _reached(outputs)
        self.place = {id(node): number for number, node in enumerate(self.order)}
        self.operations: list[dict[str, Any]] = []
        self.operation_of: dict[tuple[Any, ...], int] = {}
        self.heard: list[dict[str, Any]] = []
        self.heard_of: dict[int, int] = {}

    def document(self) -> dict[str, Any]:
        """All of it."""
        nodes = [self.entry(node) for node in self.order]
        return {
            "format": FORMAT,
            "version": VERSION,
            "outputs": self.places(self.outputs),
            "operations": self.operations,
            "feedback": self.heard,
            "nodes": nodes,
        }

    def places(self, nodes: Sequence[Node[Any]]) -> list[int]:
        """The numbers of some nodes."""
        return [self.place[id(node)] for node in nodes]

    def entry(self, node: Node[Any]) -> dict[str, Any]:
        """One node."""
        entry: dict[str, Any] = {
            "kind": _kind(node),
            "name": _kept(node._base),
            "number": node._index,
            "value": _kept(node._now),
        }
        if isinstance(node, MessageNode):
            entry["operation"] = self.operation(node)
            names = map(_kept, node._names)
            places = self.places(node._parents)
            entry["inputs"] = list(map(list, zip(names, places, strict=False)))
            if node._hidden:
                entry["read_inside"] = self.places(node._hidden)
            if isinstance(node, ExceptionNode):
                info = node.info or {}
                entry["info"] = {
                    key: _kept(info.get(key)) for key in ("traceback", "error_comment")
                }
        elif node.description is not None:
            entry["description"] = _kept(node.description)
        if isinstance(node, ParameterNode):
            entry["trainable"] = node.trainable
            entry["feedback"] = [
                [self.place[id(child)], [self.hear(part) for part in parts]]
                for child, parts in node.feedback.items()
            ]
        return entry

    def operation(self, node: MessageNode[Any]) -> int:
        """The number of the operation that made `node`, with its source."""
        maker = node._maker
        known = None if maker is not None else _told(node)
        key = (node._op, node._doc, id(maker), known)
        found = self.operation_of.get(key)
        if found is None:
            found = self.operation_of[key] = len(self.operations)
            function, source = known or _source(maker)
            entry = {"op": node._op, "doc": node._doc, "function": function, "source": source}
            self.operations.append({name: _kept(text) for name, text in entry.items()})
        return found

    def hear(self, part: Any) -> int:
        """The number of a feedback; one that several children share is written once."""
        found = self.heard_of.get(id(part))
        if found is None:
            found = self.heard_of[id(part)] = len(self.heard)
            self.heard.append(self.feedback(part))
        return found

    def feedback(self, part: Any) -> dict[str, Any]:
        """One feedback: a graph by its nodes, anything else by its value."""
        if not isinstance(part, TraceGraph):
            return {"value": _kept(part)}
        entry: dict[str, Any] = {
            "said": [[self.place[id(sink)], _kept(word)] for sink, word in part.said],
            "parameters": self.places(list(part.parameters.values())),
        }
        if part.explicit is not None:
            entry["graph"] = [[level, self.place[id(node)]] for level, node in part.explicit]
        return entry


def _kept(value: Any) -> Any:
    return encode(value, where="A value of the trace", keep_opaque=True)


def _kind(node: Node[Any]) -> str:
    if isinstance(node, ExceptionNode):
        return "exception"
    if isinstance(node, MessageNode):
        return "operation"
    return "parameter" if isinstance(node, ParameterNode) else "input"


def _source(maker: Any) -> tuple[str, str | None]:
    """Name and source of the function. An operator's needs none; trained code is a parameter."""
    if maker.options.quick or maker.parameter is not None:
        return maker.__name__, None
    return maker.__name__, maker.info["source"]


def _told(node: MessageNode[Any]) -> tuple[str | None, str | None]:
    """Name and source of the function of a node that was loaded, or made by hand."""
    info = node._info or {}
    name, source = info.get("fun_name"), info.get("source")
    return name if isinstance(name, str) else None, source if isinstance(source, str) else None


def _reached(outputs: Sequence[Node[Any]]) -> list[Node[Any]]:
    """The nodes that must be there to say all about `outputs`, in the order of execution."""
    found = {id(node): node for node in outputs}
    stack = list(found.values())
    while stack:
        for other in _needed(stack.pop()):
            if id(other) not in found:
                found[id(other)] = other
                stack.append(other)
    return sorted(found.values(), key=attrgetter("serial"))


def _needed(node: Node[Any]) -> Iterator[Node[Any]]:
    """The nodes that are named where `node` is written."""
    if isinstance(node, MessageNode):
        yield from node._parents
        yield from node._hidden
    if isinstance(node, ParameterNode):
        for child, parts in node.feedback.items():
            yield child
            for part in parts:
                if isinstance(part, TraceGraph):
                    yield from (sink for sink, _ in part.said)
                    yield from part.parameters.values()
                    yield from (other for _, other in part.explicit or ())
