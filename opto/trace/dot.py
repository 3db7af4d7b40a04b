"""A picture as DOT text, for graphviz and whatever else reads it.

Lives here: the text, and quoting for it.
Never here: positions, running graphviz.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from opto.trace.picture import Picture


def to_dot(picture: Picture) -> str:
    """A `digraph`: one statement a line; every name and label is quoted."""
    names = _names(picture)
    lines = [
        "digraph trace {",
        '  graph [rankdir="TB"];',
        '  node [fontname="monospace", fontsize="10", style="filled"];',
        '  edge [fontname="monospace", fontsize="9", color="#8e8e96"];',
    ]
    for box, name in zip(picture.boxes, names, strict=True):
        look = picture.looks[box.role]
        attributes = {
            "label": "\n".join(box.lines),
            "shape": box.shape,
            "fillcolor": box.fill,
            "color": look.border,
            "penwidth": f"{look.pen:g}",
            "tooltip": box.tooltip,
        }
        if look.dashes:
            attributes["style"] = "filled,dashed"
        lines.append(f"  {name} [{_listed(attributes)}];")
    for arrow in picture.arrows:
        start, end = names[arrow.start], names[arrow.end]
        if picture.reverse:
            start, end = end, start
        label = f' [label="{quoted(arrow.label)}"]' if arrow.label and picture.detailed else ""
        lines.append(f"  {start} -> {end}{label};")
    return "\n".join([*lines, "}", ""])


def _names(picture: Picture) -> list[str]:
    """A quoted identifier for each box: its name, with a number where two have the same."""
    seen: Counter[str] = Counter()
    taken = {box.name for box in picture.boxes}
    names: list[str] = []
    for box in picture.boxes:
        name = box.name
        while seen[box.name] and name in taken:
            seen[box.name] += 1
            name = f"{box.name} ({seen[box.name]})"
        seen[box.name] = max(1, seen[box.name])
        taken.add(name)
        names.append(f'"{quoted(name)}"')
    return names


def _listed(attributes: Mapping[str, str]) -> str:
    return ", ".join(f'{key}="{quoted(value)}"' for key, value in attributes.items())


def quoted(text: str) -> str:
    r"""`text` for between double quotes; `\l` ends a line and puts it to the left."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("\n", "\\l") + ("\\l" if "\n" in text else "")
