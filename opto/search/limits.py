"""Names of limits: a wrong one is explained, in Python and on the command line.

Lives here: `limits_checked`, `unknown_limit`.
Never here: what a limit means (`opto.search.budget`).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

from opto.search.errors import BudgetError

T = TypeVar("T")


def limits_checked(made: type[T]) -> type[T]:
    """A class decorator: a keyword that is no slot is a BudgetError that names a near miss."""
    begin = made.__init__
    known: tuple[str, ...] = made.__slots__  # type: ignore[attr-defined]

    @wraps(begin)
    def init(self: T, *unnamed: Any, **limits: Any) -> None:
        if unnamed:
            raise BudgetError(
                "A budget must say what it limits.", fix="For example Budget(metric=500)."
            )
        for name in limits:
            if name not in known:
                raise unknown_limit(name, known)
        begin(self, **limits)

    made.__init__ = init  # type: ignore[assignment]
    return made


def unknown_limit(name: str, known: Sequence[str]) -> BudgetError:
    """What to raise for a limit that does not exist."""
    near = get_close_matches(name, known, n=1)
    return BudgetError(
        f"A budget has no limit called {name!r}.",
        fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(known)}.",
    )
