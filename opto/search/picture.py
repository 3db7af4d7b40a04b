"""Small SVG pictures of points and trees. All text is escaped.

Lives here: drawing.
Never here: what the numbers mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 520, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 34
_STYLE = 'font-family="sans-serif" font-size="11"'
_INK, _BRIGHT = "#4477aa", "#cc3311"


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with a text that shows when pointed at."""

    x: float
    y: float
    label: str
    bright: bool = False


def scatter(marks: Sequence[Mark], *, x: str, y: str, line: bool = False) -> str:
    """Points with axes named `x` and `y`, joined in their order if `line`."""
    if not marks:
        return _svg('<text x="20" y="30">nothing measured</text>', HEIGHT)
    xs, ys = _range([m.x for m in marks]), _range([m.y for m in marks])
    places = [
        (_at(m.x, xs, _LEFT, WIDTH - _RIGHT), _at(m.y, ys, HEIGHT - _BOTTOM, _TOP)) for m in marks
    ]
    parts = [_axes(xs, ys, x, y)]
    if line:
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_INK}"/>')
    for (px, py), mark in zip(places, marks, strict=True):
        parts.append(_dot(px, py, mark))
    return _svg("".join(parts), HEIGHT)


def tree(marks: Sequence[Mark], edges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> str:
    """Marks on a grid (x: column, y: row), joined by `edges`."""
    columns = max((int(mark.x) for mark in marks), default=0) + 1
    rows = max((int(mark.y) for mark in marks), default=0) + 1
    wide = (WIDTH - 40) / max(columns - 1, 1)

    def place(column: float, row: float) -> tuple[float, float]:
        return 20 + column * wide, 20 + row * 18

    parts = []
    for start, end in edges:
        (x1, y1), (x2, y2) = place(*start), place(*end)
        parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#999"/>'
        )
    parts += [_dot(*place(mark.x, mark.y), mark) for mark in marks]
    return _svg("".join(parts), 40 + (rows - 1) * 18)


def _svg(inside: str, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'width="{WIDTH}" height="{height:g}" {_STYLE}>{inside}</svg>'
    )


def _dot(x: float, y: float, mark: Mark) -> str:
    color, size = (_BRIGHT, 4) if mark.bright else (_INK, 3)
    title = escape(mark.label)
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{color}">'
        f"<title>{title}</title></circle>"
    )


def _axes(xs: tuple[float, float], ys: tuple[float, float], x: str, y: str) -> str:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    return (
        f'<path d="M{_LEFT},{_TOP}V{bottom}H{right}" fill="none" stroke="#666"/>'
        f'<text x="{_LEFT}" y="{bottom + 14}">{xs[0]:.4g}</text>'
        f'<text x="{right}" y="{bottom + 14}" text-anchor="end">{xs[1]:.4g}</text>'
        f'<text x="{(right + _LEFT) / 2}" y="{bottom + 28}" text-anchor="middle">{escape(x)}</text>'
        f'<text x="{_LEFT - 4}" y="{bottom}" text-anchor="end">{ys[0]:.3g}</text>'
        f'<text x="{_LEFT - 4}" y="{_TOP + 8}" text-anchor="end">{ys[1]:.3g}</text>'
        f'<text x="12" y="{HEIGHT / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {HEIGHT / 2})">{escape(y)}</text>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _at(value: float, span: tuple[float, float], start: float, end: float) -> float:
    return start + (value - span[0]) / (span[1] - span[0]) * (end - start)
