"""What a program did, as text for a prompt, the same in every process and thread.

Lives here: `text_of`.
Never here: choosing what is shown (`opto.trace.render`), feedback and parameters, which a rollout
and its candidate have themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from opto.trace.base import Node
from opto.trace.nodes import ParameterNode
from opto.trace.propagators.graph_propagator import TraceGraph


def text_of(
    output: Any,
    feedback: str,
    parameters: Mapping[str, ParameterNode[Any]],
    *,
    budget_tokens: int,
) -> str:
    """The operations between parameters and output, with inputs, values and the output.

    Nothing is written to the parameters, as `backward` would: several threads may do this for one
    program at once. Empty if no parameter reached the output.

    Args:
        output: What the program returned.
        feedback: What was said about it; decides what is shown where not all can be.
        parameters: Component to parameter; they are shown by the names of components.
        budget_tokens: Length, about; 0 for no text.
    """
    if not budget_tokens or not isinstance(output, Node):
        return ""
    used = output.parameter_dependencies
    reached = [p for p in parameters.values() if p in used]
    if not reached:
        return ""
    from opto.trace.render import render  # noqa: PLC0415  (only where texts are wanted)

    graph = TraceGraph(said=[(output, feedback)], parameters=reached)
    shown = render(graph, budget_tokens=budget_tokens)
    rename = _Names(graph.nodes, parameters)
    parts = {
        "Operations": [rename(line) for line in shown.code],
        "Documentation": list(shown.documentation),
        "Inputs": [f"{rename(value.name)} = {value.text}" for value in shown.inputs],
        "Values": [f"{rename(value.name)} = {value.text}" for value in shown.others],
        "Output": [f"{rename(value.name)} = {value.text}" for value in shown.outputs],
    }
    return "\n".join(f"{title}:\n" + "\n".join(lines) for title, lines in parts.items() if lines)


class _Names:
    """Names that depend on the program alone: the graph numbers nodes over the whole process."""

    def __init__(
        self, nodes: Iterable[Node[Any]], parameters: Mapping[str, ParameterNode[Any]]
    ) -> None:
        paths = {id(parameter): path for path, parameter in parameters.items()}
        count: dict[str, int] = {}
        self._names: dict[str, str] = {}
        for node in nodes:
            base = node.py_name.removesuffix(node.id)
            number = count[base] = count.get(base, -1) + 1
            self._names[node.py_name] = paths.get(id(node), f"{base}{number}")
        longest = sorted(map(re.escape, self._names), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)({'|'.join(longest)})(?!\w)")

    def __call__(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._names[found[1]], text)
