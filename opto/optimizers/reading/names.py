"""Which parameter a reply means by a name.

Lives here: matching names.
Never here: values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def match_name(written: str, known: Mapping[str, T]) -> T | None:
    """What `written` names: exactly, or as `name:3` for `name3`; None for nothing."""
    plain = " ".join(written.split()).strip("\"'`")
    for name in (written, plain, plain.replace(":", "")):
        if name in known:
            return known[name]
    return None


MISSPELT = "did you mean"


def unknown_name(written: str, known: Iterable[str]) -> str:
    """Words for a name that is not known, with the nearest that is."""
    from difflib import get_close_matches  # noqa: PLC0415  (only where a name is wrong)

    names = list(known)
    near = get_close_matches(written, names, n=1)
    some = f"{MISSPELT} {near[0]}?" if near else f"known are {', '.join(names[:20])}"
    return f"There is no variable called {written}; {some}"
