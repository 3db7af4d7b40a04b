"""The subgraph of a feedback as what an optimizer's model reads, within a budget of tokens.

Small graphs are shown whole. In others repeats fold into one line each, beginning, end and odd
iterations kept; then the least important lines merge and values are shortened. Variables and
feedback are never shortened.

Lives here: `render` and its result.
Never here: prompts, section titles, models; escaping for a prompt's own syntax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from opto.trace.base import Node
from opto.trace.lines import Lines, Single
from opto.trace.outline import Outline
from opto.trace.pack import Packed, Packer
from opto.trace.propagators.graph_propagator import TraceGraph
from opto.trace.room import Shown, Values
from opto.trace.tokens import estimate_tokens

_WHOLE = 4
"""A graph is shown whole if it takes no more than this part of the budget."""
_LEAST = 8
"""Part of the budget for all else where variables and feedback alone exceed it."""
_CHARACTERS = 8


__all__ = ["Rendered", "Shown", "estimate_tokens", "render"]


class Rendered(NamedTuple):
    """What a model reads about a feedback; each part in the order of execution."""

    code: tuple[str, ...]
    """One line for one operation, `add0 = add(x=a0, y=int1)`, or for many (x48 has a real sign):

    - `a … b: x48 of f = f(x=<the one before>, y=<int>)`: 48 iterations of a pattern, from a to b in
      the order of execution; what stands in `<>` is another node in each of them. Numbers after
      `;` are the first and the last result.
    - `a … b: x48 like c … d, 960 operations in all`: rounds of an outer loop, like the lines from c
      to d.
    - `a … b: 120 operations (f x80, g x40) on p0 … p9`: any others, and the parameters first used
      there.

    `(reads)=p` is a node that the function read without being given it.
    """
    documentation: tuple[str, ...]
    """`[function] what it does`; the second function of a name is `[function #2]`."""
    variables: tuple[Shown, ...]
    """The parameters the feedback is for, whole."""
    inputs: tuple[Shown, ...]
    """Other roots, and values that no parameter reaches."""
    others: tuple[Shown, ...]
    """Intermediate values."""
    outputs: tuple[Shown, ...]
    """What the feedback is about."""
    feedback: str
    tokens: int
    """Tokens of all of the above, with tags around each value."""
    folded: int
    """Operations without a line of their own."""
    shortened: int
    """Values, variables aside, that are not shown whole."""


def render(
    graph: TraceGraph,
    *,
    budget_tokens: int = 8_000,
    count: Callable[[str], int] = estimate_tokens,
) -> Rendered:
    """What an optimizer's model reads about `graph`. About linear in nodes and edges.

    Args:
        graph: What was said, and about what.
        budget_tokens: For everything. If variables and feedback alone take more, they are still
            whole, and all else gets an eighth of the budget on top.
        count: Tokens of a text; it is asked about what may be shown, not about every node.

    Returns:
        The same for the same graph, in every process. Trainable parameters that `graph` was not
        made for (another optimizer's) are inputs.
    """
    outline = Outline(graph)
    values = Values(outline, count)
    variables = tuple(map(values.variable, outline.variables))
    fixed = sum(map(values.cost, variables)) + count(outline.feedback)
    room = budget_tokens - fixed if fixed < budget_tokens else budget_tokens // _LEAST
    parts = _Parts(outline, values, count)
    body = parts.whole(min(room, budget_tokens // _WHOLE)) or parts.folded(
        room, budget_tokens // _WHOLE
    )
    known = {id(shown.node) for part in body.shown for shown in part if shown.whole}
    told = [key for key in known | body.packed.inlined if key in outline.place]
    return Rendered(
        code=body.packed.lines,
        documentation=body.documentation,
        variables=variables,
        inputs=body.shown[0],
        others=body.shown[1],
        outputs=body.shown[2],
        feedback=outline.feedback,
        tokens=fixed + body.tokens,
        folded=len(outline.ops) - len(body.packed.shown),
        shortened=len(outline.nodes) - len(variables) - len(told),
    )


class _Body(NamedTuple):
    """All but variables and feedback."""

    packed: Packed
    documentation: tuple[str, ...]
    shown: tuple[tuple[Shown, ...], tuple[Shown, ...], tuple[Shown, ...]]
    """Inputs, others, outputs."""
    tokens: int


class _Parts:
    """Divides room between code, documentation and values."""

    def __init__(self, outline: Outline, values: Values, count: Callable[[str], int]) -> None:
        self.outline, self.values, self.count = outline, values, count
        self.outputs = [sink for sink in outline.sinks if id(sink) not in outline.number]
        self._ends = set(outline.number) | {id(sink) for sink in self.outputs}

    def whole(self, room: int) -> _Body | None:
        """Everything, or None if it takes more than `room` tokens."""
        outline, values = self.outline, self.values
        if len(outline.nodes) > room:
            return None
        lines = Lines(outline, short=False)
        packed = Packer(outline, lines, self.count, lambda _: 0).whole(room)
        if packed is None:
            return None
        documentation, tokens = values.documents(packed.operators, room)
        tokens += packed.tokens
        sections = (self._inputs(outline.roots), self._others(outline.ops), self.outputs)
        shown: list[tuple[Shown, ...]] = []
        for nodes in sections:
            part = []
            for node in nodes:
                one = values.short(node, room * _CHARACTERS)
                tokens += values.cost(one)
                if not one.whole or tokens > room:
                    return None
                part.append(one)
            shown.append(tuple(part))
        inputs, others, outputs = shown
        return _Body(packed, documentation, (inputs, others, outputs), tokens)

    def _inputs(self, nodes: Sequence[Node[Any]]) -> list[Node[Any]]:
        return [node for node in nodes if id(node) not in self._ends]

    _others = _inputs

    def folded(self, room: int, roomy: int) -> _Body:
        """What tells most within `room` tokens; folds only what does not fit `roomy`."""
        outline, values = self.outline, self.values
        lines = Lines(outline, short=True)
        packer = Packer(outline, lines, self.count, values.least)
        items = packer.items()
        if all(isinstance(item, Single) for item in items) and (all_of_it := self.whole(room)):
            return all_of_it
        packed = packer.pack(items, room // 2, min(roomy, room // 2))
        documentation, spent = values.documents(packed.operators, room // 8)
        left = room - packed.tokens - spent
        inputs = self._inputs(packed.needs)
        others = self._others([outline.ops[at] for at in packed.shown])
        shown, used = self._shown(inputs, others, left)
        hidden = self._hidden(packed, {id(one.node) for part in shown for one in part})
        body = [list(part) for part in shown]
        for section, nodes in ((0, hidden[0]), (1, hidden[1])):
            more, cost = values.counted(nodes, left - used)
            body[section].extend(more)
            used += cost
        inputs_, others_, outputs_ = map(tuple, body)
        tokens = packed.tokens + spent + used
        return _Body(packed, documentation, (inputs_, others_, outputs_), tokens)

    def _shown(
        self, inputs: list[Node[Any]], others: list[Node[Any]], room: int
    ) -> tuple[tuple[list[Shown], list[Shown], list[Shown]], int]:
        """The values of the sections, each with a bounded share; what one leaves others get."""
        values = self.values
        must = sum(map(values.least, inputs))
        free = max(room - must, 0)
        outputs, a = values.fit(self.outputs, free * 2 // 5)
        named, b = values.fit(inputs, must + (free - a) * 2 // 5, must=True)
        middle, c = values.fit(others, room - a - b - (room - a - b) // 8)
        if a + b + c < room * 9 // 10 and not all(shown.whole for shown in outputs):
            outputs, a = values.fit(self.outputs, room - b - c - (room - b - c) // 8)
        return (named, middle, outputs), a + b + c

    def _hidden(self, packed: Packed, shown: set[int]) -> tuple[list[Node[Any]], list[Node[Any]]]:
        """Inputs and intermediate values that are neither shown nor written into a line."""
        known = shown | self._ends | packed.inlined
        inputs = [node for node in self.outline.roots if id(node) not in known]
        return inputs, [node for node in self.outline.ops if id(node) not in known]
