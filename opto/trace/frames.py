"""How an exception in a bundled function is told: by the user's own lines.

Lives here: the message of an exception node, the traceback without our frames, the source of each
frame with the failing line marked.
Never here: nodes, raising.
"""

from __future__ import annotations

import linecache
from pathlib import Path
from types import CodeType, TracebackType
from typing import NamedTuple

_OURS = str(Path(__file__).parent)
_CONTEXT = 3
"""Lines of source shown above and below the failing one."""


class Place(NamedTuple):
    """One frame of the user's: where it was when the exception passed."""

    file: str
    line: int
    function: str
    code: CodeType | None = None


def describe(fault: BaseException) -> str:
    """`"(TypeName) message"`; types outside `builtins` with their module; no message, no space."""
    kind = type(fault)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        message = str(fault)
    except Exception as odd:  # noqa: BLE001  (anybody's __str__ may be broken)
        message = f"whose text cannot be had: {type(odd).__name__}"
    return f"({name}) {message}" if message else f"({name})"


def places(trace: TracebackType | None) -> list[Place]:
    """The frames of a traceback outside this package, outermost first."""
    found: list[Place] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(_OURS):
            found.append(Place(code.co_filename, trace.tb_lineno, code.co_name, code))
        trace = trace.tb_next
    return found


def traceback_text(message: str, found: list[Place]) -> str:
    """The frames as Python prints them, then the message."""
    lines = ["Traceback (most recent call last):"]
    for place in found:
        lines.append(f'  File "{place.file}", line {place.line}, in {place.function}')
        if source := linecache.getline(place.file, place.line).strip():
            lines.append(f"    {source}")
    return "\n".join([*lines, message])


def annotated_source(message: str, found: list[Place]) -> str:
    """The source of each frame with `<--- message` at the line that failed."""
    shown: list[str] = []
    for place in found:
        first, last = _extent(place)
        for number in range(first, last + 1):
            text = linecache.getline(place.file, number).rstrip("\n")
            shown.append(f"{text} <--- {message}" if number == place.line else text)
        shown.append("")
    return "\n".join(shown).rstrip() or message


def _extent(place: Place) -> tuple[int, int]:
    """First and last line of the function a frame is in, or some lines around it."""
    numbers = [line for *_, line in place.code.co_lines() if line] if place.code else []
    if not numbers:
        return max(1, place.line - _CONTEXT), place.line + _CONTEXT
    return min(numbers), max(numbers)
