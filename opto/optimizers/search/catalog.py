"""The algorithms by name.

Lives here: making the Spec of a name; the table of names is `opto.search.registry`'s.
Never here: algorithms; their modules are imported when a name is asked for.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from opto.optimizers.errors import OptionError
from opto.search.registry import BUILT_IN
from opto.search.spec import Spec


def names() -> tuple[str, ...]:
    """Every algorithm there is as a Spec."""
    return tuple(BUILT_IN)


def named(name: str, **options: Any) -> Spec:
    """The Spec called `name`.

    Args:
        name: One of `names()`.
        options: Keyword arguments of its function, e.g. `reserve=0.3` for `opto`.

    Raises:
        OptionError: Nothing is called that.
    """
    if name not in BUILT_IN:
        near = get_close_matches(name, BUILT_IN, n=1)
        raise OptionError(
            f"No search algorithm is called {name!r}.",
            fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(BUILT_IN)}.",
        )
    module, _, function = BUILT_IN[name].partition(":")
    spec = getattr(import_module(module), function)(**options)
    assert isinstance(spec, Spec)  # noqa: S101  (our own table)
    return spec
