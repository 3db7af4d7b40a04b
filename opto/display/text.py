"""Text for a terminal: untrusted words made harmless, numbers made readable.

Lives here: pure functions from values to strings. Never here: output, colors.
"""

from __future__ import annotations

import unicodedata

_KEEP = frozenset("\n\t")


def plain(text: str) -> str:
    """`text` without what could steer a terminal: control, escape and bidirectional characters."""
    return "".join(
        char if char in _KEEP or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} else "\ufffd"
        for char in text
    )


def number(value: float) -> str:
    """`value` with up to 10 significant digits and thousands separators: `1,234.5`."""
    rounded = float(f"{value:.10g}")
    if rounded == 0:
        return "0"
    if abs(rounded) >= 1e15 or abs(rounded) < 1e-4:  # noqa: PLR2004 - scientific reads better
        return f"{rounded:g}"
    return f"{rounded:,.10f}".rstrip("0").rstrip(".")


def amount(value: float, unit: str | None) -> str:
    """`value` with its unit: `$1,200`, `40 chairs`, `3`."""
    if not unit:
        return number(value)
    unit = plain(unit)
    if unit in {"$", "€", "£"}:
        sign = "-" if value < 0 else ""
        return f"{sign}{unit}{number(abs(value))}"
    return f"{number(value)} {unit}"
