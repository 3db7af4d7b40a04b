"""Algorithms by name: ours, and those that other packages offer.

Lives here: the table of names and the look-up.
Never here: imports of algorithms; they are loaded when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from opto.search.algorithm import Algorithm
from opto.search.errors import SearchError, UnknownOptimizerError

GROUP = "opto.optimizers"
"""Entry points: name to an Algorithm, a Spec, or a function without arguments that makes one."""
_SPECS = "opto.optimizers.search"
BUILT_IN: dict[str, str] = {
    "opto": f"{_SPECS}.default:opto",
    "gepa": f"{_SPECS}.gepa:gepa",
    "priority_search": f"{_SPECS}.polca:priority_search",
    "polca": f"{_SPECS}.polca:polca",
    "opro": f"{_SPECS}.opro:opro",
    "miprov2": f"{_SPECS}.product:miprov2",
    "product": f"{_SPECS}.product:product",
    "bootstrap_random_search": f"{_SPECS}.demos:bootstrap_random_search",
    "bridge": f"{_SPECS}.demos:bridge",
    "zopo": f"{_SPECS}.zopo:zopo",
    "abo": f"{_SPECS}.abo:abo",
    "random_search": f"{_SPECS}.baselines:random_search",
    "successive_halving": f"{_SPECS}.baselines:successive_halving",
    "revert": f"{_SPECS}.baselines:revert",
    "beam": f"{_SPECS}.tree:beam",
    "promst": f"{_SPECS}.tree:promst",
}
"""Name to `module:attribute` of the same."""


def optimizer(name: str) -> Algorithm:
    """The algorithm called `name`.

    Raises:
        UnknownOptimizerError: There is none; a near miss is named.
        SearchError: What is registered under the name is no algorithm.
    """
    offered: dict[str, Callable[[], Any]] = {
        point.name: point.load for point in entry_points(group=GROUP)
    }
    for own, place in BUILT_IN.items():
        offered[own] = lambda place=place: _load(place)  # type: ignore[misc]
    if name not in offered:
        near = get_close_matches(name, offered, n=1)
        known = ", ".join(sorted(offered)) or "none is installed"
        raise UnknownOptimizerError(
            f"No optimizer is called {name!r}.",
            fix=(f"Did you mean {near[0]!r}? " if near else "") + f"Known: {known}.",
        )
    return as_algorithm(offered[name](), name)


def as_algorithm(found: Any, name: str) -> Algorithm:
    """An Algorithm, a Spec, or a maker of one, as an Algorithm.

    Raises:
        SearchError: It is none of them.
    """
    if isinstance(found, type) or (callable(found) and not hasattr(found, "run")):
        try:
            found = found()
        except TypeError as error:
            raise SearchError(
                f"The optimizer {name!r} cannot be made without arguments: {error}",
                fix="Give an Algorithm, a Spec, or a function without arguments that makes one.",
            ) from error
    if callable(make := getattr(found, "algorithm", None)):
        found = make()
    if not all(hasattr(found, part) for part in ("name", "reserve", "describe", "run", "propose")):
        raise SearchError(
            f"The optimizer {name!r} is {type(found).__name__}, which is no Algorithm.",
            fix="It needs name, reserve, describe(), run(view) and propose(action, ...).",
        )
    return found  # type: ignore[no-any-return]


def _load(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
