"""A picture as SVG: self-contained, no script, readable in light and dark mode.

Lives here: markup, and escaping for it.
Never here: positions (`opto.trace.layout`), what a node looks like (`opto.trace.look`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from zlib import crc32

from opto.trace.layout import Point, Size, arrange
from opto.trace.look import Look, Role, columns
from opto.trace.picture import Box, Picture

_COLUMN, _LINE, _PADDING = 7.4, 16.0, 8.0
"""Pixels of a character, a line, and between border and text, at a font size of 12."""
_BASELINE = 0.78
"""Where letters stand in their line, in parts of it."""
_NARROWEST = 60.0
_HEAD = 7.0
"""Length of an arrow head in pixels."""
_ROUND: Mapping[str, float] = {"ellipse": 14.0, "octagon": 0.0, "note": 0.0}
_BASE = """.opto-trace{background:#fff}
.opto-trace{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.opto-trace text{fill:#18181b;white-space:pre}.opto-trace .name{font-weight:bold}
.opto-trace .edge{fill:none;stroke:#8e8e96;stroke-width:1.2}.opto-trace .head{fill:#8e8e96}
.opto-trace .said{stroke-dasharray:4 3}"""
_DARK = """.opto-trace{background:#101012}.opto-trace text{fill:#f4f4f5}
.opto-trace .edge{stroke:#85858d}.opto-trace .head{fill:#85858d}"""


def to_svg(picture: Picture) -> str:
    """The picture as one `<svg>` element. Positions are worked out here, O(boxes + arrows)."""
    sizes = [_size(box) for box in picture.boxes]
    pairs = [(arrow.start, arrow.end) for arrow in picture.arrows]
    layout = arrange(sizes, pairs)
    corners, paths = layout.corners, layout.paths
    if picture.reverse:
        corners = [
            (x, layout.height - y - size[1]) for (x, y), size in zip(corners, sizes, strict=True)
        ]
        paths = [[(x, layout.height - y) for x, y in reversed(path)] for path in paths]
    wide, tall = _number(layout.width), _number(layout.height)
    scope, style = _style(picture.looks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="opto-trace {scope}" role="img"'
        f' xml:space="preserve" width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}">',
        f"<title>{escape(picture.title)}</title>",
        f"<style>{style}</style>",
    ]
    for path, arrow in zip(paths, picture.arrows, strict=True):
        parts.append(_arrow(path, picture.boxes[arrow.end].role == "feedback", arrow.label))
    parts += map(_box, picture.boxes, corners, sizes)
    return "\n".join([*parts, "</svg>"])


def _size(box: Box) -> Size:
    widest = max(columns(line) for line in box.lines)
    return max(_NARROWEST, widest * _COLUMN + 2 * _PADDING), len(box.lines) * _LINE + 2 * _PADDING


def _style(looks: Mapping[Role, Look]) -> tuple[str, str]:
    """Rules for each role, in light and in dark mode, and the class they hold for.

    The class is one of these rules: several drawings of different looks may share a page.
    """
    light = [
        f".opto-trace .{role} rect{{fill:{look.fill};stroke:{look.border};"
        f"stroke-width:{look.pen:g};stroke-dasharray:{look.dashes or 'none'}}}"
        for role, look in looks.items()
    ]
    dark = [
        f".opto-trace .{role} rect{{fill:{look.dark_fill};stroke:{look.dark_border}}}"
        for role, look in looks.items()
    ]
    dark_rules = "\n".join([_DARK, *dark])
    rules = "\n".join([_BASE, *light, f"@media(prefers-color-scheme:dark){{{dark_rules}}}"])
    scope = f"opto-{crc32(rules.encode()):08x}"
    rules = rules.replace(".opto-trace", f".{scope}")
    # A style guide of the user's may hold any text; nothing in it may close the element.
    return scope, rules.replace("&", "&amp;").replace("<", "&lt;")


def _arrow(path: Sequence[Point], said: bool, label: str) -> str:
    """A line with a head at its end; the name of the input is its tooltip."""
    end_x, end_y = path[-1]
    up = -1.0 if path[0][1] > end_y else 1.0
    stops = [*path[:-1], (end_x, end_y - up * _HEAD)]
    x, y = stops[0]
    steps = [f"M{_number(x)} {_number(y)}"]
    for to_x, to_y in stops[1:]:
        if to_x == x:
            steps.append(f"V{_number(to_y)}")
        else:
            middle = _number((y + to_y) / 2)
            steps.append(
                f"C{_number(x)} {middle} {_number(to_x)} {middle} {_number(to_x)} {_number(to_y)}"
            )
        x, y = to_x, to_y
    side, base = _HEAD / 2, end_y - up * _HEAD
    head = f"M{_number(end_x)} {_number(end_y)}L{_number(end_x - side)} {_number(base)}"
    head += f"H{_number(end_x + side)}Z"
    title = f"<title>{escape(label)}</title>" if label else ""
    kind = "edge said" if said else "edge"
    return (
        f'<g>{title}<path class="{kind}" d="{"".join(steps)}"/><path class="head" d="{head}"/></g>'
    )


def _box(box: Box, corner: Point, size: Size) -> str:
    """A box with its text; the inner `<svg>` cuts off what a font makes wider than expected."""
    (x, y), (width, height) = corner, size
    many = len(box.lines) > 2 or any(line.startswith(" ") for line in box.lines)  # noqa: PLR2004
    # Text of several lines, code above all, begins at the left.
    place = f'x="{_number(_PADDING)}"' if many else f'x="{_number(width / 2)}" text-anchor="middle"'
    lines = []
    for number, line in enumerate(box.lines):
        name = "" if number else ' class="name"'
        down = _number(_PADDING + (number + _BASELINE) * _LINE)
        if line.strip():
            lines.append(f'<text {place} y="{down}"{name}>{escape(line)}</text>')
    rounded = _ROUND.get(box.shape, 4.0)
    return (
        f'<svg class="{box.role}" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}"'
        f' height="{_number(height)}"><title>{escape(box.tooltip)}</title>'
        f'<rect x="1.5" y="1.5" width="{_number(width - 3)}" height="{_number(height - 3)}"'
        f' rx="{rounded:g}"/>{"".join(lines)}</svg>'
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
