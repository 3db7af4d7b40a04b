"""Numbers and untrusted words as short text.

Lives here: what every way of showing a report shares, and escaping for Markdown.
Never here: layout. HTML is escaped where it is written, terminals are safe with `line`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks.report.model import Share
from opto.display.text import number, plain

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&:@$])")
_CUT = 160


def line(text: str, longest: int = _CUT) -> str:
    """Untrusted `text` on one line, without control characters, cut after `longest`."""
    flat = " ".join(plain(text[: 8 * longest]).split())
    return flat if len(flat) <= longest else flat[: longest - 3] + "..."


def markdown(text: str) -> str:
    """`text` that Markdown shows as it is: no link, no table cell, no tag comes of it."""
    return _MARKS.sub(r"\\\1", line(text))


def percent(value: float | None) -> str:
    """`57.1 %`."""
    return "-" if value is None else f"{100 * value:.1f} %"


def limits(interval: tuple[float, float]) -> str:
    """`32.6 to 78.6 %`."""
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def shares(share: Share) -> tuple[str, str, str, str]:
    """Right, n, share, interval."""
    right = number(round(share.right, 1))  # a sum of shares where problems were tried several times
    return right, number(share.n), percent(share.value), limits(share.interval)


def answer(value: float | str | None) -> str:
    """An answer of a try."""
    if value is None:
        return "-"
    return line(value) if isinstance(value, str) else number(value)


def golds(accepted: Sequence[str]) -> str:
    """Accepted answers as printed."""
    return line(" or ".join(accepted), 60) or "(none)"


def seconds(value: float) -> str:
    """`4.2 s`, `3 min 10 s`, `2 h 5 min`."""
    whole = round(value)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{value:.2g} s" if value < 1 else f"{value:.1f} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
