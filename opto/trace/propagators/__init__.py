"""Sending feedback from an output to the parameters it was computed from.

Lives here: the walk, `backward`; the rules are beside it.
Never here: optimizers, prompts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opto.trace import state
from opto.trace.base import Node
from opto.trace.nodes import MessageNode, ParameterNode
from opto.trace.propagators.graph_propagator import GraphPropagator as GraphPropagator
from opto.trace.propagators.graph_propagator import TraceGraph as TraceGraph
from opto.trace.propagators.graph_propagator import deliver
from opto.trace.propagators.propagators import AbstractFeedback as AbstractFeedback
from opto.trace.propagators.propagators import AbstractPropagator as AbstractPropagator
from opto.trace.propagators.propagators import Propagator as Propagator
from opto.trace.propagators.propagators import SumPropagator as SumPropagator
from opto.trace.propagators.propagators import merged, total
from opto.trace.subgraph import dependent


def backward(
    sink: Node[Any],
    feedback: Any = "",
    propagator: AbstractPropagator | None = None,
    *,
    visualize: bool = False,
    **drawing: Any,
) -> Any:
    """Send `feedback` on `sink` to every trainable parameter it rests on. O(nodes + edges).

    Computed nodes are not changed and nothing is delivered if the rule raises. See
    `Node.backward` for the arguments.
    """
    order = dependent([sink])
    rule = GraphPropagator() if propagator is None else propagator
    if not isinstance(sink, MessageNode):
        if order:
            sink.feedback.setdefault(_oracle(), []).append(_about(rule, sink, feedback))
    elif type(rule) is GraphPropagator and not rule.override:
        deliver(sink, feedback, order)
    else:
        _carry(sink, rule.init_feedback(sink, feedback), rule, order)
    if not visualize:
        return None
    from opto.trace.draw import draw  # noqa: PLC0415  (drawing is loaded when asked for)
    from opto.trace.subgraph import between  # noqa: PLC0415

    return draw(between(None, [sink]) or [sink], feedback=str(feedback), **drawing)


def _carry(sink: Node[Any], first: Any, rule: AbstractPropagator, order: list[Node[Any]]) -> None:
    """Apply `rule` from the output to the roots, children before parents."""
    inbox: dict[int, dict[Any, list[Any]]] = {id(sink): {_oracle(): [first]}}
    token = state.inbox.set(inbox)
    try:
        for node in reversed(order):
            if not isinstance(node, MessageNode) or id(node) not in inbox:
                continue
            told = rule(node)
            told |= {parent: merged(node) for parent in node._hidden if parent not in told}
            for parent, part in told.items():
                if parent._needs:
                    inbox.setdefault(id(parent), {}).setdefault(node, []).append(part)
            del inbox[id(node)]
    finally:
        state.inbox.reset(token)
    for node in order:
        if isinstance(node, ParameterNode):
            for child, parts in inbox.get(id(node), {}).items():
                node.feedback.setdefault(child, []).extend(parts)


def _oracle() -> Node[str]:
    """Whoever gave the feedback, as the child it came from."""
    return Node("FEEDBACK_ORACLE", name="FEEDBACK_ORACLE")


def _about(rule: AbstractPropagator, sink: Node[Any], feedback: Any) -> Any:
    first = rule.init_feedback(sink, feedback)
    if isinstance(first, TraceGraph):
        first.parameters[id(sink)] = sink
    return first


def sum_feedback(nodes: Iterable[Node[Any]]) -> Any:
    """All feedback on all `nodes` added up: for the default rule one `TraceGraph`.

    Returns:
        0 where there is no feedback at all.
    """
    rest: list[Any] = []
    said: dict[tuple[int, str], tuple[Node[Any], Any]] = {}
    parameters: dict[int, Node[Any]] = {}
    for node in nodes:
        for part in {id(p): p for parts in node.feedback.values() for p in parts}.values():
            if isinstance(part, TraceGraph) and part.explicit is None:
                said |= {(id(sink), repr(word)): (sink, word) for sink, word in part.said}
                parameters |= part.parameters
            else:
                rest.append(part)
    if said:
        rest.insert(0, TraceGraph(said=said.values(), parameters=parameters.values()))
    return total(rest)
