"""How a node looks: its role, the text in its box, shape and colors.

Lives here: the style guides, and making any value safe and short enough to be shown.
Never here: positions, markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple

from opto.trace.base import Node
from opto.trace.nodes import ExceptionNode, MessageNode
from opto.trace.text import preview

Role = Literal["parameter", "input", "operation", "output", "exception", "feedback", "gap"]

COLUMNS = 32
"""Characters in a line of a box."""
_LONGEST_NAME = 60
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    "\ufffe\uffff]"
)
"""Control characters, half surrogates, non-characters, and what reorders the text around it."""


class Look(NamedTuple):
    """How the nodes of one role look. Colors are CSS colors, for light and for dark mode."""

    shape: str
    """A shape of graphviz."""
    fill: str
    border: str
    dark_fill: str
    dark_border: str
    pen: float = 1.0
    """Width of the border in pixels."""
    dashes: str = ""
    """As in `stroke-dasharray`; empty for a solid border."""


_PLAIN: Mapping[Role, Look] = {
    "parameter": Look("box", "#fff4d6", "#b26a00", "#3b2e12", "#f0b64d", 2.5),
    "input": Look("ellipse", "#f4f4f5", "#71717a", "#27272a", "#a1a1aa"),
    "operation": Look("box", "#ffffff", "#52525b", "#18181b", "#a1a1aa"),
    "output": Look("box", "#e6f4ea", "#1e7a3a", "#12301c", "#5fcf86", 2.5),
    "exception": Look("octagon", "#fde8e8", "#b3261e", "#3d1514", "#ff8a80", 2.5, "6 3"),
    "feedback": Look("note", "#eaf1fd", "#2a5db0", "#14233f", "#8ab4f8", 1.0, "3 3"),
    "gap": Look("plaintext", "#f4f4f5", "#71717a", "#27272a", "#a1a1aa", 1.0, "2 4"),
}
_VIVID: Mapping[Role, Look] = {
    **_PLAIN,
    "parameter": Look("box", "#ffd27a", "#8a4b00", "#6b4700", "#ffd27a", 2.5),
    "input": Look("ellipse", "#cfe2ff", "#1c4fa0", "#173a70", "#9cc2ff"),
    "operation": Look("box", "#e5d9ff", "#5b34a8", "#3c2a6b", "#c3adff"),
    "output": Look("box", "#b6eac6", "#12662c", "#17592c", "#8ee6a9", 2.5),
    "exception": Look("octagon", "#ffb4ac", "#8c1d18", "#7a1d18", "#ffb4ac", 2.5, "6 3"),
}


class NodeVizStyleGuide:
    """Decides role, text, shape and colors of each node. Derive to decide otherwise."""

    looks: Mapping[Role, Look] = _PLAIN

    def __init__(
        self, style: Literal["default", "detailed"] = "default", print_limit: int = 100
    ) -> None:
        """Show at most `print_limit` characters of a value; "detailed" adds descriptions."""
        self.style, self.print_limit = style, print_limit

    def role(self, node: Node[Any], *, is_output: bool = False) -> Role:
        """What the node is to the reader; `is_output`: nothing that is drawn comes from it."""
        if isinstance(node, ExceptionNode):
            return "exception"
        if isinstance(node, MessageNode):
            return "output" if is_output else "operation"
        return "parameter" if node.trainable else "input"

    def get_label(self, node: Node[Any]) -> str:
        """The text in the box: name and data; if asked for, description and inputs as well."""
        parts = [plain(node.py_name, _LONGEST_NAME)]
        if self.style == "detailed":
            parts.append(plain(node._description, 2 * self.print_limit))
            if isinstance(node, MessageNode):
                pairs = islice(node.inputs.items(), self.print_limit)
                given = ", ".join(f"{name}={parent.py_name}" for name, parent in pairs)
                parts.append(plain(f"({given})", 2 * self.print_limit))
        return "\n".join([*parts, shown(node._now, self.print_limit)])

    def get_node_shape(self, node: Node[Any]) -> str:
        """A shape of graphviz."""
        return self.looks[self.role(node)].shape

    def get_color(self, node: Node[Any]) -> str:
        """The fill in light mode."""
        return self.looks[self.role(node)].fill

    def get_attrs(self, node: Node[Any]) -> dict[str, str]:
        """Label, shape, fill and border, by the names of graphviz."""
        look = self.looks[self.role(node)]
        return {
            "label": self.get_label(node),
            "shape": self.get_node_shape(node),
            "fillcolor": self.get_color(node),
            "color": look.border,
        }


class NodeVizStyleGuideColorful(NodeVizStyleGuide):
    """Each role in a strong color of its own."""

    looks = _VIVID


def shown(value: Any, limit: int) -> str:
    """At most `limit` characters of a value: text as it is, anything else as its `repr`."""
    if isinstance(value, str):
        return plain(str.__getitem__(value, slice(limit + 1)), limit)
    if type(value) in (list, tuple, set, frozenset) and len(value) > limit:
        value = type(value)(islice(value, limit))  # its repr is still longer than the limit
    elif type(value) is dict and len(value) > limit:
        value = dict(islice(value.items(), limit))
    return plain(preview(value, 4 * limit + 8), limit)


def plain(text: str, limit: int) -> str:
    """The first `limit` characters; what is no printable character or line break is replaced."""
    cut = text[: max(1, limit)]
    if len(cut) < len(text):
        cut = cut[:-1] + "…"
    return _HIDDEN.sub(_stand_in, cut.replace("\r\n", "\n").expandtabs(4))


def _stand_in(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"  # noqa: PLR2004  (control pictures)


def lines_of(text: str, most: int) -> list[str]:
    """`text` in lines of at most `COLUMNS` columns, and at most `most` lines."""
    lines: list[str] = []
    for whole in text.split("\n"):
        start = width = 0
        for at, character in enumerate(whole):
            width += columns(character)
            if width > COLUMNS:
                lines.append(whole[start:at])
                start, width = at, columns(character)
        lines.append(whole[start:])
        if len(lines) > most:
            return [*lines[: most - 1], "…"]
    return lines


def columns(text: str) -> int:
    """The width in columns of a fixed-width font."""
    if text.isascii():
        return len(text)
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)
