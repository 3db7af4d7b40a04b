"""Gold answers as they are printed.

Lives here: numbers that keep their digits, the words for no optimum, placeholders, when two labels
say the same, and how an error shows a value.
Never here: whether the answer of a program is right (`benchmarks.scoring`), files.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.datasets.errors import DatasetError

LABEL_ABS = 0.01
LABEL_REL = 1e-3
PLACEHOLDERS = frozenset({-99999.0})
"""Numbers that published sets print where they have no answer."""
_MISSING = frozenset({"", "none", "null", "n/a", "na", "-", "unknown"})
_WORDS: Mapping[str, tuple[str, ...]] = {
    "infeasible": ("infeasible",),
    "no feasible solution": ("infeasible",),
    "no solution": ("infeasible",),
    "unbounded": ("unbounded",),
    "no best solution": ("infeasible", "unbounded"),
    "no optimal solution": ("infeasible", "unbounded"),
    "infeasible or unbounded": ("infeasible", "unbounded"),
}
"""What a source writes instead of a number; where it leaves the kind open, both count as right."""
_SHOWN = 60
"""Characters of an unreadable answer that an error shows."""
_BRIEF = 40
"""Characters of any other value that an error shows."""
_NUMBER = re.compile(r"[$€£¥]?\s*([-+]?(?:\d[\d,]*)?\.?\d+(?:[eE][-+]?\d+)?|[-+]?\d[\d,]*\.)")


class Printed(float):
    """A number of a JSON file that remembers its digits: `12.50` stays `12.50`."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Printed:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def accepted(value: Any) -> tuple[str, ...]:
    """Every answer `value` stands for, as printed; empty where it stands for none.

    Args:
        value: A number, a text, None, or a list of these; a number read as `Printed` keeps its
            digits.

    Raises:
        DatasetError: A truth value, a number that is not finite or does not fit a float, or a text
            that is neither a number nor one of the known words.
    """
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(dict.fromkeys(one for entry in value for one in accepted(entry)))
    if isinstance(value, bool):
        raise DatasetError(f"{json.dumps(value)} is neither a number nor a word for no optimum.")
    if isinstance(value, Printed):
        return _from_number(value, value.text)
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError as fault:
            raise DatasetError("A whole number is too long for a float.") from fault
        return _from_number(number, plain(number) if math.isfinite(number) else str(number))
    return _from_text(str(value))


def _from_number(number: float, text: str) -> tuple[str, ...]:
    if not math.isfinite(number):
        size = f" of {len(text)} characters" if len(text) > _SHOWN else ""
        raise DatasetError(f"{text[:_SHOWN]!r}{size} is not a finite number.")
    return () if number in PLACEHOLDERS else (text,)


def _from_text(text: str) -> tuple[str, ...]:
    words = text.strip().rstrip(".").casefold()
    if words in _MISSING:
        return ()
    if words in _WORDS:
        return _WORDS[words]
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise DatasetError(f"{text[:_SHOWN]!r} is neither a number nor a word for no optimum.")
    digits = found[1].replace(",", "")
    return _from_number(float(digits), digits)


def plain(number: float) -> str:
    """A computed number as text: `880` for 880.0, else the shortest digits that give it back."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)  # noqa: PLR2004


def same_label(one: str, other: str) -> bool:
    """Do two labels say the same: equal words, or numbers within max(0.01, 1e-3 relative)?

    Wider than a verdict on an answer, for labels are rounded and computed with gaps. `other` is
    what the relative part is taken of.
    """
    try:
        first, second = float(one), float(other)
    except ValueError:
        return one == other
    return abs(first - second) <= max(LABEL_ABS, LABEL_REL * abs(second))


def agree(some: Sequence[str], others: Sequence[str]) -> bool:
    """Does any accepted answer of one source say the same as any of another?"""
    return any(same_label(one, other) for one in some for other in others)


def shown(value: Any) -> str:
    """A value of a file in a few harmless characters."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    words = value.text if isinstance(value, Printed) else ascii(value)
    return words if len(words) <= _BRIEF else words[:_BRIEF] + "…"
