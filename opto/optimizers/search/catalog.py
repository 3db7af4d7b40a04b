"""The algorithms by name.

Lives here: the table of names.
Never here: algorithms; their modules are imported when a name is asked for.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from opto.optimizers.errors import OptionError
from opto.search.spec import Spec

_WHERE = {
    "opto": ("default", "opto"),
    "gepa": ("gepa", "gepa"),
    "priority_search": ("polca", "priority_search"),
    "polca": ("polca", "polca"),
    "opro": ("opro", "opro"),
    "random_search": ("baselines", "random_search"),
    "successive_halving": ("baselines", "successive_halving"),
    "revert": ("baselines", "revert"),
    "miprov2": ("product", "miprov2"),
    "product": ("product", "product"),
    "zopo": ("zopo", "zopo"),
    "abo": ("abo", "abo"),
    "beam": ("tree", "beam"),
    "promst": ("tree", "promst"),
}


def names() -> tuple[str, ...]:
    """Every algorithm there is as a Spec."""
    return tuple(_WHERE)


def named(name: str, **options: Any) -> Spec:
    """The Spec called `name`.

    Args:
        name: One of `names()`.
        options: Keyword arguments of its function, e.g. `reserve=0.3` for `opto`.

    Raises:
        OptionError: Nothing is called that.
    """
    if name not in _WHERE:
        near = get_close_matches(name, _WHERE, n=1)
        raise OptionError(
            f"No search algorithm is called {name!r}.",
            fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(_WHERE)}.",
        )
    module, function = _WHERE[name]
    spec = getattr(import_module(f"opto.optimizers.search.{module}"), function)(**options)
    assert isinstance(spec, Spec)  # noqa: S101  (our own table)
    return spec
