"""Pictures of a report as SVG inside a page: no script, colors from the page's style.

Lives here: drawing. All text is escaped; every picture has a title and a description in words.
Never here: what the numbers mean, tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.report.model import Group
from benchmarks.report.words import limits, line, percent
from benchmarks.scoring import wilson

_WIDTH, _LINE, _LABEL, _RIGHT = 640, 24, 190, 60
_TALL, _LEFT, _TOP, _BOTTOM = 220, 46, 12, 34
_POINTS = 400
"""Most points of a line; more cannot be seen."""
_BINS = 24
_FAR = 2.0
"""An axis is cut where its end would be further out than so many times the 99th percentile."""


def bars(title: str, groups: Sequence[Group]) -> str:
    """A bar per group with its interval."""
    wide = _WIDTH - _LABEL - _RIGHT
    parts = []
    for place, group in enumerate(groups):
        y = 6 + place * _LINE
        low, high = (_LABEL + wide * limit for limit in group.share.interval)
        middle = y + _LINE / 2 - 2
        parts.append(
            f'<text x="{_LABEL - 8}" y="{middle + 4:.1f}" text-anchor="end">'
            f"{escape(line(group.name, 28))}</text>"
            f'<rect class="bar" x="{_LABEL}" y="{y}" height="{_LINE - 8}" '
            f'width="{wide * (group.share.value or 0):.1f}"/>'
            f'<path class="limit" d="M{low:.1f},{middle - 5:.1f}v10m0,-5H{high:.1f}m0,-5v10"/>'
            f'<text x="{_WIDTH - 4}" y="{middle + 4:.1f}" text-anchor="end">'
            f"{percent(group.share.value)}</text>"
        )
    said = ", ".join(f"{line(g.name, 28)} {percent(g.share.value)}" for g in groups)
    return _svg(title, said, "".join(parts), 12 + len(groups) * _LINE)


def counts(title: str, numbers: Mapping[str, int]) -> str:
    """A bar per name, as long as its number."""
    most = max(numbers.values(), default=1) or 1
    wide = _WIDTH - _LABEL - _RIGHT
    parts = []
    for place, (name, number) in enumerate(numbers.items()):
        y = 6 + place * _LINE
        length = wide * number / most
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + 13}" text-anchor="end">{escape(line(name, 28))}</text>'
            f'<rect class="wrong" x="{_LABEL}" y="{y}" height="{_LINE - 8}" '
            f'width="{length:.1f}"/>'
            f'<text x="{_LABEL + length + 6:.1f}" y="{y + 13}">{number}</text>'
        )
    said = ", ".join(f"{line(name, 28)} {number}" for name, number in numbers.items())
    return _svg(title, said, "".join(parts), 12 + len(numbers) * _LINE)


def running(title: str, right: Sequence[float]) -> str:
    """Share right after each problem, with its interval (Wilson).

    Args:
        title: Of the picture.
        right: Per problem the share of its tries that are right, in the order in which they ended.
    """
    total = 0.0
    points: list[tuple[int, float, tuple[float, float]]] = []
    every = max(1, len(right) // _POINTS)
    for n, one in enumerate(right, 1):
        total += one
        if n % every == 0 or n == len(right):
            points.append((n, total / n, wilson(total, n)))
    if not points:
        return ""
    last = points[-1][0]

    def at(n: float, share: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - 14) * n / last
        y = _TALL - _BOTTOM - (_TALL - _BOTTOM - _TOP) * min(1.0, max(0.0, share))
        return f"{x:.1f},{y:.1f}"

    above = [at(n, high) for n, _, (_, high) in points]
    below = [at(n, low) for n, _, (low, _) in reversed(points)]
    path = " ".join(at(n, share) for n, share, _ in points)
    inside = (
        _grid([(f"{100 * step:g}%", step) for step in (0, 0.25, 0.5, 0.75, 1)], f"{last} problems")
        + f'<polygon class="band" points="{" ".join([*above, *below])}"/>'
        + f'<polyline class="line" points="{path}"/>'
    )
    _, share, interval = points[-1]
    said = f"{percent(share)} (95 % interval {limits(interval)}) after {last} problems"
    return _svg(title, said, inside, _TALL)


def histogram(title: str, values: Sequence[float], unit: str) -> str:
    """How many values lie in each of 24 bins.

    The axis ends at the largest value. Where that is far above the 99th percentile, it ends there,
    says so, and the last bin holds all above.
    """
    if not values:
        return ""
    ordered = sorted(values)
    longest = ordered[-1]
    top = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    cut = 0 < top < longest / _FAR
    if not cut:
        top = longest or 1.0
    bins = [0] * _BINS
    for value in ordered:
        bins[min(_BINS - 1, int(_BINS * value / top))] += 1
    most = max(bins)
    wide = (_WIDTH - _LEFT - 14) / _BINS
    parts = []
    for place, number in enumerate(bins):
        tall = (_TALL - _BOTTOM - _TOP) * number / most
        end = longest if cut and place == _BINS - 1 else top * (place + 1) / _BINS
        parts.append(
            f'<rect class="bar" x="{_LEFT + place * wide:.1f}" y="{_TALL - _BOTTOM - tall:.1f}" '
            f'width="{wide - 1:.1f}" height="{tall:.1f}"><title>{top * place / _BINS:.3g} to '
            f"{end:.3g} {escape(unit)}: {number}</title></rect>"
        )
    more = f" and more, longest {longest:.3g} {unit}" if cut else ""
    inside = _grid([("0", 0.0), (str(most), 1.0)], f"{top:.3g} {unit}{more}") + "".join(parts)
    said = f"{len(ordered)} values, longest {longest:.3g} {unit}"
    return _svg(title, said, inside, _TALL)


def matrix(title: str, cells: Mapping[tuple[str, str], int]) -> str:
    """A square per pair, the darker the more."""
    rows = sorted({row for row, _ in cells})
    columns = sorted({column for _, column in cells})
    most = max(cells.values(), default=1) or 1
    wide, tall, top = 110, 30, 26
    parts = [
        f'<text x="{_LABEL + (place + 0.5) * wide}" y="16" text-anchor="middle">'
        f"{escape(line(name, 16))}</text>"
        for place, name in enumerate(columns)
    ]
    for down, row in enumerate(rows):
        y = top + down * tall
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + 19}" text-anchor="end">{escape(line(row, 28))}</text>'
        )
        for across, column in enumerate(columns):
            number = cells.get((row, column), 0)
            x = _LABEL + across * wide
            shade = 0.1 + 0.7 * number / most if number else 0.03
            parts.append(
                f'<rect class="cell" x="{x}" y="{y}" width="{wide - 2}" height="{tall - 2}" '
                f'fill-opacity="{shade:.2f}"/>'
                f'<text x="{x + wide / 2}" y="{y + 19}" text-anchor="middle">{number}</text>'
            )
    said = ", ".join(f"{line(a, 28)} for {line(b, 28)}: {n}" for (a, b), n in cells.items())
    return _svg(title, said, "".join(parts), top + len(rows) * tall + 6)


def _grid(marks: Sequence[tuple[str, float]], last: str) -> str:
    """Lines across at `marks`, and what the right end of the axis stands for."""
    base = _TALL - _BOTTOM
    parts = []
    for name, share in marks:
        y = base - (base - _TOP) * share
        parts.append(
            f'<path class="grid" d="M{_LEFT},{y:.1f}H{_WIDTH - 14}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>'
        )
    parts.append(f'<text x="{_LEFT}" y="{base + 18}">0</text>')
    end = f'<text x="{_WIDTH - 14}" y="{base + 18}" text-anchor="end">{escape(last)}</text>'
    return "".join([*parts, end])


def _svg(title: str, said: str, inside: str, height: float) -> str:
    name = escape(line(title))
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" height="{height:g}">'
        f"<title>{name}</title><desc>{escape(said)}</desc>{inside}</svg>"
    )
