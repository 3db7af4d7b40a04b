"""Lists and dicts that have parameters.

Lives here: `Seq`, `Map`, `trainable_method`.
Never here: recording.
"""

from __future__ import annotations

from collections import UserDict, UserList
from collections.abc import Iterable, Mapping
from typing import Any

from opto.trace.bundle import FunModule
from opto.trace.gather import NodeContainer
from opto.trace.modules import ParameterContainer

__all__ = ["Map", "NodeContainer", "ParameterContainer", "Seq", "trainable_method"]


class Seq(UserList[Any], ParameterContainer):
    """A list whose items may be nodes or modules; `parameters()` finds those in it."""

    def __init__(self, *items: Any) -> None:
        """Hold `items`, or the items of the one iterable given."""
        one = items[0] if len(items) == 1 else None
        super().__init__(one if isinstance(one, Iterable) and not _is_part(one) else items)


class Map(UserDict[Any, Any], ParameterContainer):
    """A dict whose keys and values may be nodes or modules."""

    def __init__(self, mapping: Mapping[Any, Any] | None = None, /, **items: Any) -> None:
        super().__init__(mapping or {}, **items)


def _is_part(item: Any) -> bool:
    from opto.trace.base import Node  # noqa: PLC0415

    return isinstance(item, Node | ParameterContainer | str)


def trainable_method(method: Any) -> bool:
    """Is this a bundled method whose code is a parameter?"""
    return isinstance(method, FunModule) and method.parameter is not None
