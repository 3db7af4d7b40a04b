"""Small pictures in text: a curve, and what changed in a value.

Lives here: pure functions from numbers and values to lines.
Never here: output; what the numbers mean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import unified_diff
from typing import Any

from opto.display.text import plain

ROWS, COLUMNS = 7, 60
MOST_LINES = 60
"""Lines of one difference that are shown."""


def curve(points: Sequence[tuple[float, float]], *, x: str) -> list[str]:
    """The last y of each column over x, as a staircase of `COLUMNS` by `ROWS` characters.

    Args:
        points: (x, y) in ascending x.
        x: The name of the axis.
    """
    if not points:
        return ["nothing measured"]
    most = max(points[-1][0], 1e-9)
    low, high = min(y for _, y in points), max(y for _, y in points)
    span = (high - low) or 1.0
    rows = [[" "] * COLUMNS for _ in range(ROWS)]
    seen: float | None = None
    for column, y in enumerate(_columns(points, most)):
        seen = y if y is not None else seen
        if seen is not None:
            rows[ROWS - 1 - round((seen - low) / span * (ROWS - 1))][column] = "•"
    labels = {0: f"{high:.3g}", ROWS - 1: f"{low:.3g}"} if high > low else {ROWS - 1: f"{low:.3g}"}
    lines = [f"{labels.get(at, ''):>7} │{''.join(row)}".rstrip() for at, row in enumerate(rows)]
    lines = lines if high > low else lines[-1:]
    end = f"{most:g} {x}"
    return [*lines, f"{'':>7} └{'─' * COLUMNS}", f"{'':>9}0{end:>{COLUMNS - 1}}"]


def _columns(points: Sequence[tuple[float, float]], most: float) -> list[float | None]:
    found: list[float | None] = [None] * COLUMNS
    for x, y in points:
        found[min(COLUMNS - 1, int(x / most * COLUMNS))] = y
    return found


def changed(before: Any, after: Any) -> list[str]:
    """Lines of a difference: each begins with `+`, `-`, `@` or a space. Empty if there is none."""
    if before == after:
        return []
    old, new = as_text(before).splitlines(), as_text(after).splitlines()
    found = [line.rstrip("\n") for line in unified_diff(old, new, lineterm="", n=2)][2:]
    if len(old) <= 1 and len(new) <= 1:
        found = found[1:]  # one line needs no place
    left = len(found) - MOST_LINES
    return [*found[:MOST_LINES], f"@ {left} more lines"] if left > 0 else found


def as_text(value: Any) -> str:
    """A value as a person reads it; harmless in a terminal."""
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    return plain(text)
