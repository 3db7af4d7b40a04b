"""Strategies as plain data: every setting of an algorithm goes into the log and comes back.

Lives here: the registry of strategies, `encode` and `decode`.
Never here: strategies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar

from opto.search.canon import JSON
from opto.search.errors import SearchError

T = TypeVar("T")
_KINDS: dict[str, type] = {}
KIND = "kind"
_MODULES = (
    "opto.search.spec",
    "opto.search.strategies.tpe",
    "opto.search.strategies.ntk",
    "opto.search.strategies.subsets",
)


def strategy(cls: type[T]) -> type[T]:
    """Register a frozen dataclass under its name, so that `decode` finds it."""
    _KINDS[cls.__name__] = cls
    return cls


def encode(value: Any) -> JSON:
    """A strategy as JSON: its fields and, under `kind`, its name.

    Raises:
        SearchError: It holds something that is no data.
    """
    if is_dataclass(value) and not isinstance(value, type):
        inner: dict[str, JSON] = {KIND: type(value).__name__}
        return inner | {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise SearchError(
        f"{type(value).__name__} is no plain data, so it cannot be part of a Spec.",
        fix="Use numbers, text, tuples and strategies.",
    )


def decode(data: JSON) -> Any:
    """What `encode` wrote; fields that are missing take their defaults.

    Raises:
        SearchError: A kind or a field is unknown.
    """
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, Mapping):
        return data
    cls = _named(str(data.get(KIND)))
    known = {f.name for f in fields(cls)}
    if odd := sorted(data.keys() - known - {KIND}):
        raise SearchError(
            f"{cls.__name__} has no field {odd[0]!r}.", fix=f"It has: {', '.join(sorted(known))}."
        )
    try:
        return cls(**{name: decode(item) for name, item in data.items() if name != KIND})
    except TypeError as error:
        raise SearchError(f"{cls.__name__} cannot be made: {error}.") from error


def _named(name: str) -> type[Any]:
    for module in _MODULES:  # each registers its strategies
        import_module(module)
    if name in _KINDS:
        return _KINDS[name]
    near = get_close_matches(name, _KINDS, n=1)
    raise SearchError(
        f"No strategy is called {name!r}.",
        fix=f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(_KINDS))}.",
    )
