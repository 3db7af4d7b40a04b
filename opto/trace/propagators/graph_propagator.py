"""The default rule: feedback is the user's words and the subgraph they are about.

Lives here: `TraceGraph`, a subgraph that is worked out when looked at, and `GraphPropagator`.
Never here: turning the subgraph into a prompt (`opto.trace.render`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from opto.trace.base import Node
from opto.trace.nodes import MessageNode, ParameterNode
from opto.trace.propagators.propagators import AbstractFeedback, Propagator, merged
from opto.trace.subgraph import between


class TraceGraph(AbstractFeedback):
    """What the user said about outputs, and the minimal subgraph from parameters to them.

    It holds outputs and parameters; the nodes between are found by `nodes`, so adding many of them
    costs nothing. `graph` has the `(level, node)` pairs that Trace's users know.
    """

    __slots__ = ("explicit", "parameters", "said")

    def __init__(
        self,
        graph: Sequence[tuple[int, Node[Any]]] | None = None,
        user_feedback: Any = None,
        *,
        said: Iterable[tuple[Node[Any], Any]] = (),
        parameters: Iterable[Node[Any]] = (),
    ) -> None:
        """Hold explicit `(level, node)` pairs and a feedback, or outputs and parameters."""
        self.explicit = None if graph is None else sorted(graph, key=lambda pair: pair[0])
        pairs = list(said)
        if graph and not pairs:
            pairs = [(self.explicit[-1][1] if self.explicit else graph[-1][1], user_feedback)]
        self.said: tuple[tuple[Node[Any], Any], ...] = tuple(pairs)
        """Each output with what was said about it, in the order of `backward`."""
        self.parameters = {id(node): node for node in parameters}

    @property
    def nodes(self) -> list[Node[Any]]:
        """The minimal subgraph in the order of execution. O(ancestors of the outputs)."""
        if self.explicit is not None:
            return [node for _, node in self.explicit]
        return between(self.parameters.values(), [sink for sink, _ in self.said])

    @property
    def graph(self) -> list[tuple[int, Node[Any]]]:
        """`(level, node)` of every node, by level."""
        if self.explicit is not None:
            return self.explicit
        return sorted(((node.level, node) for node in self.nodes), key=lambda pair: pair[0])

    @property
    def user_feedback(self) -> Any:
        """What was said; different words about different outputs are told apart by their names."""
        words = list({repr(word): word for _, word in self.said}.values())
        if len(words) <= 1:
            return words[0] if words else None
        lines: dict[str, None] = {}
        for sink, word in self.said:
            lines[f"On {sink.py_name}: {word}"] = None
        return "\n".join(lines)

    def empty(self) -> bool:
        """Is there nothing in it?"""
        return not self.said and not self.explicit

    def is_empty(self) -> bool:
        return self.empty()

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[tuple[int, Node[Any]]]:
        return iter(self.graph)

    def __bool__(self) -> bool:
        return not self.empty()

    def __add__(self, other: Any) -> TraceGraph:
        if not isinstance(other, TraceGraph):
            return self if other == 0 else NotImplemented
        if other is self:
            return self
        seen = {(id(sink), repr(word)): (sink, word) for sink, word in (*self.said, *other.said)}
        total = TraceGraph(said=seen.values())
        total.parameters = self.parameters | other.parameters
        if self.explicit is not None or other.explicit is not None:
            pairs = {id(node): (level, node) for level, node in (*self.graph, *other.graph)}
            total.explicit = sorted(pairs.values(), key=lambda pair: (pair[0], pair[1].serial))
        return total

    def visualize(self, **drawing: Any) -> Any:
        """A drawing of the subgraph; options as in `opto.trace.draw`."""
        from opto.trace.draw import draw  # noqa: PLC0415

        return draw(self.nodes, feedback=str(self.user_feedback), **drawing)

    def expand(self, node: Node[Any]) -> TraceGraph:
        """The graph inside a function with `traceable_code=True`; itself for other nodes."""
        if node.inner is None:
            return self
        return TraceGraph(
            [(part.level, part) for part in between(None, [node.inner])] or [(0, node.inner)],
            self.user_feedback,
        )

    def _repr_html_(self) -> str:
        return str(self.visualize()._repr_html_())


class GraphPropagator(Propagator):
    """Carries the user's words and the subgraph between the parameter and the output."""

    def init_feedback(self, node: Node[Any], feedback: Any) -> TraceGraph:
        return TraceGraph(said=[(node, feedback)])

    def _propagate(self, child: MessageNode[Any]) -> dict[Node[Any], Any]:
        heard = merged(child)
        out: dict[Node[Any], Any] = {}
        for parent in child._sources:
            if isinstance(parent, ParameterNode) and isinstance(heard, TraceGraph):
                out[parent] = heard + TraceGraph(parameters=[parent])
            else:
                out[parent] = heard
        return out


def deliver(sink: Node[Any], feedback: Any, order: Sequence[Node[Any]]) -> None:
    """What `GraphPropagator` amounts to, without carrying anything: one pass over the edges.

    Every parameter gets, for each child in the subgraph, one shared `TraceGraph`.
    """
    own: dict[int, TraceGraph] = {}
    said = ((sink, feedback),)
    for node in order:
        if not isinstance(node, MessageNode):
            own[id(node)] = TraceGraph(said=said, parameters=[node])
    for node in order:
        if not isinstance(node, MessageNode):
            continue
        for parent in node._sources:
            heard = own.get(id(parent))
            if heard is not None:
                parts = parent.feedback.setdefault(node, [])
                if not parts or parts[-1] is not heard:
                    parts.append(heard)
