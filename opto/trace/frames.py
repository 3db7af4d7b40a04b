"""How an exception in a bundled function is told: by the user's own lines.

Lives here: the message of an exception node, the traceback without our frames, the source of each
frame with the failing line marked.
Never here: nodes, raising.
"""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import CodeType, TracebackType
from typing import NamedTuple

from opto.trace.errors import ArgumentError

_OURS = str(Path(__file__).parent)
_CONTEXT = 3
"""Lines of source shown above and below the failing one."""


class Place(NamedTuple):
    """One frame of the user's: where it was when the exception passed."""

    file: str
    line: int
    function: str
    code: CodeType | None = None

    @property
    def shown(self) -> str:
        """The place and its line, as in Python's tracebacks."""
        head = f'  File "{self.file}", line {self.line}, in {self.function}'
        source = linecache.getline(self.file, self.line).strip()
        return f"{head}\n    {source}" if source else head


def describe(fault: BaseException) -> str:
    """`"(TypeName) message"`; types outside `builtins` with their module; no message, no space."""
    if isinstance(fault, ArgumentError):  # in other programs a TypeError without a place
        return f"(TypeError) {fault.what}"
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


def caller() -> list[Place]:
    """The user's line that is being run: the innermost frame outside this package, if any."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_OURS):
            return [Place(code.co_filename, frame.f_lineno, code.co_name, code)]
        frame = frame.f_back  # type: ignore[assignment]
    return []


def traceback_text(message: str, found: list[Place]) -> str:
    """The frames as Python prints them, then the message."""
    shown = [place.shown for place in found]
    return "\n".join(["Traceback (most recent call last):", *shown, message])


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
