"""A saved trace as nodes again.

Lives here: `load_graph`.
Never here: writing (`opto.trace.recorded`); running, importing or compiling anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from opto.trace import state
from opto.trace.base import Node
from opto.trace.document import checked_document, read_document
from opto.trace.errors import TraceError
from opto.trace.nodes import ExceptionNode, MessageNode, ParameterNode
from opto.trace.propagators.graph_propagator import TraceGraph
from opto.trace.recorded import FORMAT, VERSION
from opto.trace.text import preview
from opto.trace.values import decode

N = TypeVar("N", bound=Node[Any])
_LARGEST = 2**53
"""Numbers in names beyond it are no counting."""


def load_graph(source: str | Path | Mapping[str, Any]) -> list[Node[Any]]:
    """The nodes that were given to `save_graph`, in that order, on the trace they rest on.

    They have the names they had, so a node made in this process may be called the same. Parameters
    are trainable as they were and have their feedback; `backward` works as on the original. Values
    that were not saved are `opto.trace.values.Opaque`.

    Args:
        source: A file of `save_graph`, or the document it returned.

    Raises:
        TraceError: It is no such document, or nodes in it refer to what is not there.
    """
    if isinstance(source, Mapping):
        where = "The document"
        document = checked_document(dict(source), where=where, kind=FORMAT, version=VERSION)
    else:
        where = str(source)
        document = read_document(Path(source), kind=FORMAT, version=VERSION)
    reader = _Reader(where)
    try:
        return reader.read(document)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as fault:
        raise TraceError(
            f"{where} cannot be read at {reader.at}: {type(fault).__name__}:"
            f" {preview(str(fault), 200)}.",
            fix="The file was changed or damaged; take one that was saved.",
        ) from fault


class _Reader:
    """One document being read; `at` says how far it has come."""

    def __init__(self, where: str) -> None:
        self.where, self.at = where, "its start"
        self.nodes: list[Node[Any]] = []
        self.operations: list[dict[str, Any]] = []

    def read(self, document: Mapping[str, Any]) -> list[Node[Any]]:
        """Make all nodes, parents first, then their feedback."""
        entries = _list(document["nodes"])
        for number, entry in enumerate(_list(document["operations"])):
            self.at = f"operation {number}"
            found = {key: self.value(entry[key]) for key in ("op", "doc", "function", "source")}
            _check_text(found["op"], found["doc"], found["function"] or "", found["source"] or "")
            self.operations.append(found)
        for number, entry in enumerate(entries):
            self.at = f"node {number}"
            self.nodes.append(self.node(entry))
        heard: list[Any] = []
        for number, entry in enumerate(_list(document["feedback"])):
            self.at = f"feedback {number}"
            heard.append(self.feedback(entry))
        for number, entry in enumerate(entries):
            self.at = f"the feedback of node {number}"
            self.hear(self.nodes[number], entry.get("feedback", []), heard)
        self.at = "the outputs"
        return self.all_of(document["outputs"])

    def value(self, tree: Any) -> Any:
        """A value; text and numbers are most of them, so they go the short way."""
        if type(tree) in (str, int, float):
            return tree
        return decode(tree, where=f"{self.at} of {self.where}")

    def one(self, number: Any) -> Node[Any]:
        """A node that is there already, by its number."""
        if type(number) is not int or not 0 <= number < len(self.nodes):
            raise ValueError(f"there is no node {preview(number, 40)} at this place")
        return self.nodes[number]

    def all_of(self, numbers: Any) -> list[Node[Any]]:
        """Nodes by their numbers."""
        return [self.one(number) for number in _list(numbers)]

    def node(self, entry: Mapping[str, Any]) -> Node[Any]:
        """One node, whose parents are there."""
        kind, base, number = entry["kind"], self.value(entry["name"]), entry["number"]
        _check_text(base)
        if not base or ":" in base or type(number) is not int or not 0 <= number < _LARGEST:
            raise ValueError(f"no name of a node: {preview(base, 40)}, {preview(number, 40)}")
        slots = {"_base": base, "_index": number, "_value": self.value(entry["value"])}
        slots |= {"_info": None, "_level": 0, "_needs": False}
        if kind in ("operation", "exception"):
            return self.computed(entry, slots, exception=kind == "exception")
        if kind not in ("input", "parameter"):
            raise ValueError(f"unknown kind {preview(kind, 40)}")
        text = self.value(entry.get("description"))
        _check_text(text or "")
        slots["_text"] = text
        if kind == "input":
            return _restored(Node, slots)
        trainable = entry["trainable"]
        if type(trainable) is not bool:
            raise TypeError("trainable is true or false")
        slots |= {"_needs": trainable, "_trainable": trainable, "projections": [], "_feedback": {}}
        return _restored(ParameterNode, slots)

    def computed(
        self, entry: Mapping[str, Any], slots: dict[str, Any], *, exception: bool
    ) -> Node[Any]:
        """The node of a call."""
        place = entry["operation"]
        if type(place) is not int or not 0 <= place < len(self.operations):
            raise ValueError(f"there is no operation {preview(place, 40)}")
        made = self.operations[place]
        names = [self.value(name) for name, _ in entry["inputs"]]
        _check_text(*names)
        info = {"fun_name": made["function"], "doc": made["doc"], "source": made["source"]}
        if exception:
            _check_text(slots["_value"])
            info |= {key: self.value(text) for key, text in entry["info"].items()}
        slots |= {
            "_info": info,
            "_op": made["op"],
            "_doc": made["doc"],
            "_extra": None,
            "_hidden": (),
            "_names": (),
            "_parents": (),
        }
        node = _restored(ExceptionNode if exception else MessageNode, slots)
        node.link(tuple(names), tuple(self.one(parent) for _, parent in entry["inputs"]))
        if hidden := self.all_of(entry.get("read_inside", [])):
            token = state.tracing.set(True)  # whatever the current context does
            try:
                node._hide(tuple(hidden))
            finally:
                state.tracing.reset(token)
        return node

    def feedback(self, entry: Mapping[str, Any]) -> Any:
        """One feedback."""
        if "value" in entry:
            return self.value(entry["value"])
        heard = TraceGraph(
            said=[(self.one(sink), self.value(word)) for sink, word in entry["said"]],
            parameters=self.all_of(entry["parameters"]),
        )
        if "graph" in entry:
            pairs = [(level, self.one(number)) for level, number in entry["graph"]]
            if not all(type(level) is int for level, _ in pairs):
                raise TypeError("levels are whole numbers")
            heard.explicit = pairs
        return heard

    def hear(self, node: Node[Any], entry: Any, heard: Sequence[Any]) -> None:
        """Give a parameter its feedback."""
        for child, parts in _list(entry):
            if not all(type(part) is int and 0 <= part < len(heard) for part in _list(parts)):
                raise ValueError("there is no such feedback")
            if not isinstance(node, ParameterNode):
                raise TypeError("only parameters keep feedback")
            node.feedback[self.one(child)] = [heard[part] for part in parts]


def _restored(kind: type[N], slots: Mapping[str, Any]) -> N:
    """A node with all its slots."""
    node = kind.__new__(kind)
    node.__setstate__(slots)
    return node


def _list(found: Any) -> list[Any]:
    if type(found) is not list:
        raise TypeError(f"a list is needed, not {type(found).__name__}")
    return found


def _check_text(*texts: Any) -> None:
    for text in texts:
        if type(text) is not str:
            raise TypeError(f"text is needed, not {type(text).__name__}")
