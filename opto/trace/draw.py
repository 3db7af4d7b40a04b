"""Drawings of a trace, as SVG and as DOT text, without graphviz.

Lives here: `draw`, and `Drawing`, which shows itself in notebooks and saves itself.
Never here: layout, markup, feedback rules.
"""

from __future__ import annotations

import html
import tempfile
import webbrowser
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from opto.trace.base import Node
from opto.trace.dot import to_dot
from opto.trace.errors import TraceError
from opto.trace.look import NodeVizStyleGuide, NodeVizStyleGuideColorful
from opto.trace.picture import Picture, picture_of
from opto.trace.svg import to_svg

__all__ = ["Drawing", "NodeVizStyleGuide", "NodeVizStyleGuideColorful", "draw"]


class Drawing:
    """A drawing of some nodes as they were when it was made."""

    def __init__(self, picture: Picture) -> None:
        """Hold what is to be drawn; `draw` is the usual way."""
        self._picture = picture

    @cached_property
    def source(self) -> str:
        """The graph as DOT text, for graphviz."""
        return to_dot(self._picture)

    @cached_property
    def svg(self) -> str:
        """The drawing as one `<svg>` element: no script, nothing loaded from elsewhere."""
        return to_svg(self._picture)

    def save(self, path: str | Path) -> Path:
        """Write the drawing; the suffix decides the format.

        Args:
            path: A file ending in `.svg`, `.dot` (text for graphviz) or `.html`.

        Raises:
            TraceError: Another suffix.
        """
        file = Path(path)
        if file.suffix == ".svg":
            text = f'<?xml version="1.0" encoding="utf-8"?>\n{self.svg}\n'
        elif file.suffix == ".dot":
            text = self.source
        elif file.suffix == ".html":
            text = self._page()
        else:
            raise TraceError(
                f"A drawing cannot be saved as {file.name!r}.",
                fix="End the name in .svg, .html or .dot.",
            )
        file.write_text(text, encoding="utf-8")
        return file

    def render(self, filename: str | Path = "trace", *, view: bool = False) -> str:
        """Write the drawing as SVG.

        Args:
            filename: Where to; `.svg` is added unless it is there.
            view: Open the file in the browser.

        Returns:
            The path written.
        """
        file = Path(filename)
        if file.suffix != ".svg":
            file = file.with_name(f"{file.name}.svg")
        self.save(file)
        if view:
            webbrowser.open(file.resolve().as_uri())
        return str(file)

    def view(self) -> str:
        """Open the drawing in the browser.

        Returns:
            The temporary file shown; it is left for the browser to read.
        """
        file = Path(tempfile.mkdtemp(prefix="opto-trace-")) / "trace.html"
        self.save(file)
        webbrowser.open(file.as_uri())
        return str(file)

    def _page(self) -> str:
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>Trace: {html.escape(self._picture.title)}</title>"
            '<meta name="color-scheme" content="light dark">'
            f"</head><body>\n{self.svg}\n</body></html>\n"
        )

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto;max-height:45em">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<Drawing of {self._picture.title}>"


def draw(
    nodes: Sequence[Node[Any]],
    *,
    feedback: str = "",
    simple_visualization: bool = True,
    reverse_plot: bool = False,
    print_limit: int = 100,
    style: NodeVizStyleGuide | None = None,
) -> Drawing:
    """Draw nodes and the edges between them, inputs above, outputs below.

    Args:
        nodes: What to draw, in any order. Of more than 1,000 nodes the first and the last 500 in
            order of execution are drawn, with a box between that says how many are left out.
        feedback: Shown below the outputs.
        simple_visualization: False adds descriptions and the names of inputs.
        reverse_plot: Arrows point from a value to what it was computed from; outputs are above.
        print_limit: Characters of a value shown, 1 or more; tooltips show more.
        style: Decides the look of each node, and then `print_limit` and `simple_visualization` as
            well: `get_label` the text, `role` and `looks` all colors and borders, `get_node_shape`
            and `get_color` those in the DOT text.

    Raises:
        TraceError: `print_limit` is below 1.
    """
    if print_limit < 1:
        raise TraceError(
            f"print_limit is {print_limit}.", fix="Give the characters of a value to show, from 1."
        )
    detail: Literal["default", "detailed"] = "default" if simple_visualization else "detailed"
    guide = style or NodeVizStyleGuide(detail, print_limit)
    return Drawing(picture_of(nodes, feedback, guide, reverse=reverse_plot))
