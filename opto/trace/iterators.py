"""Walking over the items of a node; every item is a node computed from it.

Lives here: `iterate`, `SeqIterable`, `DictIterable`.
Never here: third-party imports (an array is known by its behaviour).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opto.trace.base import Node
from opto.trace.gather import as_node
from opto.trace.table import OPS


class SeqIterable:
    """The items of a sequence, each by `getitem`."""

    def __init__(self, wrapped: Node[Any]) -> None:
        self.wrapped = wrapped

    def __iter__(self) -> Iterator[Node[Any]]:
        getitem = OPS["getitem"]
        for number in range(len(self.wrapped.data)):
            yield getitem(self.wrapped, number)


class DictIterable:
    """Pairs of key node and value node of a dict."""

    def __init__(self, wrapped: Node[Any]) -> None:
        self.wrapped = wrapped

    def __iter__(self) -> Iterator[tuple[Node[Any], Node[Any]]]:
        for key in SeqIterable(OPS["keys"](self.wrapped)):
            yield key, OPS["getitem"](self.wrapped, key)


def iterate(x: Any) -> Any:
    """An iterable of nodes over `x`: items of a sequence, keys of a dict, members of a set.

    Raises:
        ExecutionError: The data of `x` cannot be iterated over; `x` is the parent.
    """
    wrapped = as_node(x)
    data = wrapped.data
    if isinstance(data, dict):
        return SeqIterable(OPS["keys"](wrapped))
    if isinstance(data, set | frozenset):
        return SeqIterable(OPS["to_list"](wrapped))
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return SeqIterable(wrapped)
    return SeqIterable(OPS["to_list"](wrapped))
