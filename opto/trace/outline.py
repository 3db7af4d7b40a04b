"""The subgraph of a feedback as a list of operations that can be compared with one another.

Lives here: `Outline`: which nodes are operations, inputs, variables and outputs, what each
operation is in structure, and a name for every node that no other node has.
Never here: finding repeats (`opto.trace.fold`), text of values, budgets.
"""

from __future__ import annotations

import re
from typing import Any

from opto.trace.base import Node
from opto.trace.nodes import ExceptionNode, MessageNode
from opto.trace.propagators.graph_propagator import TraceGraph
from opto.trace.shorten import one_line, value_text

_NAMES = re.compile(r"[^\W\d][\w/]*")


class Operator:
    """A function as the operations of a trace show it: a name, what it does, and which one."""

    __slots__ = ("doc", "name", "number")

    def __init__(self, name: str, doc: str, number: int) -> None:
        self.name, self.doc, self.number = name, doc, number

    @property
    def mark(self) -> str:
        """`f`, or `f #2` for the second function of that name."""
        return self.name if self.number == 1 else f"{self.name} #{self.number}"


HIDDEN = "(reads)"
"""Stands for the argument name of a node that a function read without being given it."""


def slots(node: MessageNode[Any]) -> list[tuple[str, Node[Any]]]:
    """Argument names and inputs of an operation, then what it read besides."""
    given = list(zip(map(one_line, node._names), node._parents, strict=False))
    return given + [(HIDDEN, read) for read in node._hidden] if node._hidden else given


class Outline:
    """What is where in a subgraph. Built in one pass, O(nodes + edges)."""

    def __init__(self, graph: TraceGraph) -> None:
        self.nodes = graph.nodes
        self.sinks = list({id(sink): sink for sink, _ in graph.said}.values())
        self._deepest = max((sink.level for sink in self.sinks), default=0)
        words = graph.user_feedback
        self.feedback = "" if words is None else value_text(words)[0]
        self.said = {word for word in _NAMES.findall(self.feedback) if word[-1].isdigit()}
        """What may be the name of a node in the feedback."""
        self.ops: list[MessageNode[Any]] = []
        self.roots: list[Node[Any]] = []
        self.place: dict[int, int] = {}
        """By identity: the position of an operation, or `~position` of a root."""
        self.shapes: list[int] = []
        """For each operation a number; equal numbers, equal function and kinds of inputs."""
        self.made_by: list[int] = []
        """For each operation the number of its function in `operators`."""
        self.operators: list[Operator] = []
        self._operator_of: dict[Any, int] = {}
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}
        self._read()
        wanted = None if graph.explicit is not None else graph.parameters
        self.variables = [
            node for node in self.roots if node.trainable and (not wanted or id(node) in wanted)
        ]
        self.number = {id(node): number for number, node in enumerate(self.variables)}
        """By identity: the place in `variables`."""
        for node in self.variables:
            self.name(node)

    def _read(self) -> None:
        place, ops, roots, shapes = self.place, self.ops, self.roots, self.shapes
        known: dict[Any, int] = {}
        kinds: list[int] = []
        types: dict[Any, int] = {}
        for node in self.nodes:
            key = id(node)
            if node._needs and isinstance(node, MessageNode):
                shape = self._shape(node, kinds)
                if shape is not None:
                    place[key] = len(ops)
                    ops.append(node)
                    shapes.append(known.setdefault(shape, len(known)))
                    self.made_by.append(shape[0])
                    continue
            place[key] = ~len(roots)
            roots.append(node)
            kind = (type(node), type(node._value))
            kinds.append(types.setdefault(kind, len(types)))

    def _shape(self, node: MessageNode[Any], kinds: list[int]) -> tuple[Any, ...] | None:
        """Function, argument names and kinds of inputs; None if an input is not in the graph."""
        shape: list[Any] = [self._operator(node), node._names]
        get = self.place.get
        for parent in node._sources:
            at = get(id(parent))
            if at is None:
                return None
            shape.append(-1 if at >= 0 else kinds[~at])
        return tuple(shape)

    def _operator(self, node: MessageNode[Any]) -> int:
        maker = node._maker
        quick = (id(maker), node._op, node._doc)
        found = self._operator_of.get(quick)
        if found is None:
            found = self._operator_of[quick] = self._identified(node)
        return found

    def _identified(self, node: MessageNode[Any]) -> int:
        """Functions are told apart by name, description and code, which all processes agree on."""
        function = getattr(node._maker, "fun", None)
        code = None if isinstance(node, ExceptionNode) else getattr(function, "__code__", None)
        slow = (node._op, node._doc, code)
        found = self._operator_of.get(slow)
        if found is None:
            name = one_line(node._op)
            number = 1 + sum(1 for other in self.operators if other.name == name)
            found = self._operator_of[slow] = len(self.operators)
            self.operators.append(Operator(name, visible_doc(node._doc), number))
        return found

    def name(self, node: Node[Any]) -> str:
        """`py_name` on one line; a second node of that name gets a mark of its own."""
        key = id(node)
        found = self._names.get(key)
        if found is None:
            found = plain = one_line(node.py_name)
            number = 1
            while self._taken.setdefault(found, key) != key:
                number += 1
                found = f"{plain}__{number}"
            self._names[key] = found
        return found

    def named_in_feedback(self) -> list[int]:
        """The positions of the operations whose names the feedback says."""
        words = self.said
        if not words:
            return []
        return [at for at, node in enumerate(self.ops) if node.py_name in words]

    def steps(self, at: int, lag: int) -> tuple[int | None, ...]:
        """How far each input of operation `at` moved since operation `at - lag` of equal shape.

        0 for the very same node, None for another root, else the distance in operations.
        """
        place = self.place
        out: list[int | None] = []
        pairs = zip(self.ops[at]._sources, self.ops[at - lag]._sources, strict=False)
        for new, old in pairs:
            if new is old:
                out.append(0)
            else:
                here = place[id(new)]
                out.append(here - place[id(old)] if here >= 0 else None)
        return tuple(out)

    def depth(self, node: Node[Any]) -> int:
        """Operations between `node` and what is nearer, the roots or the furthest output."""
        return min(node._level, max(self._deepest - node._level, 0))


def visible_doc(doc: str | None) -> str:
    """A docstring with what cannot be seen made visible; nothing for None."""
    return value_text((doc or "").strip())[0]
