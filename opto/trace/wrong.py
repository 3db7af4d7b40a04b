"""What to say of a call with arguments that the function does not take.

Lives here: the errors of such calls, with near misses, and where in the user's program it was.
Never here: binding arguments (`opto.trace.signature`); anything on the way of a call that is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from opto.trace.errors import ArgumentError
from opto.trace.frames import caller

_FORMER = {"constraint": "description"}
"""Names that Trace's programs may still use."""


def unknown_option(function: str, given: Iterable[str], known: Sequence[str]) -> ArgumentError:
    """What to raise when one of our functions gets a keyword it does not know."""
    name = next(iter(given))
    return ArgumentError(
        f"{function}() got an unexpected keyword argument {name!r}.",
        where=_here(),
        fix=f"{_near(name, known)}Known: {', '.join(known)}.",
    )


def wrong_call(
    function: Callable[..., Any], inspected: Any, given: Mapping[str, Any], fault: TypeError
) -> ArgumentError:
    """What to raise when a bundled function is called with other arguments than it takes.

    Args:
        function: The function.
        inspected: Its `inspect.Signature`.
        given: The keyword arguments of the call.
        fault: What `inspect` says of it.
    """
    name = getattr(function, "__qualname__", type(function).__name__).rpartition("<locals>.")[2]
    known = list(inspected.parameters)
    odd = [key for key in given if key not in known]
    hint = _near(odd[0], known) if odd else ""
    return ArgumentError(
        f"{name}(): {fault}.",
        where=_here(),
        fix=f"{hint}It is defined as {name}{inspected}.",
    )


def _near(name: str, known: Sequence[str]) -> str:
    former = _FORMER.get(name)
    near = [former] if former in known else get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def _here() -> str:
    return "\n".join(place.shown for place in caller())
