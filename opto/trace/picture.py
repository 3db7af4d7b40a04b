"""What is drawn, before it has a place: boxes with text, and arrows between them.

The texts are taken when the picture is made: a parameter that changes later does not change it.

Lives here: `Picture` and making one of nodes.
Never here: positions, markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from opto.trace.base import Node
from opto.trace.look import Look, NodeVizStyleGuide, Role, lines_of, plain, shown
from opto.trace.nodes import MessageNode
from opto.trace.shorten import type_name

MOST = 1000
"""The most nodes drawn; of more, the first and the last half of it."""
_TOOLTIP = 1000
"""The least number of characters of a value in a tooltip."""


class Box(NamedTuple):
    """One box: a node, the feedback, or what is left out."""

    name: str
    role: Role
    lines: list[str]
    tooltip: str
    shape: str
    fill: str


class Arrow(NamedTuple):
    """From one box, by its number, to a later one; the label is the name of the input."""

    start: int
    end: int
    label: str = ""


class Picture(NamedTuple):
    """Boxes, parents before children, and arrows from parent to child."""

    boxes: list[Box]
    arrows: list[Arrow]
    looks: Mapping[Role, Look]
    title: str
    reverse: bool
    """Do arrows point from child to parent?"""
    detailed: bool
    """Are descriptions and the names of inputs shown?"""


def picture_of(
    nodes: Sequence[Node[Any]], feedback: str, guide: NodeVizStyleGuide, *, reverse: bool
) -> Picture:
    """The picture of `nodes` and the edges between them. O(nodes + edges)."""
    given = {id(node): node for node in nodes}
    order = sorted(given.values(), key=lambda node: (node.level, node.serial))
    places, left_out = _places(order)
    arrows = _arrows(order, places)
    starts = {arrow.start for arrow in arrows}
    boxes: list[Box] = []
    for node in order:
        if places[id(node)] == len(boxes):
            if left_out and len(boxes) == MOST // 2:
                boxes.append(_gap(left_out, guide))
            else:
                boxes.append(_box(node, guide, is_output=len(boxes) not in starts))
    if feedback:
        sinks = [number for number in range(len(boxes)) if number not in starts]
        arrows += [Arrow(sink, len(boxes)) for sink in sinks]
        boxes.append(_note(feedback, guide))
    title = f"{len(order)} nodes" if len(order) != 1 else "1 node"
    if left_out:
        title += f", {left_out} of them left out"
    return Picture(boxes, arrows, guide.looks, title, reverse, guide.style == "detailed")


def _places(order: Sequence[Node[Any]]) -> tuple[dict[int, int], int]:
    """The number of each node's box, and how many nodes share the box of those left out."""
    left_out = max(0, len(order) - MOST)
    half = MOST // 2
    places: dict[int, int] = {}
    for number, node in enumerate(order):
        if not left_out or number < half:
            places[id(node)] = number
        else:
            places[id(node)] = half if number < half + left_out else number - left_out + 1
    return places, left_out


def _arrows(order: Sequence[Node[Any]], places: Mapping[int, int]) -> list[Arrow]:
    """An arrow for each pair of boxes; an input given twice has both names on one arrow."""
    named: dict[tuple[int, int], dict[str, None]] = {}
    for node in order:
        end = places[id(node)]
        for label, parent in _inputs(node):
            start = places.get(id(parent))
            if start is not None and start != end:
                named.setdefault((start, end), {})[label] = None
    return [
        Arrow(start, end, plain(", ".join(labels), _TOOLTIP)) if len(labels) < MOST
        else Arrow(start, end)
        for (start, end), labels in named.items()
    ]  # fmt: skip


def _inputs(node: Node[Any]) -> Iterator[tuple[str, Node[Any]]]:
    if isinstance(node, MessageNode):
        yield from zip(node._names, node._parents, strict=False)
        yield from (("read inside", parent) for parent in node._hidden)


def _box(node: Node[Any], guide: NodeVizStyleGuide, *, is_output: bool) -> Box:
    role = guide.role(node, is_output=is_output)
    value = node._now
    limit = max(_TOOLTIP, 4 * guide.print_limit)
    text = node.description or ""
    about = f"{role} {node.name}, {type_name(type(value))}" + (f"\n{text}" if text else "")
    if isinstance(node, MessageNode):
        about = f"{role} {node.name} = {node.op_name}(…), {type_name(type(value))}\n{text}".rstrip()
    return Box(
        name=plain(node.py_name, _TOOLTIP),
        role=role,
        lines=_lines(guide.get_label(node), guide),
        tooltip=f"{plain(about, limit)}\n\n{shown(value, limit)}",
        shape=guide.looks[role].shape if role == "output" else guide.get_node_shape(node),
        fill=guide.looks[role].fill if role == "output" else guide.get_color(node),
    )


def _lines(text: str, guide: NodeVizStyleGuide) -> list[str]:
    return lines_of(text, max(12, guide.print_limit // 10))


def _note(feedback: str, guide: NodeVizStyleGuide) -> Box:
    look = guide.looks["feedback"]
    lines = ["feedback", *_lines(shown(feedback, 3 * guide.print_limit), guide)]
    return Box("feedback", "feedback", lines, shown(feedback, 10 * _TOOLTIP), look.shape, look.fill)


def _gap(left_out: int, guide: NodeVizStyleGuide) -> Box:
    look = guide.looks["gap"]
    text = f"… {left_out} nodes left out …"
    return Box("left out", "gap", [text], text, look.shape, look.fill)
