"""What to say about options that an optimizer does not have.

Lives here: the error.
Never here: options themselves; each optimizer's `__init__` names its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from opto.optimizers.errors import OptionError


def unknown_option(kind: type, args: Sequence[Any], kwargs: Mapping[str, Any]) -> OptionError:
    """The error for arguments nobody took; it names the nearest known option."""
    if args:
        return OptionError(
            f"{kind.__name__} takes parameters and llm by position; {len(args)} more were given.",
            fix="Name the options: memory_size=5.",
        )
    import inspect  # noqa: PLC0415  (only for the message)
    from difflib import get_close_matches  # noqa: PLC0415

    known = sorted(
        {
            name
            for cls in kind.__mro__
            if cls is not object and "__init__" in vars(cls)
            for name, about in inspect.signature(vars(cls)["__init__"]).parameters.items()
            if about.kind is about.KEYWORD_ONLY
        }
    )
    odd = next(iter(kwargs))
    near = get_close_matches(odd, known, n=1)
    return OptionError(
        f"{kind.__name__} has no option {odd!r}.",
        fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(known)}.",
    )


def refuse(kind: type, given: Mapping[str, Any], names: Collection[str] | None = None) -> None:
    """Refuse the options among `given` that `kind` does not take: those in `names`, or all.

    Raises:
        OptionError: There is one.
    """
    odd = [name for name in given if names is None or name in names]
    if odd:
        raise OptionError(f"{kind.__name__} takes no {odd[0]!r}.")
