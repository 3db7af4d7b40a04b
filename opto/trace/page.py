"""A node as a card in a notebook.

Lives here: `node_html`.
Never here: the drawing itself (`opto.trace.draw`), feedback rules.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from html import escape
from typing import Any

from opto.trace.base import Node
from opto.trace.draw import draw
from opto.trace.look import plain, shown
from opto.trace.nodes import MessageNode
from opto.trace.propagators.graph_propagator import TraceGraph
from opto.trace.shorten import type_name

ANCESTORS = 30
"""The most nodes in the drawing of a card: the node and its nearest ancestors."""
_VALUE, _TEXT, _LISTED = 2000, 600, 12
"""Characters of the value, of any other text, and entries of a list shown."""
_CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"


def node_html(node: Node[Any]) -> str:
    """Kind, name, value, description, parents, feedback and the nearest ancestors, escaped.

    Costs no more for a node far down a long trace than for one near its top.
    """
    value = node._now
    kind = (
        node._KIND if node.trainable or node._KIND != "ParameterNode" else "ParameterNode, frozen"
    )
    type_ = _text(type_name(type(value)))
    head = f"{kind} <code>{_text(node.name)}</code> of type <code>{type_}</code>"
    rows = [("value", _pre(shown(value, _VALUE)))]
    if isinstance(node, MessageNode):
        rows.append(("operation", f"<code>{_text(node.op_name)}</code>"))
    if node.description:
        rows.append(("description", _pre(plain(node.description, _TEXT))))
    if parents := _parents(node):
        rows.append(("inputs", parents))
    if said := _feedback(node):
        rows.append(("feedback", said))
    cells = "".join(
        f'<tr><th scope="row" style="{_CELL}">{name}</th><td style="{_CELL}">{cell}</td></tr>'
        for name, cell in rows
    )
    return (
        '<div style="font-family:system-ui,sans-serif;font-size:13px">'
        f"<p>{head}</p><table>{cells}</table>{_origin(node)}</div>"
    )


def _parents(node: Node[Any]) -> str:
    """The inputs by name, with the start of their values."""
    if not isinstance(node, MessageNode):
        return ""
    pairs = list(zip(node._names, node._parents, strict=False))
    return _list(
        [
            f"<code>{_text(name)}</code> = <code>{_text(parent.name)}</code>: "
            f"<code>{_text(shown(parent._now, 60))}</code>"
            for name, parent in pairs[:_LISTED]
        ],
        len(pairs),
    )


def _feedback(node: Node[Any]) -> str:
    """What was said, each text once, with the outputs it was said about."""
    about: dict[str, dict[str, None]] = {}
    for child, parts in node.feedback.items():
        for part in parts:
            if isinstance(part, TraceGraph):
                for sink, word in part.said:
                    about.setdefault(shown(word, _TEXT), {})[sink.name] = None
            else:
                about.setdefault(shown(part, _TEXT), {})[child.name] = None
    return _list(
        [
            f"{_pre(words)}<small>on {_text(', '.join(list(names)[:_LISTED]))}</small>"
            for words, names in list(about.items())[:_LISTED]
        ],
        len(about),
    )


def _origin(node: Node[Any]) -> str:
    """The drawing of the nearest ancestors, where there are any."""
    near, more = _nearest(node)
    if len(near) == 1:
        return ""
    title = f"The {len(near) - 1} nearest of more ancestors" if more else "Computed from"
    drawing = draw(near, print_limit=60)._repr_html_()
    return f"<details><summary>{title}</summary>{drawing}</details>"


def _nearest(node: Node[Any]) -> tuple[Sequence[Node[Any]], bool]:
    """At most `ANCESTORS` nodes, the nearest first, and whether there are more."""
    found = {id(node): node}
    waiting = deque([node])
    while waiting:
        for parent in getattr(waiting.popleft(), "_sources", ()):
            if id(parent) in found:
                continue
            if len(found) == ANCESTORS:
                return list(found.values()), True
            found[id(parent)] = parent
            waiting.append(parent)
    return list(found.values()), False


def _list(items: Sequence[str], count: int) -> str:
    rest = f"<br>and {count - len(items)} more" if count > len(items) else ""
    return "<br>".join(items) + rest


def _pre(text: str) -> str:
    return f'<pre style="margin:0;white-space:pre-wrap;text-align:left">{escape(text)}</pre>'


def _text(text: str) -> str:
    return escape(plain(text, _TEXT))
