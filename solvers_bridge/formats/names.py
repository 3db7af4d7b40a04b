"""Names that every reader of LP and MPS files accepts.

Lives here: turning `make[chairs, 3]` into `make_chairs_3`, legal and unique.
Never here: writing files, numpy.

The rules are the intersection of what readers take: letters, digits and underscores, a letter
first, not a keyword of the LP format, not something that reads as a number (`e12`, `inf`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LENGTH = 200
_OTHER = re.compile(r"[^A-Za-z0-9_]+")
_NUMBER_LIKE = re.compile(r"[eE]\d*\Z|[eE]\d+(_|\Z)|(?i:inf|infinity|nan)\Z")
_KEYWORD = re.compile(
    r"(?i:bin(ary|aries)?|bounds?|end|free|gen(erals?)?|int(egers?)?|max(imi[sz]e|imum)?"
    r"|min(imi[sz]e|imum)?|obj|rhs|rng|bnd|sec|semi|sin|sos[12]?|st|subject|such)\Z"
)


def legal(name: str, *, prefix: str) -> str:
    """`name` with other characters as underscores; `prefix` goes first where it must."""
    plain = _OTHER.sub("_", name).strip("_")[:_LENGTH]
    if not plain:
        return prefix
    if not plain[0].isalpha() or _KEYWORD.match(plain) or _NUMBER_LIKE.match(plain):
        return f"{prefix}_{plain}"
    return plain


def legal_names(names: Iterable[str], *, prefix: str) -> list[str]:
    """One legal name each, all different; a repeated one gets `_2`, `_3`, ...

    Args:
        names: Names as the model has them.
        prefix: Letter put before names that may not stand alone, e.g. `x`.

    Returns:
        As many names as came in, in the same order.
    """
    given: set[str] = set()
    counts: dict[str, int] = {}
    out: list[str] = []
    for name in names:
        base = candidate = legal(name, prefix=prefix)
        while candidate in given:
            counts[base] = counts.get(base, 1) + 1
            candidate = f"{base}_{counts[base]}"
        given.add(candidate)
        out.append(candidate)
    return out
